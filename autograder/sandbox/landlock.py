"""Landlock: restrict file access and TCP of this process and its children.

Constants and structures: uapi/linux/landlock.h and the kernel documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from autograder.sandbox.kernel import call

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# Creating sockets and device nodes, and ioctl on devices, is never allowed.
_MAKE_CHAR, _MAKE_SOCK, _MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 11
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_VERSION_QUERY = 1
_RULE_PATH_BENEATH = 1
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "net", "scoped")]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """Return the Landlock ABI version of this kernel; 0 if missing or disabled."""
    try:
        return call("landlock_create_ruleset", None, 0, _VERSION_QUERY)
    except OSError:
        return 0


def restrict(read: Iterable[Path], write: Iterable[Path]) -> None:
    """Allow only reading and executing below `read`, and all changes below `write`.

    Requires no_new_privs. Paths that do not exist are ignored.

    Raises:
        OSError: the kernel has no Landlock.
    """
    offered = version()
    every = _every_file_access(offered)
    # Each ABI version adds rights: network rules in 4, scopes in 6. Unknown rights are an error.
    ruleset = _Ruleset(
        files=every,
        net=_BIND_TCP | _CONNECT_TCP if offered >= 4 else 0,
        scoped=_SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if offered >= 6 else 0,
    )
    size = 24 if offered >= 6 else 16 if offered >= 4 else 8
    rules = call("landlock_create_ruleset", ruleset, size, 0)
    try:
        for path in read:
            _allow(rules, path, every & _READ)
        for path in write:
            _allow(rules, path, every & ~(_MAKE_CHAR | _MAKE_BLOCK | _MAKE_SOCK | _IOCTL_DEV))
        call("landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)


def _every_file_access(offered: int) -> int:
    """Return all file access rights of an ABI version.

    Version 1 has 13 rights; 2 adds refer, 3 truncate, 5 ioctl on devices.
    """
    known = {1: 13, 2: 14, 3: 15, 4: 15}
    return int((1 << known.get(offered, 16)) - 1)


def _allow(rules: int, path: Path, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _FILE_ONLY
        call("landlock_add_rule", rules, _RULE_PATH_BENEATH, _PathRule(access=access, parent=descriptor), 0)
    finally:
        os.close(descriptor)
