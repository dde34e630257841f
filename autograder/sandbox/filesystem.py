"""Root file system of a worker (layer `mount`).

/usr, /lib, Python …      read-only, from the machine
/proc                     the worker's processes
/scratch, /tmp, /dev/shm  one small tmpfs
/job                      a second tmpfs for the worker's output
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import kernel
from autograder.sandbox.job import Limits
from autograder.sandbox.readable_paths import DEVICES, readable_folders
from autograder.sandbox.worker import WorkerFolders

JOB = Path("/job")
SCRATCH = Path("/scratch")
INPUT = Path("/input_folder")
_SHARED = (SCRATCH, Path("/tmp"), Path("/dev/shm"))  # noqa: S108 - created here for one worker
FOLDERS = WorkerFolders(job=JOB, scratch=SCRATCH, writable=(JOB, *_SHARED), readable=(INPUT,))
_NEW_ROOT = Path("/tmp")  # noqa: S108 - any existing folder; the mount is private to this namespace
_SKELETON_MB, _SKELETON_FILES = 1, 2_000
_OUTPUT_FILES = 512
_READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID


@dataclass(frozen=True)
class Mount:
    """A detached mount: its descriptor and its path in the worker's file system."""

    descriptor: int
    place: Path
    is_folder: bool


@dataclass(frozen=True)
class HeldMounts:
    """The parts of a worker's file system: detached mounts and symbolic links."""

    mounts: tuple[Mount, ...]
    links: tuple[tuple[Path, Path], ...]


def hold_mounts(input_folder: Path | None) -> HeldMounts:
    """Open detached, read-only mounts of everything that the worker may read.

    Root calls this before dropping privileges, so that a Python below root's home stays reachable; other users call
    it inside a user namespace.

    Args:
        input_folder: the output of an earlier worker that this one reads, or None.
    """
    folders = readable_folders()
    mounts = [_hold(path, path, _READ_ONLY | kernel.MOUNT_ATTR_NODEV) for path in folders if not _link(path)]
    mounts += [_hold(Path(name), Path(name), _READ_ONLY) for name in DEVICES]
    if input_folder is not None:
        mounts.append(_hold(input_folder, INPUT, _READ_ONLY | kernel.MOUNT_ATTR_NODEV))
    return HeldMounts(tuple(mounts), tuple((path, path.readlink()) for path in folders if _link(path)))


def _hold(source: Path, place: Path, attributes: int) -> Mount:
    return Mount(kernel.clone_tree(source, attributes), place, source.is_dir())


def _link(path: Path) -> bool:
    return path.is_symlink() and path.parent == Path("/")


def build_root(held: HeldMounts, limits: Limits, *, own_processes: bool) -> None:
    """Build the worker's root file system and change into it.

    Requires a mount namespace, and a pid namespace for a separate /proc.

    Args:
        held: the mounts and links of the new root.
        limits: sizes of the tmpfs mounts.
        own_processes: whether /proc shows the worker's own pid namespace.
    """
    kernel.make_mounts_private()
    root = _NEW_ROOT
    processes = None if own_processes else kernel.clone_tree(Path("/proc"), 0)
    kernel.mount_tmpfs(root, size_mb=_SKELETON_MB, files=_SKELETON_FILES)
    for path, target in held.links:
        _inside(root, path).symlink_to(target)
    _make_disks(root, limits)
    for mount in held.mounts:
        _attach(root, mount)
    _inside(root, Path("/proc")).mkdir(exist_ok=True)
    if processes is None:
        kernel.mount_proc(root / "proc")
    else:
        kernel.attach_tree(processes, root / "proc")
    _write_settings(root)
    kernel.change_root(root)
    kernel.make_read_only(Path("/"))


def _make_disks(root: Path, limits: Limits) -> None:
    job = _inside(root, JOB)
    job.mkdir(parents=True)
    kernel.mount_tmpfs(job, size_mb=limits.output_mb, files=_OUTPUT_FILES)
    disk = root / "disk"
    disk.mkdir()
    kernel.mount_tmpfs(disk, size_mb=limits.scratch_mb, files=limits.scratch_files + len(_SHARED) + 1)
    for place in _SHARED:
        part = disk / place.name
        part.mkdir()
        target = _inside(root, place)
        target.mkdir(parents=True)
        kernel.attach_tree(kernel.clone_tree(part, 0), target)
    # Otherwise the shared folders would be reachable under /disk, too.
    kernel.call("umount2", os.fsencode(disk), 2)
    disk.rmdir()


def _attach(root: Path, mount: Mount) -> None:
    target = _inside(root, mount.place)
    if mount.is_folder:
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    kernel.attach_tree(mount.descriptor, target)


def _write_settings(root: Path) -> None:
    """Write passwd and group entries for the worker's user, which programs look up."""
    settings = _inside(root, Path("/etc"))
    settings.mkdir(exist_ok=True)
    user, group = os.geteuid(), os.getegid()
    (settings / "passwd").write_text(f"student:x:{user}:{group}::{SCRATCH}:/bin/sh\n", encoding="utf-8")
    (settings / "group").write_text(f"student:x:{group}:\n", encoding="utf-8")
    for name, target in (("fd", "self/fd"), ("stdin", "self/fd/0"), ("stdout", "self/fd/1"), ("stderr", "self/fd/2")):
        with suppress(FileExistsError):
            (root / "dev" / name).symlink_to(f"/proc/{target}")


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")
