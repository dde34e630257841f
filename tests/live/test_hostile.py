"""Hostile replies cost the test that called, never the checker.

Everything here runs against the real server and the real protocol, in two processes, without a sandbox. Each attack is
also shown to succeed without the protection: in one process, with larger limits, or against a reader that checks
nothing (`trusting_reader.py`).
"""

from __future__ import annotations

import operator
import resource
import secrets
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from autograder.handover.live_protocol import LIMITS, LiveLimits
from autograder.handover.proxy import LiveCallError
from tests.live.notebook import serving
from tests.live.trusting_reader import outcome

FAST = LiveLimits(
    call_seconds=0.5, grace_seconds=0.5, calls=200, message_bytes=1 << 20, text_bytes=1 << 18, check_bytes=1 << 22
)
FORGE = """
import json, os, struct, sys
def reply(body, check=1, number=None, arrays=b"", mark=b"\\x93live\\r\\n\\x1a", text=None, size=None, kind=3):
    number = NUMBER[0] if number is None else number
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = struct.pack("!8sBIIQQ", mark, kind, check, number, len(raw) if text is None else text, len(arrays) if size is None else size)
    os.write(CHANNEL[1], head + raw + arrays)
VALUE = {"arrays": [], "result": {"kind": "int", "value": 42}}
NUMBER = [2]  # the values were the first call
"""  # noqa: E501


def one_call(source: str, limits: LiveLimits = FAST) -> Any:
    """What `f()` of a notebook gives; it may forge the reply to it by `reply`."""
    with serving(FORGE + source, "f", limits=limits) as (_, values):
        return values["f"]()


FORGED = {
    "nothing": "reply({})",
    "no JSON": "reply(b'{')",
    "a list": "reply([1])",
    "deep nesting": "reply(b'[' * 100_000)",
    "deeply nested values": "d = {'kind': 'none'}\n    for _ in range(100): d = {'kind': 'list', 'items': [d]}\n"
    "    reply({'arrays': [], 'result': d})",
    "another kind of message": "reply(VALUE, kind=2)",
    "a reply to a question to come": "reply(VALUE, number=99)",
    "another mark": "reply(VALUE, mark=b'XXXXXXXX')",
    "one stray byte": "os.write(CHANNEL[1], b'x')",
    "text too long": "reply({}, text=1 << 40)",
    "arrays too long": "reply({'arrays': []}, size=1 << 60)",
    "an array longer than the message": "reply({'arrays': [{'dtype': '<f8', 'shape': [1 << 40]}]}, arrays=b'x' * 8)",
    "an array of a negative size": "reply({'arrays': [{'dtype': '<f8', 'shape': [-1]}]}, arrays=b'x' * 8)",
    "an array of objects": "reply({'arrays': [{'dtype': '|O8', 'shape': [1]}], 'result': {'kind': 'array', "
    "'file': '0'}}, arrays=b'x' * 8)",
    "more bytes than arrays": "reply(VALUE, arrays=b'x' * 8)",
    "an array that is not there": "reply({'arrays': [], 'result': {'kind': 'array', 'file': '7'}})",
    "a path for an array": "reply({'arrays': [], 'result': {'kind': 'array', 'file': '../../etc/passwd'}})",
    "an error that is no class": "reply({'arrays': [], 'raised': {'class': {'kind': 'builtin', 'name': 'print'}}})",
    "an error that ends the checker": "reply({'arrays': [], 'raised': {'class': {'kind': 'builtin', "
    "'name': 'KeyboardInterrupt'}, 'arguments': []}})",
    "a module that is none": "reply({'arrays': [], 'result': {'kind': 'library', 'module': 'os'}})",
    "a function of the checker": "reply({'arrays': [], 'result': {'kind': 'library', 'module': 'numpy', 'name': 'f'}})"
    + ".__class__ if False else reply({'arrays': [], 'result': {'kind': 'library', 'module': 'builtins'}})",
    "an argument that was not passed": "reply({'arrays': [], 'result': {'kind': 'argument', 'place': 5}})",
    "a change of what was not passed": "reply({'arrays': [], 'changed': {'9': {'kind': 'none'}}})",
    "a random state that is none": "reply({'arrays': [], 'random': {'words': '0', 'next': [1, 2]}})",
    "printed what is no text": "reply({'arrays': [], 'printed': [[1, 2, 3]]})",
    "an exit": "os._exit(0)",
    "a kill": "os.kill(os.getpid(), 9)",
    "a closed channel": "os.close(CHANNEL[1])",
    "sleep with every interrupt swallowed": "import time\n    while True:\n        try: time.sleep(60)\n"
    "        except BaseException: pass",
    "a handler of its own": "import signal, time; signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(60)",
    "half a message": "os.write(CHANNEL[1], b'\\x93live'); import time; time.sleep(60)",
    "a huge value": "return 'x' * 900_000",
    "a value without end": "loop = []; loop.append(loop); return loop",
    "an endless loop": "while True: pass",
    "too many threads": "import threading; [threading.Thread(target=lambda: [os.write(CHANNEL[1], b'junk') "
    "for _ in range(99)]).start() for _ in range(5)]; import time; time.sleep(0.2)",
}


# What each does to a reader without the checks; "waits" is how long an answer may take.
WITHOUT_CHECKS = {
    "nothing": "ended by KeyError",
    "no JSON": "ended by JSONDecodeError",
    "a list": "ended by AttributeError",
    "deep nesting": "ended by RecursionError",
    "deeply nested values": "took [[[[",
    "another kind of message": "took 42",
    "a reply to a question to come": "took 42",
    "another mark": "took 42",
    "one stray byte": "ran out of memory",
    "text too long": "ran out of memory",
    "arrays too long": "ran out of memory",
    "an array longer than the message": "ran out of memory",
    "an array of a negative size": "ended by ValueError",
    "an array of objects": "ended by SIGSEGV",
    "more bytes than arrays": "took 42",
    "an array that is not there": "ended by IndexError",
    "a path for an array": "ended by ValueError",
    "an error that is no class": "ended by TypeError",
    "an error that ends the checker": "ended by KeyboardInterrupt",
    "a module that is none": "took <module 'os'",
    "a function of the checker": "took <module 'builtins'",
    "an argument that was not passed": "ended by IndexError",
    "a change of what was not passed": "ended by IndexError",
    "a random state that is none": "ended by ",
    "printed what is no text": "ended by ValueError",
    "an exit": "ended by error",
    "a kill": "ended by error",
    "a closed channel": "ended by error",
    "sleep with every interrupt swallowed": "waits",
    "a handler of its own": "waits",
    "half a message": "waits",
    "a huge value": "took 'xxxx",
    "a value without end": "ended by KeyError",
    "an endless loop": "waits",
    "too many threads": "ran out of memory",
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_no_answer_harms_a_reader_without_checks(name: str) -> None:
    expected = WITHOUT_CHECKS[name]
    source = f"{FORGE}def f():\n    {FORGED[name]}\n"
    assert outcome(source, 1 if expected == "waits" else 20).startswith(expected)


@pytest.mark.parametrize("name", FORGED)
def test_what_is_no_answer_fails_the_call(name: str) -> None:
    started = time.monotonic()
    with pytest.raises(LiveCallError, match=r"notebook|f\(\)"):
        one_call(f"def f():\n    {FORGED[name]}\n")
    assert time.monotonic() - started < 10


def test_a_broken_channel_fails_all_later_calls_at_once() -> None:
    with serving(FORGE + "def f(): os.write(CHANNEL[1], b'x')\ndef g(): return 1", "f", "g", limits=FAST) as (
        session,
        values,
    ):
        assert values["g"]() == 1
        with pytest.raises(LiveCallError):
            values["f"]()
        session.begin_test()
        with pytest.raises(LiveCallError, match="nothing more of it could be tested"):
            values["g"]()
        assert session.failure is not None


def test_a_late_answer_is_not_taken_for_a_later_one() -> None:
    source = "import time\ndef late():\n    time.sleep(1.2); return 'late'\ndef g(): return 'g'"
    slow_server = LiveLimits(call_seconds=60)
    limits = LiveLimits(call_seconds=0.2, grace_seconds=0.3)
    with serving(source, "late", "g", limits=limits, server_limits=slow_server) as (session, values):
        with pytest.raises(LiveCallError, match="did not answer in time"):
            values["late"]()
        time.sleep(1)
        with pytest.raises(LiveCallError):
            values["g"]()
        assert session.failure


def test_a_call_that_is_interrupted_leaves_the_others_working() -> None:
    source = "def slow():\n    while True: pass\ndef g(): return 1"
    limits = LiveLimits(call_seconds=0.3)
    with serving(source, "slow", "g", limits=limits) as (session, values):
        with pytest.raises(LiveCallError, match=r"slow\(\) did not return within 0.3 seconds"):
            values["slow"]()
        session.begin_test()
        assert values["g"]() == 1
        assert session.failure is None


def test_the_failure_of_a_call_cannot_be_swallowed_by_the_test() -> None:
    with serving("def f():\n    while True: pass", "f", limits=FAST) as (session, values):
        with pytest.raises(LiveCallError) as caught:
            values["f"]()
        assert not isinstance(caught.value, Exception), "or `pytest.raises(Exception)` in a test would take it"
        assert "did not return" in (session.failure or "")


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("def f(): return iter(int, 1)", "more than 200 calls"),
        ("def f(): return iter(lambda: 'x' * 100_000, 1)", "bytes in one check"),
    ],
)
def test_an_endless_generator_ends_at_the_limits(source: str, limit: str) -> None:
    with serving(source, "f", limits=FAST) as (_, values), pytest.raises(LiveCallError, match=limit):
        for _ in values["f"]():
            pass


def test_recursion_arrives_as_its_error() -> None:
    with pytest.raises(RecursionError):
        one_call("def f(): return f()", LIMITS)


def test_a_call_that_forks_is_answered_once() -> None:
    with serving("import os\ndef f():\n    return os.fork() and 'parent'\ndef g(): return 1", "f", "g") as (_, values):
        assert values["f"]() == "parent"
        assert [values["g"]() for _ in range(20)] == [1] * 20


LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __hash__(self): return hash(9)
    def __len__(self): return 3
    def __iter__(self): return iter([1, 2, 3])
    def __contains__(self, item): return True
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __sub__
    def __abs__(self): return 0
    __array_priority__ = 1e9
    __class__ = int
class LyingList(list):
    def __eq__(self, other): return True
    def __len__(self): return 3
    def __iter__(self): return iter([1, 2, 3])
def f(*_): return Liar()
def g(*_): return LyingList([7])
"""


def test_objects_that_equal_everything_win_where_test_and_code_share_a_process() -> None:
    namespace: dict[str, Any] = {}
    exec(LIAR, namespace)  # noqa: S102
    f, g = namespace["f"], namespace["g"]
    assert f() == 9
    assert isinstance(f(), int)
    assert abs(f() - 9) < 1e-6
    assert f() in {9}
    assert g() == [1, 2, 3]
    assert len(g()) == 3


def test_objects_that_equal_everything_equal_nothing_of_the_tests() -> None:
    import numpy as np

    with serving(LIAR, "f", "g") as (_, values):
        f, g = values["f"], values["g"]
        assert f() != 9
        assert [f() == 9, 9 == f(), f() == [1, 2, 3]] == [False, False, False]  # noqa: SIM300
        assert not isinstance(f(), int)
        assert f() not in {9}
        assert f() not in [9]
        assert f() != pytest.approx(9)
        assert not np.array_equal(f(), 9)
        for compare in (operator.sub, operator.add, operator.lt, operator.ge):
            for pair in ((f(), 9), (9, f())):
                with pytest.raises(TypeError):
                    compare(*pair)
        assert g() == [7]
        assert len(g()) == 1


SPY = """
import gc, inspect, re
def f():
    found, frame = [], inspect.currentframe()
    while frame is not None:
        found += list(frame.f_locals.values())
        frame = frame.f_back
    for container in gc.get_objects():
        if type(container) is dict:
            found += list(container.values())
    texts = [value for value in found if type(value) is str]
    return [text for text in texts if re.fullmatch("expected-[0-9a-f]{16}", text)]
"""


def test_a_function_reads_the_expected_value_where_it_shares_the_process() -> None:
    namespace: dict[str, Any] = {}
    exec(SPY, namespace)  # noqa: S102
    expected = f"expected-{secrets.token_hex(8)}"
    assert expected in namespace["f"]()


def test_a_function_does_not_reach_the_expected_value_across_the_channel() -> None:
    with serving(SPY, "f", limits=LiveLimits(call_seconds=60)) as (_, values):
        expected = f"expected-{secrets.token_hex(8)}"
        assert expected not in values["f"]()


REWRITES = "answer = [1]\ndef f():\n    global answer\n    answer[:] = [2]; answer = [3]\n    return 0"


def test_a_call_rewrites_the_answers_where_it_shares_the_process() -> None:
    namespace: dict[str, Any] = {}
    exec(REWRITES, namespace)  # noqa: S102
    answer = namespace["answer"]
    assert namespace["f"]() == 0
    assert answer == [2]


def test_rewriting_the_answers_during_a_call_changes_nothing() -> None:
    with serving(REWRITES, "answer", "f") as (_, values):
        assert values["f"]() == 0
        assert values["answer"] == [1]


def test_a_function_of_the_tests_own_never_enters_the_notebook() -> None:
    with serving("def apply(f): return f()", "apply") as (session, values):
        with pytest.raises(LiveCallError, match="of the test's own"):
            values["apply"](lambda: "secret")
        assert "of the test's own" in session.defect


def test_a_header_of_any_length_takes_no_memory_before_its_bytes_come() -> None:
    limits = LiveLimits(call_seconds=0.5, grace_seconds=0.2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LiveCallError, match="in time"):
        one_call("def f():\n    reply({'arrays': []}, size=(1 << 30) - 1); import time; time.sleep(60)", limits)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 100_000  # kB


def test_stray_bytes_between_two_checks_are_passed_over() -> None:
    import os

    from autograder.handover.live_protocol import Wire, close, open_channel

    ours, theirs = open_channel()
    head = struct.Struct("!8sBIIQQ")
    mark = b"\x93live\r\n\x1a"
    late = b'{"arrays": []}'
    question = b'{"question": "q2", "arrays": []}'
    os.write(theirs[1], b"x" + mark[:5] + head.pack(mark, 3, 1, 9, len(late), 0) + late + b"yyy")
    os.write(theirs[1], head.pack(mark, 1, 2, 0, len(question), 0) + question)
    assert Wire(*ours).next_question(1 << 20) == (2, "q2")
    close(*theirs)
    assert Wire(*ours).next_question(1 << 20) is None
    close(*ours)


ROOMY = LiveLimits(call_seconds=20, grace_seconds=5, calls=10_000)
BITES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "a huge value": ("return 'x' * 900_000", lambda result: len(result) == 900_000),
    "a late answer": ("import time; time.sleep(1.5); return 1", lambda result: result == 1),
    "an endless generator": ("return iter(int, 1)", lambda result: [next(result) for _ in range(1_000)] == [0] * 1_000),
    "many bytes": (
        "return iter(lambda: 'x' * 100_000, 1)",
        lambda result: sum(len(next(result)) for _ in range(60)) > FAST.check_bytes,
    ),
}


@pytest.mark.parametrize("name", BITES)
def test_a_limit_stops_what_gets_through_without_it(name: str) -> None:
    source, got_through = BITES[name]
    with serving(f"def f():\n    {source}", "f", limits=ROOMY) as (_, values):
        assert got_through(values["f"]())
    with serving(f"def f():\n    {source}", "f", limits=FAST) as (session, values):
        with pytest.raises(LiveCallError):
            got_through(values["f"]())
        assert session.failure
