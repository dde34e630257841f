"""The layers of the sandbox: what each is called, what it is for, and how a machine without it gets it.

No layer is enough alone; `rooms.py` puts them around a worker in the order given here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["full", "basic", "none"]
LEVELS: tuple[Level, ...] = ("full", "basic", "none")


@dataclass(frozen=True)
class Layer:
    """One layer: `name` as the user meets it, `reason` what it prevents, `remedy` how to get it."""

    name: str
    reason: str
    remedy: str


def _namespace_remedy() -> str:
    """The command that gives ordinary users namespaces depends on who forbids them: distributions differ."""
    switches = (
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
        ("/proc/sys/user/max_user_namespaces", "0", "15000"),
    )
    for file, forbidding, allowing in switches:
        try:
            if Path(file).read_text(encoding="utf-8").strip() == forbidding:
                setting = file.removeprefix("/proc/sys/").replace("/", ".")
                return f"sudo sysctl -w {setting}={allowing}"
        except OSError:
            continue
    return "in a container: docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined …"


_NEWER_KERNEL = "boot a Linux kernel of at least 5.13"
_LANDLOCK = "boot Linux 5.13 or newer with `landlock` in the kernel parameter lsm= (see /sys/kernel/security/lsm)"

LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer("uid", "root's files and powers are out of reach", "run as root in the machine's own user namespace"),
        Layer("user", "the rights that make the other namespaces reach no further than those", _namespace_remedy()),
        Layer("net", "no network: no interface, no host, no abstract sockets of others", _namespace_remedy()),
        Layer("ipc", "no shared memory, queues or semaphores of other programs", _namespace_remedy()),
        Layer("uts", "the machine's name is neither seen nor changed", _namespace_remedy()),
        Layer("pid", "other processes are invisible, and nothing outlives the worker", _namespace_remedy()),
        Layer("mount", "only the named folders exist; scratch and hand-over are limited", _namespace_remedy()),
        Layer("fds", "nothing the grader has open is inherited", "none is needed"),
        Layer("environment", "no token or path of the grader's is in a variable", "none is needed"),
        Layer(
            "streams", "what a notebook writes to its standard streams' descriptors is kept nowhere", "none is needed"
        ),
        Layer("clock", "an end to whatever runs too long", "none is needed"),
        Layer("memory", "an end to what holds too much memory, added up over all processes", "none is needed"),
        Layer("limits", "processor time, open files, file size, processes; no core files", "none is needed"),
        Layer("capabilities", "no privilege is left, whatever is executed", _NEWER_KERNEL),
        Layer("no_new_privs", "setuid programs gain nothing", _NEWER_KERNEL),
        Layer("landlock", "files are read and written only where named; no TCP", _LANDLOCK),
        Layer("seccomp", "sockets, tracing, mounting, io_uring and what is rare do not exist", _NEWER_KERNEL),
    )
}
# What every level has: a process of its own, without the grader's files and variables, under limits.
ALWAYS = frozenset({"fds", "environment", "streams", "clock", "memory", "limits"})
# Namespaces made by an ordinary user need a user namespace, and the root made of named folders shows a process table.
NEEDS: dict[str, frozenset[str]] = {
    "net": frozenset({"user"}),
    "ipc": frozenset({"user"}),
    "uts": frozenset({"user"}),
    "pid": frozenset({"user", "mount"}),
    "mount": frozenset({"user"}),
}
