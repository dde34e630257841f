"""Commands with nothing to grade start neither TensorFlow nor a worker.

This also holds on a machine whose cache describes no lab yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.grading.resume import Conditions
from autograder.labs.assignment import load_assignment
from autograder.results.folder import begin_run, write_result
from autograder.results.result import Result
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import lab_json, make_zip, question_file
from tests.fixtures.faults import SMALL_LAB
from tests.platforms.samples import notebook, put

# TensorFlow alone takes 2.5 s of processor time to import; the commands take 0.6 s on an idle machine.
MOST_SECONDS = 2.0
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cold(tmp_path: Path) -> Command:
    """Run the command with an empty cache and limited processor time.

    No worker may have described tests.
    """

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        line = [sys.executable, "-m", "autograder", *arguments]
        environment = {**os.environ, "MNIST_LAB_KIT_CACHE": str(tmp_path / "cache")}
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == code, done.stdout + done.stderr
        assert after.ru_utime - before.ru_utime < MOST_SECONDS
        assert not (tmp_path / "cache/descriptions").exists(), "a worker looked into the tests"
        return done

    shutil.copy(SMALL_LAB, tmp_path / "small-lab.zip")
    return run


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"", b"{"])
def test_check_of_what_is_no_notebook(tmp_path: Path, cold: Command, content: bytes) -> None:
    name = "x.pdf" if content.startswith(b"%") else "x.ipynb"
    put(tmp_path, {name: content})
    result = json.loads(cold("check", name, "-a", "small-lab.zip", "--json").stdout)
    assert (result["status"], result["lab"], result["max_score"]) == ("unreadable", "tiny", 5.0)


def test_grade_with_nothing_left(tmp_path: Path, cold: Command, fork_server: ForkServer) -> None:
    put(tmp_path / "class", {"ada.ipynb": notebook(1, 2), "bo.pdf": b"%PDF-1.7"})
    lab = load_assignment(SMALL_LAB, fork_server)
    conditions = Conditions({lab.name: lab}, fork_server.level, lab.name)
    digest = hashlib.sha256((tmp_path / "class/ada.ipynb").read_bytes()).hexdigest()
    result = Result("ada.ipynb", digest, lab.name, fork_server.level, "graded", None, 5.0, 5.0, 1.0)
    write_result(tmp_path / "out", "ada.ipynb", result, conditions.fingerprint(digest, lab.name))
    begin_run(tmp_path / "out", ["ada.ipynb"])
    told = cold("grade", "class", "-a", "small-lab.zip", "-o", "out").stderr
    assert "1 of 2 was graded before and has not changed." in told


@pytest.mark.slow
def test_a_lab_whose_tests_cannot_be_loaded_is_reported_before_anything_is_graded(tmp_path: Path) -> None:
    test = "import no_such_module\n@test_case(points=1)\ndef test_one(a):\n    assert a == 1\n"
    make_zip(tmp_path / "tiny.zip", {"q1": question_file("q1", test)}, lab=lab_json({"q1": (["a"], ["a = ..."])}))
    put(tmp_path, {"class/ada.ipynb": notebook(1, 2)})
    for arguments in (("check", "class/ada.ipynb"), ("grade", "class", "-o", "out")):
        line = [sys.executable, "-m", "autograder", *arguments, "-a", "tiny.zip"]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "no_such_module" in done.stderr
        assert "Traceback" not in done.stderr
