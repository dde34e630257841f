"""Where the tests run as root, attacks once more as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.datasets import mnist as data
from autograder.sandbox.credentials import runs_as_root

_USER = 54_321
_REPOSITORY = Path(__file__).resolve().parents[2]


# Attacks that succeed without their protection: the user makes no difference to most of them.
_UNPROTECTED = "test_it_bites or test_it_passes_in_one_process or test_a_call_does_harm"

# Attacks on what belongs to others: here the user makes the most difference.
_SAMPLE = "test_the_sandbox_stops_it and (read or write or replace or signal or trace or connect or namespace)"


@pytest.mark.slow
@pytest.mark.skipif(not runs_as_root(), reason="these tests run as an ordinary user already")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(_SAMPLE, id="sample"),
        pytest.param(f"not ({_UNPROTECTED})", id="stopped", marks=pytest.mark.rare),
        pytest.param(_UNPROTECTED, id="bite", marks=pytest.mark.rare),
    ],
)
def test_attacks_as_an_ordinary_user(chosen: str) -> None:
    home = Path("/var/tmp") / f"attacker-{os.getpid()}"  # noqa: S108 - pytest's own folders are closed to others
    cache = home / ".cache" / data.npz_path().parent.name
    cache.mkdir(parents=True)
    try:
        shutil.copy(data.npz_path(), cache)
        for path in (home, *home.rglob("*")):
            os.chown(path, _USER, _USER)
        done = _run_as_user(home, chosen)
    finally:
        shutil.rmtree(home)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def _run_as_user(home: Path, chosen: str) -> subprocess.CompletedProcess[str]:
    helper = Path(__file__).with_name("as_user.py")
    options = ["-q", "-p", "no:cacheprovider", "-k", chosen, "--basetemp", str(home / "pytest")]
    names = ("test_attacks.py", "test_hand_over.py", "test_live.py")
    tests = [str(_REPOSITORY / "tests" / "attacks" / name) for name in names]
    command = [sys.executable, str(helper), str(_USER), sys.executable, "-B", "-m", "pytest", *options, *tests]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(_REPOSITORY), "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=_REPOSITORY, env=environment, capture_output=True, text=True, check=False)
