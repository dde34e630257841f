"""Run a command as an ordinary user: `python as_user.py UID COMMAND…`, as root.

In a mount namespace of its own, where Python and this repository are also there for others if they lie in a folder that
is closed to them, as root's home usually is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autograder.sandbox import kernel
from autograder.sandbox.readable_paths import python_folders

_REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    user, command = int(sys.argv[1]), sys.argv[2:]
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.make_mounts_private()
    open_the_way()
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.execv(command[0], command)  # noqa: S606 - that is its purpose


def open_the_way() -> None:
    """Mount Python and this repository below folders that the user may enter."""
    folders = [*python_folders(), _REPOSITORY]
    closed = [(folder, step) for folder in folders for step in [_closed_step(folder)] if step is not None]
    held = [(folder, kernel.clone_tree(folder, 0)) for folder, _ in closed]
    for step in {step for _, step in closed}:
        kernel.mount_tmpfs(step, size_mb=1, files=1000)
    for folder, tree in held:
        folder.mkdir(parents=True, exist_ok=True)
        kernel.attach_tree(tree, folder)


def _closed_step(folder: Path) -> Path | None:
    if not folder.exists():
        return None
    return next((step for step in reversed(folder.parents) if not step.stat().st_mode & 0o001), None)


if __name__ == "__main__":
    main()
