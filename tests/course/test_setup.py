"""What a fresh machine meets: the lock, the set-up script, the Makefile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
GRADING = (ROOT / "autograder" / "authoring" / "gradescope_files" / "requirements.txt").read_text(encoding="utf-8")


def names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[._]", "-", match.group().lower()) for match in found if match}


def test_the_lock_holds_every_dependency_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = names([*project["dependencies"], *project["optional-dependencies"]["dev"]])
    entries = re.split(r"\n(?=\S)", LOCK.strip())[1:]
    assert wanted <= names(entries)
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)


def test_the_list_for_grading_is_the_part_of_the_lock_without_the_tools_of_developers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked, grading = pinned(LOCK), pinned(GRADING)
    assert grading.items() <= locked.items()
    assert names(project["dependencies"]) <= names(list(grading))
    assert not {"pytest", "mypy", "ruff", "hatchling"} & names(list(grading))


def pinned(lock: str) -> dict[str, frozenset[str]]:
    """The hashes of every package and version."""
    entries = re.split(r"\n(?=\S)", lock.strip())[1:]
    return {entry.split()[0]: frozenset(re.findall(r"sha256:\w{64}", entry)) for entry in entries}


def test_the_lock_holds_no_address() -> None:
    for lock in (LOCK, GRADING):
        assert not re.search(r"://|index-url|find-links|trusted-host| @ ", lock)


def test_scripts_can_be_run() -> None:
    bash = shutil.which("bash") or "bash"
    for name in ("run", "setup", "lock"):
        assert os.access(ROOT / ".ci" / name, os.X_OK)
        subprocess.run([bash, "-n", str(ROOT / ".ci" / name)], check=True)


def test_make_alone_says_what_there_is() -> None:
    make = shutil.which("make") or "make"
    shown = subprocess.run([make], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {"demo", "test", "build", "lint", "clean", "help"} <= set(shown.split())


def test_without_a_fitting_python_the_next_step_is_named(tmp_path: Path) -> None:
    """On a path with nothing but a Python that is too old."""
    course, path = tmp_path / "course", tmp_path / "bin"
    (course / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "setup", course / ".ci" / "setup")
    path.mkdir()
    for tool in ("bash", "dirname"):
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"no {tool} on this machine")
        (path / tool).symlink_to(found)
    old = path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = subprocess.run(
        [str(path / "bash"), str(course / ".ci" / "setup")],
        env={"PATH": str(path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "No Python from 3.11 to 3.13" in done.stderr
    assert "Next: install one" in done.stderr
    assert not (course / ".venv").exists()
