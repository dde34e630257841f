"""A class that takes seconds: one question, no training, and the command run on it as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.helpers import lab_json, make_zip, notebook_json, question_file

QUESTION = "@test_case(points=1, hidden=False)\ndef test_answer(answer):\n    assert answer == 42\n"
ENDLESS = "while True: pass"


def write_class(home: Path, count: int, *, seconds: float = 0.0) -> Path:
    """Write `tiny.zip` and `class/s00.ipynb`, …; every second notebook is right. Returns the class's folder."""
    make_zip(
        home / "tiny.zip",
        {"q1": question_file("q1", QUESTION)},
        lab=lab_json({"q1": (["answer"], ["answer = ..."])}),
        otter_config={"assignment_name": "tiny"},
    )
    handed_in = home / "class"
    handed_in.mkdir()
    for number in range(count):
        write_submission(handed_in / f"s{number:02}.ipynb", 41 + number % 2, seconds=seconds)
    return handed_in


def write_submission(path: Path, answer: int, *, seconds: float = 0.0, first: str = "") -> None:
    """Write a notebook that runs `first`, takes some seconds and answers."""
    path.write_bytes(notebook_json(f"import time\n{first}\ntime.sleep({seconds})", ("q1", f"answer = {answer}")))


def command(*arguments: str | int | Path) -> list[str]:
    """The command line of `autograder grade class -a tiny.zip -o out …`, to be run where `write_class` wrote."""
    fixed = ["grade", "class", "-a", "tiny.zip", "-o", "out"]
    return [sys.executable, "-m", "autograder", *fixed, *map(str, arguments)]


def start(home: Path, *arguments: str | int | Path) -> subprocess.Popen[str]:
    """Start it."""
    return subprocess.Popen(command(*arguments), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(home: Path, *arguments: str | int | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run it to its end, which must be with this exit code and without a traceback."""
    done = subprocess.run(command(*arguments), cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def committed(home: Path, output: str = "out") -> dict[str, int]:
    """The submissions whose result is complete, with the time it was written, in nanoseconds."""
    homes = [path.parent for path in (home / output / "submissions").glob("*/fingerprint.json")]
    return {home.name: (home / "result.json").stat().st_mtime_ns for home in homes}


def wait_until(condition: Callable[[], object], seconds: float, *, every: float = 0.05) -> bool:
    """Wait for something to become true; says whether it did in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def left_behind(grader: int) -> list[str]:
    """Processes and scratch folders that belong to the grader with this process number."""
    mark = f"autograder-run-{grader}-"
    folders = [str(path) for place in ("/dev/shm", "/tmp") for path in Path(place).glob(f"{mark}*")]  # noqa: S108
    return folders + [str(pid) for pid in processes_with(mark)]


def processes_with(mark: str) -> list[int]:
    """Processes that have a text in their command line: supervisors and workers share that of the warm process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments: Sequence[str] = (entry / "cmdline").read_text(errors="replace").split("\0")
            except OSError:
                continue
            if any(mark in argument for argument in arguments):
                found.append(int(entry.name))
    return found
