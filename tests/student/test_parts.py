"""The parts of the student package on their own: messages and decisions."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder.student.cards import check_card, table_card
from autograder.student.handin import Contents, contents_of, differences, is_notebook_of, saved_contents, write_zip
from autograder.student.hosts import notebook_paths, quiet
from autograder.student.judge import Finding, Judgement, by_a_person, judge
from autograder.student.lab import Lab, Question
from autograder.student.mnist import is_mnist
from autograder.student.saving import read_saved
from autograder.student.watch import Ran, Watch
from autograder.student.words import _, listed, ngettext, points_of, use_catalog

Q1 = Question("q1", "Shares", 2.0, ("shares", "largest"), ("shares = ...\nlargest = ...",), ("Shares sum to one",))
Q2 = Question("q2", "Compile", 1.0, (), ("...",))
LAB = Lab("tiny", "1", (Q1, Q2), hand_in="Moodle")
TESTS = """
from otter.test_files import test_case
OK_FORMAT = False
name = "q1"
points = None

@test_case(points=1)
def test_q1_sum(shares):
    assert shares is not ..., "shares is still a stub"
    assert sum(shares) == 1, f"shares sum to {sum(shares)}, not to 1"

@test_case(points=0.5)
def test_q1_size_of_largest(largest):
    if largest > 1:
        failure = AssertionError("largest is above 1")
        failure.share_of_points = 0.5
        raise failure
"""


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checks") / "q1.py"
    path.write_text(TESTS, encoding="utf-8")
    return path


@pytest.fixture
def translated() -> Iterator[None]:
    use_catalog({"not right yet": "noch nicht richtig", "{earned} of {number} point": "{earned} von {number} P."})
    yield
    use_catalog({})


def ask(checks: Path, *, error: str | None = None, stub: bool = False, **variables: Any) -> Judgement:
    return judge(Q1, checks, variables, error=error, stub=stub)


# ---------------------------------------------------------------- which cells are answers


@pytest.mark.parametrize(
    "source",
    [
        "shares = 1",
        "x, largest = f(2)",
        "(a, [largest, b]) = f()",
        "shares += 1",
        "largest: float = 3",
        "if ready:\n    largest = 2",
        "def shares(): pass",
        "class largest: pass",
        "shares = = 3",
        "%time\nshares = 3",
    ],
)
def test_a_cell_that_gives_an_answer_a_value_is_recognised(source: str) -> None:
    assert Q1.assigned_in(source)


@pytest.mark.parametrize(
    "source",
    [
        "print(shares)",
        "shares == 3",
        "f(shares=3)",
        "shares.a = 1",
        "def f():\n    shares = 1",
        "shares2 = 3",
        "f(shares=",
        "# shares = 3\n)",
        "(" * 5000,
        "x, " * 3000,
    ],
)
def test_a_cell_that_only_uses_an_answer_is_not_taken_for_one(source: str) -> None:
    assert not Q1.assigned_in(source)


@pytest.mark.parametrize(
    ("source", "stub"),
    [
        ("largest = ...\n# mine\nshares=...", True),
        ("", True),
        ("shares = ...\nlargest = 3", False),
        ("shares = = ", False),
        ("...", False),
    ],
)
def test_an_untouched_answer_is_distinguished_from_a_begun_one(source: str, stub: bool) -> None:
    assert Q1.is_stub(source) is stub


# ---------------------------------------------------------------- judging


def test_a_right_answer_passes_and_says_what_comes_later(checks: Path) -> None:
    found = ask(checks, shares=[0.5, 0.5], largest=0.5)
    assert (found.state, found.earned, found.possible, found.later) == ("passed", 1.5, 1.5, 0.5)
    assert [finding.what for finding in found.findings] == ["Shares sum to one", "Size of largest"]


def test_a_wrong_answer_keeps_the_points_of_what_is_right(checks: Path) -> None:
    found = ask(checks, shares=[1, 1], largest=2)
    assert (found.state, found.earned) == ("partial", 0.25)
    assert found.findings[0].message == "shares sum to 2, not to 1"


def test_an_answer_a_check_stumbles_over_is_no_traceback(checks: Path) -> None:
    found = ask(checks, shares=3, largest=0.5)
    assert "TypeError" in found.findings[0].message
    assert not found.findings[0].passed


def test_a_message_with_a_template_is_looked_up_in_the_catalog(tmp_path: Path) -> None:
    lines = ["from otter.test_files import test_case", "name = 'q1'", "@test_case(points=1)", "def test_q1(shares):"]
    lines += ["    error = AssertionError('{a} sums to {b}'.format(a='shares', b=2))"]
    lines += ["    error.message_id, error.values = '{a} sums to {b}', {'a': 'shares', 'b': 2}", "    raise error"]
    (tmp_path / "q1.py").write_text("\n".join(lines), encoding="utf-8")
    use_catalog({"{a} sums to {b}": "{b} ist die Summe von {a}"})
    try:
        found = judge(Q1, tmp_path / "q1.py", {"shares": 1}, error=None, stub=False)
    finally:
        use_catalog({})
    assert found.findings[0].message == "2 ist die Summe von shares"


def test_an_untouched_answer_is_open_and_not_wrong(checks: Path) -> None:
    for found in (ask(checks), ask(checks, shares=..., largest=...), ask(checks, shares=1, largest=2, stub=True)):
        assert (found.state, found.earned) == ("open", 0)
        assert "`shares` and `largest`" in found.note


def test_half_an_answer_is_judged(checks: Path) -> None:
    assert ask(checks, shares=..., largest=0.5).findings[0].message == "shares is still a stub"


def test_a_cell_that_raised_leaves_an_older_value_and_the_card_says_so(checks: Path) -> None:
    found = ask(checks, shares=[0.5, 0.5], largest=0.5, error="NameError")
    assert found.state == "failed"
    assert "NameError" in found.note
    assert "older value" in found.note


def test_a_cell_that_raised_before_there_was_any_value(checks: Path) -> None:
    found = ask(checks, error="SyntaxError")
    assert found.state == "failed"
    assert "older" not in found.note
    assert "SyntaxError" in found.note


# ---------------------------------------------------------------- cards


def test_a_card_says_the_same_as_text_and_as_html(checks: Path) -> None:
    card = check_card(ask(checks, shares=[1, 1], largest=0.5))
    for shown in (repr(card), card._repr_html_().replace("<b>", "").replace("</b>", "")):
        for said in ("q1", "Shares", "partly right", "0.5 of 1.5 points", "Shares sum to one", "not to 1", "0.5 more"):
            assert said in shown, (said, shown)
    assert "`" not in repr(card)


def test_a_failed_check_without_points_is_explained_beside_the_full_points() -> None:
    right = Finding("the value", passed=True, message="", earned=1, possible=1)
    shape = Finding("the shape", passed=False, message="Too short.", earned=0, possible=0)
    note = "The failed check gives no points itself"
    assert note in repr(check_card(Judgement(Q1, "partial", (right, shape))))
    costly = Finding("the shape", passed=False, message="Too short.", earned=0, possible=1)
    assert note not in repr(check_card(Judgement(Q1, "partial", (right, costly))))


def test_what_students_write_is_never_html() -> None:
    finding = Finding("<i>what</i>", passed=False, message="x is <b>bold</b> & `<code>`", earned=0, possible=1)
    html = check_card(Judgement(Q1, "failed", (finding,)))._repr_html_()
    assert "<i>what" not in html
    assert "<b>bold" not in html
    assert "<code>&lt;code&gt;</code>" in html


def test_the_table_counts_points_and_names_open_questions(checks: Path) -> None:
    judged = [ask(checks, shares=[0.5, 0.5], largest=0.5), Judgement(Q2, "open", ())]
    text = repr(table_card(LAB, judged))
    assert "1.5 of 1.5 points so far" in text
    assert "other 1.5 of 3 points" in text
    assert "Not answered yet: q2" in text


@pytest.mark.usefixtures("translated")
def test_texts_come_from_the_catalog_of_the_language(checks: Path) -> None:
    text = repr(check_card(ask(checks, shares=[1, 1], largest=..., error="X")))
    assert "noch nicht richtig" in text
    assert points_of(1, 1) == "1 von 1 P."
    assert _("never translated {x}", x=1) == "never translated 1"


def test_numbers_and_lists_read_well() -> None:
    assert [ngettext("{number} point", "{number} points", n) for n in (1, 0.5, 2.0)] == [
        "1 point",
        "0.5 points",
        "2 points",
    ]
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


# ---------------------------------------------------------------- what was run


class Shell:
    """As much of IPython's shell as `Watch` uses."""

    def __init__(self) -> None:
        self.events = self
        self.callbacks: list[Any] = []

    def register(self, event: str, callback: Any) -> None:
        assert event == "post_run_cell"
        self.callbacks.append(callback)

    def unregister(self, event: str, callback: Any) -> None:
        assert event == "post_run_cell"
        self.callbacks.remove(callback)

    def ran(self, source: str, identity: str | None = None, error: BaseException | None = None) -> None:
        info = SimpleNamespace(raw_cell=source, cell_id=identity)
        for callback in self.callbacks:
            callback(SimpleNamespace(info=info, error_before_exec=None, error_in_exec=error))


def test_the_error_of_an_answer_is_remembered_until_the_cell_runs_well() -> None:
    shell = Shell()
    watch = Watch(shell)
    shell.ran("shares = x", "answer-q1", NameError("x"))
    shell.ran("print(1)", "other")
    assert watch.failed(Q1) == "NameError"
    assert watch.failed(Q2) is None
    shell.ran("shares = 1", "answer-q1")
    assert watch.failed(Q1) is None
    watch.stop()
    shell.ran("shares = x", "answer-q1", NameError("x"))
    assert watch.failed(Q1) is None
    assert Watch(shell, watch.cells()).answers(Q1) == watch.answers(Q1)


def test_a_question_of_several_cells_has_failed_if_any_of_them_has() -> None:
    shell = Shell()
    watch = Watch(shell)
    shell.ran("shares = x", "answer-q1", NameError("x"))
    shell.ran("largest = 1", "answer-q1-2")
    assert watch.failed(Q1) == "NameError"
    assert len(watch.answers(Q1)) == 2


def test_without_cell_ids_the_last_cell_that_assigns_an_answer_counts() -> None:
    shell = Shell()
    watch = Watch(shell)
    shell.ran("shares = x", error=NameError("x"))
    shell.ran("shares = 2")
    assert [cell.source for cell in watch.answers(Q1)] == ["shares = 2"]
    assert watch.failed(Q1) is None


def test_without_cell_ids_a_call_is_the_cell_that_ran_before_its_check() -> None:
    shell = Shell()
    watch = Watch(shell)
    shell.ran("model.compile()", error=NameError("model"))
    assert watch.failed(Q2) == "NameError"
    shell.ran('grader.check("q2")')
    shell.ran("print(1)")
    assert [cell.source for cell in watch.answers(Q2)] == ["model.compile()"]
    shell.ran("model.compile()")
    shell.ran('grader.check("q2")')
    assert watch.failed(Q2) is None
    shell.ran('grader.check("q2")  # directly after another check')
    assert watch.answers(Q2) == []


# ---------------------------------------------------------------- what a file holds


def notebook(*sources: str, name: str | None = "tiny", errors: tuple[int, ...] = ()) -> dict[str, Any]:
    """A notebook whose first cell answers q1 and whose second answers q2."""
    cells = []
    for number, source in enumerate(sources):
        outputs = [{"output_type": "error", "ename": "KeyError", "evalue": "", "traceback": []}] * (number in errors)
        metadata = {"tags": [f"answer:q{number + 1}"]} if number < 2 else {}
        identity = f"answer-q{number + 1}" if number < 2 else f"cell-{number}"
        cells.append(
            {
                "cell_type": "code",
                "id": identity,
                "metadata": metadata,
                "source": source.splitlines(True),
                "outputs": outputs,
            }
        )
    return {"cells": cells, "metadata": {"otter": {"assignment_name": name} if name else {}}, "nbformat": 4}


def test_the_contents_of_a_notebook_are_reported() -> None:
    document = notebook("shares = 1\nlargest = 2", "...", "1 / 0", errors=(0, 2))
    assert contents_of(LAB, document) == Contents(("q1",), ("q2",), ("q1 (KeyError)", "code cell 3 (KeyError)"))


def test_a_file_without_a_cell_for_a_question_has_it_unanswered() -> None:
    assert contents_of(LAB, {"cells": []}).open == ("q1", "q2")


def test_a_file_that_holds_what_was_run_has_no_differences() -> None:
    document = notebook("shares = 1\nlargest = 2", "model.compile()")
    ran = [Ran("answer-q1", "shares = 1\nlargest = 2", None), Ran("answer-q2", "model.compile()", None)]
    assert differences(LAB, ran, document) == []
    assert (
        differences(LAB, [Ran(None, "shares = 0", None), Ran(None, "shares = 1\nlargest = 2\n", None)], document) == []
    )


def test_a_file_that_is_older_than_what_was_run_differs() -> None:
    document = notebook("shares = ...\nlargest = ...", "...")
    assert differences(LAB, [Ran("answer-q1", "shares = 1", None)], document) == ["q1"]
    assert differences(LAB, [Ran(None, "shares = 1", None)], document) == ["q1"]
    assert differences(LAB, [Ran("answer-q2", "model.compile()", None)], document) == ["q2"]
    assert differences(LAB, [Ran("new-cell", "shares = 1", None)], document) == ["q1"]


@pytest.mark.parametrize(("name", "source", "own"), [("tiny", "", True), ("other", "", False), (None, "", False)])
def test_a_notebook_is_known_by_its_name(name: str | None, source: str, own: bool) -> None:
    assert is_notebook_of(LAB, notebook(source, name=name)) is own


STUB = "_Type your answer here, replacing this text._"
WHY = Question("q3", "Say why", 1.5, (), (), (), True, (STUB,))


def answered(text: str, kind: str = "markdown") -> dict[str, Any]:
    """A notebook with an answer to the question that a person marks."""
    document = notebook("shares = 1")
    cell = {"cell_type": kind, "metadata": {"tags": ["answer:q3"]}, "source": text, "outputs": []}
    return {**document, "cells": [*document["cells"], cell]}


@pytest.mark.parametrize(
    ("text", "kind", "open_"),
    [
        (STUB, "markdown", True),
        (f"\n{STUB}\n", "markdown", True),
        ("", "markdown", True),
        (STUB, "code", True),
        ("# A heading", "markdown", False),
        ("Because.", "markdown", False),
        ("# Because.", "code", False),
    ],
)
def test_a_written_answer_differs_from_the_text_handed_out(text: str, kind: str, open_: bool) -> None:
    found = contents_of(Lab("tiny", "1", (WHY,)), answered(text, kind))
    assert (found.open, found.answered) == ((("q3",), ()) if open_ else ((), ("q3",)))


def test_the_saved_notebook_tells_whether_a_written_answer_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    lab, shell = Lab("tiny", "1", (Q1, WHY)), SimpleNamespace(user_ns={})
    assert saved_contents(lab, shell) is None
    (tmp_path / "other.ipynb").write_text("[", encoding="utf-8")
    (tmp_path / "tiny.ipynb").write_text(json.dumps(answered("Because.")), encoding="utf-8")
    found = saved_contents(lab, shell)
    assert found is not None
    assert found.answered == ("q1", "q3")


def test_a_written_question_is_shown_as_marked_by_a_person() -> None:
    known, unknown, missing = (by_a_person(WHY, state) for state in (True, None, False))
    assert check_card(known).text.splitlines() == [
        "? q3 Say why: marked by a person, 0 of 1.5 points",
        "  Your answer is in the saved notebook; nothing checks it here.",
        "  A person reads your answer and gives up to 1.5 points.",
    ]
    assert "Make sure that the notebook is saved" in check_card(unknown).text
    assert "– q3 Say why: not answered yet" in check_card(missing).text
    text = table_card(Lab("tiny", "1", (Q1, WHY)), [known]).text
    assert "The other 3.5 of 3.5 points" in text
    assert text.splitlines()[-1].split() == ["?", "q3", "Say", "why", "–", "marked", "by", "a", "person"]
    assert "Not answered yet: q3." in table_card(LAB, [missing]).text


def test_a_notebook_without_metadata_is_known_by_its_set_up_cell() -> None:
    assert is_notebook_of(LAB, notebook('grader = _set_up(lab="tiny", version="1")', name=None))


def test_the_zip_holds_the_notebook_as_read_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "my work (1).ipynb"
    path.write_bytes(b"{}")
    (tmp_path / ".OTTER_LOG").write_bytes(b"log")
    saved = read_saved(path)
    assert saved is not None
    path.write_bytes(b"changed")
    write_zip(saved, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["my work (1).ipynb", "__zip_filename__"]
        assert archive.read("my work (1).ipynb") == b"{}"
    assert read_saved(tmp_path / "missing.ipynb") is None


def test_the_file_is_looked_for_where_the_host_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.ipynb", "b.ipynb", "elsewhere/c.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    shell = SimpleNamespace(user_ns={})
    assert [path.name for path in notebook_paths(shell)] == ["a.ipynb", "b.ipynb"]
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "elsewhere" / "renamed since.ipynb"))
    assert [path.name for path in notebook_paths(shell)] == ["a.ipynb", "b.ipynb", "c.ipynb"]
    shell.user_ns["__vsc_ipynb_file__"] = str(tmp_path / "b.ipynb")
    assert [path.name for path in notebook_paths(shell)] == ["b.ipynb"]


# ---------------------------------------------------------------- data and noise


def test_a_file_is_mnist_only_with_the_right_digests(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.uint8)
    digests = {"x_train": hashlib.sha256(array.tobytes()).hexdigest()}
    np.savez(tmp_path / "right.npz", x_train=array)
    np.savez(tmp_path / "wrong.npz", x_train=array[::-1].copy())
    np.savez(tmp_path / "pickled.npz", x_train=np.array([{}], dtype=object))
    (tmp_path / "damaged.npz").write_bytes((tmp_path / "right.npz").read_bytes()[:100])
    names = ("right", "wrong", "pickled", "damaged", "missing")
    assert [is_mnist(tmp_path / f"{name}.npz", digests) for name in names] == [True, False, False, False, False]


def test_only_the_descriptor_is_quiet_and_only_for_a_while(capfd: pytest.CaptureFixture[str]) -> None:
    stream = sys.stderr
    with quiet():
        os.write(2, b"noise of a library\n")
        assert sys.stderr is stream
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n"


def test_an_exception_ends_the_silence(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), quiet():
        raise KeyError
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
