"""What tests share: one built course, one fork server, one trained model a lab."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring import build_labs
from autograder.datasets import mnist as data
from autograder.grading.grader import Grader
from autograder.grading.preload import keras_preload
from autograder.labs.assignment import Assignment, load_assignment
from autograder.labs.course import autograder_zip
from autograder.sandbox.client import ForkServer

# Whoever runs the tests in the background has their shell ignore Ctrl-C, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]
LABS = ("mnist_dense", "single_layer")


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course built from the repository's masters, in a folder of its own."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(REPOSITORY / "solutions", root / "solutions")
    build_labs(root, (), check=False, report=lambda _: None)
    return root


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """The real fork server with the real MNIST."""
    with ForkServer(keras_preload(data.npz_path())) as process:
        yield process


@pytest.fixture(scope="session")
def assignments(course: Path, fork_server: ForkServer) -> dict[str, Assignment]:
    """Both labs as the grader loads them."""
    return {lab: load_assignment(autograder_zip(course, lab), fork_server) for lab in LABS}


@pytest.fixture(scope="session")
def grader(assignments: dict[str, Assignment], fork_server: ForkServer) -> Grader:
    """A grader for both labs."""
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
