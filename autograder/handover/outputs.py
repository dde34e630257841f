"""Outputs of cells: file format, budgets, and reading it as untrusted data.

One line of JSON per output, complete before the next one is written:

    {"cell": 3, "output": {…}}            an output in nbformat: stream, display_data or execute_result
    {"cell": 3, "output": {…}, "id": 7}   an output that may be replaced later
    {"cell": 3, "output": {…}, "in_place_of": 7}
    {"cell": 3, "clear": true}            the cell's earlier outputs are removed
    {"cell": 3, "left_out": true}         further outputs exceeded the budget
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.notebooks.images import KINDS, picture
from autograder.sandbox.job_files import read_entries
from autograder.util.text import text_of

OUTPUTS = "outputs.jsonl"
TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")
# The key in the metadata of an output that is a note of the grader's. A notebook's own outputs lose their metadata, so
# nothing that it prints can pose as one.
NOTE = "autograder_note"
LEFT_OUT = "The grader left out some of what this cell showed: there was too much of it."
_STREAMS = ("stdout", "stderr")
_MAX_FILE = 24 << 20
_MAX_LINE = 4 << 20
_MAX_CELL = 100_000

Output = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """Limits: number of outputs, characters of text, characters of base64 images."""

    outputs: int
    text: int
    pictures: int


CELL_BUDGET = Budget(outputs=100, text=60_000, pictures=3_000_000)
NOTEBOOK_BUDGET = Budget(outputs=1_000, text=600_000, pictures=9_000_000)


@dataclass
class Account:
    """The used part of a budget."""

    budget: Budget
    outputs: int = 0
    text: int = 0
    pictures: int = 0

    def left(self, kind: str) -> int:
        """Return the remainder of `outputs`, `text` or `pictures`."""
        spent: int = getattr(self, kind)
        allowed: int = getattr(self.budget, kind)
        return max(0, allowed - spent)

    def charge(self, *, outputs: int = 0, text: int = 0, pictures: int = 0) -> None:
        """Charge an output."""
        self.outputs += outputs
        self.text += text
        self.pictures += pictures


@dataclass
class _CellReader:
    """The outputs of one cell; `replaceable` are the places of those with an id."""

    outputs: list[Output] = field(default_factory=list)
    account: Account = field(default_factory=lambda: Account(CELL_BUDGET))
    replaceable: dict[int, int] = field(default_factory=dict)
    left_out: bool = False


def read_outputs(folder: Path) -> dict[int, tuple[Output, ...]]:
    """Return the outputs by cell in nbformat, read after their writer has ended.

    Everything is validated and rebuilt; damaged, unknown or excessive outputs are skipped.
    """
    cells: dict[int, _CellReader] = {}
    total = Account(NOTEBOOK_BUDGET)
    for entry in read_entries(folder / OUTPUTS, _MAX_FILE, _MAX_LINE):
        number = entry.get("cell")
        if type(number) is int and 0 < number <= _MAX_CELL and (number in cells or len(cells) < total.budget.outputs):
            _take(entry, cells.setdefault(number, _CellReader()), total)
    return {number: tuple(cell.outputs) for number, cell in cells.items() if cell.outputs}


def _take(entry: Mapping[str, Any], cell: _CellReader, total: Account) -> None:
    if entry.get("clear") is True:
        cell.outputs.clear()
        cell.replaceable.clear()
        cell.account = Account(CELL_BUDGET)
        return
    output = _sound(entry.get("output"))
    last = cell.outputs[-1] if cell.outputs else {}
    goes_on = output is not None and _goes_on(last, output)
    affordable = output is None or _affordable(output, cell.account, total, outputs=int(not goes_on))
    if not affordable or entry.get("left_out") is True:
        if not cell.left_out:
            cell.left_out = True
            note = {"output_type": "display_data", "data": {"text/plain": LEFT_OUT}, "metadata": {NOTE: "left_out"}}
            cell.outputs.append(note)
    elif output is not None and goes_on:
        last["text"] += output["text"]
    elif output is not None:
        _put(output, cell, place=_number(entry.get("in_place_of")), identity=_number(entry.get("id")))


def _put(output: Output, cell: _CellReader, *, place: int, identity: int) -> None:
    if place > 0 and place in cell.replaceable:
        cell.outputs[cell.replaceable[place]] = output
        return
    cell.outputs.append(output)
    if identity > 0:
        cell.replaceable[identity] = len(cell.outputs) - 1


def _goes_on(last: Output, output: Output) -> bool:
    """Whether this is the next piece of the same stream."""
    return bool(output["output_type"] == "stream" and last.get("name") == output["name"])


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _affordable(output: Output, *accounts: Account, outputs: int) -> bool:
    """Charge an output to all accounts if none of them is overdrawn by it."""
    data = output.get("data", {})
    text = len(output.get("text", "")) + sum(len(data[kind]) for kind in TEXTS if kind in data)
    costs = {
        "outputs": outputs,
        "text": text,
        "pictures": sum(len(data[kind]) for kind in KINDS if kind in data),
    }
    if any(account.left(kind) < cost for account in accounts for kind, cost in costs.items()):
        return False
    for account in accounts:
        account.charge(**costs)
    return True


def _sound(output: object) -> Output | None:
    """Return the valid parts of an output, or None if there are none."""
    if not isinstance(output, dict):
        return None
    if output.get("output_type") == "stream":
        name, text = output.get("name"), output.get("text")
        if name not in _STREAMS or not isinstance(text, str) or not text:
            return None
        return {"output_type": "stream", "name": name, "text": text_of(text, len(text))}
    kind, given = output.get("output_type"), output.get("data")
    if kind not in ("display_data", "execute_result") or not isinstance(given, dict):
        return None
    data = {name: text_of(given[name], len(given[name])) for name in TEXTS if isinstance(given.get(name), str)}
    for name in KINDS:
        shown = picture(name, given.get(name))
        if shown is not None:
            data[name] = shown.base64
    return {"output_type": kind, "data": data, "metadata": {}} if data else None
