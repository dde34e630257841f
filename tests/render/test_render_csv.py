"""Scores as CSV: right numbers, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.render import scores_csv
from autograder.results import QuestionResult, Result


def submission(name: str, detail: str | None = None, *scores: float) -> Result:
    questions = tuple(QuestionResult(f"q{i}", "passed", s, 2) for i, s in enumerate(scores, start=1))
    return Result(name, "", "lab", "full", "graded", detail, sum(scores), 4, 1.25, questions)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_one_row_a_submission_sorted() -> None:
    table = rows(
        scores_csv([submission("b", None, 2, 0.5), submission("A"), submission("c", 'late, "x"', 1)], ["q1", "q2"])
    )
    assert table == [
        ["submission", "lab", "status", "score", "max_score", "q1", "q2", "seconds", "detail"],
        ["A", "lab", "graded", "0", "4", "", "", "1.2", ""],
        ["b", "lab", "graded", "2.5", "4", "2", "0.5", "1.2", ""],
        ["c", "lab", "graded", "1", "4", "1", "", "1.2", 'late, "x"'],
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1"])
def test_formulas_become_text(name: str) -> None:
    table = rows(scores_csv([submission(name, name)], []))
    assert table[1][0].startswith("'")
    assert table[1][-1].startswith("'")


@given(st.text(), st.text())
def test_any_name_stays_one_harmless_field(name: str, detail: str) -> None:
    text = scores_csv([submission(name, detail, 2)], ["q1"])
    text.encode()
    table = rows(text)
    assert len(table) == 2
    assert len(table[1]) == 8
    assert not table[1][0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not table[1][-1].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert table[1][3] == "2"
