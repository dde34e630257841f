"""Bitwise comparison of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

_BLOCK = 1 << 16  # elements compared at a time: small enough for the truth values to stay in the processor's cache


def same_bytes(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    """Whether two arrays have the same dtype, shape and bytes.

    NaN equals itself, and zero differs from minus zero.
    """
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.nbytes == 0:
        return True
    wide = np.uint64 if left.nbytes % 8 == 0 else np.uint8
    left, right = (np.ascontiguousarray(array).reshape(-1).view(np.uint8).view(wide) for array in (left, right))
    steps = range(0, left.size, _BLOCK)
    return all(np.array_equal(left[at : at + _BLOCK], right[at : at + _BLOCK]) for at in steps)
