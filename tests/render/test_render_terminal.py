"""Terminal tables: one submission, a class, at all widths, with any names."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from autograder.cli.console import console, show
from autograder.render.class_terminal import MOST_ROWS, class_files, class_numbers, class_view
from autograder.render.styles import fitted, shortened
from autograder.render.terminal import result_table
from autograder.report.summary import Effort, summarise
from autograder.results.grade import Grade, Lateness, Override, Row
from autograder.results.result import (
    ANSWER_UNUSABLE,
    CellError,
    FitRun,
    QuestionResult,
    Result,
    SubmissionStatus,
    TestResult,
)
from tests.fixtures.terminal import shown

LONG = "x_train ends at 0.0039 where 1 is expected: the images were divided by 255 twice; start from train_images."
ADA = Result(
    "ada.ipynb",
    "ab",
    "mnist_dense",
    "full",
    "graded",
    None,
    2.5,
    6,
    21.4,
    (
        QuestionResult("q1", "passed", 2, 2),
        QuestionResult("q2", "failed", 0, 2, (TestResult("t", True, False, LONG),)),
        QuestionResult("q3", "partial", 0.5, 2, (TestResult("t", False, False, "[bold]half[/bold] right"),)),
    ),
    (CellError(7, "NameError", "name 'x' is not defined"),),
    (FitRun(22, True, 0.3), FitRun(24, False, 21.0)),
)
EVE = Result("e\x1b[31mve\n[red].ipynb", "", None, "full", "unreadable", "the file is empty", 0, 0, 0.0)
NAMES = (
    "ada.ipynb",
    "a_name_that_is_far_too_long_for_any_table_in_the_world_" * 3 + "final_v2.ipynb",
    "作业提交最终版本真的是最终版本再也不改了不再改了绝对不改了.ipynb",
    "👩‍🔬👍🏽🇩🇪🎉 Müller-Ångström e\u0301.ipynb",
    "תרגיל ראשון.ipynb",
    "[bold red]markup[/].ipynb",
    EVE.submission,
)


def flat(text: str) -> str:
    return " ".join(text.split())


def rows(*results: Result) -> list[Row]:
    return [Row(f"id{number}", Grade(result)) for number, result in enumerate(results)]


def large_class(count: int) -> list[Row]:
    """Marks from 0 to 6 in turn; every tenth submission has a status of its own."""
    odd: list[SubmissionStatus] = ["timeout", "unreadable", "crashed", "grader_error"]
    made = []
    for number in range(count):
        score = number % 7
        questions = (QuestionResult("q1", "passed" if score == 6 else "failed", score, 6),)
        result = replace(ADA, submission=f"s{number:03}.ipynb", score=score, questions=questions)
        if number % 10 == 9:
            status = odd[number // 10 % len(odd)]
            result = replace(result, status=status, detail=f"it is {status}", score=0, questions=())
        made.append(result)
    return rows(*made)


# --- one submission --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 120])
def test_one_submission_shows_points_reasons_errors_and_trainings(width: int) -> None:
    text = flat(shown(result_table(ADA), width))
    assert "2.5 / 6 points ✓ graded 21 s" in text
    assert "42 %" in text
    assert "q2 0 2 ✗ failed" in text
    assert "q2 -2 x_train ends at 0.0039" in text
    assert "(hidden check)" in text
    assert "q3 -1.5 [bold]half[/bold] right" in text
    assert "[22] reused: identical to the solution's training (0.3 s) [24] trained (21 s)" in text
    assert "[7] NameError: name 'x' is not defined" in text


def test_what_was_measured_is_shown() -> None:
    measured = replace(ADA, measured={"train_accuracy": 0.98765, "test_accuracy": 0.97})
    assert "train accuracy 0.9877, test accuracy 0.97" in shown(result_table(measured), 80)


def test_what_was_not_graded_says_so() -> None:
    text = shown(result_table(EVE), 80)
    assert "This file could not be graded. The file is empty." in text
    assert "eve\\n[red].ipynb" in text
    assert "Lost points" not in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_no_name_breaks_a_table(name: str, width: int) -> None:
    odd = replace(ADA, submission=name, errors=(CellError(1, name, name * 3),))
    shown(result_table(odd), width)
    shown(class_view(rows(odd, EVE, ADA)), width)
    shown(class_numbers(summarise(rows(odd, ADA))), width)


def test_picture_in_the_readme_needs_nothing_from_elsewhere() -> None:
    svg = (Path(__file__).parents[2] / "docs/images/check.svg").read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\s\"')]*", svg) == ["http://www.w3.org/2000/svg"], "the name of the format"
    assert "@font-face" not in svg
    assert "normalised" in svg


# --- a class ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_class_has_a_line_for_every_submission_and_says_why_one_was_not_graded(width: int) -> None:
    text = flat(shown(class_view(rows(ADA, EVE)), width))
    assert "2.5 / 6" in text
    assert "✗ unreadable" in text
    assert "eve\\n[red].ipynb: the file is empty" in text


def test_lab_is_a_column_only_where_it_differs() -> None:
    other = replace(ADA, lab="single_layer")
    assert "Lab" not in shown(class_view(rows(ADA, EVE)), 120)
    assert "single_layer" in shown(class_view(rows(ADA, other)), 120)


def test_what_counts_is_the_grade_with_corrections_and_lateness() -> None:
    grade = Grade(ADA, {"q2": Override("q2", 2, "seen by hand")}, Lateness(3600, 20))
    text = flat(shown(class_view([Row("ada", grade)]), 120))
    assert "3.6 / 6" in text
    assert "q3; corrected: q2; late: -0.9" in text
    assert "mean 3.6" in shown(class_numbers(summarise([Row("ada", grade)])), 80)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_numbers_say_statuses_marks_pace_and_mistakes(width: int) -> None:
    class_ = rows(ADA, replace(ADA, submission="bela", questions=(QuestionResult("q1", "passed", 6, 6),)), EVE)
    text = flat(shown(class_numbers(summarise(class_), Effort(90, 2, kept=1)), width))
    assert "3 submissions ✓ 2 graded ✗ 1 unreadable" in text
    assert "mnist_dense mean 4.25, median 4.25 of 6 points (2 marked)" in text
    assert "1 min 30 s for 2 submissions, 1.33 per minute; 1 graded before" in text
    assert "1 × q2 x_train ends at 0.0039" in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_tests_that_could_not_use_an_answer_are_listed_with_the_kind_of_answer(width: int) -> None:
    reason = {"name": "x", "reason": "it is [red]an array[/] of dtype V3"}
    failed = [TestResult(f"test_{n}", False, False, "said", 0, 1, ANSWER_UNUSABLE, reason) for n in range(10)]
    odd = replace(ADA, submission="odd", questions=(QuestionResult("q1", "failed", 0, 10, tuple(failed)),))
    text = flat(shown(class_numbers(summarise(rows(odd, replace(odd, submission="odd too"), ADA))), width))
    assert "Tests that could not use an answer" in text
    assert "2 × q1 test_0 x: it is [red]an array[/] of dtype V3" in text or width < 80
    assert "report.html has all 10." in text
    assert "could not use" not in shown(class_numbers(summarise(rows(ADA))), width)


def test_one_submission_is_no_class_with_common_mistakes() -> None:
    text = shown(class_numbers(summarise(rows(ADA))), 80)
    assert "1 submission " in text
    assert "mistakes" not in text


def test_names_of_usual_length_stay_in_one_piece_at_eighty_columns() -> None:
    lost = tuple(QuestionResult(f"q{number}", "failed", 0, 2) for number in range(1, 10))
    class_ = rows(
        replace(ADA, submission="emil_raises_again.ipynb", questions=(*lost, ADA.questions[0])),
        replace(ADA, submission="fay_endless_loop_of_all.ipynb"[:28], lab="single_layer", status="out_of_memory"),
    )
    text = shown(class_view(class_), 80)
    assert "emil_raises_again.ipynb " in text
    assert "fay_endless_loop_of_all.ipyn " in text


def test_what_one_of_many_got_wrong_is_not_common() -> None:
    others = [replace(ADA, submission=f"s{number}", questions=ADA.questions[:1]) for number in range(11)]
    assert "mistakes" not in shown(class_numbers(summarise(rows(ADA, *others))), 80)
    assert "2 ×" in shown(class_numbers(summarise(rows(ADA, replace(ADA, submission="bela"), *others))), 80)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_large_class_shows_those_to_look_at_and_the_lowest(width: int) -> None:
    class_ = large_class(MOST_ROWS + 60)
    text = shown(class_view(class_), width)
    assert "Needs attention (10)" in text
    assert text.index("grader error") < text.index("out of time") < text.index("unreadable"), "most pressing first"
    assert "Lowest scores (8 of 100)" in text
    assert "scores.csv has all 100 rows; --all prints them here." in flat(text)
    assert len(text.splitlines()) < 50
    every = shown(class_view(class_, every=True), width)
    assert all(row.grade.result.submission in every for row in class_)


def test_class_of_forty_is_printed_whole_and_a_larger_one_names_how_many_are_left_out() -> None:
    assert "--all" not in shown(class_view(large_class(MOST_ROWS)), 80)
    assert "Needs attention (12 of 20)" in shown(class_view(large_class(200)), 80)


def test_files_are_named_in_one_piece_with_the_first_to_look_at() -> None:
    page = Path("out/submissions/" + "x" * 90 + "/feedback.html")
    lines = class_files(Path("out/scores.csv"), Path("out/report.html"), page, linked=True)
    assert [line.plain.strip() for line in lines] == [
        "Files",
        "Scores   out/scores.csv",
        "Report   out/report.html",
        f"Check    {page}",
    ]
    assert any("link file:///" in str(span.style) for line in lines for span in line.spans)
    assert len(class_files(Path("a"), Path("b"), None)) == 3


# --- text in columns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cells", [1, 2, 5, 12, 40, 400])
def test_text_is_fitted_to_columns(name: str, cells: int) -> None:
    assert cell_len(fitted(name, cells)) <= cells
    assert cell_len(fitted(name, cells, fill=True)) == cells
    assert cell_len(shortened(name, max(cells, 2))) <= max(cells, 2)


def test_what_is_left_out_of_a_name_is_its_middle() -> None:
    assert fitted("homework_of_ada.ipynb", 13) == "homewor…ipynb"
    assert shortened("cut at the end of words", 12) == "cut at …"


# --- where it is printed ---------------------------------------------------------------------------------------------


def test_old_locale_gets_other_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    show(class_view(rows(replace(ADA, submission="作业.ipynb"))))
    assert b"??.ipynb" in raw.getvalue()
    assert b"+ graded" in raw.getvalue()
    assert b"\x1b" not in raw.getvalue()


_PRINT = """
from autograder.cli.console import say, say_error, show
from rich.text import Text
say_error("a " * 60, "help")
show(Text("b " * 60, "red"))
"""


@pytest.mark.parametrize(
    ("settings", "coloured", "styled"),
    [
        ({}, False, False),
        ({"FORCE_COLOR": "1", "TERM": "xterm-256color"}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "xterm-256color", "NO_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, False),
    ],
)
def test_colour_is_as_the_user_wants_it(settings: dict[str, str], coloured: bool, styled: bool) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    done = subprocess.run(
        [sys.executable, "-c", _PRINT], env={**kept, "COLUMNS": "60", **settings}, capture_output=True, check=True
    )
    for stream in (done.stdout, done.stderr):
        assert (b"[31m" in stream or b"31m" in stream) == coloured
    assert (b"\x1b[" in done.stderr) == styled
    assert max(len(line) for line in done.stdout.decode().splitlines()) < 80
    if not settings:
        assert done.stderr.decode().splitlines()[0].count("a ") == 60, "a log gets sentences in one piece"


def test_width_is_what_is_good_to_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert console().width == 300
    show(result_table(replace(ADA, errors=(CellError(1, "E", "word " * 200),))))
    assert max(map(cell_len, capsys.readouterr().out.splitlines())) <= 120
