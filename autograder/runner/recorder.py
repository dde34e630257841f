"""Record the outputs of cells within their budgets.

See `handover.outputs` for the format.

This runs in the notebook's process, so a notebook can write the file itself. `read_outputs` therefore treats the file
as untrusted.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.handover.outputs import CELL_BUDGET, NOTEBOOK_BUDGET, OUTPUTS, TEXTS, Account, Output
from autograder.notebooks.images import KINDS
from autograder.runner.terminal_text import settle, settled
from autograder.util.text import text_of

# Stream output is written after this many characters or seconds, so that little is lost if the process is killed.
_PIECE = 8_000
_SECONDS = 1.0
_MOST_AT_ONCE = 1_000_000


class Recorder:
    """Records the outputs of one cell at a time.

    Args:
        folder: the job's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / OUTPUTS
        self._owner = os.getpid()
        self._lock = threading.RLock()
        self._total = Account(NOTEBOOK_BUDGET)
        self._ids: dict[str, int] = {}
        self._number = 0
        self._cell = Account(CELL_BUDGET)
        self._stream = self._shown_last = ""
        self._pieces: list[str] = []
        self._new = 0
        self._written = time.monotonic()
        self._clear_next = self._left_out = self._full = False

    def begin(self, cell: int) -> None:
        """Start recording the outputs of a cell."""
        with self._lock:
            self._number = cell
            self._cell = Account(CELL_BUDGET)
            self._stream = self._shown_last = ""
            self._clear_next = self._left_out = self._full = False

    def end(self) -> None:
        """Finish recording the current cell."""
        with self._lock:
            self._write_stream(final=True)

    def write(self, name: str, text: str) -> None:
        """Record text written to `stdout` or `stderr`. Cheap once the budget is used up."""
        if self._full or os.getpid() != self._owner:
            return
        with self._lock:
            if name != self._stream:
                self._write_stream(final=True)
                self._stream = name
            self._pieces.append(text[:_MOST_AT_ONCE])
            self._new += len(text)
            if self._new > _PIECE or time.monotonic() - self._written > _SECONDS:
                self._write_stream(final=False)

    def show(self, kind: str, data: Mapping[str, Any], *, identity: str | None = None, in_place: bool = False) -> None:
        """Record a displayed object.

        Args:
            kind: `display_data` or `execute_result`.
            data: texts, and images in base64, by MIME type; other values are left out.
            identity: IPython's display id, if any.
            in_place: whether it replaces the output with that display id.
        """
        if os.getpid() != self._owner:
            return
        with self._lock:
            self._write_stream(final=True)
            kept = self._within_budget(data)
            if kept:
                output = {"output_type": kind, "data": kept, "metadata": {}}
                self._append(output, **self._reference(identity, in_place=in_place))

    def clear(self, *, wait: bool) -> None:
        """Clear the cell's outputs; with `wait`, on its next output."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            self._write_stream(final=True)
            self._clear_next = True
            if not wait:
                self._clear()

    def wants_picture(self) -> bool:
        """Return whether the budget allows another image, so that none is drawn in vain."""
        return self._left("outputs") > 0 and self._left("pictures") > 0

    def _write_stream(self, *, final: bool) -> None:
        whole, rest = settle("".join(self._pieces))
        if final or len(rest) > CELL_BUDGET.text:
            whole, rest = whole + settled(rest), ""
        self._pieces = [rest] if rest else []
        self._new = 0
        self._written = time.monotonic()
        if not whole:
            return
        self._clear()
        new = int(self._shown_last != self._stream)  # otherwise it continues the previous output
        room = self._left("text") if self._left("outputs") >= new else 0
        if room:
            self._charge(outputs=new, text=min(room, len(whole)))
            self._append({"output_type": "stream", "name": self._stream, "text": text_of(whole, room)})
            self._shown_last = self._stream
        if len(whole) > room:
            self._full = True
            self._leave_out()

    def _within_budget(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return the parts of an output that fit the budget, and charge them."""
        self._clear()
        if not self._left("outputs"):
            self._leave_out()
            return {}
        self._charge(outputs=1)
        self._shown_last = ""
        kept: dict[str, str] = {}
        for kinds, budget in ((TEXTS, "text"), (KINDS, "pictures")):
            for name in kinds:
                value = data.get(name)
                if not isinstance(value, str):
                    continue
                if len(value) > self._left(budget):
                    self._leave_out()
                    continue
                kept[name] = text_of(value, len(value))
                self._charge(**{budget: len(value)})
        return kept

    def _reference(self, identity: str | None, *, in_place: bool) -> dict[str, int]:
        if not isinstance(identity, str):
            return {}
        number = self._ids.setdefault(identity, len(self._ids) + 1)
        return {"in_place_of" if in_place else "id": number}

    def _clear(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._cell = Account(CELL_BUDGET)
            self._shown_last = ""
            self._full = False
            self._line({"clear": True})

    def _leave_out(self) -> None:
        if not self._left_out:
            self._left_out = True
            self._line({"left_out": True})

    def _left(self, kind: str) -> int:
        return min(self._cell.left(kind), self._total.left(kind))

    def _charge(self, **costs: int) -> None:
        self._cell.charge(**costs)
        self._total.charge(**costs)

    def _append(self, output: Output, **reference: int) -> None:
        self._line({"output": output, **reference})

    def _line(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps({"cell": self._number, **entry}, ensure_ascii=False) + "\n"
        # `print` must not raise because of a full disk or too many open files.
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(line)
