"""Messages that tell the same mistake are one mistake."""

from __future__ import annotations

import pytest

from autograder.report.mistakes import kind_of, mistakes
from tests.report.classes import question


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The largest value of x_train is 255: divide.", "The largest value of x_train is 1.5e-3: divide."),
        ("x_test has shape (10000, 784), not this.", "x_test has shape (28, 28, 1), not this."),
        ("n_train is 'abc', not a number.", 'n_train is "60000", not a number.'),
        ("The optimizer is `adam`.", "The optimizer is `sgd`."),
    ],
)
def test_what_was_found_makes_no_other_mistake(one: str, other: str) -> None:
    assert kind_of(one) == kind_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_train is missing.", "x_test is missing."),
        ("hidden_params counts weights.", "output_params counts weights."),
        ("It isn't the model's class.", "It isn't the image's class."),
        ("w1 is wrong.", "w2 is wrong."),
    ],
)
def test_other_words_make_another_mistake(one: str, other: str) -> None:
    assert kind_of(one) != kind_of(other)


def test_counts_submissions_once_each_most_frequent_first() -> None:
    found = mistakes(
        [
            ("a", question("q1", 0, 2, "n is 5: too few.", "n is 6: too few.")),
            ("b", question("q1", 0, 2, "n is 7: too few.")),
            ("c", question("q1", 0, 2, "n is 7: too few.", "Another.")),
            ("d", question("q1", 2, 2)),
        ]
    )
    assert [(mistake.text, mistake.count, mistake.submissions) for mistake in found] == [
        ("n is 7: too few.", 3, ("a", "b", "c")),
        ("Another.", 1, ("c",)),
    ]
    assert [mistake.hidden for mistake in found] == [False, True]


def test_what_was_never_tried_is_no_mistake_and_an_error_is_one() -> None:
    found = mistakes(
        [
            ("a", question("q1", 0, 2, "model is missing.", status="not_attempted")),
            ("b", question("q1", 0, 2, "model is missing.", status="skipped", reason="there is no model")),
            ("c", question("q1", 0, 2, "model is missing.", status="error", reason="its cell raised NameError")),
        ]
    )
    assert [(mistake.text, mistake.submissions) for mistake in found] == [("its cell raised NameError", ("c",))]
