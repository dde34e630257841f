"""IPython's shell without a kernel, with magics, `await` and displays."""

from __future__ import annotations

import base64
import contextlib
import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import print_figure
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.pyplot import close as close_figures
from traitlets.config import Config

from autograder.runner.recorder import Recorder

_DESCRIPTORS = {"stdout": 1, "stderr": 2}
# Jupyter's resolution; a student's setting could request images of any size.
_MAX_DPI = 100


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the cells.

    Output of subprocesses is not recorded.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, recorder: Recorder) -> None:
        self.name = name
        self._recorder = recorder
        self.buffer = _Bytes(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        self._recorder.write(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _DESCRIPTORS[self.name]

    def reconfigure(self, **_: Any) -> None:
        """Accept and ignore settings."""


class _Bytes(io.RawIOBase):
    """The binary buffer of a stream (`sys.stdout.buffer`)."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True


class _ResultHook(DisplayHook):
    def __call__(self, result: object = None) -> None:
        """Record a cell's last value, unless a semicolon suppresses it."""
        if result is None or self.quiet():
            return
        shell: Any = self.shell
        data, _ = shell.display_formatter.format(result)
        shell.recorder.show("execute_result", data)

    def quiet(self) -> bool:
        shell: Any = self.shell
        hook: Any = super()
        with contextlib.suppress(Exception):  # the tokenizer may fail on magics
            return bool(hook.semicolon_at_end_of_expression(shell.source))
        return False


class _Publisher(DisplayPublisher):
    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Any = None,  # noqa: ARG002 - IPython's signature
        *_: Any,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        identity = (transient or {}).get("display_id")
        self.shell.recorder.show("display_data", data, identity=identity, in_place=update)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.recorder.clear(wait=bool(wait))


class Shell(InteractiveShell):
    """IPython's shell with a recorder for the outputs of cells."""

    displayhook_class = _ResultHook
    display_pub_class = _Publisher
    system = InteractiveShell.system_raw  # `!command` without a pseudo-terminal, which the sandbox lacks
    recorder: Recorder
    source: str = ""  # source of the running cell

    def ask_exit(self) -> None:
        """Ignore `exit()`; later cells still run, as in Jupyter."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: there is no window system."""

    def _showtraceback(self, *_: Any) -> None:
        """Do nothing: the journal records errors."""

    def show_usage_error(self, exc: BaseException) -> None:
        """Do nothing: the journal records errors."""


def new_shell(home: Path, recorder: Recorder) -> Shell:
    """Create a shell with an empty namespace and without history and colours.

    Args:
        home: folder for the shell's files.
        recorder: records the outputs of cells.
    """
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.xmode = "Minimal"
    config.InteractiveShell.cache_size = 0
    Shell.recorder = recorder
    shell: Any = Shell.instance(config=config, ipython_dir=str(home))
    for name in _DESCRIPTORS:
        setattr(sys, name, _Stream(name, recorder))
    shell.enable_matplotlib("inline")
    made: Shell = shell
    return made


def run_cell(shell: Shell, source: str) -> BaseException | None:
    """Run one cell.

    Return the exception it raised, if any. Open figures are shown and closed.
    """
    _mend(shell)
    shell.source = source
    run: Callable[..., Any] = shell.run_cell
    try:
        result = run(source, store_history=False)
    except BaseException as failure:  # noqa: BLE001 - the cell broke the shell itself
        return failure
    with contextlib.suppress(Exception):  # a broken Matplotlib must not end the notebook
        close_figures("all")
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error


def _mend(shell: Shell) -> None:
    """Restore what cells may have broken: standard streams and the display of figures."""
    for name in _DESCRIPTORS:
        stream = getattr(sys, name, None)
        if stream is None or getattr(stream, "closed", False):
            setattr(sys, name, _Stream(name, shell.recorder))
    with contextlib.suppress(Exception):
        _show_figures_as_pictures(shell)


def _show_figures_as_pictures(shell: Any) -> None:
    def draw(figure: Figure) -> str | None:
        return _drawn(figure) if shell.recorder.wants_picture() else None

    for formatter in shell.display_formatter.formatters.values():
        formatter.pop(Figure, None)
    shell.display_formatter.formatters["image/png"].for_type(Figure, draw)


def _drawn(figure: Any) -> str | None:
    """Draw a figure as PNG, in one pass if possible to save processor time."""
    laid_out = figure.get_layout_engine() is not None  # then no second pass is needed to find the margins
    if laid_out and figure.axes and figure.dpi <= _MAX_DPI and isinstance(figure.canvas, FigureCanvasAgg):
        buffer = io.BytesIO()
        figure.canvas.print_png(buffer)
        return base64.b64encode(buffer.getvalue()).decode("ascii")
    print_it: Callable[..., str | None] = print_figure
    return print_it(figure, "png", base64=True, dpi=min(figure.dpi, _MAX_DPI))
