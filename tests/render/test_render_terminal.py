"""Tables for the terminal, at both usual widths and without colour."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console, RenderableType

from autograder.render import class_table, print_table, result_table
from autograder.results import CellError, FitRun, QuestionResult, Result, TestResult

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


def shown(table: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, no_color=True, markup=False, emoji=False, highlight=False)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_one_submission(width: int) -> None:
    text = shown(result_table(ADA), width)
    flat = " ".join(text.split())
    assert "2.5 / 6 points graded 21 s" in flat
    assert "q2 0 2 failed" in flat
    assert "q2 -2 x_train ends at 0.0039" in flat
    assert "(hidden check)" in flat
    assert "q3 -1.5 [bold]half[/bold] right" in flat
    assert "[22] taken over: the solution has trained exactly the same (0.3 s) [24] trained (21 s)" in flat
    assert "[7] NameError: name 'x' is not defined" in flat
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_of_a_class(width: int) -> None:
    text = shown(class_table([ADA, EVE]), width)
    flat = " ".join(text.split())
    assert "\x1b" not in text
    assert "2.5 / 6" in flat
    assert "unreadable" in flat
    assert max(map(len, text.splitlines())) <= width


def test_what_was_not_graded_says_so() -> None:
    text = shown(result_table(EVE), 80)
    assert "This file could not be graded. The file is empty." in text
    assert "eve\\n[red].ipynb" in text
    assert "Why points were lost" not in text


def test_the_lab_is_a_column_only_where_it_differs() -> None:
    other = Result("b", "", "single_layer", "full", "graded", None, 0, 2, 1.0)
    assert "Lab" not in shown(class_table([ADA, EVE]), 120)
    assert "single_layer" in shown(class_table([ADA, other]), 120)


def test_printing_in_an_old_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    print_table(class_table([Result("作业.ipynb", "", None, "full", "graded", None, 1, 1, 1.0)]))
    assert b"??.ipynb" in raw.getvalue()
    assert b"\x1b" not in raw.getvalue()
