"""What a class gets wrong most often."""

from __future__ import annotations

import pytest

from autograder.report.mistakes import Mistake, common_mistakes, distinct
from autograder.results.result import NOT_CHECKED, QuestionResult, QuestionStatus, Result, SubmissionStatus, TestResult

TWICE = "x_train is normalised twice: its values end at {}. Divide once."


def question(name: str, *messages: str, status: QuestionStatus = "failed", reason: str = "") -> QuestionResult:
    tests = tuple(TestResult(f"t{index}", False, False, message) for index, message in enumerate(messages))
    return QuestionResult(name, status, 0.0, 1.0, tests, reason)


def result(name: str, *questions: QuestionResult, lab: str = "tiny", status: SubmissionStatus = "graded") -> Result:
    return Result(name, "0" * 64, lab, "full", status, None, 0.0, 2.0, 1.0, questions)


def told(*messages: str) -> tuple[Mistake, ...]:
    """The mistakes of a class whose submissions were each told one message in q1."""
    return common_mistakes([result(f"s{i}", question("q1", message)) for i, message in enumerate(messages)], 10)


def test_most_frequent_come_first_with_their_submissions() -> None:
    class_ = [
        result("ada", question("q1", "wrong axis")),
        result("bela", question("q1", "wrong axis"), question("q2", TWICE.format(0.0039))),
        result("chen", question("q2", TWICE.format(0.00392))),
        result("dora", question("q2", TWICE.format(0.0039), "also something else")),
    ]
    assert common_mistakes(class_, 2) == (
        Mistake("q2", TWICE.format(0.0039), 3, ("bela", "chen", "dora"), "tiny"),
        Mistake("q1", "wrong axis", 2, ("ada", "bela"), "tiny"),
    )
    assert common_mistakes(class_, 0) == ()
    assert common_mistakes([], 3) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("reaches 0.87 of 1", "reaches 0.9134 of 1"),
        ("is -3", "is 1e-05"),
        ("is nan, not a number", "is 12, not a number"),
        ("has shape (10000,)", "has shape (60000, 28, 28)"),
        ("holds [1 2 3]", "holds [7]"),
        ("name 'modle' is not defined", "name 'x' is not defined"),
        ('could not convert "seven"', 'could not convert "eight or so"'),
        ("found `relu` there", "found `tanh` there"),
        ("it isn't 'a' or 3", "it isn't 'b' or 4"),
        ("two  words", "two words"),
        ("1,234 images", "567 images"),
    ],
)
def test_messages_that_differ_in_numbers_or_quoted_values_are_one(one: str, other: str) -> None:
    (only,) = told(other, one, one)
    assert (only.message, only.count) == (one, 3), "shown in the wording most were told"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_train has dtype float32", "x_train has dtype float64"),
        ("x_train is wrong", "x_test is wrong"),
        ("it isn't right, it's left", "it isn't right, it's gone"),
    ],
)
def test_messages_that_name_different_things_are_two(one: str, other: str) -> None:
    assert len(told(one, other)) == 2


def test_same_message_in_another_question_or_lab_is_another_mistake() -> None:
    class_ = [result("ada", question("q1", "m"), question("q2", "m")), result("bela", question("q1", "m"), lab="other")]
    assert [(mistake.lab, mistake.question) for mistake in common_mistakes(class_, 9)] == [
        ("tiny", "q1"),
        ("tiny", "q2"),
        ("other", "q1"),
    ]


def test_submission_counts_once_for_a_mistake_it_makes_twice() -> None:
    (only,) = common_mistakes([result("ada", question("q1", "is 1", "is 2"))], 9)
    assert (only.count, only.submissions) == (1, ("ada",))


def test_what_was_not_tried_or_follows_from_something_else_is_no_mistake() -> None:
    lacks = {"reason": "it depends on model (q3), which is missing"}
    not_checked = TestResult("t", False, False, NOT_CHECKED.format(**lacks), message_id=NOT_CHECKED, values=lacks)
    class_ = [
        result("ada", question("q1", "stub", status="not_attempted", reason="stub")),
        result("bela", question("q1", "base", status="skipped", reason="base")),
        result("chen", QuestionResult("q1", "partial", 1.0, 2.0, (not_checked,))),
        result("dora", question("q1", "m"), status="grader_error"),
        result("emil", question("q1", "")),
    ]
    assert common_mistakes(class_, 9) == ()


def test_same_mistake_in_other_words_is_listed_once() -> None:
    class_ = [
        result("ada", question("q1", "normalised twice", "twice, says the hidden check"), question("q2", "crawls")),
        result("bela", question("q1", "normalised twice", "something of its own")),
        result("chen", question("q1", "not normalised")),
    ]
    assert [(mistake.question, mistake.message, mistake.count) for mistake in distinct(common_mistakes(class_, 9))] == [
        ("q1", "normalised twice", 2),
        ("q2", "crawls", 1),
        ("q1", "not normalised", 1),
    ]
    assert len(common_mistakes(class_, 9)) == 5, "the report lists them all"


def test_cells_that_raised_are_named_and_grouped() -> None:
    class_ = [
        result(
            name,
            question("q1", status="error", reason=f"Its cell [{cell}] raised NameError: name '{wrong}' is not defined"),
        )
        for name, cell, wrong in [("ada", 3, "a"), ("bela", 4, "b")]
    ]
    (only,) = common_mistakes(class_, 9)
    assert only.count == 2
    assert only.message.startswith("Its cell [3] raised NameError")


def test_hostile_message_is_cleaned_and_quick() -> None:
    (only,) = told("\x1b[31mred\x1b[0m \x07" + "'\"`(" * 100_000)
    assert "\x1b" not in only.message
    assert "\\x07" in only.message


def test_the_same_mistake_counts_once_across_languages() -> None:
    template, translation = "{name} has shape {shape}: look again.", "{name} 的形状是 {shape}：请再看一看。"

    def submission(student: str, text: str, **values: str) -> Result:
        failed = TestResult("t", False, False, text.format(**values), message_id=template, values=values)
        return result(student, QuestionResult("q1", "failed", 0.0, 1.0, (failed,)))

    class_ = [
        submission("chen", translation, name="x", shape="(3,)"),
        submission("ada", template, name="x", shape="(4,)"),
        submission("bela", template, name="y", shape="(4,)"),
    ]
    assert common_mistakes(class_, 9) == (
        Mistake("q1", "x has shape (3,): look again.", 2, ("chen", "ada"), "tiny"),
        Mistake("q1", "y has shape (4,): look again.", 1, ("bela",), "tiny"),
    )
    raised = QuestionResult("q1", "error", 0.0, 1.0, (), "Its cell [3] raised KeyError", translated_reason="报错")
    plain = QuestionResult("q1", "error", 0.0, 1.0, (), "Its cell [4] raised KeyError")
    assert [mistake.count for mistake in common_mistakes([result("a", raised), result("b", plain)], 9)] == [2]
