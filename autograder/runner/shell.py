"""IPython's own shell, so that magics, `!`, `await` and displays work as in Jupyter, without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
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

    def ask_exit(self) -> None:
        """`exit()` in a notebook asks the front end to close; the cells after it still run, as in Jupyter."""

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window system."""


def new_shell() -> InteractiveShell:
    """A shell with an empty namespace, no history on disk and no colours."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.xmode = "Minimal"
    config.InteractiveShell.cache_size = 0
    return _Shell.instance(config=config)


def run_cell(shell: InteractiveShell, source: str) -> BaseException | None:
    """Run one cell; returns what it raised, if it did. Figures it left open are closed."""
    from matplotlib import pyplot as plt

    run: Callable[..., Any] = shell.run_cell
    result = run(source, store_history=False)
    plt.close("all")
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error
