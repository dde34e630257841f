"""Attacks on live answers in a zip for Gradescope, all in one notebook."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.gradescope_zip import pack_gradescope
from autograder.datasets import mnist as data
from autograder.sandbox.credentials import runs_as_root
from tests.course.gradescope_container import Container, lay_out, like_docker
from tests.fixtures.builders import make_zip, notebook_json, question_file

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not runs_as_root(), reason="Gradescope runs everything as root"),
]


@dataclass(frozen=True)
class Task:
    """A question, the function that its test takes, and what a student hands in.

    Args:
        function: the name of the function.
        right: the answer key.
        handed_in: the student's cell.
        test: the body of its only test.
        says: part of what is said about it.
        earns: what the student earns.
    """

    function: str
    right: str
    handed_in: str
    test: str
    says: str
    earns: float = 0.0


def sound(name: str) -> Task:
    """A correctly answered question, which attacks before and after must not affect."""
    source = f"def {name}(x): return x + 2"
    return Task(name, source, source, f"assert {name}(40) == 42", "Passed.", earns=1.0)


def attack(
    name: str, source: str, says: str, test: str = "expected = sum([20, 22])\nassert NAME(40) == expected"
) -> Task:
    """A question whose answer attacks; NAME is its function in source and test."""
    right = f"{name}_value = 42\ndef {name}(x): return x + 2"
    return Task(name, right, source.replace("NAME", name), test.replace("NAME", name), says)


# A descriptor of the notebook that leads to the checker is not among its variables: it looks for one.
PIPES = """
import json, os, stat, struct
def pipes():
    found = []
    for fd in range(3, 200):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode) and os.get_blocking(fd) is not None:
                os.write(fd, b"")
                found.append(fd)
        except OSError:
            pass
    return found
"""
FORGES = """
def NAME(x):
    body = b'{"arrays": [], "result": {"kind": "int", "value": 42}}'
    head = struct.pack("!8sBIIQQ", b"\\x93live\\r\\n\\x1a", 3, 2, 99, len(body), 0)
    for fd in pipes(): os.write(fd, head + body)
    return 0
"""
THREAD = """
import threading, time
def write():
    for _ in range(99):
        for fd in pipes(): os.write(fd, b"junk")
def NAME(x):
    threading.Thread(target=write).start()
    time.sleep(0.2)
    return 0
"""
FRAME = """
import gc, sys
def NAME(x):
    for depth in range(50):
        try: frame = sys._getframe(depth)
        except ValueError: break
        if 'expected' in frame.f_locals: return frame.f_locals['expected']
    return 0
"""
REWRITES = """
import glob, tempfile
NAME_value = 0
def NAME(x):
    global NAME_value
    NAME_value = 42
    line = '{"question": "q", "values": {"NAME_value": {"kind": "int", "value": 42}}}\\n'
    for folder in ('/job', os.getcwd(), tempfile.gettempdir()):
        for name in glob.glob(folder + '/**/*.jsonl', recursive=True):
            try: open(name, 'w').write(line)
            except OSError: pass
    return x + 2
"""
TASKS: Sequence[Task] = (
    sound("first"),
    attack("forges", FORGES, "sent something that is not an answer"),
    attack("thread", THREAD, "sent something that is not an answer"),
    attack("frame", FRAME, "A hidden check failed."),
    attack("exits", "import sys\ndef NAME(x): sys.exit(0)", "exits() raised SystemExit"),
    attack("rewrites", REWRITES, "A hidden check failed.", "assert NAME(40) == 42\nassert NAME_value == 42"),
    attack(
        "endless",
        "import itertools, numpy\ndef NAME(x): return itertools.repeat(numpy.zeros(25_000_000))",
        "bytes in one check",
        "if NAME(40) != 42:\n    for _ in NAME(40): pass",
    ),
    sound("between"),
    attack(
        "kills",
        "import os, signal\ndef NAME(x):\n    try: os.kill(-1, signal.SIGKILL)\n    finally: os._exit(0)",
        "The notebook has ended",
    ),
)


def _lab(folder: Path) -> bytes:
    tests = {}
    for number, task in enumerate(TASKS, start=1):
        body = task.test.replace("\n", "\n    ")
        names = [task.function, *([f"{task.function}_value"] if "_value" in body else [])]
        function = f"@test_case(points=1, hidden=True)\ndef test_q{number}({', '.join(names)}):\n    {body}\n"
        tests[f"q{number}"] = question_file(f"q{number}", function)
    limits = {"seconds": 240, "memory_mb": 3072}
    return make_zip(folder / "tiny.zip", tests, lab={"schema": 1, "lab": "tiny", "limits": limits}).read_bytes()


def _notebook(sources: Sequence[str]) -> bytes:
    cells = ['import otter\ngrader = otter.Notebook("tiny.ipynb")', PIPES]
    for number, source in enumerate(sources, start=1):
        cells += [source, f'grader.check("q{number}")']
    return notebook_json(*cells)


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """A container for the lab, set up with the Python and the data of this machine."""
    base = Path(tempfile.mkdtemp(prefix="gradescope-"))
    try:
        key = _notebook([task.right for task in TASKS])
        packed = base / "packed.zip"
        packed.write_bytes(pack_gradescope(_lab(base), key, points=float(len(TASKS))))
        lay_out(base, packed)
        cache = base / "cache"
        cache.mkdir(mode=0o700)
        shutil.copy(data.npz_path(), cache)
        made = Container(base, (f"AUTOGRADER_PYTHON={sys.executable}", f"MNIST_LAB_KIT_CACHE={cache}"))
        assert f"solution.ipynb: {len(TASKS)} / {len(TASKS)} points" in made.setup()
        yield made
    finally:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(base)


@pytest.mark.parametrize("layers", ["all", pytest.param("few", marks=pytest.mark.rare)])
def test_attacks_earn_nothing_and_cost_no_other_question(layers: str, container: Container, tmp_path: Path) -> None:
    """With all layers, and in a container that has few of them."""
    upload = tmp_path / "tiny.ipynb"
    upload.write_bytes(_notebook([task.handed_in for task in TASKS]))
    content: dict[str, Any] = container.grade(upload, wrapped_in=like_docker() if layers == "few" else ())
    assert content["extra_data"]["isolation"].startswith("full" if layers == "all" else "basic (without"), content
    numbered = [test for test in content["tests"] if "." in test.get("number", "")]
    assert [test["score"] for test in numbered] == [task.earns for task in TASKS], content
    assert [task.function for task, test in zip(TASKS, numbered, strict=True) if task.says not in test["output"]] == []
    assert content["score"] == sum(task.earns for task in TASKS)
