"""The few system calls of Linux that Python does not offer, by ctypes. Every failure is an OSError naming its call.

Importing this module is safe everywhere; its functions work on Linux only.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

from autograder.sandbox.syscall_table import system_call_numbers

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
_OPEN_TREE_CLONE = 1
_AT_RECURSIVE = 0x8000
_AT_EMPTY_PATH = 0x1000
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | ctypes.Structure | None) -> int:
    """A system call by name.

    Raises:
        OSError: it failed, or this architecture has no such call.
    """
    number = system_call_numbers().get(name)
    if number is None:
        raise OSError(38, f"{name}: the sandbox does not know it on this architecture")
    converted = [_argument(argument) for argument in arguments]
    result = _libc().syscall(ctypes.c_long(number), *converted)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return int(result)


def _argument(value: object) -> object:
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.byref(value) if isinstance(value, ctypes.Structure) else value


def prctl(option: int, value: int = 0) -> None:
    """Change one attribute of this process."""
    call("prctl", option, value, 0, 0, 0)


def unshare(flags: int) -> None:
    """Leave the namespaces in `flags` for new ones; a new pid namespace begins with the next child."""
    call("unshare", flags)


def make_mounts_private() -> None:
    """Mounts made from here on stay in this mount namespace."""
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def mount_tmpfs(target: Path, *, size_mb: int, files: int, flags: int = MS_NOSUID | MS_NODEV) -> None:
    """Mount an empty file system in memory that holds at most `size_mb` MiB in at most `files` files and folders."""
    options = f"size={size_mb}m,nr_inodes={files},mode=0755".encode()
    call("mount", b"tmpfs", os.fsencode(target), b"tmpfs", flags, options)


def mount_proc(target: Path) -> None:
    """Mount the process table of this process's own pid namespace."""
    call("mount", b"proc", os.fsencode(target), b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def clone_tree(path: Path, attributes: int) -> int:
    """A descriptor of a copy of the mounts at `path` that is mounted nowhere yet, with `attributes` set on all of it.

    It can be attached later, also by a process that has given up its right to reach `path` meanwhile.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE
    tree = call("open_tree", -100, os.fsencode(path), flags)
    try:
        _set_attributes(tree, b"", attributes, _AT_EMPTY_PATH | _AT_RECURSIVE)
    except OSError:
        os.close(tree)
        raise
    return tree


def make_read_only(path: Path) -> None:
    """Make the one mount at `path` read-only."""
    _set_attributes(-100, os.fsencode(path), MOUNT_ATTR_RDONLY, 0)


def _set_attributes(folder: int, path: bytes, attributes: int, flags: int) -> None:
    wanted = _MountAttributes(set=attributes)
    call("mount_setattr", folder, path, flags, wanted, ctypes.sizeof(wanted))


def attach_tree(tree: int, target: Path) -> None:
    """Attach what `clone_tree` gave at `target`, and close its descriptor."""
    call("move_mount", tree, b"", -100, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)
    os.close(tree)


def change_root(folder: Path) -> None:
    """Make `folder`, a mount, this process's `/`; what was there before is out of everybody's reach in here."""
    os.chdir(folder)
    # Both names the same: the old root then lies on top of the new one, from where it is taken off.
    call("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir("/")


def set_host_name(name: bytes) -> None:
    """Rename the machine as this uts namespace sees it."""
    call("sethostname", name, len(name))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [(f"{kind}{half}", ctypes.c_uint32) for half in (0, 1) for kind in ("e", "p", "i")]


def clear_capabilities() -> None:
    """Give up every capability, also for whatever is executed later."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # beyond the last one this kernel has, or not ours to drop: then there is none to gain either
    header = _CapabilityHeader(version=0x20080522, pid=0)
    call("capset", header, _CapabilityData())
