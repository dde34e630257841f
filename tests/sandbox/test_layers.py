"""Isolation levels, missing layers, and the smaller parts of the sandbox."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autograder.errors import IsolationError
from autograder.grading import retry
from autograder.handover.tasks import INSPECT_TESTS, RUN_NOTEBOOK, RUN_TESTS
from autograder.sandbox import Job, Limits, Outcome, Task, seccomp
from autograder.sandbox import credentials as identity
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import ALWAYS, LAYERS, LEVELS, NEEDS
from autograder.sandbox.levels import choose
from autograder.sandbox.probe import Found, blocked_python, probe
from autograder.sandbox.readable_paths import readable_folders
from autograder.sandbox.shared_lock import SharedLock
from tests.fixtures.builders import QUICK, question_file, run_cells

EVERYTHING = tuple(Found(name, True, "") for name in LAYERS)


def lacking(*names: str) -> tuple[Found, ...]:
    return tuple(replace(layer, problem="not here") if layer.name in names else layer for layer in EVERYTHING)


def test_full_has_every_layer() -> None:
    isolated = choose("full", EVERYTHING)
    assert isolated.level == "full"
    assert isolated.layers == set(LAYERS)


def test_an_ordinary_user_has_no_powers_to_drop() -> None:
    found = tuple(replace(layer, needed=layer.name != "uid") for layer in EVERYTHING)
    assert choose("full", found).layers == set(LAYERS) - {"uid"}
    assert choose("full", found).level == "full"


def test_full_is_refused_with_the_missing_layer_and_what_enables_it() -> None:
    with pytest.raises(IsolationError, match=r"landlock: not here.*--isolation basic") as caught:
        choose("full", lacking("landlock"))
    assert "lsm=" in str(caught.value.hint)
    assert caught.value.exit_code == 1


def test_basic_names_what_is_missing() -> None:
    isolated = choose("basic", lacking("landlock", "seccomp"))
    assert isolated.level == "basic (without landlock, seccomp)"
    assert isolated.layers == set(LAYERS) - {"landlock", "seccomp"}
    assert choose("basic", EVERYTHING).level == "full"


def test_none_is_a_process_with_limits_and_asks_nothing_of_the_machine() -> None:
    assert choose("none", ()).layers == ALWAYS
    assert choose("none", lacking("landlock")).level == "none"


def test_every_layer_says_what_it_is_for_and_how_to_get_it() -> None:
    assert all(layer.reason and layer.remedy for layer in LAYERS.values())
    assert set(LAYERS) >= ALWAYS | set(NEEDS)
    assert LEVELS == ("full", "basic", "none")


def test_this_machine_has_every_layer() -> None:
    found = probe()
    assert [layer for layer in found if layer.problem] == []
    assert [layer.name for layer in found] == list(LAYERS)


def test_the_grants_hold_no_home_and_no_course() -> None:
    granted = readable_folders()
    assert not {Path("/"), Path("/home"), Path("/root"), Path("/etc"), Path("/var"), Path("/tmp")} & set(granted)  # noqa: S108
    assert not any(path in granted for path in (Path.cwd(), Path.home(), Path(__file__).parents[2]))
    assert any(Path(sys.executable).is_relative_to(path) for path in granted)


def test_python_that_others_cannot_read_is_noticed() -> None:
    assert blocked_python(frozenset(LAYERS)) is None
    blocked = blocked_python(frozenset({"uid"}))
    assert blocked is None or not blocked.stat().st_mode & 0o001


def test_the_filter_ends_with_refusal_and_fits_the_kernel() -> None:
    program = seccomp.program()
    assert len(program) < 4096
    assert program[-1][3] & 0x7FFF0000 == 0x00050000
    assert all(len(struct.pack("HBBI", *instruction)) == 8 for instruction in program)


@pytest.mark.parametrize("without", [{"mount"}, {"mount", "pid"}, {"landlock"}, {"seccomp"}, set(NEEDS) | {"user"}])
def test_weaker_levels_still_run_and_check(without: set[str], fork_server: ForkServer) -> None:
    folder = Path("/var/tmp") / f"weaker-{os.getpid()}-{len(without)}-{min(without)}"  # noqa: S108 - others may enter it
    folder.mkdir()
    try:
        payload = {"cells": [{"number": 1, "source": "answer = 3"}], "handover": {"q1": ["answer"]}, "seed": 1}
        outcome = fork_server.run(Job(RUN_NOTEBOOK, payload, folder, QUICK, without=frozenset(without)))
        assert outcome.end == "done", outcome
        assert (folder / "handover" / "answers.jsonl").read_text(encoding="utf-8").count('"value": 3') == 1
        test = question_file("q1", "@test_case(points=1)\ndef a(answer):\n    assert answer == 3")
        check = {"input": str(folder / "handover"), "tests": {"q1.py": test}, "explain_hidden": True}
        (folder / "check").mkdir()
        outcome = fork_server.run(Job(RUN_TESTS, check, folder / "check", QUICK, without=frozenset(without)))
        assert '"passed":true' in (folder / "check" / "verdicts.jsonl").read_text(encoding="utf-8"), outcome
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)  # noqa: S607


@pytest.mark.parametrize("task", [RUN_TESTS, INSPECT_TESTS], ids=["checker", "inspector"])
def test_the_checker_is_confined_as_well(task: Task, fork_server: ForkServer, tmp_path: Path) -> None:
    """A test file that tries the network and the machine's files gets neither."""
    source = question_file(
        "q1",
        "import socket, os\nseen = []\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), timeout=2)\n"
        "except PermissionError:\n    seen.append('net')\n"
        "try:\n    open('/etc/hostname')\nexcept OSError:\n    seen.append('files')\n"
        "@test_case(points=1)\ndef a(answer=None):\n    assert not seen, seen",
    )
    handover_folder = tmp_path / "handover"
    handover_folder.mkdir()
    (tmp_path / "job").mkdir()
    payload = {"tests": {"q1.py": source}, "input": str(handover_folder), "explain_hidden": True}
    outcome = fork_server.run(Job(task, payload, tmp_path / "job", QUICK))
    assert outcome.end == "done", outcome
    if task is RUN_TESTS:
        assert "['net', 'files']" in (tmp_path / "job" / "verdicts.jsonl").read_text(encoding="utf-8")


def test_cpu_time_is_a_timeout_with_its_own_words(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(fork_server, tmp_path, "while True: pass", limits=Limits(seconds=60, cpu_seconds=2))
    assert ran.outcome.end == "timeout"
    assert ran.outcome.detail == "it used more than 2 seconds of processor time"


def test_a_gate_lets_one_pass_alone() -> None:
    gate, inside, most_beside_alone = SharedLock(), [0], [0]

    def together() -> None:
        with gate.shared():
            inside[0] += 1
            time.sleep(0.01)
            inside[0] -= 1

    def alone() -> None:
        with gate.exclusive():
            most_beside_alone[0] = max(most_beside_alone[0], inside[0])
            time.sleep(0.01)
            most_beside_alone[0] = max(most_beside_alone[0], inside[0])

    threads = [threading.Thread(target=alone if number % 5 == 0 else together) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most_beside_alone == [0]


@dataclass
class Scripted:
    """An isolation that ends jobs as told, and keeps them."""

    ends: Sequence[Outcome]
    level: str = "none"
    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        return self.ends[len(self.jobs) - 1]


LATE = Outcome("timeout", "late", QUICK.seconds + 0.1, 1)
PROCESSOR_TIME = Outcome("timeout", "processor time", 1.0, 1)
FINE = Outcome("done", "", 1.0, 1)


@pytest.mark.parametrize(
    ("busy", "ends", "tries", "end"),
    [
        (True, [LATE, FINE], 2, "done"),
        (True, [LATE, LATE], 2, "timeout"),
        (False, [LATE], 1, "timeout"),
        (True, [PROCESSOR_TIME], 1, "timeout"),
        (True, [FINE], 1, "done"),
        (True, [Outcome("out_of_memory", "", 1.0, 1)], 1, "out_of_memory"),
    ],
)
def test_only_a_timeout_on_a_busy_machine_is_tried_again_alone(
    busy: bool, ends: list[Outcome], tries: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "machine_is_busy", lambda: busy)
    isolation = Scripted(ends)
    (tmp_path / "handover").mkdir()
    (tmp_path / "journal.jsonl").touch()
    outcome, again = retry.run_with_retry(isolation, Job(RUN_NOTEBOOK, {}, tmp_path, QUICK))
    assert outcome.end == end
    assert again is (tries == 2)
    assert [job.exclusive for job in isolation.jobs] == [False, True][:tries]
    assert (tmp_path / "handover").exists() is (tries == 1)


def test_busy_means_more_work_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    processors = len(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "getloadavg", lambda: (processors + 0.5, 0, 0))
    assert retry.machine_is_busy()
    monkeypatch.setattr(os, "getloadavg", lambda: (processors - 0.5, 0, 0))
    assert not retry.machine_is_busy()


def test_root_is_dropped_for_good(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(fork_server, tmp_path, "import os\nanswer = [*os.getresuid(), *os.getresgid(), *os.getgroups()]")
    expected = identity.UNPRIVILEGED if identity.runs_as_root() else os.geteuid()
    assert set(ran.value("answer")[:3]) == {expected}
    assert 0 not in ran.value("answer")
