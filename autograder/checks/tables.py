"""Tables that students hand in: DataFrames of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.checks.core import CheckFailed
from autograder.checks.values import is_number, present


def table(value: Any, name: str, *, columns: Iterable[str] = (), rows: int | None = None) -> Any:
    """Return value if it is a table with these columns and this many rows.

    Args:
        value: the answer.
        name: what it is called.
        columns: the columns that it must have, among others.
        rows: the number of its rows; None for any.
    """
    present(value, name)
    kind = type(value).__name__
    if kind == "Series":
        raise CheckFailed(
            "{name} is a Series, one column alone: select it with double brackets, or add `.to_frame()`.",
            {"name": name},
        )
    if kind != "DataFrame":
        raise CheckFailed(
            "{name} is a {kind}, not a table: make it a DataFrame of pandas.", {"name": name, "kind": kind}
        )
    found = [str(column) for column in value.columns]
    for column in columns:
        if found.count(column) > 1:
            raise CheckFailed(
                "{name} has {count} columns called {column}: keep one of them.",
                {"name": name, "count": found.count(column), "column": column},
            )
        if column in found:
            continue
        values = {"name": name, "column": column, "found": ", ".join(found)}
        if column in value.index.names:
            raise CheckFailed("{column} is the index of {name}, not a column: add `.reset_index()`.", values)
        if column.lower() in [other.strip().lower() for other in found]:
            raise CheckFailed("{name} must have a column with exactly the name {column}; it has {found}.", values)
        raise CheckFailed("{name} has no column {column}: its columns are {found}.", values)
    if rows is not None and len(value) != rows:
        raise CheckFailed(
            "{name} has {found} rows, but {rows} are needed: look at how rows are selected or grouped.",
            {"name": name, "found": len(value), "rows": rows},
        )
    return value


def same_table(value: Any, truth: Any, name: str, *, ordered: bool = True, tolerance: float = 1e-6) -> None:
    """Fail if the columns of a table differ from the true ones.

    Args:
        value: the answer.
        truth: the right values of each column; a DataFrame, or a dict of lists.
        name: what the answer is called.
        ordered: whether the order of the rows counts.
        tolerance: the largest difference between numbers that counts as the same.
    """
    wanted = {str(column): list(truth[column]) for column in truth}
    rows = len(next(iter(wanted.values())))
    frame = table(value, name, columns=wanted, rows=rows)
    position = {str(column): place for place, column in enumerate(frame.columns)}  # by text: a year may be a number
    found = {column: list(frame.iloc[:, position[column]]) for column in wanted}
    sorted_found, sorted_wanted = _sorted_rows(found, tolerance), _sorted_rows(wanted, tolerance)
    if not ordered:
        found, wanted = sorted_found, sorted_wanted
    differences = {column: _differences(found[column], wanted[column], tolerance) for column in wanted}
    for column, places in differences.items():
        if not places:
            continue
        if ordered and not any(_differences(sorted_found[one], sorted_wanted[one], tolerance) for one in wanted):
            raise CheckFailed("{name} has the right rows in the wrong order: sort it as the task says.", {"name": name})
        values = {"name": name, "column": column, "count": len(places), "rows": rows, "row": places[0] + 1}
        if any(_is_missing(found[column][place]) for place in places):
            raise CheckFailed("The column {column} of {name} has missing values.", values)
        if ordered:
            raise CheckFailed(
                "The column {column} of {name} is wrong in {count} of {rows} rows, first in row {row}.", values
            )
        raise CheckFailed("The column {column} of {name} does not have the right values.", values)


def _differences(found: Sequence[Any], wanted: Sequence[Any], tolerance: float) -> list[int]:
    """Return the positions at which two columns differ."""
    return [place for place, pair in enumerate(zip(found, wanted, strict=True)) if not _agree(*pair, tolerance)]


def _agree(found: Any, wanted: Any, tolerance: float) -> bool:
    if _is_missing(wanted):
        return _is_missing(found)
    if is_number(wanted):
        if not is_number(found) or found == wanted or np.isinf(wanted):
            return is_number(found) and bool(found == wanted)
        return bool(abs(float(found) - float(wanted)) <= tolerance * max(1.0, abs(float(wanted))))
    same = found == wanted  # of a cell that holds an array, or a missing value of pandas, this is no truth value
    return isinstance(same, (bool, np.bool_)) and bool(same)


def _is_missing(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    kind = type(value)  # of pandas itself: a student's class may have such a name as well
    return value is None or (kind.__name__ in ("NaTType", "NAType") and kind.__module__.startswith("pandas."))


def _sorted_rows(columns: Mapping[str, Sequence[Any]], tolerance: float) -> dict[str, list[Any]]:
    """Return columns with sorted rows; numbers that agree sort as equal."""

    def key(value: Any) -> str:
        if not is_number(value):
            return str(value)
        return f"{0.0 if abs(float(value)) <= tolerance else float(value):.6g}"

    rows = sorted(zip(*columns.values(), strict=True), key=lambda row: [key(value) for value in row])
    return {column: [row[place] for row in rows] for place, column in enumerate(columns)}
