"""Answers that a person marks: what counts as one, and its result so far."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.grading.marking import Run, mark
from autograder.handover.protocol import TestVerdict, Verdict
from autograder.labs.assignment import Assignment, Question, Test
from autograder.notebooks.notebook import read_notebook
from autograder.notebooks.written import MAX_ANSWER, text_digest
from autograder.results.result import QuestionResult
from autograder.sandbox import Limits
from tests.fixtures.builders import notebook_json

STUB, CHINESE = "_Type your answer here, replacing this text._", "_请在此输入你的回答。_"
TESTED = Question("q1", 1.0, False, (Test("test_x", False, 1.0, ("x",), ()),), ("x",), ("x = ...",))
WRITTEN = Question("q2", 2.0, False, (), (), (), "say why", (), True, (STUB, CHINESE))
PLOT = Question("q2", 2.0, False, (), (), ("...",), "plot", (), True)
PASSED = Verdict(True, {}, (TestVerdict("test_x", True, 1.0, "", "", {}),), {})


def text(source: str, tag: str | None = "answer:q2", kind: str = "markdown") -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {"tags": [tag]} if tag else {}, "source": source}


def result_of(
    *cells: dict[str, Any], question: Question = WRITTEN, cut: str | None = None, given: frozenset[str] = frozenset()
) -> QuestionResult:
    """The result of the second question of a notebook whose first is right."""
    document = json.loads(notebook_json(("q1", "x = 3")))
    document["cells"] += cells
    lab = Assignment("tiny", (TESTED, question), {}, Limits(), 0, True, "", given=given)
    run = Run(read_notebook(json.dumps(document).encode()), (), 1, cut)
    first, second = mark(lab, run, {"q1": PASSED})
    assert (first.status, first.score) == ("passed", 1.0)
    assert (second.score, second.max_score, second.tests) == (0.0, 2.0, ())
    return second


@pytest.mark.parametrize("source", [STUB, CHINESE, f"\n{STUB}  \n", STUB.replace(" ", "\n"), "", "  \n"])
def test_an_untouched_text_is_not_attempted(source: str) -> None:
    found = result_of(text(source))
    assert (found.status, found.reason, found.answer) == ("not_attempted", "The answer has not been filled in.", "")


@pytest.mark.parametrize("source", ["Because.", f"{STUB}\n\nBecause.", "# A heading", "...", "0"])
def test_any_other_text_waits_for_a_person(source: str) -> None:
    found = result_of(text(source))
    assert (found.status, found.answer, found.reason) == ("to_review", source, "")


def test_a_notebook_that_was_stopped_is_read_all_the_same() -> None:
    assert result_of(text("Because."), cut="out of time").status == "to_review"


def test_several_cells_are_one_answer_without_those_left_as_they_were() -> None:
    found = result_of(text("First."), text(STUB), text("Second.", kind="raw"))
    assert found.answer == "First.\n\nSecond."


def test_a_cell_turned_into_code_is_an_answer_even_if_it_is_a_comment() -> None:
    found = result_of(text("# Because ```it``` is.", kind="code"))
    assert found.status == "to_review"
    assert found.answer == "````python\n# Because ```it``` is.\n````"
    assert result_of(text(STUB, kind="code")).status == "not_attempted"


def test_a_deleted_cell_costs_nothing_silently() -> None:
    found = result_of(text("Because.", tag=None))
    assert (found.status, found.answer) == ("to_review", "")
    assert "deleted or replaced" in found.reason


def test_without_tags_the_untouched_text_tells_the_cell() -> None:
    assert result_of(text(STUB, tag=None)).status == "not_attempted"


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_text_of_the_students_own_below_the_untouched_cell_is_the_answer(kind: str) -> None:
    given = frozenset({text_digest(STUB), text_digest("## Question 3")})
    cells = text(STUB), text("Because.", None, kind), text("##  Question\n3", None), text("x = 1", None, "code")
    found = result_of(*cells, text("Far away.", None), given=given)
    assert (found.status, found.answer) == ("to_review", "Because.")
    found = result_of(text("First."), text("Second.", None), given=given)
    assert found.answer == "First.\n\nSecond."
    assert result_of(*cells[:1], *cells[2:], given=given).status == "not_attempted"
    assert result_of(*cells).status == "not_attempted", "nothing is known of what was handed out"


GIVEN = frozenset({text_digest(STUB), text_digest("## Question 2"), text_digest("Hand in")})


@pytest.mark.parametrize(
    "around",
    [
        (text("Because.", None), text(STUB)),
        (text("## Question 2\n\nBecause.", None), text(STUB)),
        (text("# Because.", None, "code"), text(STUB)),
        (text(STUB), text("# Because.", None, "code")),
        (text(STUB), text("Because it is so.", None, "code")),
        (text(STUB), text('"""Because."""', None, "code")),
        (text("Because.", None), text(STUB, None)),
        (text(STUB, None), text("Because.", None)),
    ],
)
@pytest.mark.parametrize("before", [(), (text("## Question 2", None),)])
def test_a_text_of_the_students_own_beside_the_untouched_cell_is_the_answer(
    around: tuple[dict[str, Any], ...], before: tuple[dict[str, Any], ...]
) -> None:
    found = result_of(*before, *around, text("Hand in", None), text("x = 1", None, "code"), given=GIVEN)
    assert found.status == "to_review"
    assert "Because" in found.answer
    assert STUB not in found.answer


@pytest.mark.parametrize("tag", ["answer:q2", None])
def test_what_was_handed_out_or_belongs_to_others_is_no_answer(tag: str | None) -> None:
    before = text("My notes.", None), text("y = 2", None, "code"), text("My title.", None), text("## Question 2", None)
    after = text("Hand in", None), text("%time 1", None, "code"), text("z = 3", None, "code"), text("My end.", None)
    assert result_of(*before, text(STUB, tag), *after, given=GIVEN).status == "not_attempted"
    assert result_of(*before[3:], text(STUB, tag), *after, given=GIVEN).status == "not_attempted"


def test_a_question_of_another_version_is_no_answer() -> None:
    cells = text("## Question 2, as it was", None), text(STUB)
    assert result_of(*cells, given=GIVEN).status == "to_review"
    set_up = text('grader = _set_up(lab="tiny", version="0123abcd")', None, "code")
    assert result_of(set_up, *cells, given=GIVEN).status == "not_attempted"


def test_a_code_answer_waits_once_it_differs_from_its_stub() -> None:
    assert result_of(text("...  # to do", kind="code"), question=PLOT).status == "not_attempted"
    found = result_of(text("plt.plot(x)", kind="code"), question=PLOT)
    assert (found.status, found.answer) == ("to_review", "```python\nplt.plot(x)\n```")


def test_a_long_answer_is_cut() -> None:
    found = result_of(text("a" * (MAX_ANSWER + 5)))
    assert found.answer.endswith("a … (5 more characters)")


def test_a_damaged_text_cell_is_blank() -> None:
    assert result_of({"cell_type": "markdown", "metadata": {"tags": ["answer:q2"]}, "source": 3}).status == (
        "not_attempted"
    )
