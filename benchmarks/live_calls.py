"""Measure live calls: `python -m benchmarks.live_calls`.

Tests call functions that stay in a notebook.

Everything is real: the notebook in its full sandbox, the checker in its own, the channel between them.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

from autograder.grading.grader import Grader
from autograder.grading.preload import keras_preload
from autograder.labs.assignment import load_assignment
from autograder.sandbox.client import ForkServer

_TEST = """OK_FORMAT = False
from otter.test_files import test_case
name = "q1"
points = None
MEASURED = {}
@test_case(points=1)
def test_speed(same, nothing, used):
    import time
    import numpy as np
    def seconds(function, argument, times):
        start = time.perf_counter()
        for _ in range(times):
            function(argument)
        return time.perf_counter() - start
    large = np.random.rand(12_500_000)
    here, there = time.process_time(), used()
    MEASURED["small_calls_per_second"] = 3000 / seconds(same, 3, 3000)
    MEASURED["microseconds_of_the_checker"] = (time.process_time() - here) / 3000 * 1e6
    MEASURED["microseconds_of_the_notebook"] = (used() - there) / 3000 * 1e6
    MEASURED["calls_per_second_of_1000_floats"] = 500 / seconds(same, [0.1 * n for n in range(1000)], 500)
    MEASURED["seconds_for_100_MB_there"] = min(seconds(nothing, large, 1) for _ in range(3))
    MEASURED["seconds_for_100_MB_there_and_back"] = min(seconds(same, large + 0, 1) for _ in range(3))
"""
_CELLS = (
    "import otter\ngrader = otter.Notebook()",
    "import time\ndef same(x): return x + 0 if hasattr(x, 'shape') else x\ndef nothing(x): return None\n"
    "def used(): return time.process_time()",
    'grader.check("q1")',
)


def main() -> None:
    """Grade one notebook whose test measures, and print what it has measured."""
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for source in _CELLS
    ]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()
    with tempfile.TemporaryDirectory() as folder, ForkServer(keras_preload(None)) as isolation:
        path = Path(folder) / "speed-autograder.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tests/q1.py", _TEST)
        lab = load_assignment(path, isolation)
        result = Grader({lab.name: lab}, isolation, assume=lab.name).grade("speed.ipynb", lambda: notebook)
    print(f"isolation {result.isolation}, {result.score:g} of {result.max_score:g} points")
    for name, value in result.measured.items():
        print(f"{name:40} {value:10.2f}")


if __name__ == "__main__":
    main()
