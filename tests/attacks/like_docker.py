"""Run a command as in a usual container: `python like_docker.py COMMAND…`.

Root in it may become another user, but gets no namespaces, no mounts and no Landlock (Docker refuses the first two,
older kernels lack the last). Python and this repository are made readable for other users, as they are in an image.
"""

from __future__ import annotations

import errno
import os
import sys

from autograder.sandbox import kernel, seccomp
from autograder.sandbox.syscall_table import system_call_numbers
from tests.attacks.as_user import open_the_way

_REFUSED = "unshare setns mount umount2 pivot_root open_tree move_mount mount_setattr fsopen landlock_create_ruleset"
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def main() -> None:
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.make_mounts_private()
    open_the_way()
    _refuse(_REFUSED.split())
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - that is its purpose


def _refuse(names: list[str]) -> None:
    """Install a filter of system calls for this process and its children."""
    numbers = system_call_numbers()
    lines = [(_LOAD, 0, 0, 0)]
    for name in names:
        lines += [(_JUMP_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    seccomp.install_program([*lines, (_RETURN, 0, 0, _ALLOW)])


if __name__ == "__main__":
    main()
