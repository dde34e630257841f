"""Where the notebook runs, and what has to be done there before anything else."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from .lab import Lab
from .words import _

Host = Literal["colab", "vscode", "jupyter", "other"]


class HintError(Exception):
    """A problem the student can solve: shown as one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


def current_host(shell: Any) -> Host:
    """Tell where this kernel's notebook is open."""
    if "google.colab" in str(shell):
        return "colab"
    if "__vsc_ipynb_file__" in shell.user_ns:
        return "vscode"
    return "jupyter" if os.environ.get("JPY_SESSION_NAME") else "other"


def notebook_paths(shell: Any) -> list[Path]:
    """Find the files this notebook may be saved in, the most certain ones first.

    VS Code says which one it is. A Jupyter server said so when the kernel started, and the notebook may have been
    renamed since.
    """
    told = shell.user_ns.get("__vsc_ipynb_file__")
    if told:
        return [Path(told)]
    session = os.environ.get("JPY_SESSION_NAME")
    folders = {Path.cwd(): None, **({Path(session).parent: None} if session else {})}
    paths = [Path(session)] if session else []
    for folder in folders:
        with contextlib.suppress(OSError):
            paths += sorted(path for path in folder.glob("*.ipynb") if path not in paths)
    return [path for path in paths if path.is_file()]


def prepare(lab: Lab, shell: Any) -> None:
    """Import otter and the lab's libraries without their log lines.

    On Colab, otter is installed first.

    Raises:
        HintError: a library is not installed.
    """
    if importlib.util.find_spec("otter") is None:
        if current_host(shell) != "colab":
            raise HintError(
                _(
                    "The package otter-grader is not installed for this kernel. Run `%pip install {package}` in a new "
                    "cell, restart the kernel, and run this cell again.",
                    package=f'"{lab.requires}"',
                )
            )
        print(_("Installing otter-grader (half a minute, once per session) …"))
        command = [sys.executable, "-m", "pip", "install", "--quiet", lab.requires]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - pip of this kernel
        importlib.invalidate_caches()
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["?"])[-1]
            raise HintError(_("otter-grader could not be installed: {reason}", reason=reason))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet():
        for name in ("otter", *lab.imports):
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise HintError(
                    _(
                        "{name} cannot be imported for this kernel ({reason}). Install what this lab needs, "
                        "`%pip install -r requirements.txt`, restart the kernel, and run this cell again.",
                        name=name,
                        reason=str(error).partition("\n")[0],
                    )
                ) from None
        if "tensorflow" in sys.modules:
            # TensorFlow looks for graphics cards now, while its log lines are kept away, not at the first model.
            sys.modules["tensorflow"].config.list_physical_devices()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what C++ libraries write to standard error to nowhere.

    Only the descriptor is redirected: Python's own `sys.stderr`, which Jupyter replaces, stays what it is, so nothing
    that remembers it during an import goes silent for good.
    """
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
