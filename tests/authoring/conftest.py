"""A small course of one lab, with nothing of MNIST in it, to build and to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.authoring import build_labs

FRACTIONS = Path(__file__).resolve().parents[1] / "fixtures" / "fractions"


@pytest.fixture(scope="session")
def master_text() -> str:
    """The sound master, for tests that damage it."""
    return (FRACTIONS / "solutions" / "fractions.py").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, built; not to be changed."""
    root = tmp_path_factory.mktemp("fractions")
    shutil.copytree(FRACTIONS / "solutions", root / "solutions")
    build_labs(root, (), check=False, report=lambda _: None)
    return root


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A copy of the built course that a test may change."""
    return Path(shutil.copytree(built_once, tmp_path / "course"))
