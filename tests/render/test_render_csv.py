"""Scores as CSV: right numbers, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.render.scores_csv import scores_csv
from autograder.results.grade import Grade, Lateness, Override, Row
from autograder.results.handin import Handed, HandIn, Person
from autograder.results.result import QuestionResult, Result


def submission(name: str, detail: str | None = None, *scores: float) -> Row:
    questions = tuple(QuestionResult(f"q{i}", "passed", s, 2) for i, s in enumerate(scores, start=1))
    return Row(name, Grade(Result(name, "", "lab", "full", "graded", detail, sum(scores), 4, 1.25, questions)))


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


def test_more_columns_appear_only_where_they_say_something() -> None:
    plain = submission("a", None, 2, 0.5)
    changed = Grade(plain.grade.result, {"q2": Override("q2", 1.5, "=typo")}, Lateness(3600, 10))
    handin = HandIn("gradescope", "submission_1", (Person("=Ada", "0042", "ada@x.org"), Person("Bo", "7")))
    header, row = rows(
        scores_csv(
            [Row("a", changed)], ["q1", "q2"], {"a": Handed(handin, datetime(2026, 10, 5, 22, tzinfo=UTC), "1 h")}
        )
    )
    assert header[9:] == [
        *["student", "student_id", "email", "handed_in", "raw_score", "late", "late_deduction", "corrected"]
    ]
    assert row[3:7] == ["3.15", "4", "2", "1.5"]
    assert row[9:13] == ["'=Ada; Bo", "0042; 7", "ada@x.org;", "2026-10-05 22:00:00+00:00"]
    assert row[13:] == ["3.5", "1 h", "0.35", "q2: 0.5 -> 1.5 (=typo)"]
    assert rows(scores_csv([plain], ["q1", "q2"], {"a": Handed()}))[0][-1] == "detail"


def test_a_question_named_like_a_column_keeps_its_own_field() -> None:
    odd = Grade(Result("a", "", "lab", "full", "graded", None, 1, 2, 1.0, (QuestionResult("score", "failed", 1, 2),)))
    header, row = rows(scores_csv([Row("a", odd)], ["score"]))
    assert header.count("score") == 2
    assert row[3:6] == ["1", "2", "1"]
