"""Names of the sandbox layers, their purpose, and how to enable them.

No layer is sufficient on its own; `container.py` applies them in this order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["full", "basic", "none"]
LEVELS: tuple[Level, ...] = ("full", "basic", "none")


@dataclass(frozen=True)
class Layer:
    """A sandbox layer.

    Args:
        name: the name shown to users.
        reason: what the layer prevents.
        remedy: how to enable it on a machine that lacks it.
    """

    name: str
    reason: str
    remedy: str


def _namespace_remedy() -> str:
    """Return the command that enables user namespaces.

    Distributions disable them differently.
    """
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
        Layer("uid", "no access to root's files and privileges", "run as root in the machine's initial user namespace"),
        Layer("user", "no privileges outside the worker's own namespaces", _namespace_remedy()),
        Layer("net", "no network: no interfaces, no hosts, no abstract sockets of other programs", _namespace_remedy()),
        Layer("ipc", "no access to shared memory, queues and semaphores of other programs", _namespace_remedy()),
        Layer("uts", "no access to the machine's host name", _namespace_remedy()),
        Layer("pid", "no access to other processes; all processes end with the worker", _namespace_remedy()),
        Layer("mount", "no folders except those listed; limited size of scratch and output", _namespace_remedy()),
        Layer("fds", "no open files of the grader", "not needed"),
        Layer("environment", "no environment variables with tokens or paths of the grader", "not needed"),
        Layer("streams", "no log files filled through the descriptors of the standard streams", "not needed"),
        Layer("clock", "limited wall-clock time", "not needed"),
        Layer("memory", "limited memory of all processes together", "not needed"),
        Layer("limits", "limited processor time, open files, file size and processes; no core files", "not needed"),
        Layer("capabilities", "no capabilities, whatever is executed", _NEWER_KERNEL),
        Layer("no_new_privs", "no privileges through setuid programs", _NEWER_KERNEL),
        Layer("landlock", "no files except those listed; no TCP", _LANDLOCK),
        Layer(
            "seccomp", "no system calls for sockets, tracing, mounting, io_uring or other rare purposes", _NEWER_KERNEL
        ),
    )
}
# Layers of every level: a separate process without the grader's files and variables, under limits.
ALWAYS = frozenset({"fds", "environment", "streams", "clock", "memory", "limits"})
# An ordinary user needs a user namespace to create others; a pid namespace needs a new /proc, hence a mount namespace.
NEEDS: dict[str, frozenset[str]] = {
    "net": frozenset({"user"}),
    "ipc": frozenset({"user"}),
    "uts": frozenset({"user"}),
    "pid": frozenset({"user", "mount"}),
    "mount": frozenset({"user"}),
}
