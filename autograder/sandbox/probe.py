"""Detect which sandbox layers work here, by applying each to a child process."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import credentials as identity
from autograder.sandbox import filesystem, kernel, landlock, seccomp
from autograder.sandbox.job import Limits
from autograder.sandbox.layers import ALWAYS, LAYERS, NEEDS
from autograder.sandbox.readable_paths import unreadable_for_others

_SECONDS = 20
_MAX_REASON = 500


@dataclass(frozen=True)
class Found:
    """A layer on this machine.

    Args:
        name: the layer.
        needed: whether full isolation includes it on this machine.
        problem: why it does not work; empty if it does.
    """

    name: str
    needed: bool
    problem: str


def probe() -> tuple[Found, ...]:
    """Try every layer in a child process.

    Takes less than a second and leaves nothing behind.
    """
    found: dict[str, Found] = {}
    for name in LAYERS:
        needed = name != "uid" or identity.runs_as_root()
        missing = sorted(need for need in NEEDS.get(name, ()) if need in found and found[need].problem)
        if not needed or name in ALWAYS:
            problem = ""
        elif missing:
            problem = f"requires the layer {missing[0]}"
        elif not sys.platform.startswith("linux"):
            problem = f"not available on {sys.platform}"
        else:
            problem = _try(_TRIALS[name])
        found[name] = Found(name, needed, problem)
    return tuple(found.values())


def _try(trial: Callable[[], None]) -> str:
    """Run a trial in a child process; return what failed, or an empty text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            signal.alarm(_SECONDS)
            trial()
        except BaseException as error:  # noqa: BLE001 - any failure is the result of the trial
            os.write(writing, f"{error or type(error).__name__}".encode()[:_MAX_REASON])
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as pipe:
        reason = pipe.read()
    _, status = os.waitpid(child, 0)
    return reason or ("" if status == 0 else f"the trial ended with status {os.waitstatus_to_exitcode(status)}")


def _drop_root() -> None:
    if identity.runs_as_root():
        identity.become_unprivileged()


def _uid() -> None:
    identity.become_unprivileged()
    _expect_refusal("/proc/1/environ is readable", lambda: Path("/proc/1/environ").read_bytes())


def _namespace(flag: int) -> Callable[[], None]:
    def enter() -> None:
        _drop_root()
        identity.enter_user_namespace(flag)

    return enter


def _pid() -> None:
    _namespace(kernel.CLONE_NEWPID)()
    child = os.fork()
    if child == 0:
        os._exit(0 if os.getpid() == 1 else 1)
    if os.waitpid(child, 0)[1] != 0:
        raise OSError("the first child in a new pid namespace does not have process id 1")


def _mount() -> None:
    """Build the file system in a pid namespace, which its /proc requires."""
    held = filesystem.hold_mounts(None) if identity.runs_as_root() else None
    _namespace(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)()
    held = held or filesystem.hold_mounts(None)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            filesystem.build_root(held, Limits(), own_processes=True)
            os.stat(sys.executable)  # noqa: PTH116 - library code cannot be loaded in the new root
        except BaseException as error:  # noqa: BLE001 - any failure is the result of the trial
            os.write(writing, str(error).encode()[:_MAX_REASON])
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    reason = os.read(reading, _MAX_REASON)
    if reason:
        raise OSError(reason.decode(errors="replace"))


def _capabilities() -> None:
    _drop_root()
    kernel.clear_capabilities()


def _no_new_privs() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def _landlock() -> None:
    if landlock.version() == 0:
        raise OSError("the kernel has no Landlock, or it is disabled")
    _no_new_privs()
    landlock.restrict(read=[Path("/usr")], write=[])
    _expect_refusal("a file outside the allowed folders is readable", lambda: Path("/etc/passwd").read_bytes())


def _seccomp() -> None:
    _no_new_privs()
    seccomp.install()
    _expect_refusal("a socket can be created", socket.socket)


def _expect_refusal(otherwise: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except PermissionError:
        return
    raise OSError(otherwise)


_TRIALS: dict[str, Callable[[], None]] = {
    "uid": _uid,
    "user": _namespace(0),
    "net": _namespace(kernel.CLONE_NEWNET),
    "ipc": _namespace(kernel.CLONE_NEWIPC),
    "uts": _namespace(kernel.CLONE_NEWUTS),
    "pid": _pid,
    "mount": _mount,
    "capabilities": _capabilities,
    "no_new_privs": _no_new_privs,
    "landlock": _landlock,
    "seccomp": _seccomp,
}


def blocked_python(layers: frozenset[str]) -> Path | None:
    """Return a folder that keeps an unprivileged worker from reading Python, if any.

    Only possible if root grades without the layer `mount`.
    """
    return unreadable_for_others() if "uid" in layers and "mount" not in layers else None
