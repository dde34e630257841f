"""Stock otter gives the keys of all labs full automatic marks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.datasets import mnist
from autograder.labs.course import autograder_zip
from tests.conftest import REPOSITORY

# The other labs train as long again; `autograder build` runs their keys too.
LABS = ["from_scratch", *(pytest.param(lab, marks=pytest.mark.rare) for lab in ("mnist_dense", "single_layer"))]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("lab", LABS)
def test_stock_otter_gives_the_key_full_automatic_marks(lab: str, course: Path, tmp_path: Path) -> None:
    archive = autograder_zip(course, lab)
    mnist.write_ipython_profile(tmp_path / "ipython")
    command = [str(Path(sys.executable).with_name("otter")), "run", "-a", str(archive), "-o", str(tmp_path)]
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(REPOSITORY)}
    key = course / "dist" / f"{lab}-solution.ipynb"
    subprocess.run([*command, str(key)], cwd=tmp_path, check=True, capture_output=True, env=environment)
    tests = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["tests"]
    scores = {test["name"]: (test["score"], test["max_score"]) for test in tests if "score" in test}
    with zipfile.ZipFile(archive) as opened:
        questions = json.loads(opened.read("lab.json"))["questions"]
    automatic = {entry["name"]: entry["points"] for entry in questions if not entry.get("manual")}
    assert scores == {name: (points, points) for name, points in automatic.items()}
