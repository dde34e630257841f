"""Failures and their messages, partial credit, explanations of common mistakes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

MEASURED: dict[str, float] = {}  # what the checks of a test file have measured, by name; never decides marks


class CheckFailed(AssertionError):  # noqa: N818 - the name that tests read best with
    """An answer is wrong.

    Args:
        message: a template for `str.format`, which also identifies the message.
        values: what the template's names stand for: text or plain numbers, already formatted.
        credit: the share of the test's points that the answer earns all the same, from 0 to 1.
    """

    def __init__(self, message: str, values: Mapping[str, Any] | None = None, credit: float = 0.0) -> None:
        self.message_id = message
        self.values = {name: _plain(value) for name, value in (values or {}).items()}
        self.share_of_points = credit
        super().__init__(message.format(**self.values))


class CheckDefective(Exception):  # noqa: N818 - reads as what it says, like CheckFailed
    """A check failed through its own fault; a grader must not charge the student."""

    grader_error = True


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: text, or a finite plain number."""
    if isinstance(value, (bool, int, str)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def check(test: Callable[..., None]) -> Callable[..., None]:
    """Make a function a test that always fails with a message for students.

    Otter shows the source line at which a test raised, so failures are raised again from a line that reveals nothing.
    An error that the test did not foresee is kept in the failure's attribute `cause`: a grader that knows better than
    this function whose fault it is can look at it.
    """

    @functools.wraps(test)
    def run(*answers: Any, **named: Any) -> None:
        failure: Exception
        try:
            test(*answers, **named)
        except AssertionError as error:
            failure = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - an answer can make a check stumble in any way
            failure = _unforeseen(error, test.__globals__)
        else:
            return
        raise failure

    return run


def _unforeseen(error: Exception, names: Mapping[str, Any]) -> Any:
    """Convert an error raised in a test with these globals.

    The result is a defect of the test, or a failure of the answer.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    failure: Any
    if getattr(error, "grader_error", False):
        failure = error.with_traceback(None)
    elif isinstance(error, (NameError, ImportError)) and place is not None and place.tb_frame.f_globals is names:
        failure = CheckDefective(f"This check is defective ({error}), so it says nothing about your answer.")
    else:
        kind = type(error).__name__
        failure = CheckFailed("This check cannot use the answer ({kind}): look at its type and shape.", {"kind": kind})
    failure.cause = error
    return failure


def linear_credit(value: float, *, zero_at: float, full_at: float) -> float:
    """Return the share of points for a value on a linear scale, in whole tenths.

    The share is 0 up to zero_at and 1 from full_at on.
    """
    if not math.isfinite(value):
        return 0.0
    return min(10, max(0, int(10 * (value - zero_at) / (full_at - zero_at) + 1e-9))) / 10


def measure(name: str, value: float) -> float:
    """Record a measured number under a name, for reports, and return it."""
    MEASURED[name] = float(value)
    return value


def short(value: float) -> str:
    """Write a number with at most four significant digits, as messages show it."""
    return f"{float(value):.4g}"


def explain(value: float, wrong: Mapping[float, str], values: Mapping[str, Any] | None = None) -> None:
    """Fail with the explanation of a known wrong value.

    Args:
        value: the number a student gave.
        wrong: message templates by the wrong value that they explain.
        values: what the templates' names stand for.
    """
    if value in wrong:
        raise CheckFailed(wrong[value], values)


def compare(
    value: float, truth: float, name: str, *, tolerance: float, swapped_with: tuple[float, str] | None = None
) -> None:
    """Fail if a share (between -1 and 1) is wrong; recognise the usual mistakes.

    Args:
        value: the number a student gave.
        truth: the right number.
        name: what the answer is called.
        tolerance: the largest absolute difference that still counts as right.
        swapped_with: the right value and the name of an answer that is easily swapped with this one.
    """
    if abs(value - truth) <= tolerance:
        return
    if abs(truth) > tolerance:  # a truth near zero resembles its own negative and its own percentage
        if abs(value - 100 * truth) <= max(tolerance, 0.005 * abs(100 * truth)):
            raise CheckFailed("{name} is in percent: give the number itself, as a share of one.", {"name": name})
        if abs(value + truth) <= tolerance:
            raise CheckFailed("{name} has the wrong sign: check which number is subtracted.", {"name": name})
    if 0 <= truth <= 1 and abs(value - (1 - truth)) <= tolerance:
        raise CheckFailed("{name} is the share of the wrong answers: give that of the right ones.", {"name": name})
    if swapped_with is not None and abs(value - swapped_with[0]) <= tolerance:
        raise CheckFailed(
            "{name} holds the value of {other}: the two are swapped.", {"name": name, "other": swapped_with[1]}
        )
    raise CheckFailed(
        "{name} is {found}, which is not the right value: compute it from the results above, after the last training, "
        "and do not type it in.",
        {"name": name, "found": short(value)},
    )
