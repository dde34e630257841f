"""The MNIST data set and its normalisation."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np

from autograder.checks.core import CheckDefective, CheckFailed, short
from autograder.checks.values import array


@functools.lru_cache(maxsize=1)
def raw_data() -> tuple[Any, Any, Any, Any]:
    """Return MNIST as Keras loads it, read-only.

    The order is train_images, train_labels, test_images, test_labels; all are uint8.

    Tests use these and not the notebook's own arrays, which a student may have changed.
    """
    try:
        (train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    except Exception as error:
        raise CheckDefective(
            f"MNIST could not be loaded ({type(error).__name__}: {str(error)[:200]}), so this check says nothing about "
            "your answer. Check the connection to the internet and run it again."
        ) from error
    arrays = (train_images, train_labels, test_images, test_labels)
    for values in arrays:
        values.setflags(write=False)
    return arrays


def normalised(value: Any, name: str, raw: Any) -> Any:
    """Return value if it is the raw images divided once by their largest value.

    The dtype may be float32 or float64.
    """
    found = array(
        value,
        name,
        shape=raw.shape,
        finite=False,
        wrong_shape="{name} has shape {shape}, not that of the raw images: divide the right array and keep its shape.",
    )
    largest, brightest = float(found.max()), float(raw.max())
    facts = {"name": name, "dtype": found.dtype, "least": short(found.min()), "most": short(largest)}
    if not np.isfinite(found).all() or largest <= 0:
        raise CheckFailed(
            "{name} runs from {least} to {most}, so the division went wrong: start again from the raw images.", facts
        )
    if found.dtype.kind != "f" and largest > 1:
        raise CheckFailed(
            "{name} is not normalised: it still holds whole numbers ({dtype}) up to {most}. Divide the raw images.",
            facts,
        )
    if found.dtype.kind != "f":
        raise CheckFailed(
            "{name} holds whole numbers ({dtype}): integer division // loses the grey levels, so divide with /.", facts
        )
    if found.dtype not in (np.float32, np.float64):
        raise CheckFailed(
            "{name} has dtype {dtype}: use float32 or float64, because other floats are too coarse.", facts
        )
    if largest > brightest / 2:
        raise CheckFailed(
            "{name} is not normalised: its values go up to {most}. Changing the dtype is not enough, divide as well.",
            facts,
        )
    if abs(largest * brightest - 1) < 0.02:
        raise CheckFailed(
            "{name} is normalised twice: its values end at {most}. That happens when a cell that stores its result "
            "under the old name is run again: load the data again and divide once, into a new array.",
            facts,
        )
    if largest_difference(found, raw, brightest) > 2e-6:
        raise _wrong_division(found, raw, facts)
    return found


def _wrong_division(found: Any, raw: Any, facts: dict[str, Any]) -> CheckFailed:
    """Return the failure that explains how found differs from normalised images."""
    divisor, brightest = divisor_of(found, raw), float(raw.max())
    if divisor is None and (found.max() > 1 + 1e-5 or found.min() < 0):
        return CheckFailed(
            "{name} runs from {least} to {most}: pixels that are only divided stay between 0 and 1.", facts
        )
    if divisor is None:
        return CheckFailed(
            "{name} is not the raw array divided by one number: its pixels were changed or moved, scaled image by "
            "image, or taken from other images.",
            facts,
        )
    if abs(divisor - brightest - 1) < 0.3:
        return CheckFailed(
            "{name} is divided by the number of grey levels: divide by the largest level, so that full ink becomes 1.",
            facts,
        )
    return CheckFailed(
        "{name} is divided by the wrong constant, about {divisor}: full ink must become 1.",
        {**facts, "divisor": f"{divisor:.5g}"},
    )


def largest_difference(found: Any, raw: Any, divisor: float) -> float:
    """Return the largest absolute difference between found and raw / divisor.

    Computed in blocks to save memory.
    """
    differences = []
    for start in range(0, len(raw), 500):
        difference = raw[start : start + 500] / divisor
        np.subtract(found[start : start + 500], difference, out=difference)
        differences.append(np.abs(difference, out=difference).max())
    return float("inf") if np.isnan(differences).any() else float(max(differences))


def divisor_of(found: Any, raw: Any) -> float | None:
    """Return the number by which raw was divided to give found.

    Judged by 500 images; None if there is no such number.
    """
    ink = raw[:500] > 0
    values = np.where(found[:500][ink] == 0, np.nan, found[:500][ink])
    ratios = raw[:500][ink] / values
    if not np.isfinite(ratios).all() or np.ptp(ratios) > 0.001 * abs(ratios.mean()):
        return None
    return float(ratios.mean())
