"""A grader without protection: it calls students' functions in its own process.

Shows what a destructive call does there. Reads a JSON list of {"cell": source, "test": source} from its input, where
`test` is the body of a test of `f`, and prints a JSON list of what each call left (see `Harm`). Each grader is a
process with a neighbour, in a process namespace of their own and with limits of the kernel, so that nothing else is
harmed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import textwrap
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox import kernel
from autograder.sandbox.credentials import runs_as_root

SECONDS = 4.0
HANDED_OVER = "answers that were handed over"
_MEMORY = 1 << 30


@dataclass(frozen=True)
class Harm:
    """What a call left of the grader that made it.

    Args:
        results: the file of results, to which the grader adds a line for this student and one for the next.
        hangs: whether the grader is still in the call when it should long have ended.
        peak_mb: the most memory that the grader held.
        neighbour_lives: whether another process of the same user is still there.
        answers: the file of answers that were handed over before the call.
    """

    results: str
    hangs: bool
    peak_mb: int
    neighbour_lives: bool
    answers: str

    @property
    def lines(self) -> list[str]:
        """The lines of results that a reader would believe."""
        return [line for line in self.results.splitlines() if line.startswith(("this student: ", "next student: "))]


def main() -> None:
    harms = []
    for order in json.load(sys.stdin):
        with tempfile.TemporaryDirectory() as folder:
            harms.append(asdict(_harm(order["cell"], order["test"], Path(folder))))
    json.dump(harms, sys.stdout)


def _harm(cell: str, test: str, folder: Path) -> Harm:
    answers, results, report = folder / "answers.jsonl", folder / "results.txt", folder / "report.json"
    answers.write_text(HANDED_OVER, encoding="utf-8")
    results.touch()
    # The handed-over answers of the sandbox are in /job; here they are in this folder.
    source = cell.replace("/job", str(folder))
    outer = os.fork()
    if outer == 0:
        _in_own_namespace(lambda: report.write_text(json.dumps(_watched(source, test, results)), encoding="utf-8"))
    os.waitpid(outer, 0)
    found = json.loads(report.read_text(encoding="utf-8")) if report.stat().st_size else {}
    return Harm(
        results.read_text(encoding="utf-8", errors="replace"), answers=answers.read_text(encoding="utf-8"), **found
    )


def _in_own_namespace(action: Any) -> None:
    """Run a function as the first process of a new namespace.

    All processes in the namespace end with it.
    """
    code = 1
    try:
        kernel.unshare(kernel.CLONE_NEWPID | (0 if runs_as_root() else kernel.CLONE_NEWUSER))
        first = os.fork()
        if first == 0:
            if os.getpid() == 1:  # or a signal to "all" would reach the machine
                action()
            os._exit(0)
        os.waitpid(first, 0)
        code = 0
    finally:
        os._exit(code)


def _watched(cell: str, test: str, results: Path) -> dict[str, Any]:
    neighbour = os.fork()
    if neighbour == 0:
        time.sleep(60)
        os._exit(0)
    grader = os.fork()
    if grader == 0:
        _grade(cell, test, results)
    hangs, deadline = True, time.monotonic() + SECONDS
    while hangs and time.monotonic() < deadline:
        hangs = os.waitid(os.P_PID, grader, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.kill(grader, signal.SIGKILL)
    _, _, used = os.wait4(grader, 0)
    time.sleep(0.1)  # for copies of the grader to come to their end
    lives = os.waitpid(neighbour, os.WNOHANG) == (0, 0)
    return {"hangs": hangs, "peak_mb": used.ru_maxrss >> 10, "neighbour_lives": lives}


def _grade(cell: str, test: str, results: Path) -> None:
    """Grade two students, the first with this cell, trusting their code."""
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, int(SECONDS) + 1),
        (resource.RLIMIT_FSIZE, 1 << 20),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    code = 1
    try:
        descriptor = os.open(results, os.O_WRONLY | os.O_APPEND)
        for student, source in (("this", cell), ("next", "def f(x): return x + 2")):
            os.write(descriptor, f"{student} student: {_verdict(source, test)}\n".encode())
        code = 0
    finally:
        os._exit(code)


def _verdict(cell: str, test: str) -> str:
    """The points of a test, with the share that the error leaving it claims."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, SECONDS / 2)
    try:
        exec(cell, namespace)  # noqa: S102 - that is what is to be shown
        exec(f"def test(f):\n{textwrap.indent(test, '    ')}", namespace)  # noqa: S102
        namespace["test"](namespace["f"])
    except Exception as error:  # noqa: BLE001 - a test that raises has failed
        return str(getattr(error, "share_of_points", 0.0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "1.0"


def _time_is_up(*_: object) -> None:
    raise TimeoutError


if __name__ == "__main__":
    main()
