"""Cache of the solutions' trainings, which submissions with equal trainings reuse.

Only runs of solutions are recorded, never submissions. The cache is sealed (`runner.replay.sealing`), because student
processes can read it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from autograder import __version__
from autograder.datasets import mnist as data
from autograder.errors import SubmissionError, WorkerError
from autograder.grading.preload import TENSORFLOW_THREADS
from autograder.grading.run_job import notebook_job
from autograder.handover.encode import TRAINING
from autograder.handover.journal import HANDOVER, read_run_log
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import Notebook, read_notebook
from autograder.runner.replay.inputs import FORMAT, processor
from autograder.sandbox import Isolation
from autograder.sandbox.job_files import job_folder
from autograder.util.atomic import write_atomically

_LIBRARIES = ("tensorflow", "keras", "numpy")
_KEPT_SECONDS = 60 * 24 * 3600
_MAX_BYTES = 256 << 20


class TrainingCache:
    """The trainings of each lab, from the cache or by running the lab's solution.

    Args:
        solutions: the path of the solution notebook by lab; labs without one have no trainings.
        isolation: runs solutions; must be the one of submissions, for bitwise equal results.
        report: called with lines about waiting and failures.
        folder: where trainings are stored; by default in the kit's cache.
        make: whether to run the solution if nothing is cached.
    """

    def __init__(
        self,
        solutions: Mapping[str, Path],
        isolation: Isolation,
        report: Callable[[str], None],
        folder: Path | None = None,
        *,
        make: bool = True,
    ) -> None:
        self._solutions = solutions
        self._isolation = isolation
        self._report = report
        self._folder = folder or data.cache_file().parent / "trainings"
        self._make_missing = make
        self._locks = {lab: threading.Lock() for lab in solutions}
        self._found: dict[str, Mapping[str, str]] = {}

    def of(self, assignment: Assignment) -> Mapping[str, str]:
        """Return sealed trainings of a lab in base64, by name. Thread-safe."""
        lab = assignment.name
        if lab not in self._solutions:
            return {}
        with self._locks[lab]:
            if lab not in self._found:
                self._found[lab] = self._find(assignment, self._solutions[lab])
            return self._found[lab]

    def _find(self, assignment: Assignment, solution: Path) -> Mapping[str, str]:
        try:
            notebook = read_notebook(solution.read_bytes())
        except (OSError, SubmissionError):
            return {}
        file = self._folder / f"{_key(notebook, assignment)}.json"
        kept = _read(file)
        if kept is not None or not self._make_missing:
            return kept or {}
        self._report(f"{assignment.name}: running the solution once, so that submissions can reuse its training")
        try:
            made = self._make(notebook, assignment)
        except WorkerError as error:
            self._report(f"{assignment.name}: the solution cannot be run, so every submission trains: {error}")
            return {}
        self._keep(file, made)
        return made

    def _make(self, notebook: Notebook, assignment: Assignment) -> Mapping[str, str]:
        with job_folder() as folder:
            outcome = self._isolation.run(notebook_job(notebook, assignment, folder, record=True))
            if outcome.end != "done" or not read_run_log(folder).finished:
                raise WorkerError(outcome.detail or "it did not finish")
            files = sorted((folder / HANDOVER).glob(f"*{TRAINING}"))
            return {file.stem: base64.b64encode(file.read_bytes()).decode("ascii") for file in files}

    def _keep(self, file: Path, made: Mapping[str, str]) -> None:
        try:
            write_atomically(file, json.dumps(made).encode())
            for other in self._folder.glob("*.json"):
                if other.stat().st_mtime < time.time() - _KEPT_SECONDS:
                    other.unlink()
        except OSError as error:
            self._report(
                f"{self._folder} cannot be written ({error.strerror}): the solution will be trained again next time"
            )


def _key(notebook: Notebook, assignment: Assignment) -> str:
    """Return a digest of everything that determines the content of a recording."""
    versions = [importlib.metadata.version(library) for library in _LIBRARIES]
    facts = [FORMAT, __version__, versions, processor(), TENSORFLOW_THREADS, assignment.seed]
    return hashlib.sha256(json.dumps([facts, [cell.source for cell in notebook.cells]]).encode()).hexdigest()[:32]


def _read(file: Path) -> Mapping[str, str] | None:
    try:
        if file.stat().st_size > _MAX_BYTES:
            return None
        content = json.loads(file.read_bytes())
        os.utime(file)
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and all(isinstance(value, str) for value in content.values())
    return content if whole else None
