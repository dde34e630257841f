"""The three graders, with the same notebooks, data and Python for student code."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.results.result import Result
from benchmarks.classes import LAB, Course, Submission, write
from benchmarks.processes import FailedError, Took, run

_NBGRADER = "nbgrader>=0.9.5,<0.10"
_KERNEL = "python3"
_OTTER_CELLS = re.compile(r"# Initialize Otter|grader\.|# Save your notebook first")
_NBGRADER_CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "bench"
c.ExecutePreprocessor.timeout = 900
c.Execute.timeout = 900
c.ClearSolutions.enforce_metadata = False
"""


@dataclass(frozen=True)
class Graded:
    """A class graded by the kit: cost, results, start of the first submission."""

    took: Took
    results: tuple[Result, ...]
    seconds_to_first: float


def grade(root: Path, submissions: Sequence[Submission], *options: str) -> Graded:
    """`autograder grade`, with its defaults."""
    with _folder() as folder:
        handed_in, output = folder / "class", folder / "results"
        write(list(submissions), handed_in)
        begun = time.time()
        command: list[str | Path] = [sys.executable, "-m", "autograder", "grade", handed_in, "-o", output, *options]
        took = run(command, folder=root_link(root, folder))
        files = sorted(output.glob("submissions/*/result.json"))
        results = tuple(Result.from_json(file.read_text(encoding="utf-8")) for file in files)
        if len(results) != len(submissions) or any(result.status == "grader_error" for result in results):
            raise FailedError(f"{len(results)} of {len(submissions)} submissions were graded")
        # A result is written as soon as it is there, so its time minus its duration is when its grading began.
        began = [file.stat().st_mtime - result.seconds for file, result in zip(files, results, strict=True)]
        return Graded(took, results, min(began) - begun)


def root_link(root: Path, folder: Path) -> Path:
    """Return a folder to run the command in, below the course."""
    here = folder / "course"
    here.mkdir()
    for name in ("solutions", "assignment", "dist"):
        (here / name).symlink_to(root / name)
    return here


def otter_run(course: Course, submission: Submission, ipython: Path) -> Took:
    """Stock `otter run` of one submission; MNIST comes from an IPython profile."""
    with _folder() as folder:
        notebook = folder / f"{LAB}.ipynb"
        notebook.write_text(json.dumps(submission.notebook), encoding="utf-8")
        command: list[str | Path] = [
            Path(sys.executable).with_name("otter"),
            "run",
            notebook,
            "-a",
            course.autograder,
            "--no-logo",
        ]
        return run(command, folder=folder, variables={"IPYTHONDIR": str(ipython), "TF_CPP_MIN_LOG_LEVEL": "3"})


class Nbgrader:
    """Stock nbgrader in its own environment; its kernel is the TensorFlow Python.

    The same notebooks: otter's cells are left out, and after each question stands a locked cell with the same public
    and hidden tests, called on the same variables.
    """

    def __init__(self, course: Course, ipython: Path, home: Path) -> None:
        self._bin = home / "bin"
        if not (self._bin / "nbgrader").exists():
            venv.create(home, with_pip=True)
            subprocess.run([self._bin / "pip", "install", "--quiet", _NBGRADER], check=True, stderr=subprocess.DEVNULL)
        kernel = home / "kernels" / "kernels" / _KERNEL
        kernel.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(
            json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}), encoding="utf-8"
        )
        self._variables = {
            "IPYTHONDIR": str(ipython),
            "JUPYTER_PATH": str(home / "kernels"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
        }
        self._tests = _test_cells(course.autograder)

    def autograde(self, submission: Submission) -> Took:
        """`nbgrader autograde` of one submission; making the assignment is not measured."""
        with _folder() as folder:
            notebook = self._converted(submission.notebook)
            (folder / "nbgrader_config.py").write_text(_NBGRADER_CONFIG, encoding="utf-8")
            for place in (f"source/{LAB}", f"submitted/ada/{LAB}"):
                (folder / place).mkdir(parents=True)
                (folder / place / f"{LAB}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
            program = self._bin / "nbgrader"
            run([program, "generate_assignment", LAB, "--create"], folder=folder, variables=self._variables)
            took = run([program, "autograde", LAB, "--student", "ada"], folder=folder, variables=self._variables)
            if not (folder / "autograded" / "ada" / LAB / f"{LAB}.ipynb").exists():
                raise FailedError((folder / "command.log").read_text(encoding="utf-8")[-3000:])
            return took

    def _converted(self, notebook: dict[str, Any]) -> dict[str, Any]:
        converted = copy.deepcopy(notebook)
        converted["metadata"] = {"kernelspec": {"name": _KERNEL, "display_name": "Python 3", "language": "python"}}
        cells = []
        for cell in converted["cells"]:
            check = re.match(r'grader\.check\("(\w+)"\)', "".join(cell["source"]))
            if check:
                cells.append(self._tests[check[1]])
            elif cell["cell_type"] != "code" or not _OTTER_CELLS.match("".join(cell["source"])):
                cells.append(cell)
        return {**converted, "cells": cells, "nbformat": 4, "nbformat_minor": 5}


def _test_cells(autograder: Path) -> dict[str, dict[str, Any]]:
    with zipfile.ZipFile(autograder) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"tests/q\w+\.py", name)]
        return {Path(name).stem: _test_cell(Path(name).stem, archive.read(name).decode()) for name in names}


def _test_cell(question: str, source: str) -> dict[str, Any]:
    collect = "_tests = []\ndef test_case(**_):\n    return lambda function: _tests.append(function) or function\n"
    call = (
        "import inspect\nfor _test in _tests:\n"
        "    _test(**{_name: globals().get(_name) for _name in inspect.signature(_test).parameters})\n"
    )
    nbgrader = {
        "grade": True,
        "grade_id": question,
        "locked": True,
        "points": 2,
        "schema_version": 3,
        "solution": False,
    }
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"tests-{question}",
        "metadata": {"nbgrader": {**nbgrader, "task": False, "cell_type": "code"}},
        "outputs": [],
        "source": source.replace("from otter.test_files import test_case", collect) + "\n" + call,
    }


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
