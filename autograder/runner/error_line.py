"""Where in a cell an exception came from."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

_CELL_FILES = ("<ipython-input-", "<timed exec>")
_TIMED = "<timed exec>"  # the body of a %%time cell, whose first line is the magic itself


def error_line(error: BaseException, source: str) -> int | None:
    """The line of the cell, counted from 1, that raised or that called what raised; None where it cannot be told.

    Args:
        error: what the cell raised.
        source: the cell.
    """
    # IPython drops empty lines at the top before it counts.
    dropped = len(source) - len(source.lstrip("\n"))
    try:
        lines = list(_lines(error))
    except Exception:  # noqa: BLE001 - an exception of a student's own may be odd in any way
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
    """Files of cells and lines in them, from the outermost call inwards."""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(_CELL_FILES):
            yield frame.f_code.co_filename, number
    if isinstance(error, SyntaxError) and str(error.filename).startswith(_CELL_FILES) and type(error.lineno) is int:
        yield str(error.filename), error.lineno
