"""Functions that cheat: each passes in a shared process, earns nothing here."""

# ruff: noqa: E501 - sources of cells

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.grading.grader import Grader
from autograder.labs.assignment import load_assignment
from autograder.results.result import QuestionResult
from autograder.sandbox.client import ForkServer
from tests.attacks.unprotected import HANDED_OVER, Harm
from tests.fixtures.builders import make_zip, notebook_json, question_file

REPOSITORY = Path(__file__).resolve().parents[2]


def hidden_test(body: str, name: str = "f") -> str:
    """A hidden test that takes `name`."""
    lines = body.replace("\n", "\n    ")
    return question_file("q1", f"@test_case(points=1, hidden=True)\ndef test_q1({name}):\n    {lines}\n")


EXPECTED = "expected = sum([20, 22])\nassert f(40) == expected"


@dataclass(frozen=True)
class Cheat:
    """A cell whose `f` is wrong, and a test that it passes in one process."""

    name: str
    cell: str
    test: str


@dataclass(frozen=True)
class Destructive:
    """A cell whose `f` does harm, and the sign of it in an unprotected grader."""

    name: str
    cell: str
    harmed: Callable[[Harm], bool]
    seconds: int = 60


EQUAL = "class Liar:\n    __eq__ = __contains__ = lambda self, other: True\n    __hash__ = lambda self: hash(42)\n"
CHEATS = [
    Cheat("equals_everything", EQUAL + "def f(x): return Liar()", EXPECTED),
    Cheat("is_in_every_set", EQUAL + "def f(x): return Liar()", "assert f(40) in {42}"),
    Cheat("is_in_every_list", EQUAL + "def f(x): return Liar()", "assert f(40) in [1, 42]"),
    Cheat(
        "differs_by_nothing",
        "class Liar:\n    __sub__ = __rsub__ = lambda self, other: 0\ndef f(x): return Liar()",
        "assert abs(f(40) - 42) < 1e-6",
    ),
    Cheat(
        "is_larger_than_everything",
        "class Liar:\n    __gt__ = __ge__ = __lt__ = lambda self, other: True\ndef f(x): return Liar()",
        "assert 41 < f(40)",
    ),
    Cheat(
        "says_it_is_a_number",
        "class Liar(object):\n    __class__ = int\n    __eq__ = lambda self, other: True\ndef f(x): return Liar()",
        "assert isinstance(f(40), int) and f(40) == 42",
    ),
    Cheat(
        "list_of_another_length",
        "class Liar(list):\n    __len__ = lambda self: 3\n    __iter__ = lambda self: iter([1, 2, 3])\ndef f(x): return Liar()",
        "assert len(f(3)) == 3 and list(f(3)) == [1, 2, 3]",
    ),
    Cheat(
        "close_to_everything",
        "import numpy\nclass Liar(numpy.ndarray):\n"
        "    def __array_function__(self, *_, **__): return True\ndef f(x): return numpy.zeros(1).view(Liar)",
        "import numpy\nassert numpy.allclose(f(40), 42)",
    ),
    Cheat(
        "chooses_the_tests_random_numbers",
        "import random\nodd = random.Random()\nwhile any(odd.randrange(100) % 2 == 0 for _ in range(9)):\n"
        "    chosen = odd.getstate()\nodd.setstate(chosen)\nchosen = odd.getstate()\n"
        "def f(x):\n    random.setstate(chosen)\n    return False",
        "import random\nrandom.seed(1)\nassert f(3) is False\n"
        "for _ in range(9):\n    n = random.randrange(100)\n    assert f(n) == (n % 2 == 0)",
    ),
    Cheat(
        "chooses_the_tests_random_arrays",
        "import numpy\ndef f(x):\n    numpy.random.seed(4)\n    return numpy.random.RandomState(4).rand(3)",
        "import numpy\nnumpy.random.seed(1)\nf([1])\nx = numpy.random.rand(3)\nassert (numpy.asarray(f(x)) == x).all()",
    ),
    Cheat("reads_its_callers_frame", "import sys\ndef f(x): return sys._getframe(1).f_locals['expected']", EXPECTED),
    Cheat(
        "reads_what_the_test_file_holds",
        "import sys\ndef f(x): return sys._getframe(1).f_globals['SECRET']",
        "global SECRET\nSECRET = 42\nassert f(40) == SECRET",
    ),
    Cheat(
        "replaces_a_builtin",
        "import builtins\ndef f(x):\n    builtins.all = lambda _: True\n    return 0",
        "results = [f(x) == x + 2 for x in range(3)]\nassert all(results)",
    ),
    Cheat(
        "replaces_a_function_of_a_library",
        "import math\ndef f(x):\n    math.isclose = lambda *_, **__: True\n    return 0",
        "import math\nfound = f(40)\nassert math.isclose(found, 42)",
    ),
    Cheat(
        "changes_the_tests_variables",
        "import gc\ndef f(x):\n    for found in gc.get_objects():\n"
        "        if type(found) is list and found[:1] == ['table of answers']:\n            found[1] = 0\n    return 0",
        "answers = ['table of answers', 42]\nfound = f(40)\nassert found == answers[1]",
    ),
    Cheat(
        "a_module_of_its_own",
        "import types\nnp = types.SimpleNamespace(allclose=lambda *_: True)\nanswer = f = 0",
        "assert np.allclose(f, 42)",
    ),
]
# The last part of each says what the call does to a grader that makes it in its own process.
DESTRUCTIVE = [
    Destructive("exits", "import sys\ndef f(x): sys.exit(0)", lambda harm: not harm.results),
    Destructive("ends_its_process", "import os\ndef f(x): os._exit(0)", lambda harm: not harm.results),
    Destructive("ends_all_processes", "import os, signal\ndef f(x): os.kill(-1, signal.SIGKILL)", lambda harm: not harm.neighbour_lives),
    Destructive("forks", "import os\ndef f(x):\n    for _ in range(5): os.fork()\n    return x", lambda harm: len(harm.lines) > 2),
    Destructive("recurses", "import sys\nsys.setrecursionlimit(10**9)\ndef f(x):\n    held = b'x' * 20_000\n    return f(x)", lambda harm: harm.peak_mb > 200),
    Destructive("fills_the_memory", "def f(x):\n    held = []\n    while True: held.append(bytearray(1 << 28))", lambda harm: harm.peak_mb > 200),
    Destructive("claims_a_share", "def f(x):\n    error = AssertionError()\n    error.share_of_points = 1.0\n    raise error", lambda harm: harm.lines[0] == "this student: 1.0"),
    Destructive("never_returns", "import time\ndef f(x):\n    while True:\n        try: time.sleep(60)\n        except BaseException: pass", lambda harm: harm.hangs, seconds=12),
    Destructive("floods_every_descriptor", "import os\ndef f(x):\n    for fd in range(3, 99):\n        try: os.write(fd, b'junk' * 999)\n        except OSError: pass\n    return x", lambda harm: "junkjunk" in harm.results),
    Destructive("closes_every_descriptor", "import os\ndef f(x):\n    os.closerange(3, 99)\n    return x", lambda harm: not harm.results),
    Destructive("rewrites_the_answers", "import glob\ndef f(x):\n    for name in glob.glob('/job/**', recursive=True):\n        try: open(name, 'w').write('{\"question\": \"q1\"}')\n        except OSError: pass\n    return x", lambda harm: harm.answers != HANDED_OVER),
]  # fmt: skip
HARMLESS = Destructive(
    "harmless", "def f(x): return 0", lambda harm: harm.lines == ["this student: 0.0", "next student: 1.0"]
)


@pytest.fixture(scope="module")
def passed_in_one_process() -> dict[str, bool]:
    """By cheat, whether it passes where notebook and test share a process."""
    orders = [{"cells": [cheat.cell], "test": _test_of(cheat)} for cheat in CHEATS]
    return dict(zip((cheat.name for cheat in CHEATS), _answers_of("one_process.py", orders), strict=True))


@pytest.fixture(scope="module")
def harms_without_protection() -> Mapping[str, Harm]:
    """The effect of each destructive call on an unprotected grader, by name."""
    calls = [*DESTRUCTIVE, HARMLESS]
    found = _answers_of("unprotected.py", [{"cell": call.cell, "test": EXPECTED} for call in calls])
    return {call.name: Harm(**harm) for call, harm in zip(calls, found, strict=True)}


def _answers_of(script: str, orders: Any) -> Any:
    """What a program of this folder prints for a list of orders."""
    path = Path(__file__).with_name(script)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, str(path)], input=json.dumps(orders), env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip
    return json.loads(done.stdout)


def _test_of(cheat: Cheat) -> str:
    return hidden_test(cheat.test, "f, np" if "np." in cheat.test else "f")


def _graded(cheat: Cheat, folder: Path, fork_server: ForkServer, seconds: int = 60) -> QuestionResult:
    path = make_zip(folder / "a-autograder.zip", {"q1": _test_of(cheat)}, lab={"schema": 1, "lab": "a", "limits": {"seconds": seconds, "memory_mb": 2048}})  # fmt: skip
    lab = load_assignment(path, fork_server)
    head = 'import otter\ngrader = otter.Notebook("a.ipynb")'
    data = notebook_json(head, cheat.cell, 'grader.check("q1")', lab=None)
    result = Grader({lab.name: lab}, fork_server, assume=lab.name).grade("a.ipynb", lambda: data)
    (question,) = result.questions
    return question


@pytest.mark.slow
@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_it_passes_in_one_process(cheat: Cheat, passed_in_one_process: dict[str, bool]) -> None:
    assert passed_in_one_process[cheat.name]


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_it_earns_nothing_here(cheat: Cheat, tmp_path: Path, fork_server: ForkServer) -> None:
    question = _graded(cheat, tmp_path, fork_server)
    assert (question.score, question.status) == (0, "failed")


@pytest.mark.slow
@pytest.mark.parametrize("call", DESTRUCTIVE, ids=lambda call: call.name)
def test_a_call_does_harm_where_the_grader_makes_it_in_its_own_process(
    call: Destructive, harms_without_protection: Mapping[str, Harm]
) -> None:
    harm = harms_without_protection[call.name]
    assert call.harmed(harm), harm
    harmless = harms_without_protection[HARMLESS.name]
    assert HARMLESS.harmed(harmless), harmless
    assert not call.harmed(harmless)


@pytest.mark.parametrize("call", DESTRUCTIVE, ids=lambda call: call.name)
def test_a_call_that_breaks_things_earns_nothing_and_stops_nobody(
    call: Destructive, tmp_path: Path, fork_server: ForkServer
) -> None:
    question = _graded(Cheat(call.name, call.cell, EXPECTED), tmp_path, fork_server, call.seconds)
    assert (question.score, question.status) == (0, "failed")
    right = Cheat("right", "def f(x): return x + 2", EXPECTED)
    assert _graded(right, tmp_path, fork_server).score == 1


def test_a_notebook_has_no_descriptors_but_the_two_of_its_channel(tmp_path: Path, fork_server: ForkServer) -> None:
    look = (
        "import os\ndef f(x):\n    own = os.open('/proc/self/fd', os.O_RDONLY)\n"
        "    names = [int(name) for name in os.listdir(own) if int(name) not in (0, 1, 2, own)]\n"
        "    return sorted(os.readlink(f'/proc/self/fd/{name}').split(':')[0] for name in names if os.path.exists(f'/proc/self/fd/{name}'))"
    )
    cheat = Cheat("look", look, "found = f(0)\nassert found == ['pipe', 'pipe'], found")
    assert _graded(cheat, tmp_path, fork_server).score == 1


def test_a_program_that_the_notebook_starts_has_none_of_them(tmp_path: Path, fork_server: ForkServer) -> None:
    look = "import os\ndef f(x):\n    return os.popen('ls -l /proc/self/fd').read().count('pipe:')"
    cheat = Cheat("look", look, "found = f(0)\nassert found <= 1, found")  # that by which the output comes
    assert _graded(cheat, tmp_path, fork_server).score == 1
