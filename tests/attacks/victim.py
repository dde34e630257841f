"""Targets of attacks: stand-ins for the grader's files, sockets and processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox.credentials import UNPRIVILEGED, runs_as_root

SECRET = "the-hidden-answer"  # noqa: S105 - a text to look for


@dataclass(frozen=True)
class Victim:
    """World-accessible files, listening sockets, a process of the worker's user.

    They are as open as ordinary permissions can make them, so that nothing but the sandbox protects them.
    """

    folder: Path
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    abstract: socket.socket
    process: subprocess.Popen[bytes]
    shared_memory: int

    def as_data(self) -> dict[str, Any]:
        """What an attacker who knows everything would know."""
        return {
            "secret": SECRET,
            "folder": str(self.folder),
            "tests": str(self.folder / "tests" / "q1.py"),
            "results": str(self.folder / "results" / "result.json"),
            "other": str(self.folder / "submissions" / "grace.ipynb"),
            "home": str(self.folder / "home"),
            "cache": str(self.folder / "cache" / "mnist.npz"),
            "private": str(self.folder / "private"),
            "unix": str(self.folder / "socket"),
            "abstract": self.abstract.getsockname()[1:].decode(),
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "pid": self.process.pid,
            "host": socket.gethostname(),
            "shared_memory": self.shared_memory,
        }

    def datagrams(self) -> list[bytes]:
        """What has arrived at the UDP port and not been looked at."""
        arrived = []
        with contextlib.suppress(BlockingIOError):
            while True:
                arrived.append(self.udp.recv(1000))
        return arrived


def fill(folder: Path) -> None:
    """(Re)write the files, for the next attack."""
    for name in ("tests/q1.py", "results/result.json", "submissions/grace.ipynb", "home/.netrc", "cache/mnist.npz"):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.parent.chmod(0o777)
        file.unlink(missing_ok=True)
        file.write_text(SECRET, encoding="utf-8")
        file.chmod(0o666)
    for left in folder.glob("planted*"):
        left.unlink()
    private = folder / "private"
    private.write_text(SECRET, encoding="utf-8")
    private.chmod(0o600)


@contextlib.contextmanager
def victim() -> Iterator[Victim]:
    """Everything there, for a while."""
    folder = Path(tempfile.mkdtemp(prefix="victim-", dir="/var/tmp"))
    folder.chmod(0o777)
    fill(folder)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        unix = stack.enter_context(_listening(str(folder / "socket")))
        (folder / "socket").chmod(0o777)
        abstract = stack.enter_context(_listening(f"\0{folder.name}"))
        user = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if runs_as_root() else {}
        process = subprocess.Popen(["/bin/sleep", "3600"], env={"TOKEN": SECRET}, **user)  # type: ignore[call-overload]
        stack.callback(process.kill)
        shared = _shared_memory(stack)
        yield Victim(folder, tcp, udp, unix, abstract, process, shared)


def _listening(name: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(name)
    server.listen()
    return server


def _shared_memory(stack: contextlib.ExitStack) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    number = int(libc.shmget(0, 4096, 0o1666))
    assert number >= 0, os.strerror(ctypes.get_errno())
    stack.callback(libc.shmctl, number, 0, None)
    return number
