"""IPython's own shell, so that magics, `!`, `await` and displays work as in Jupyter, without a kernel."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.pyplot import close as close_figures
from traitlets.config import Config


class _SilentDisplayHook(DisplayHook):
    def __call__(self, result: object = None) -> None:
        """A cell's last value has no reader here either."""


class _SilentPublisher(DisplayPublisher):
    def publish(self, *args: Any, **kwargs: Any) -> None:
        """Displays have no reader here."""


class _Shell(InteractiveShell):
    displayhook_class = _SilentDisplayHook
    display_pub_class = _SilentPublisher
    system = InteractiveShell.system_raw  # `!command` without a terminal of its own: the sandbox has none

    def ask_exit(self) -> None:
        """`exit()` in a notebook asks the front end to close; the cells after it still run, as in Jupyter."""

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window system."""


def new_shell(home: Path) -> InteractiveShell:
    """A shell with an empty namespace, no history on disk and no colours; `home` is the folder for its own files."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.xmode = "Minimal"
    config.InteractiveShell.cache_size = 0
    return _Shell.instance(config=config, ipython_dir=str(home))


def run_cell(shell: InteractiveShell, source: str) -> BaseException | None:
    """Run one cell; returns what it raised, if it did. Figures it left open are closed."""
    _mend_streams()
    run: Callable[..., Any] = shell.run_cell
    try:
        result = run(source, store_history=False)
    except BaseException as failure:  # noqa: BLE001 - the shell itself stumbled over what the cell has done
        return failure
    with contextlib.suppress(Exception):  # what students do to Matplotlib must not end their notebook
        close_figures("all")
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error


def _mend_streams() -> None:
    """A cell may have closed the standard streams or put nothing in their place; the shell cannot do without."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        if stream is None or getattr(stream, "closed", False):
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the cells to come
