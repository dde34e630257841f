"""Paths that a worker may read: Python, its libraries and system libraries."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_HARDWARE = ("/sys/devices/system/cpu", "/sys/devices/system/node")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_KIT = Path(__file__).resolve().parents[1]  # only the package: the folder above may contain a course
# Folders for home directories, courses or backups, which must never become readable as a whole.
_NEVER = ("/", "/home", "/root", "/tmp", "/var", "/etc", "/opt", "/srv", "/mnt", "/dev", "/proc", "/sys")  # noqa: S108


def readable_folders() -> tuple[Path, ...]:
    """Return existing folders and files to read and execute from, none inside another.

    Leaves out prefixes such as `/` or `/home`.
    """
    wanted = [Path(name) for name in (*_SYSTEM, *_SETTINGS, *_HARDWARE)] + [*python_folders(), _KIT]
    existing = [path for path in wanted if _exists(path) and str(path) not in _NEVER]
    return tuple(path for path in dict.fromkeys(existing) if not _lies_in_another(path, existing))


def python_folders() -> tuple[Path, ...]:
    """Return the interpreter's and libraries' folders, links resolved and not."""
    names: list[str | Path] = [
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        Path(os.path.realpath(sys.executable)).parent.parent,
    ]
    names += [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    if site.ENABLE_USER_SITE:
        names.append(site.getusersitepackages())
    given = [Path(name) for name in names]
    return tuple(dict.fromkeys([*given, *(path.resolve() for path in given)]))


def unreadable_for_others() -> Path | None:
    """Return the first folder on the path to Python that is closed to other users.

    Relevant if root drops its privileges without a mount namespace.
    """
    for folder in python_folders():
        for step in (*reversed(folder.parents), folder):
            if _exists(step) and not step.stat().st_mode & 0o001:
                return step
    return None


def _lies_in_another(path: Path, others: list[Path]) -> bool:
    return any(other != path and other in path.parents and not other.is_symlink() for other in others)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False  # what this user cannot access, the worker need not access
