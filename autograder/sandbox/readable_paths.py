"""Which folders of the machine a worker may read: Python with its libraries, and what programs need to run at all."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_HARDWARE = ("/sys/devices/system/cpu", "/sys/devices/system/node")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_KIT = Path(__file__).resolve().parents[1]  # the package alone; the course may lie around it
# Nobody keeps programs for others there, but some keep their homes, their course or their backups.
_NEVER = ("/", "/home", "/root", "/tmp", "/var", "/etc", "/opt", "/srv", "/mnt", "/dev", "/proc", "/sys")  # noqa: S108


def readable_folders() -> tuple[Path, ...]:
    """Existing folders and files to read and execute from, none within another; a prefix that is `/` is left out."""
    wanted = [Path(name) for name in (*_SYSTEM, *_SETTINGS, *_HARDWARE)] + [*python_folders(), _KIT]
    existing = [path for path in wanted if _exists(path) and str(path) not in _NEVER]
    return tuple(path for path in dict.fromkeys(existing) if not _lies_in_another(path, existing))


def python_folders() -> tuple[Path, ...]:
    """Where the interpreter and the installed libraries lie, under every name they are known by."""
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
    """The first folder on the way to Python that other users may not enter, if there is one.

    It matters where root gives up its powers without a mount namespace, which would make the way for it.
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
        return False  # somebody else's: not for this user, so not for the worker either
