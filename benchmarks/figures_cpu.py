"""Measure what a lab's figures cost: `python -m benchmarks.figures_cpu`.

Runs the answer keys in `dist/` (or the notebooks that are named) in a Jupyter kernel each and prints the processor
seconds of every cell that shows a figure. Such a cell may compute a little as well; none of them trains.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from autograder.datasets import mnist

_DIST = Path(__file__).resolve().parents[1] / "dist"
_METER = """
from autograder.datasets.keras_patch import serve_file as _serve
import time as _time
_serve({mnist!r})
_seconds = [-_time.process_time()]  # this cell's
get_ipython().events.register("pre_run_cell", lambda _: _seconds.append(-_time.process_time()))
get_ipython().events.register("post_run_cell", lambda _: _seconds.append(_seconds.pop() + _time.process_time()))
"""


def seconds_by_cell(notebook: Path, data: Path) -> list[tuple[str, float]]:
    """Return the last line and the processor seconds of each cell that shows a figure."""
    document: Any = nbformat.read(notebook, as_version=4)
    cells = [cell for cell in document.cells if cell.cell_type == "code"]
    ends = [nbformat.v4.new_code_cell(text) for text in (_METER.format(mnist=str(data)), "print(_seconds[1:-1])")]
    document.cells = [ends[0], *cells, ends[1]]
    NotebookClient(document, timeout=600, kernel_name="python3").execute(stderr=subprocess.DEVNULL)
    seconds = json.loads(ends[1].outputs[0].text)
    return [
        (cell.source.strip().splitlines()[-1], used)
        for cell, used in zip(cells, seconds, strict=True)
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
    ]


def main(arguments: Sequence[str]) -> None:
    """Print the costs of the named notebooks, or of all answer keys."""
    data = mnist.npz_path()
    for notebook in map(Path, arguments or sorted(map(str, _DIST.glob("*-solution.ipynb")))):
        rows = seconds_by_cell(notebook, data)
        print(f"{notebook.name}: {sum(used for _, used in rows):.2f} s for {len(rows)} figures")
        for line, used in rows:
            print(f"  {used:.3f}  {line[:90]}")


if __name__ == "__main__":
    main(sys.argv[1:])
