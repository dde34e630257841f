"""Large arrays known to every worker, so that value-wise mappings cross as tables.

Normalised images are raw images with each of the 256 values replaced by another, so that 2 kB describe 376 MB exactly.
A false description only results in another array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_VALUES = 256
_LEAST_BYTES = 1 << 20  # for smaller arrays, a table saves nothing
_BLOCK = 1 << 15  # elements compared at a time: small enough for the processor's cache
_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class _Known:
    """An array of uint8 with places of its values.

    `places[v]` is an index into the flattened array where it holds v, 0 if it never does.
    """

    array: np.ndarray[Any, Any]
    places: np.ndarray[Any, Any]


_SHARED: dict[str, np.ndarray[Any, Any]] = {}
_KNOWN: dict[str, _Known] = {}


def share(arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Share arrays, read-only, with all processes forked from this one.

    Large arrays of uint8 can be mapped.
    """
    for name, array in arrays.items():
        array.setflags(write=False)
        _SHARED[name] = array
        if array.dtype == np.uint8 and array.nbytes >= _LEAST_BYTES:
            places = np.zeros(_VALUES, np.intp)
            values, where = np.unique(array, return_index=True)
            places[values] = where
            _KNOWN[name] = _Known(array, places)


def shared() -> Mapping[str, np.ndarray[Any, Any]]:
    """All arrays given to `share`, by name."""
    return _SHARED


def table_for(array: np.ndarray[Any, Any]) -> tuple[str, np.ndarray[Any, Any]] | None:
    """Return name and 256-value table of the known array that gives `array`, or None."""
    unsigned = _UNSIGNED.get(array.dtype.itemsize)
    if unsigned is None or not array.flags.c_contiguous:
        return None
    for name, known in _KNOWN.items():
        if known.array.shape == array.shape:
            flat = array.reshape(-1)
            table = flat[known.places]
            if _is_mapped(known.array.reshape(-1), table.view(unsigned), flat.view(unsigned)):
                return name, table
    return None


def mapped(name: str, table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the known array with every value v replaced by `table[v]`; read-only.

    Raises:
        ValueError: there is no such array, or the table does not have 256 values.
    """
    known = _KNOWN.get(name)
    if known is None or table.shape != (_VALUES,):
        raise ValueError("no such array or table")
    array: np.ndarray[Any, Any] = table[known.array]
    array.setflags(write=False)
    return array


def mapped_bytes(name: str, table: np.ndarray[Any, Any]) -> int:
    """Return the size of the result of `mapped` in bytes; 0 where it would raise."""
    known = _KNOWN.get(name)
    return 0 if known is None else known.array.size * table.dtype.itemsize


def _is_mapped(raw: np.ndarray[Any, Any], table: np.ndarray[Any, Any], flat: np.ndarray[Any, Any]) -> bool:
    expected = np.empty(_BLOCK, flat.dtype)
    for at in range(0, raw.size, _BLOCK):
        values = raw[at : at + _BLOCK]
        part = expected[: values.size]
        # No index is out of bounds; this mode spares a copy.
        np.take(table, values, out=part, mode="clip")
        if not np.array_equal(part, flat[at : at + _BLOCK]):
            return False
    return True
