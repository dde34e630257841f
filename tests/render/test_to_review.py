"""Answers to review everywhere marks are shown, before and after marking."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from autograder.gradebook.corrections import Known, read_overrides
from autograder.platforms.gradescope import results_json
from autograder.platforms.matching import Entry, Line, fill
from autograder.render.class_terminal import class_numbers, class_table
from autograder.render.feedback import feedback_html
from autograder.render.pages import write_class_report
from autograder.render.scores_csv import TO_REVIEW, scores_csv, to_review_csv
from autograder.render.terminal import result_table
from autograder.report.numbers import lab_numbers
from autograder.report.summary import summarise
from autograder.results.folder import ResultsFolder
from autograder.results.grade import Grade, Override, Row, Waiting, waiting_in
from autograder.results.handin import HandIn, Person
from autograder.results.result import QuestionResult, Result
from tests.fixtures.classes import question, row
from tests.fixtures.texts import EVIL

Q1 = question("q1", 2)
ANSWER = "Because **P - Y** is\n\n1. small\n2. =1+1"
Q7 = QuestionResult("q7", "to_review", 0.0, 2.0, answer=ANSWER)
LOST = QuestionResult("q7", "to_review", 0.0, 2.0, reason="Its answer cell was deleted.")
UNTOUCHED = QuestionResult("q7", "not_attempted", 0.0, 2.0, reason="The answer has not been filled in.")


def given(points: float, reason: str = "well put") -> dict[str, Override]:
    return {"q7": Override("q7", points, reason)}


WAITING, MISSING, NOTHING = row("ada", Q1, Q7), row("ben", Q1, LOST), row("cai", Q1, UNTOUCHED)
MARKED = row("dan", Q1, Q7, grade={"overrides": given(1.5)})
CLASS = [WAITING, MISSING, NOTHING, MARKED]


def told(shown: RenderableType) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(shown)
    return " ".join(console.export_text().split())


def test_the_grade_says_what_waits_and_what_a_mark_amounts_to() -> None:
    assert [one.grade.waiting for one in CLASS] == [(Q7,), (LOST,), (), ()]
    assert (MARKED.grade.score, MARKED.grade.status(Q7)) == (3.5, "partial")
    assert Grade(WAITING.grade.result, given(2)).status(Q7) == "passed"
    assert Grade(WAITING.grade.result, given(0)).status(Q7) == "failed"
    assert waiting_in(CLASS).words == "2 questions of 2 submissions are waiting for review"
    assert waiting_in([WAITING]).words == "1 question of 1 submission is waiting for review"
    assert waiting_in([NOTHING, MARKED]) == Waiting(0, 0)


def test_scores_csv_leaves_what_waits_empty_and_names_it() -> None:
    table = list(csv.DictReader(io.StringIO(scores_csv(CLASS, ["q1", "q7"]))))
    assert [line["q7"] for line in table] == ["", "", "0", "1.5"]
    assert [line["to_review"] for line in table] == ["q7", "q7", "", ""]
    assert table[3]["corrected"] == "q7: 1.5, marked by a person (well put)"
    assert "to_review" not in scores_csv([NOTHING, MARKED], ["q1", "q7"])


def test_to_review_csv_is_a_file_of_corrections_to_fill_in() -> None:
    text = to_review_csv(CLASS)
    assert text.startswith("\ufeff")
    table = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(line["submission"], line["question"], line["max_points"]) for line in table] == [
        ("ada", "q7", "2"),
        ("ben", "q7", "2"),
    ]
    assert table[0]["answer"] == ANSWER
    assert table[1]["answer"] == "Its answer cell was deleted."
    known = Known(
        {"ada": "ada", "ben": "ben"}, {"ada": {"q7": 2}, "ben": {"q7": 2}}, {}, {"ada": {"q7"}, "ben": {"q7"}}
    )
    assert read_overrides(text.encode(), "to-review.csv", known) == {}
    filled = text.replace("ada,q7,,,", "ada,q7,1.5,,")
    assert read_overrides(filled.encode(), "to-review.csv", known) == {"ada": {"q7": Override("q7", 1.5, "")}}


@pytest.mark.parametrize("answer", ["=1+1", "-1", "@x", "\t=1"])
def test_no_answer_is_a_formula(answer: str) -> None:
    text = to_review_csv([row("ada", replace(Q7, answer=answer), submission="=ada")])
    (line,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert line["answer"].startswith("'") or line["answer"][0] not in "=+-@\t"
    assert line["student"].startswith("'")


def test_what_a_person_has_entered_is_kept() -> None:
    text = to_review_csv(CLASS, {("ada", "q7"): ("2", "good"), ("dan", "q7"): ("1", "")})
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert tuple(lines[0]) == TO_REVIEW
    assert lines[1][:4] == ["ada", "q7", "2", "good"]
    assert len(lines) == 3


def test_check_shows_the_answer_apart_from_lost_points() -> None:
    text = told(result_table(WAITING.grade.result))
    assert "2 / 4 points provisional" in text
    assert "? waiting for review" in text
    assert "Lost points" not in text
    assert "Waiting for review q7 ?/2 This answer is marked by a person. Its 2 points are not in the score yet." in text
    assert "Because **P - Y** is" in text
    assert "provisional" not in told(result_table(NOTHING.grade.result))


def test_the_class_in_the_terminal_says_that_scores_are_provisional() -> None:
    assert "provisional 2 questions of 2 submissions are waiting for review" in told(class_numbers(summarise(CLASS)))
    assert "provisional" not in told(class_numbers(summarise([MARKED])))
    assert "to review: q7" in told(class_table([WAITING]))


def test_the_feedback_page_says_what_waits() -> None:
    page = feedback_html(WAITING.grade, None)
    assert "Provisional" in page
    assert "q7 is marked by a person, for up to 2 more points" in page
    assert "waiting for review" in page
    assert "Because **P - Y** is" in page, "there is no notebook that shows it"
    assert "Its answer cell was deleted." in feedback_html(MISSING.grade, None)


def test_the_feedback_page_of_a_marked_answer() -> None:
    page = feedback_html(MARKED.grade, None)
    assert "<strong>Marked by a person</strong>: 1.5 of 2 points." in page
    assert "well put" in page
    assert "partly right" in page
    assert "Provisional" not in page
    assert "After manual marks" in page
    without = feedback_html(Grade(WAITING.grade.result, given(2, "")), None)
    assert "<strong>Marked by a person</strong>: 2 of 2 points.</p>" in without


def test_the_answer_is_shown_in_the_notebook_with_its_verdict() -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "## Question 7: say why"},
        {"cell_type": "markdown", "metadata": {"autograder": {"answers": ["q7"]}}, "source": ANSWER},
    ]
    page = feedback_html(WAITING.grade, json.dumps({"cells": cells}).encode())
    assert "<strong>P - Y</strong>" in page
    assert 'class="verdict to_review" id="verdict-2"' in page
    assert '<span class="topic">say why</span>' in page
    assert "**P - Y**" not in page


def test_the_report_has_the_answers_to_mark_as_safe_html(tmp_path: Path) -> None:
    rows = [row("ada", Q1, replace(Q7, answer=f"{ANSWER}\n\n<script>alert(1)</script>{EVIL}")), MISSING, MARKED]
    write_class_report(ResultsFolder(tmp_path), rows)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The scores are provisional: 2 questions of 2 submissions are waiting for review." in page
    section = page[page.index('<section class="lab" id="review"') :]
    section = section[: section.index("</section>")]
    assert "<strong>P - Y</strong>" in section
    assert "alert(1)" not in section
    assert "has no cell for this answer" in section
    assert "--override DIR/to-review.csv" in section
    assert "2 answers, up to 2 points each" in section


def test_a_report_with_nothing_to_mark_says_nothing_of_it(tmp_path: Path) -> None:
    write_class_report(ResultsFolder(tmp_path), [NOTHING, MARKED])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "provisional" not in page.lower()
    assert 'id="review"' not in page


def test_statistics_count_marked_answers_by_what_they_amount_to() -> None:
    numbers = lab_numbers("lab", CLASS).questions[1]
    assert dict(numbers.counts) == {"to_review": 2, "not_attempted": 1, "partial": 1}


def test_gradescope_lists_the_question_visibly_with_its_points_open() -> None:
    content = json.loads(results_json(WAITING.grade, hidden="after_published"))
    (entry,) = [test for test in content["tests"] if test["name"].startswith("q7")]
    assert entry["name"] == "q7 (to be marked by a person)"
    assert (entry["score"], entry["max_score"], entry["visibility"]) == (0.0, 2.0, "visible")
    assert "not in the score yet" in entry["output"]
    assert "provisional: a person has yet to mark q7" in content["output"]
    marked = json.loads(results_json(MARKED.grade, hidden="after_published"))
    (entry,) = [test for test in marked["tests"] if test["name"] == "q7"]
    assert (entry["score"], entry["output"]) == (1.5, "Marked by a person: 1.5 of 2 points. well put")
    assert "provisional" not in marked["output"]


def test_a_gradebook_is_filled_in_and_says_whose_grade_is_provisional() -> None:
    entries = [
        Entry(one.identity, one.grade, HandIn("canvas", one.identity, (Person(one.identity, one.identity),)), None)
        for one in (WAITING, MARKED)
    ]
    lines = [Line(n, name, (("canvas", name),), "", 4.0) for n, name in enumerate(("ada", "dan"))]
    filled = fill(lines, entries, ",")
    assert filled.values == {0: "2", 1: "3.5"}
    (heading,) = filled.told
    assert heading.startswith("Provisional")
    assert filled.told[heading] == [f"ada: 2 without q7: {entries[0].name}"]


def test_results_of_a_submission_that_was_not_graded_wait_for_nothing() -> None:
    result = Result("x", "", "lab", "full", "unreadable", "it is empty", 0, 4, 0)
    assert Row("x", Grade(result)).grade.waiting == ()
