"""Apply the last sandbox layers inside a worker and call the task's entry point."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import kernel, landlock, seccomp
from autograder.sandbox.job import Order
from autograder.sandbox.readable_paths import DEVICES, readable_folders
from autograder.sandbox.rlimits import apply_limits

_KEPT_VARIABLES = (
    "PATH",
    "VIRTUAL_ENV",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_ENABLE_ONEDNN_OPTS",
    "MPLBACKEND",
    "CUDA_VISIBLE_DEVICES",
)
_FIRST_OWN_DESCRIPTOR, _LAST_DESCRIPTOR = 3, 1 << 20


@dataclass(frozen=True)
class WorkerFolders:
    """The folders of a worker.

    Args:
        job: its output.
        scratch: its working directory.
        writable: all folders that it may write to.
        readable: further folders that it may read.
    """

    job: Path
    scratch: Path
    writable: tuple[Path, ...]
    readable: tuple[Path, ...]


def work(order: Order, folders: WorkerFolders) -> None:
    """Apply the remaining sandbox layers and call the task's entry point."""
    silent = order.task.untrusted and "streams" in order.layers
    _redirect_standard_streams(Path(os.devnull) if silent else folders.job / "worker.log")
    os.chdir(folders.scratch)
    _apply_layers(order, folders)
    module, _, function = order.task.entry.partition(":")
    try:
        getattr(importlib.import_module(module), function)(order.payload, folders.job)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        for stream in (sys.stdout, sys.stderr):
            # A notebook may have closed or replaced its streams, which is not a crash.
            with contextlib.suppress(Exception):
                stream.flush()


def _apply_layers(order: Order, folders: WorkerFolders) -> None:
    """Apply the layers that a process sets for itself.

    Each forbids what earlier ones need.
    """
    layers = order.layers
    if "fds" in layers:
        _close_descriptors(order.channel)
    for descriptor in order.channel:
        os.set_inheritable(descriptor, False)  # no program that the notebook starts has a use for it
    if "environment" in layers:
        _clean_environment(folders.scratch)
    if "limits" in layers:
        apply_limits(order.limits, own_user_namespace="user" in layers)
    if "capabilities" in layers:
        kernel.clear_capabilities()
    if layers & {"no_new_privs", "landlock", "seccomp"}:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if "landlock" in layers:
        _restrict_files(folders)
    if "seccomp" in layers:
        seccomp.install()


def _restrict_files(folders: WorkerFolders) -> None:
    """Restrict file access (layer `landlock`)."""
    read = (
        *readable_folders(),
        *folders.readable,
        *(Path(name) for name in DEVICES),
        Path("/proc"),
        Path("/etc/passwd"),
    )
    landlock.restrict(read, (*folders.writable, Path(os.devnull)))


def _close_descriptors(kept: tuple[int, ...]) -> None:
    """Close inherited descriptors except streams and channel (layer `fds`)."""
    first = _FIRST_OWN_DESCRIPTOR
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, _LAST_DESCRIPTOR)


def _redirect_standard_streams(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(null)
    os.close(out)


def _clean_environment(scratch: Path) -> None:
    """Remove all variables that programs do not need (layer `environment`)."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(scratch), TMPDIR=str(scratch), LANG="C.UTF-8")
    import tempfile

    tempfile.tempdir = None  # reset the folder that the fork server determined
