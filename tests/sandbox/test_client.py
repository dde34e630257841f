"""The fork server: no job outlives it, and its death gives a clear message."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.errors import WorkerError
from autograder.grading.preload import keras_preload
from autograder.handover.tasks import RUN_NOTEBOOK, RUN_TESTS
from autograder.sandbox import Job, Limits, Outcome
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import QUICK, Ran, run_cells


@dataclass(frozen=True)
class Ended:
    """A fork server that was killed, then closed, while a job was running."""

    process: ForkServer
    pids: list[int]
    outcomes: list[Outcome]
    refusal: WorkerError


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A fork server of this module's own after its end."""
    process = ForkServer(keras_preload(None))
    folder = tmp_path_factory.mktemp("running")
    outcomes: list[Outcome] = []
    cells = ("import subprocess, time", "child = subprocess.Popen(['sleep', '60201'])", "time.sleep(600)")
    thread = threading.Thread(target=lambda: outcomes.append(run_cells(process, folder, *cells).outcome))
    thread.start()
    process.start()
    server = process.pid
    assert server is not None
    wait_until(lambda: any(command(pid) == "sleep 60201" for pid in descendants(server)), 90)
    pids = descendants(server)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not process.alive, 10)
    with pytest.raises(WorkerError) as caught:
        run_cells(process, tmp_path_factory.mktemp("second"), "1")
    assert thread.is_alive()
    process.close()
    thread.join(10)
    assert not thread.is_alive()
    return Ended(process, pids, outcomes, caught.value)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process lives (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def descendants(process: int) -> list[int]:
    """The processes that descend from one, zombies included."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [process]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def command(pid: int) -> str:
    """The command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ").strip()
    except OSError:
        return ""


@pytest.mark.slow
def test_a_fork_server_that_was_killed_gives_an_error_with_a_hint(ended: Ended) -> None:
    assert "died" in str(ended.refusal)
    assert ended.refusal.hint == "autograder doctor"


@pytest.mark.slow
def test_close_ends_a_running_job_with_all_its_processes(ended: Ended) -> None:
    assert [outcome.end for outcome in ended.outcomes] == ["crashed"]
    assert "the grader ended" in ended.outcomes[0].detail
    assert len(ended.pids) >= 3
    wait_until(lambda: not any(is_running(pid) for pid in ended.pids), 10)


@pytest.mark.slow
def test_a_closed_fork_server_says_so_and_closes_twice(ended: Ended, tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as caught:
        run_cells(ended.process, tmp_path, "1")
    assert caught.value.hint == "autograder doctor"
    ended.process.close()


def test_a_fork_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        ForkServer(keras_preload(tmp_path / "no-such.npz")) as process,
        pytest.raises(WorkerError, match=r"no-such\.npz") as caught,
    ):
        run_cells(process, tmp_path, "1")
    assert caught.value.hint == "autograder doctor"


def test_close_does_not_wait_for_the_start(tmp_path: Path) -> None:
    process = ForkServer(keras_preload(None))
    errors: list[BaseException] = []

    def run() -> None:
        try:
            run_cells(process, tmp_path, "1")
        except WorkerError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.2)
    start = time.monotonic()
    process.close()
    thread.join(10)
    assert time.monotonic() - start < 3
    assert "ended while starting" in str(errors[0])


def test_jobs_run_at_the_same_time(fork_server: ForkServer, tmp_path: Path) -> None:
    fork_server.wait_until_ready()
    meet = "import time\nstart = time.monotonic()\ntime.sleep(3)\nanswer = [start, time.monotonic()]"

    def run(number: int) -> Ran:
        folder = tmp_path / f"job-{number}"
        folder.mkdir()
        return run_cells(fork_server, folder, meet)

    with ThreadPoolExecutor(4) as executor:
        runs = list(executor.map(run, range(4)))
    spans = [run.value("answer") for run in runs]
    assert max(start for start, _ in spans) < min(end for _, end in spans)


def test_many_jobs_leave_nothing_behind(fork_server: ForkServer, tmp_path: Path) -> None:
    fork_server.wait_until_ready()
    server_pid = fork_server.pid
    assert server_pid is not None
    before = os.listdir("/proc/self/fd"), os.listdir(f"/proc/{server_pid}/fd")  # noqa: PTH208
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        ran = run_cells(fork_server, folder, f"answer = {number}")
        assert ran.value("answer") == number
    # A supervisor has still to exit after it has told the outcome.
    wait_until(lambda: not descendants(server_pid), 10)
    after = os.listdir("/proc/self/fd"), os.listdir(f"/proc/{server_pid}/fd")  # noqa: PTH208
    assert len(after[0]) <= len(before[0])
    assert len(after[1]) <= len(before[1])


def test_a_job_that_cannot_even_begin_is_an_error_of_the_grader(fork_server: ForkServer, tmp_path: Path) -> None:
    outcome = fork_server.run(Job(RUN_NOTEBOOK, {}, tmp_path / "missing", QUICK))
    assert outcome.end == "crashed"
    (tmp_path / "log").mkdir()
    outcome = fork_server.run(Job(RUN_TESTS, {"tests": None}, tmp_path / "log", Limits(seconds=30)))
    assert outcome.end == "crashed"
    assert "ValidationError" in (tmp_path / "log" / "worker.log").read_text(encoding="utf-8")


def test_a_supervisor_that_is_killed_gives_an_error_and_ends_its_worker(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    ran: list[BaseException] = []

    def run() -> None:
        with pytest.raises(WorkerError, match="supervisor died") as caught:
            run_cells(fork_server, tmp_path, "import subprocess\nsubprocess.run(['sleep', '60202'])")
        ran.append(caught.value)

    fork_server.wait_until_ready()
    thread = threading.Thread(target=run)
    thread.start()
    server_pid = fork_server.pid
    assert server_pid is not None
    wait_until(lambda: any(command(pid) == "sleep 60202" for pid in descendants(server_pid)), 30)
    pids = descendants(server_pid)
    os.kill(pids[0], signal.SIGKILL)
    thread.join(10)
    assert len(ran) == 1
    wait_until(lambda: not any(is_running(pid) for pid in pids), 10)


def test_nothing_is_started_before_the_first_job() -> None:
    with ForkServer(keras_preload(None)) as server:
        assert server.pid is None
        assert server.alive
        assert server.level
    assert not server.alive
    with pytest.raises(WorkerError, match="has ended"):
        server.wait_until_ready()
