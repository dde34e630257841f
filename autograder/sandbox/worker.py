"""The inside of a worker: the last layers of the sandbox, an empty scratch folder, then the entry point of its task."""

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
    """Where a worker is: the folder it leaves its files in, its scratch folder, others it may write or read."""

    job: Path
    scratch: Path
    writable: tuple[Path, ...]
    readable: tuple[Path, ...]


def work(order: Order, folders: WorkerFolders) -> None:
    """Put the last layers around this process and call the entry point of the order's task."""
    silent = order.task.untrusted and "streams" in order.layers
    _redirect_standard_streams(Path(os.devnull) if silent else folders.job / "worker.log")
    os.chdir(folders.scratch)
    _close_layers(order, folders)
    module, _, function = order.task.entry.partition(":")
    try:
        getattr(importlib.import_module(module), function)(order.payload, folders.job)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        for stream in (sys.stdout, sys.stderr):
            # A notebook may have closed or replaced them; that is no reason to call it crashed.
            with contextlib.suppress(Exception):
                stream.flush()


def _close_layers(order: Order, folders: WorkerFolders) -> None:
    """The layers a process puts on itself. Each later one forbids what an earlier one needs."""
    layers = order.layers
    if "fds" in layers:
        _close_descriptors()
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
    """Layer `landlock`."""
    read = (
        *readable_folders(),
        *folders.readable,
        *(Path(name) for name in DEVICES),
        Path("/proc"),
        Path("/etc/passwd"),
    )
    landlock.restrict(read, (*folders.writable, Path(os.devnull)))


def _close_descriptors() -> None:
    """Layer `fds`: the grader's sockets and files are open in every process that is forked from its own."""
    os.closerange(_FIRST_OWN_DESCRIPTOR, _LAST_DESCRIPTOR)


def _redirect_standard_streams(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(null)
    os.close(out)


def _clean_environment(scratch: Path) -> None:
    """Layer `environment`: only what programs need to run at all, and the worker's own folders."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(scratch), TMPDIR=str(scratch), LANG="C.UTF-8")
    import tempfile

    tempfile.tempdir = None  # forget the folder the fork server looked up
