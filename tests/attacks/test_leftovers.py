"""A process that outlives its notebook does not reach the tests after it.

Without the layer `pid`, a process may outlive its notebook.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.handover.tasks import RUN_NOTEBOOK, RUN_TESTS
from autograder.sandbox import Job
from autograder.sandbox import credentials as identity
from autograder.sandbox.client import ForkServer
from autograder.sandbox.job_files import job_folder
from tests.fixtures.builders import QUICK, question_file
from tests.fixtures.small_class import wait_until

pytestmark = pytest.mark.skipif(not identity.runs_as_root(), reason="only root can make workers different users")

# What a container of a usual service lacks.
_LACKING = frozenset({"user", "net", "ipc", "uts", "pid", "mount", "landlock"})
_FORGED = '{"begin": null}\n{"question": "q1", "verdict": {"forged": true}}\n'
# Lives on in a session of its own and looks for other workers: whose folder it finds, there it writes a verdict.
_LIVES_ON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        end, own = time.monotonic() + 30, os.getcwd()
        with open({note!r} + "/process", "w") as file:
            file.write(str(os.getpid()))
        while time.monotonic() < end and not os.path.exists({note!r} + "/stop"):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    container = os.readlink("/proc/" + pid + "/cwd")
                    if container.endswith("/container/scratch") and container != own:
                        with open(os.path.dirname(container) + "/verdicts.jsonl", "w") as file:
                            file.write({forged!r})
                        open({note!r} + "/reached", "w").close()
                except OSError:
                    pass
            time.sleep(0.01)
    os._exit(0)
os.wait()
"""
_SLOW_TEST = "@test_case(points=1, hidden=True)\ndef test_q1(answer):\n    import time; time.sleep(2); assert False\n"


@pytest.fixture
def note() -> Iterator[Path]:
    """A world-writable folder in which the leftover process reports what it reached."""
    folder = Path(tempfile.mkdtemp(prefix="leftover-"))
    folder.chmod(0o777)
    yield folder
    (folder / "stop").touch()
    assert wait_until(lambda: not lives_on(folder), 5)
    shutil.rmtree(folder)


def lives_on(note: Path) -> bool:
    try:
        return Path("/proc", (note / "process").read_text()).exists()
    except OSError:
        return False


def notebook(fork_server: ForkServer, cells: list[str], folder: Path) -> None:
    payload = {"cells": [{"number": 1, "source": cell} for cell in cells], "handover": {"q1": ["answer"]}, "seed": 0}
    fork_server.run(Job(RUN_NOTEBOOK, payload, folder, QUICK, without=_LACKING))


def test_a_process_that_outlives_its_notebook_does_not_reach_the_checker(fork_server: ForkServer, note: Path) -> None:
    with job_folder() as folder, job_folder() as checked:
        notebook(fork_server, [_LIVES_ON.format(note=str(note), forged=_FORGED)], folder)
        assert wait_until(lambda: lives_on(note), 5)
        payload = {"input": str(folder / "handover"), "tests": {"q1.py": question_file("q1", _SLOW_TEST)}, "seed": 0}
        fork_server.run(Job(RUN_TESTS, {**payload, "explain_hidden": False}, checked, QUICK, without=_LACKING))
        verdicts = [json.loads(line) for line in (checked / "verdicts.jsonl").read_text().splitlines()]
        assert verdicts[-1]["verdict"]["tests"][0]["passed"] is False
        assert lives_on(note), "it was there all the time"
        assert not (note / "reached").exists()


def test_it_would_reach_another_process_of_its_own_user(fork_server: ForkServer, note: Path) -> None:
    """The same attack succeeds on another notebook.

    `basic` without `pid` does not promise otherwise.
    """
    with job_folder() as folder, job_folder() as other:
        notebook(fork_server, [_LIVES_ON.format(note=str(note), forged=_FORGED)], folder)
        assert wait_until(lambda: lives_on(note), 5)
        start = time.monotonic()
        notebook(fork_server, ["import time\ntime.sleep(2)"], other)
        assert time.monotonic() - start >= 2
        assert (note / "reached").exists()
