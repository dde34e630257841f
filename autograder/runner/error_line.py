"""Locate the line of a cell that an exception comes from."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

_CELL_FILES = ("<ipython-input-", "<timed exec>")
_TIMED = "<timed exec>"  # the body of a %%time cell, whose first line is the magic itself


def error_line(error: BaseException, source: str) -> int | None:
    """Return the line of the cell, counted from 1, that raised an error.

    None if unknown.

    Args:
        error: the error.
        source: the cell.
    """
    # IPython removes empty lines at the top before counting.
    dropped = len(source) - len(source.lstrip("\n"))
    try:
        lines = list(_lines(error))
    except Exception:  # noqa: BLE001 - a student's own exception class may raise in any method
        return None
    if not lines:
        return None
    file, number = lines[0]
    if file == _TIMED:
        number += 1
    elif len(lines) > 1 and lines[1][0] == _TIMED:
        number = lines[1][1] + 1
    line = number + dropped
    return line if 0 < line <= source.count("\n") + 1 else None


def _lines(error: BaseException) -> Iterator[tuple[str, int]]:
    """Yield cell files and line numbers, from the outermost call inwards."""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(_CELL_FILES):
            yield frame.f_code.co_filename, number
    if isinstance(error, SyntaxError) and str(error.filename).startswith(_CELL_FILES) and type(error.lineno) is int:
        yield str(error.filename), error.lineno
