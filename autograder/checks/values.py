"""Numbers, arrays, text, choices and functions that students hand in."""

from __future__ import annotations

import copy
import decimal
import fractions
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.checks.core import CheckFailed

_ROUNDING = 1e-12  # relative; sums of many numbers differ by as much
_FITS = 1 << 63
_NUMBERS = frozenset({int, float, fractions.Fraction, decimal.Decimal})


def present(value: Any, name: str) -> Any:
    """Return value; fail if it is missing or still the placeholder `...`."""
    if value is None:
        raise CheckFailed(
            "{name} is missing: run the cell that sets it, and keep the name as it was given.", {"name": name}
        )
    if value is Ellipsis:
        raise CheckFailed(
            "{name} is still `...`: replace the three dots with your answer and run the cell.", {"name": name}
        )
    return value


def number(value: Any, name: str) -> float:
    """Return value as a float; any finite Python or NumPy number will do."""
    present(value, name)
    kind = type(value).__name__
    if isinstance(value, (str, bytes)):
        raise CheckFailed("{name} is text, not a number: remove the quotation marks.", {"name": name})
    if isinstance(value, (tuple, list)) and len(value) == 1:
        raise CheckFailed(
            "{name} is a {kind} with one number in it: remove the brackets, or the comma at the end of the line, which "
            "makes a tuple.",
            {"name": name, "kind": kind},
        )
    found = _as_array(value)
    if found is None or found.dtype.kind not in "iuf":
        raise CheckFailed("{name} is a {kind}, not a number: give one number.", {"name": name, "kind": kind})
    if found.shape != ():
        raise CheckFailed(
            "{name} has shape {shape}, but one number is needed: select it or compute it.",
            {"name": name, "shape": found.shape},
        )
    if not np.isfinite(found):
        raise CheckFailed(
            "{name} is {found}, not a finite number: look for a division by zero or a training that failed.",
            {"name": name, "found": str(found)},
        )
    return float(found)


def whole_number(value: Any, name: str, least: int = 0) -> int:
    """Return value as an int; a float without a fraction will do."""
    found = number(value, name)
    if found != int(found):
        raise CheckFailed(
            "{name} is {found}, but a count is a whole number: round it the way the task says.",
            {"name": name, "found": f"{found:.10g}"},
        )
    if found < least:
        raise CheckFailed(
            "{name} is {found}, but this count cannot be below {least}.",
            {"name": name, "found": f"{found:.10g}", "least": least},
        )
    return int(value if isinstance(value, (int, np.integer)) else found)  # a float would round many digits


def whole_numbers(value: Any, name: str) -> tuple[int, ...]:
    """Return value as a tuple of ints, such as a shape.

    Lists, arrays and shapes of tensors are accepted.
    """
    present(value, name)
    if isinstance(value, (str, bytes)):
        raise CheckFailed(
            "{name} is text: give a tuple of whole numbers, without quotation marks, for example (3, 4).",
            {"name": name},
        )
    if np.ndim(found := _as_array(value)) == 0 and found is not None and found.dtype.kind in "iuf":
        raise CheckFailed("{name} is a single number: give a tuple, for example (3, 4).", {"name": name})
    if found is None or found.ndim != 1 or found.dtype.kind not in "iu":
        raise CheckFailed(
            "{name} is a {kind} that does not hold whole numbers in a row: give a tuple, for example (3, 4).",
            {"name": name, "kind": type(value).__name__},
        )
    return tuple(int(entry) for entry in found)


def array(
    value: Any,
    name: str,
    *,
    shape: Sequence[int | None] | None = None,
    dtype: str = "number",
    finite: bool = True,
    wrong_shape: str = "",
) -> Any:
    """Return value as a NumPy array; lists and tensors will do.

    Args:
        value: the answer.
        name: what it is called.
        shape: the shape it must have; None stands for any length.
        dtype: "number", "float", "whole" (whole numbers, of floating-point type too) or "any".
        finite: whether NaN and infinity are failures.
        wrong_shape: the lab's own message for a wrong shape; may use {name} and {shape}.
    """
    present(value, name)
    kind = type(value).__name__
    if isinstance(value, (str, bytes)):
        raise CheckFailed("{name} is text, not an array of numbers: remove the quotation marks.", {"name": name})
    found = _as_array(value)
    if found is None:
        raise CheckFailed(
            "{name} is a {kind} that cannot be read as a regular array: do its parts have different lengths?",
            {"name": name, "kind": kind},
        )
    if dtype != "any" and found.dtype.kind not in "iuf":
        raise CheckFailed(
            "{name} is a {kind} with dtype {dtype}: an array of numbers is needed.",
            {"name": name, "kind": kind, "dtype": found.dtype},
        )
    if shape is not None and not _fits(found.shape, shape):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise CheckFailed(
            wrong_shape or "{name} has shape {shape}, but the shape ({wanted}) is needed.",
            {"name": name, "shape": found.shape, "wanted": wanted},
        )
    if found.size == 0:
        raise CheckFailed("{name} is empty: check how it was computed.", {"name": name})
    if dtype == "float" and found.dtype.kind != "f":
        raise CheckFailed(
            "{name} has dtype {dtype}: floating-point numbers are needed, not whole numbers.",
            {"name": name, "dtype": found.dtype},
        )
    if finite and found.dtype.kind == "f" and not np.isfinite(found).all():
        raise CheckFailed(
            "{name} holds NaN or infinite values: look for a division by zero or a training that failed.",
            {"name": name},
        )
    if dtype == "whole" and found.dtype.kind == "f" and (found != np.round(found)).any():
        raise CheckFailed("{name} holds numbers with a fraction: whole numbers are needed.", {"name": name})
    return found


def same(
    value: Any,
    truth: Any,
    name: str,
    *,
    tolerance: float = 1e-6,
    message: str = "{name} does not have the right values.",
    wrong: Mapping[str, Any] | None = None,
) -> None:
    """Fail if an array differs from the true one by more than tolerance anywhere.

    Args:
        value: the answer.
        truth: the right array; differences are measured relative to its largest absolute value if that is below 1.
        name: what the answer is called.
        tolerance: the largest difference that counts as the same.
        message: the lab's own message; may use {name}.
        wrong: arrays that come from common mistakes, by the message that explains them.
    """
    right = np.asarray(truth)
    found = array(value, name, shape=right.shape, finite=False)
    if is_close(found, right, tolerance):
        return
    array(found, name)  # NaN and infinity have a message of their own
    for explanation, mistake in (wrong or {}).items():
        if is_close(found, mistake, tolerance):
            raise CheckFailed(explanation, {"name": name})
    raise CheckFailed(message, {"name": name})


def is_close(found: Any, wanted: Any, tolerance: float) -> bool:
    """Whether two arrays of equal shape agree.

    Arrays of small values are compared on their own scale. Large floats may differ by the rounding errors of another
    order of summation. NaN, text and complex numbers agree with nothing.
    """
    if np.asarray(found).dtype.kind not in "biuf":
        return False
    first, second = np.asarray(found, dtype="float64"), np.asarray(wanted, dtype="float64")
    if first.shape != second.shape:
        return False
    if first.size == 0:
        return True
    scale = min(1.0, float(np.abs(second).max())) or 1.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(first - second)
        allowed = tolerance * scale + (_ROUNDING * np.abs(second) if np.asarray(found).dtype.kind == "f" else 0.0)
    return bool((np.isfinite(difference) & (difference <= allowed)).all())


def is_number(value: Any) -> bool:
    """Whether a value is a single real number.

    A truth value is none, and neither is an object of a subclass.
    """
    return type(value) in _NUMBERS or isinstance(value, (np.integer, np.floating))


def indices(value: Any, name: str, below: int) -> Any:
    """Return value as an array of valid indices, from 0 up to below - 1."""
    if isinstance(value, tuple) and len(value) == 1 and np.ndim(value[0]) == 1:
        raise CheckFailed(
            "{name} is the tuple that np.where or np.nonzero returns: take its first element, [0].", {"name": name}
        )
    found = array(value, name, dtype="any")
    if found.dtype.kind == "b":
        raise CheckFailed(
            "{name} holds True and False, one entry per image: convert that mask to the indices at which it is True.",
            {"name": name},
        )
    found = array(found, name, dtype="whole")
    if found.min() < 0 or found.max() >= below:
        raise CheckFailed(
            "{name} holds values from {least} to {most}, but the valid indices are 0 to {last}.",
            {"name": name, "least": int(found.min()), "most": int(found.max()), "last": below - 1},
        )
    return found.astype("int64")


def text(value: Any, name: str, least_words: int = 1) -> str:
    """Return value as text of at least so many words."""
    present(value, name)
    if not isinstance(value, str):
        raise CheckFailed(
            "{name} is a {kind}, not text: put it between quotation marks.",
            {"name": name, "kind": type(value).__name__},
        )
    if len(value.split()) < least_words:
        raise CheckFailed(
            "{name} has {found} words: write at least {least}.",
            {"name": name, "found": len(value.split()), "least": least_words},
        )
    return value


def choice(
    value: Any,
    name: str,
    options: Iterable[str],
    *,
    right: str | Iterable[str] | None = None,
    why: Mapping[str, str] | None = None,
) -> frozenset[str]:
    """Return the options that a student chose, of a multiple-choice question.

    The answer is one option as text ("b"), or several as a list or set; upper case and spaces do not matter.

    Args:
        value: the answer.
        name: what it is called.
        options: every option there is.
        right: the right option, or all the right ones; None checks only that options were chosen (a public test).
        why: messages for wrong options.
    """
    present(value, name)
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple, set, frozenset)) or not all(isinstance(part, str) for part in parts):
        raise CheckFailed(
            "{name} is a {kind}: give the letter of an option as text, or a list of them.",
            {"name": name, "kind": type(value).__name__},
        )
    known = {option.strip().lower(): option for option in options}
    chosen = {part.strip().lower() for part in parts}
    unknown = sorted(chosen - known.keys())
    if unknown or not chosen:
        raise CheckFailed(
            "{name} does not name an option: choose from {options}.",
            {"name": name, "options": ", ".join(known.values())},
        )
    if right is not None:
        wanted = {part.strip().lower() for part in ([right] if isinstance(right, str) else right)}
        for option in sorted(chosen - wanted):
            explanation = (why or {}).get(known[option])
            if explanation is not None:
                raise CheckFailed(explanation, {"name": name})
        if chosen < wanted:
            raise CheckFailed("{name} is incomplete: more than these options are right.", {"name": name})
        if chosen != wanted:
            raise CheckFailed(
                "{name} is not the right choice: read the question and each option again.", {"name": name}
            )
    return frozenset(known[option] for option in chosen)


def function(value: Any, name: str) -> Callable[..., Any]:
    """Return value if it can be called."""
    present(value, name)
    if not callable(value):
        raise CheckFailed(
            "{name} is a {kind}, not a function: define it with `def {name}(...)`, and do not assign to that name.",
            {"name": name, "kind": type(value).__name__},
        )
    called: Callable[..., Any] = value
    return called


def result_of(value: Any, name: str, *arguments: Any) -> Any:
    """Call a student's function and return its result.

    Fail if it raises, returns nothing or changes its arguments.
    """
    called = function(value, name)
    given = copy.deepcopy(arguments)
    try:
        found = called(*given)
    except Exception as error:  # noqa: BLE001 - a student's function can raise anything
        kind, problem = type(error).__name__, str(error)[:300]
    else:
        kind = problem = ""
    if kind:
        shapes = ", ".join(str(np.shape(argument)) for argument in arguments)
        raise CheckFailed(
            "{name} raised {kind} for arguments of shape {shapes}: {problem}",
            {"name": name, "kind": kind, "shapes": shapes, "problem": problem},
        )
    if found is None or found is Ellipsis:
        raise CheckFailed(
            "{name} returns nothing: replace the three dots in its body and end it with `return ...`.", {"name": name}
        )
    for position, (before, after) in enumerate(zip(arguments, given, strict=True), start=1):
        if not _unchanged(before, after):
            raise CheckFailed(
                "{name} changes its argument number {position} in place: compute a new array instead.",
                {"name": name, "position": position},
            )
    return found


def _as_array(value: Any) -> Any:
    """Return value as a NumPy array, None where there is no regular one.

    Fractions, decimals, whole numbers of many digits and the numbers in an array of objects become ordinary numbers.
    """
    try:
        found = np.asarray(value)
        if found.dtype.kind == "O" and found.size and all(map(is_number, found.flat)):
            entries: list[Any] = list(found.flat)
            whole = all(isinstance(entry, (int, np.integer)) and -_FITS < entry < _FITS for entry in entries)
            found = np.array(entries if whole else [_as_float(entry) for entry in entries]).reshape(found.shape)
    except Exception:  # noqa: BLE001 - what a student hands in can raise anything here
        return None
    return found


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _unchanged(before: Any, after: Any) -> bool:
    """Whether an argument is what it was before a call; NaN is equal to itself."""
    if type(before) is not type(after):
        return False
    if isinstance(before, Mapping):
        return len(before) == len(after) and all(
            key in after and _unchanged(value, after[key]) for key, value in before.items()
        )
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    if type(before).__module__.split(".")[0] == "pandas" and hasattr(before, "equals"):
        return bool(before.equals(after))
    if isinstance(before, np.ndarray):
        numbers = before.dtype.kind in "fc"
        return bool(np.array_equal(before, after, equal_nan=numbers))
    return bool(before == after) or (before != before and after != after)  # noqa: PLR0124 - only NaN differs from itself


def _fits(found: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(found) == len(wanted) and all(
        length is None or length == size for size, length in zip(found, wanted, strict=True)
    )
