"""Linux system calls that Python does not offer, by ctypes.

Failures raise OSError with the name of the call. Importing this module is safe on every system; its functions require
Linux. The constants come from the kernel's headers uapi/linux/{sched,mount,prctl,capability,fcntl}.h.
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
    """Make a system call by name and return its result.

    Raises:
        OSError: the call failed, or this architecture has no such call.
    """
    number = system_call_numbers().get(name)
    if number is None:
        raise OSError(38, f"{name}: unknown to the sandbox on this architecture")
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
    """Set one attribute of this process (prctl(2))."""
    call("prctl", option, value, 0, 0, 0)


def unshare(flags: int) -> None:
    """Move this process into new namespaces.

    A new pid namespace starts with the next child.
    """
    call("unshare", flags)


def make_mounts_private() -> None:
    """Keep later mounts within this mount namespace."""
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def mount_tmpfs(target: Path, *, size_mb: int, files: int, flags: int = MS_NOSUID | MS_NODEV) -> None:
    """Mount an empty tmpfs.

    Args:
        target: the mount point.
        size_mb: maximum size in MiB.
        files: maximum number of files and folders.
        flags: MS_* flags.
    """
    options = f"size={size_mb}m,nr_inodes={files},mode=0755".encode()
    call("mount", b"tmpfs", os.fsencode(target), b"tmpfs", flags, options)


def mount_proc(target: Path) -> None:
    """Mount the process table of this process's pid namespace."""
    call("mount", b"proc", os.fsencode(target), b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def clone_tree(path: Path, attributes: int) -> int:
    """Return a descriptor of a detached copy of the mounts at `path`.

    It can be attached later, even by a process that has since lost access to `path`.

    Args:
        path: the file or folder to copy.
        attributes: MOUNT_ATTR_* flags to set on every mount of the copy.
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
    """Make the mount at `path` read-only, without the mounts below it."""
    _set_attributes(-100, os.fsencode(path), MOUNT_ATTR_RDONLY, 0)


def _set_attributes(folder: int, path: bytes, attributes: int, flags: int) -> None:
    wanted = _MountAttributes(set=attributes)
    call("mount_setattr", folder, path, flags, wanted, ctypes.sizeof(wanted))


def attach_tree(tree: int, target: Path) -> None:
    """Attach a mount from `clone_tree` at `target` and close its descriptor."""
    call("move_mount", tree, b"", -100, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)
    os.close(tree)


def change_root(folder: Path) -> None:
    """Make the mount `folder` the root of this process and detach the old root."""
    os.chdir(folder)
    # With both arguments equal, the old root is stacked on the new one and can be unmounted (pivot_root(2), NOTES).
    call("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir("/")


def set_host_name(name: bytes) -> None:
    """Set the host name of this uts namespace."""
    call("sethostname", name, len(name))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [(f"{kind}{half}", ctypes.c_uint32) for half in (0, 1) for kind in ("e", "p", "i")]


def clear_capabilities() -> None:
    """Drop every capability, including those of programs executed later."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # beyond the kernel's last capability, or not permitted: then no program can gain it either
    header = _CapabilityHeader(version=0x20080522, pid=0)
    call("capset", header, _CapabilityData())
