"""Failures, partial credit, and explanations of common mistakes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from autograder.checks import core
from autograder.checks.core import (
    CheckDefective,
    CheckFailed,
    check,
    compare,
    explain,
    linear_credit,
    measure,
)


def raised(test: Callable[..., None], *answers: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the tests look at what it is
        test(*answers)
    return caught.value


def test_a_failure_carries_its_template_and_plain_values() -> None:
    failure = CheckFailed(
        "{name} has shape {shape}: {n} of {x}.", {"name": "a", "shape": (1, 2), "n": 3, "x": math.nan}
    )
    assert str(failure) == "a has shape (1, 2): 3 of nan."
    assert failure.message_id == "{name} has shape {shape}: {n} of {x}."
    assert json.loads(json.dumps(failure.values, allow_nan=False)) == {
        "name": "a",
        "shape": "(1, 2)",
        "n": 3,
        "x": "nan",
    }
    assert isinstance(failure, AssertionError)
    assert failure.share_of_points == 0.0
    assert CheckFailed("Half.", credit=0.5).share_of_points == 0.5


def test_check_lets_a_right_answer_pass_and_keeps_the_signature() -> None:
    @check
    def test_it(answer: int, other: int = 2) -> None:
        assert answer + other == 3

    test_it(answer=1)
    assert test_it.__name__ == "test_it"
    assert test_it.__wrapped__  # type: ignore[attr-defined] # otter asks for the parameters through it


def test_check_raises_failures_from_a_line_that_reveals_nothing() -> None:
    @check
    def test_it(answer: int) -> None:
        if answer != 42:
            raise CheckFailed("not the answer")

    failure = raised(test_it, 1)
    assert str(failure) == "not the answer"
    assert failure.__context__ is None
    assert failure.__traceback__ is not None
    lines = []
    place = failure.__traceback__
    while place is not None:
        lines.append(place.tb_frame.f_code.co_name)
        place = place.tb_next  # type: ignore[assignment]
    assert "test_it" not in lines[1:]


def test_an_error_over_an_answer_is_a_failure_of_the_answer() -> None:
    @check
    def test_it(answer: Any) -> None:
        assert answer["x"] / 0

    failure = raised(test_it, [1])
    assert isinstance(failure, CheckFailed)
    assert isinstance(failure.cause, TypeError)  # type: ignore[attr-defined]
    assert failure.values == {"kind": "TypeError"}
    assert "TypeError" in str(failure)


def own_name(answer: Any) -> None:
    assert answer == misspelt  # type: ignore[name-defined] # noqa: F821


def own_import(answer: Any) -> None:  # noqa: ARG001
    from autograder.checks.core import nothing_of_this_name  # type: ignore[attr-defined] # noqa: F401


@pytest.mark.parametrize("test", [own_name, own_import])
def test_an_error_of_the_test_itself_is_a_defect(test: Callable[..., None]) -> None:
    failure = raised(check(test), 1.0)
    assert isinstance(failure, CheckDefective)
    assert failure.grader_error
    assert not isinstance(failure, AssertionError)


def students_names() -> dict[str, Any]:
    """Functions of a notebook, whose names are not those of the test."""
    names: dict[str, Any] = {"__name__": "__main__"}
    code = "def softmax(z):\n    return nup.exp(z)\ndef one(z):\n    import nothing_installed\ndef two():\n    return 1"
    exec(code, names)  # noqa: S102 - stands for the student's notebook
    return names


@pytest.mark.parametrize("name", ["softmax", "one", "two"])
def test_the_same_errors_in_a_students_function_are_the_answers(name: str) -> None:
    @check
    def test_it(answer: Any) -> None:
        answer(1.0)

    failure = raised(test_it, students_names()[name])
    assert isinstance(failure, CheckFailed)
    assert failure.cause.__traceback__ is not None  # type: ignore[attr-defined]


def test_a_defect_found_by_a_helper_passes_through() -> None:
    @check
    def test_it(answer: Any) -> None:
        raise CheckDefective(f"No data: {answer}.")

    failure = raised(test_it, "offline")
    assert isinstance(failure, CheckDefective)
    assert str(failure) == "No data: offline."


@pytest.mark.parametrize(
    ("value", "credit"),
    [(0.89, 0.0), (0.90, 0.0), (0.9349, 0.4), (0.935, 0.5), (0.9699, 0.9), (0.97, 1.0), (1.0, 1.0), (math.nan, 0.0)],
)
def test_credit_rises_in_tenths(value: float, credit: float) -> None:
    assert linear_credit(value, zero_at=0.90, full_at=0.97) == credit


def test_measured_numbers_are_kept_by_name() -> None:
    assert measure("test_number", 0.5) == 0.5
    assert core.MEASURED.pop("test_number") == 0.5


def test_a_known_mistake_is_explained() -> None:
    wrong: dict[float, str] = {784: "{name} counts inputs.", 10: "{name} counts units."}
    explain(7840, wrong, {"name": "params"})
    with pytest.raises(CheckFailed, match=r"^params counts units\.$"):
        explain(10.0, wrong, {"name": "params"})
    explain(math.nan, wrong)


@pytest.mark.parametrize("value", [0.98, 0.98004, 0.97996])
def test_a_value_within_the_tolerance_is_right(value: float) -> None:
    compare(value, 0.98, "acc", tolerance=5e-5)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (98.0, "in percent"),
        (98.004, "in percent"),
        (0.02, "share of the wrong answers"),
        (-0.98, "wrong sign"),
        (0.12, "swapped"),
        (0.9, "not the right value"),
        (math.nan, "not the right value"),
        (math.inf, "not the right value"),
        (0.0, "not the right value"),
    ],
)
def test_usual_mistakes_are_recognised(value: float, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        compare(value, 0.98, "acc", tolerance=5e-5, swapped_with=(0.12, "loss"))


def test_a_difference_of_losses_is_not_taken_for_a_percentage() -> None:
    """Percent is not recognised where a small gap would make every number fit.

    With a true gap of 0.004 and a tolerance of 0.005, every number below 1 would.
    """
    for value in (-0.04, 0.04, 0.2):
        with pytest.raises(CheckFailed, match="not the right value"):
            compare(value, 0.004, "gap", tolerance=0.005)
