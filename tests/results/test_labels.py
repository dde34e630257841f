"""What every form of a result says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.results.labels import Reason, first_reason, note, question_names, reasons
from autograder.results.result import QuestionResult, QuestionStatus, Result, SubmissionStatus, TestResult
from autograder.util.text import clean, clean_line, duration, first_few, percent, points, seconds


def failed(message: str, *, hidden: bool = False) -> TestResult:
    return TestResult("test_x", hidden, passed=False, message=message)


def question(status: QuestionStatus, *tests: TestResult, score: float = 0, reason: str = "") -> QuestionResult:
    return QuestionResult("q1", status, score, 2, tests, reason)


def submission(status: SubmissionStatus = "graded", detail: str | None = None, *questions: QuestionResult) -> Result:
    return Result("ada.ipynb", "", "lab", "full", status, detail, 0, 2, 1.0, questions)


@given(st.text())
def test_clean_text_holds_nothing_unseen(text: str) -> None:
    shown = clean(text)
    shown.encode()
    assert not set(shown) & set("\x00\x07\x08\x0b\x1b\x7f\x85\u200e\u2028\u202e\u2066\ufeff")
    assert "\n" not in clean_line(text)


@given(st.text("ab ", max_size=100), st.integers(5, 50))
def test_long_text_is_cut_and_says_so(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert shown == text.strip() or ("more characters" in shown and len(shown) < limit + 40)


def test_a_text_of_megabytes_of_colours_is_cut_too() -> None:
    assert len(clean("\x1b[31m" * 1_000_000 + "x" * 5_000_000)) < 2000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("a\u202eb", "a\\u202eb"),
        ("bell\x07", "bell\\x07"),
        ("a\r\nb", "a\nb"),
        ("\ud800", "\\ud800"),
        ("👩\u200d🔬 क\u200dष", "👩\u200d🔬 क\u200dष"),
        ("作业 été", "作业 été"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_name_on_one_line() -> None:
    assert clean_line("a\nb\tc") == "a\\nb\\tc"


@pytest.mark.parametrize(("value", "shown"), [(2.0, "2"), (1.5, "1.5"), (1 / 3, "0.33"), (-0.0, "0"), (100.0, "100")])
def test_points(value: float, shown: str) -> None:
    assert points(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.04, "0.0 s"), (21.43, "21 s"), (59.7, "1 min 0 s"), (125, "2 min 5 s")]
)
def test_seconds(value: float, shown: str) -> None:
    assert seconds(value) == shown


def test_percent_without_points() -> None:
    assert percent(0, 0) == 0
    assert percent(21, 20) == 100


def test_full_marks_need_no_reason() -> None:
    assert reasons(question("passed", score=2)) == ()


def test_reasons_are_the_failed_checks_each_once() -> None:
    tests = (
        failed("wrong"),
        TestResult("t", False, True, "fine"),
        failed("wrong", hidden=True),
        failed("more", hidden=True),
    )
    assert reasons(question("failed", *tests)) == (Reason("wrong", "wrong"), Reason("more", "more", hidden=True))


@pytest.mark.parametrize("status", ["skipped", "not_attempted"])
def test_what_was_not_answered_tells_its_reason_only(status: QuestionStatus) -> None:
    assert reasons(question(status, failed("noise"), reason="no model")) == (Reason("no model", "no model"),)


def test_an_error_tells_its_reason_first() -> None:
    told = reasons(question("error", failed("x is missing"), reason="cell [3] raised"))
    assert [reason.text for reason in told] == ["cell [3] raised", "x is missing"]


@pytest.mark.parametrize("status", ["partial", "failed", "not_attempted", "error", "skipped", "passed"])
def test_a_lost_point_always_has_a_reason(status: QuestionStatus) -> None:
    (reason,) = reasons(question(status, failed("  ")))
    assert reason.text


@pytest.mark.parametrize("status", ["timeout", "out_of_memory", "crashed", "unreadable", "grader_error"])
def test_what_was_not_graded_has_a_note(status: SubmissionStatus) -> None:
    assert note(submission(status))
    assert note(submission(status, "cell [9] still ran")).endswith("Cell [9] still ran.")
    assert first_reason(submission(status, "why")) == "why"
    assert first_reason(submission(status))


def test_the_first_reason_names_its_question() -> None:
    assert first_reason(submission("graded", None, question("failed", failed("a\nb")))) == "q1: a\\nb"
    assert first_reason(submission("graded", None, question("passed", score=2))) == ""
    assert note(submission()) == ""


def test_question_names_keep_the_labs_order() -> None:
    assert question_names([submission("graded", None, question("passed"))], ["q2"]) == ("q2", "q1")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 minute"), (125, "2 minutes"), (3600, "1 hour"), (5400, "1 hour 30 minutes"), (93_660, "1 day 2 hours")],
)
def test_how_long_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_first_of_many_are_named() -> None:
    assert first_few(["a", "b"], 2) == "a, b"
    assert first_few(["a", "b\u202e", "c"], 2) == "a, b\\u202e, …"
