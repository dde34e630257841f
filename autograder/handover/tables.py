"""Convert pandas tables to plain data and back, never pickled.

Columns become arrays or lists.

pandas is imported only for its own values; a grader without pandas says so.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.handover.errors import CannotCrossError

Described = dict[str, Any]
KINDS = frozenset({"frame", "series", "index", "categorical", "timestamp", "duration", "not_a_time", "missing"})
_MAX_COLUMNS = 10_000
# Column types of pandas that are rebuilt from a list, with None for a missing value.
_EXTENSIONS = frozenset(
    {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
    | {"Float32", "Float64", "boolean", "string", "str"}
)


def describe(value: Any, inner: Callable[[Any], Described]) -> Described | None:
    """Return the description of a pandas object, or None for other objects.

    Raises:
        CannotCrossError: a column has no form as plain data.
    """
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "DataFrame"):
        return None
    if isinstance(value, pandas.DataFrame):
        if value.shape[1] > _MAX_COLUMNS:
            raise CannotCrossError(f"it has more than {_MAX_COLUMNS} columns")
        columns = [_describe_column(value.iloc[:, place].array, inner) for place in range(value.shape[1])]
        axes = {"columns": _describe_index(value.columns, inner), "index": _describe_index(value.index, inner)}
        return {"kind": "frame", **axes, "values": columns}
    if isinstance(value, pandas.Series):
        column = _describe_column(value.array, inner)
        return {
            "kind": "series",
            "name": inner(value.name),
            "index": _describe_index(value.index, inner),
            "values": column,
        }
    if isinstance(value, pandas.Index):
        return _describe_index(value, inner)
    if isinstance(value, pandas.Categorical):
        return _describe_column(value, inner)
    return _describe_scalar(pandas, value, inner)


def _describe_scalar(pandas: Any, value: Any, inner: Callable[[Any], Described]) -> Described | None:
    if value is pandas.NaT:
        return {"kind": "not_a_time"}
    if value is pandas.NA:
        return {"kind": "missing"}
    if type(value) is pandas.Timestamp:
        zone = {} if value.tz is None else {"zone": _describe_zone(value.tz, inner)}
        return {"kind": "timestamp", "value": value.isoformat(), **zone}
    if type(value) is pandas.Timedelta:
        return {"kind": "duration", "value": value.isoformat()}
    return None


def rebuild(described: Described, inner: Callable[[Any], Any]) -> Any:
    """Return the pandas object that a description claims.

    Raises:
        CannotCrossError, ValueError, TypeError, KeyError: the description is not valid, or pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise CannotCrossError("it is a table, and pandas is not installed where the tests run") from error
    kind = described["kind"]
    if kind == "frame":
        return _rebuild_frame(pandas, described, inner)
    if kind == "series":
        column, index = (
            _rebuild_column(pandas, described["values"], inner),
            _rebuild_index(pandas, described["index"], inner),
        )
        return pandas.Series(column, index=index, name=inner(described["name"]))
    if kind == "index":
        return _rebuild_index(pandas, described, inner)
    if kind == "categorical":
        return _rebuild_column(pandas, described, inner)
    if kind == "timestamp":
        value = pandas.Timestamp(str(described["value"])[:100])
        return value.tz_convert(_rebuild_zone(described["zone"], inner)) if "zone" in described else value
    if kind == "duration":
        return pandas.Timedelta(str(described["value"])[:100])
    return pandas.NaT if kind == "not_a_time" else pandas.NA


def _rebuild_frame(pandas: Any, described: Described, inner: Callable[[Any], Any]) -> Any:
    columns = [_rebuild_column(pandas, column, inner) for column in described["values"]]
    labels, index = (_rebuild_index(pandas, described[axis], inner) for axis in ("columns", "index"))
    if (
        len(columns) > _MAX_COLUMNS
        or len(labels) != len(columns)
        or any(len(column) != len(index) for column in columns)
    ):
        raise CannotCrossError("it is damaged")
    frame = pandas.DataFrame(dict(enumerate(columns)), index=index)
    frame.columns = labels
    return frame


def _describe_column(array: Any, inner: Callable[[Any], Described]) -> Described:
    """Encode a column as array, list, or categories and codes."""
    pandas: Any = sys.modules["pandas"]
    dtype = array.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        categories = _describe_index(dtype.categories, inner)
        codes = inner(np.asarray(array.codes))
        return {"kind": "categorical", "categories": categories, "codes": codes, "ordered": bool(dtype.ordered)}
    if isinstance(dtype, pandas.DatetimeTZDtype):
        values = inner(np.asarray(array.tz_convert(None)))
        return {"kind": "zoned", "zone": _describe_zone(dtype.tz, inner), "values": values}
    if isinstance(dtype, np.dtype) or isinstance(array, pandas.arrays.NumpyExtensionArray):
        return {"kind": "plain", "values": inner(np.asarray(array))}
    if str(dtype) in _EXTENSIONS:
        missing = array.isna()
        items = [None if gone else item for item, gone in zip(array.tolist(), missing, strict=True)]
        return {"kind": "extension", "dtype": str(dtype), "values": inner(items)}
    raise CannotCrossError(f"it has a column of the type {dtype}: numbers, text, dates or categories are needed")


def _rebuild_column(pandas: Any, described: Described, inner: Callable[[Any], Any]) -> Any:
    kind = described["kind"]
    if kind == "categorical":
        categories = _rebuild_index(pandas, described["categories"], inner)
        codes = inner(described["codes"])
        return pandas.Categorical.from_codes(codes, categories, ordered=described["ordered"] is True)
    values = inner(described["values"])
    if kind == "extension":
        if described["dtype"] not in _EXTENSIONS or not isinstance(values, list):
            raise CannotCrossError("it is damaged")
        return pandas.array(values, dtype=described["dtype"])
    if kind not in ("plain", "zoned") or not isinstance(values, np.ndarray) or values.ndim != 1:
        raise CannotCrossError("it is damaged")
    if kind == "zoned":
        return pandas.array(values).tz_localize("UTC").tz_convert(_rebuild_zone(described["zone"], inner))
    return values


def _describe_zone(zone: datetime.tzinfo, inner: Callable[[Any], Described]) -> Described:
    """Describe a time zone by a time in it."""
    return inner(datetime.datetime(2000, 1, 1, tzinfo=zone))


def _rebuild_zone(described: Described, inner: Callable[[Any], Any]) -> datetime.tzinfo:
    value = inner(described)
    if type(value) is not datetime.datetime or value.tzinfo is None:
        raise CannotCrossError("it is damaged")
    return value.tzinfo


def _describe_index(index: Any, inner: Callable[[Any], Described]) -> Described:
    pandas: Any = sys.modules["pandas"]
    names = [inner(name) for name in index.names]
    if type(index) is pandas.RangeIndex:
        return {"kind": "index", "names": names, "range": [index.start, index.stop, index.step]}
    if isinstance(index, pandas.MultiIndex):
        levels = [_describe_column(index.get_level_values(place).array, inner) for place in range(index.nlevels)]
        return {"kind": "index", "names": names, "levels": levels}
    return {"kind": "index", "names": names, "values": _describe_column(index.array, inner)}


def _rebuild_index(pandas: Any, described: Described, inner: Callable[[Any], Any]) -> Any:
    if described["kind"] != "index":
        raise CannotCrossError("it is damaged")
    names = [inner(name) for name in described["names"]]
    if "range" in described:
        start, stop, step = (int(bound) for bound in described["range"])
        return pandas.RangeIndex(start, stop, step, name=names[0])
    if "levels" in described:
        levels = [_rebuild_column(pandas, level, inner) for level in described["levels"]]
        return pandas.MultiIndex.from_arrays(levels, names=names)
    return pandas.Index(_rebuild_column(pandas, described["values"], inner), name=names[0])
