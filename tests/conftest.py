"""What tests share: one built course, one fork server, one trained model a lab."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring import build_labs
from autograder.datasets import mnist as data
from autograder.grading.grader import Grader
from autograder.grading.preload import keras_preload
from autograder.grading.training_cache import TrainingCache
from autograder.labs.assignment import Assignment, load_assignment
from autograder.labs.course import autograder_zip
from autograder.sandbox.client import ForkServer
from tests.fixtures.commands import Command, command_in_this_process

# Where JupyterLab is installed, jsonschema would build this parser of IRIs in every test process: two seconds each.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
# Whoever runs the tests in the background has their shell ignore Ctrl-C, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]
# Whatever needs one of these is marked slow.
COSTLY = {"fork_server", "browser", "validator"}
MakeOnce = Callable[[str, Callable[[Path], None]], Path]
LABS = ("from_scratch", "mnist_dense", "single_layer")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as slow that run sandboxed jobs or open pages."""
    for item in items:
        if COSTLY & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    # Files that take long come first, so that no test process ends long before the other.
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Make a folder once for all processes of a run under pytest-xdist.

    It must not be changed afterwards.
    """
    home = tmp_path_factory.getbasetemp()
    home = (home.parent if "PYTEST_XDIST_WORKER" in os.environ else home) / "made-once"
    home.mkdir(exist_ok=True)

    def make_once(name: str, make: Callable[[Path], None]) -> Path:
        folder = home / name
        with (home / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                unfinished = home / f"{name}.unfinished"
                unfinished.mkdir()  # fails, and rightly so, where another process has failed to make it
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return make_once


@pytest.fixture(scope="session")
def course(made_once: MakeOnce) -> Path:
    """A course built from the repository's masters; not to be changed."""

    def build(root: Path) -> None:
        shutil.copytree(REPOSITORY / "solutions", root / "solutions")
        build_labs(root, (), check=False, report=lambda _: None)

    return made_once("course", build)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """The real fork server with the real MNIST."""
    with ForkServer(keras_preload(data.npz_path())) as process:
        yield process


@pytest.fixture(scope="session")
def autograder_here(fork_server: ForkServer) -> Command:
    """Run the command in this process, with the fork server of the tests."""
    return command_in_this_process(fork_server)


@pytest.fixture(scope="session")
def assignments(course: Path, fork_server: ForkServer) -> dict[str, Assignment]:
    """All labs as the grader loads them."""
    return {lab: load_assignment(autograder_zip(course, lab), fork_server) for lab in LABS}


@pytest.fixture(scope="session")
def trainings(
    course: Path, assignments: dict[str, Assignment], fork_server: ForkServer
) -> dict[str, Mapping[str, str]]:
    """The recorded trainings of each lab's solution, made once on this machine."""
    solutions = {lab: course / "dist" / f"{lab}-solution.ipynb" for lab in LABS}
    cache = TrainingCache(solutions, fork_server, lambda _: None)
    return {lab: cache.of(assignments[lab]) for lab in LABS}


@pytest.fixture(scope="session")
def grader(assignments: dict[str, Assignment], fork_server: ForkServer) -> Grader:
    """A grader for all labs."""
    return Grader(assignments, fork_server)


@pytest.fixture(scope="session")
def notebooks(course: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Student notebook and solution of each lab, as JSON data."""

    def load(path: Path) -> dict[str, Any]:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return notebook

    return {
        lab: (load(course / "assignment" / f"{lab}.ipynb"), load(course / "dist" / f"{lab}-solution.ipynb"))
        for lab in LABS
    }
