"""Failures and their messages, partial credit, and explanations of common mistakes."""

from __future__ import annotations

import functools
import math
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

MEASURED: dict[str, float] = {}  # what the checks of a test file have measured, by name; never decides marks

UNUSABLE = "This check cannot use the answer ({kind}): look at its type and shape."
DEFECTIVE = (
    "This check is defective ({kind}: {error}). This is not the fault of your answer: please tell the people who run "
    "the course."
)
_WRONG_CALL = re.compile(r"([\w.]+)\(\) (?:got an unexpected keyword|missing \d+ required|takes \d+ positional)")


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
        self.unexpected = False  # True where the check met an error that it did not foresee
        super().__init__(message.format(**self.values))


class CheckDefective(Exception):  # noqa: N818 - reads as what it says, like CheckFailed
    """The check itself cannot do its work; a grader must not hold this against a student."""

    def __init__(self, message: str, values: Mapping[str, Any] | None = None) -> None:
        self.message_id = message
        self.values = {name: _plain(value) for name, value in (values or {}).items()}
        self.grader_error = True
        super().__init__(message.format(**self.values))


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: text, or a finite plain number."""
    if isinstance(value, (bool, int, str)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def check(test: Callable[..., None]) -> Callable[..., None]:
    """Make a function a test that always fails with a message for students.

    Otter shows the source line at which a test raised, so failures are raised again from a line that reveals nothing.
    """

    @functools.wraps(test)
    def run(*answers: Any, **named: Any) -> None:
        failure: Exception
        try:
            test(*answers, **named)
        except AssertionError as error:
            failure = error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - an answer can make a check stumble in any way
            failure = failure_for(error, test)
        else:
            return
        raise failure

    return run


def failure_for(error: Exception, test: Callable[..., Any]) -> Exception:
    """Return what an unexpected error in a test becomes: a defect of the check, or a failure of the answer."""
    kind = type(error).__name__
    if getattr(error, "grader_error", False):
        return error.with_traceback(None)
    if is_defect(error, test):
        return CheckDefective(DEFECTIVE, {"kind": kind, "error": error})
    failure = CheckFailed(UNUSABLE, {"kind": kind})
    failure.unexpected = True
    return failure


def is_defect(error: BaseException, test: Callable[..., Any]) -> bool:
    """Say whether an error is a fault of the test's own code, whatever the answer is.

    That is a missing name, a failed import or a call with the wrong parameters, raised by the test itself and not by
    something that it called, such as a student's function.
    """
    names = getattr(test, "__globals__", {})
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or not _is_own(place.tb_frame.f_globals, names):
        return False
    if isinstance(error, (NameError, ImportError)):
        return True
    wrong_call = _WRONG_CALL.match(str(error)) if isinstance(error, TypeError) else None
    if wrong_call is None:
        return False
    called = names.get(wrong_call.group(1).split(".")[0])
    return isinstance(called, (type, types.FunctionType))


def _is_own(found: Mapping[str, Any], names: Mapping[str, Any]) -> bool:
    """Say whether code with the globals `found` belongs to the test file with the globals `names`."""
    return found is names or str(found.get("__name__")).startswith("autograder.checks.")


def linear_credit(value: float, *, zero_at: float, full_at: float) -> float:
    """Return the share of points for a value on a scale, in whole tenths: 0 up to zero_at, 1 from full_at on."""
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
    """Fail if a share (a number between -1 and 1) is not the true one; recognise the usual mistakes.

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
