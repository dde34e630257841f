"""The inside of a worker: a clean environment, an empty scratch folder, then the room's own work."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

from autograder.sandbox.job import Room

_ROOMS: dict[Room, str] = {
    "runner": "autograder.runner.room",
    "checker": "autograder.checker.room",
    "inspector": "autograder.checker.inspector",
}
_KEPT_VARIABLES = (
    "PATH",
    "VIRTUAL_ENV",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_ENABLE_ONEDNN_OPTS",
    "MPLBACKEND",
    "CUDA_VISIBLE_DEVICES",
)


def work(room: Room, payload: dict[str, Any], folder: Path) -> None:
    """Enter a room. Called right after the fork, as the leader of a new session."""
    scratch = folder / "scratch"
    scratch.mkdir()
    _redirect_standard_streams(folder / "worker.log" if room != "runner" else Path(os.devnull))
    _clean_environment(scratch)
    os.chdir(scratch)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _reseed(int(payload.get("seed", 0)))
    try:
        importlib.import_module(_ROOMS[room]).enter(payload, folder)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        for stream in (sys.stdout, sys.stderr):
            # A notebook may have closed or replaced them; that is no reason to call it crashed.
            with contextlib.suppress(Exception):
                stream.flush()


def _redirect_standard_streams(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(null)
    os.close(out)


def _clean_environment(scratch: Path) -> None:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(scratch), TMPDIR=str(scratch), LANG="C.UTF-8")
    import tempfile

    tempfile.tempdir = None  # forget the folder the warm process looked up


def _reseed(seed: int) -> None:
    import keras
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    keras.utils.set_random_seed(seed)
