"""Trainings of the labs' solutions, run once on this machine and kept, so that equal trainings need no repeating.

Only a solution's own run makes trainings; a submission's never does. What is kept is sealed (`runner.replay.sealing`),
here as in the processes of students.
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
from autograder.handover.encode import TRAINING
from autograder.handover.journal import HANDOVER, read_run_log
from autograder.handover.support import pack_support_files
from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import Notebook, read_notebook
from autograder.runner.replay.inputs import FORMAT, processor
from autograder.sandbox import Isolation, Job
from autograder.sandbox.job_files import job_folder
from autograder.util.atomic import write_atomically

_LIBRARIES = ("tensorflow", "keras", "numpy")
_KEPT_SECONDS = 60 * 24 * 3600
_MAX_BYTES = 256 << 20


class TrainingCache:
    """The trainings of each lab: from the cache, or made by running the lab's solution when first asked for.

    Args:
        solutions: the path of the solution notebook by lab; a lab whose solution does not exist has no trainings.
        isolation: where solutions run; the same place as submissions, or nothing would be equal bit for bit.
        report: takes a line when there is something to wait for, or something went wrong.
        folder: where trainings are kept; default: the kit's cache.
        make: whether to train where nothing is kept; else there are then no trainings.
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
        """Sealed trainings in base64 by name; empty where there are none. Safe to call from several threads."""
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
        self._report(f"{assignment.name}: training the solution once; equal trainings of submissions take it over")
        try:
            made = self._make(notebook, assignment)
        except WorkerError as error:
            self._report(f"{assignment.name}: the solution could not be run, so every submission trains: {error}")
            return {}
        self._keep(file, made)
        return made

    def _make(self, notebook: Notebook, assignment: Assignment) -> Mapping[str, str]:
        payload = {
            "cells": [{"number": cell.number, "source": cell.source} for cell in notebook.cells],
            "handover": {question.name: [] for question in assignment.questions},
            "seed": assignment.seed,
            **pack_support_files(assignment.support_files),
            "record": True,
        }
        with job_folder() as folder:
            outcome = self._isolation.run(Job(RUN_NOTEBOOK, payload, folder, assignment.limits))
            if outcome.end != "done" or not read_run_log(folder).finished:
                raise WorkerError(outcome.detail or "it did not come to its end")
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
                f"{self._folder} cannot be written ({error.strerror}): the solution is trained again next time"
            )


def _key(notebook: Notebook, assignment: Assignment) -> str:
    """All that decides what a recording holds; whoever changes any of it gets a new one."""
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
