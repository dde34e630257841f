"""IPython's own shell, so that magics, `!`, `await` and displays work as in Jupyter, without a kernel."""

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
# As sharp as Jupyter draws; a student's own setting could ask for pictures of any size.
_MAX_DPI = 100


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the cells. Its descriptor leads nowhere: what programs print is not shown."""

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
        """As of a stream that has nothing to set."""


class _Bytes(io.RawIOBase):
    """The bytes' side of a stream, for what writes to `sys.stdout.buffer`."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True


class _ResultHook(DisplayHook):
    def __call__(self, result: object = None) -> None:
        """A cell's last value, unless a semicolon hushes it."""
        if result is None or self.quiet():
            return
        shell: Any = self.shell
        data, _ = shell.display_formatter.format(result)
        shell.recorder.show("execute_result", data)

    def quiet(self) -> bool:
        shell: Any = self.shell
        hook: Any = super()
        with contextlib.suppress(Exception):  # the tokenizer may stumble over magics
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
    """IPython's shell, the outputs of whose cells go to `recorder`."""

    displayhook_class = _ResultHook
    display_pub_class = _Publisher
    system = InteractiveShell.system_raw  # `!command` without a terminal of its own: the sandbox has none
    recorder: Recorder
    source: str = ""  # of the cell that runs

    def ask_exit(self) -> None:
        """`exit()` in a notebook asks the front end to close; the cells after it still run, as in Jupyter."""

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window system."""

    def _showtraceback(self, *_: Any) -> None:
        """The journal says what a cell raised."""

    def show_usage_error(self, exc: BaseException) -> None:
        """The same of magics."""


def new_shell(home: Path, recorder: Recorder) -> Shell:
    """A shell with an empty namespace, no history on disk and no colours, whose cells' outputs are recorded.

    Args:
        home: the folder for its own files.
        recorder: takes down what cells show.
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
    """Run one cell; returns what it raised, if it did. Figures it left open are shown and closed."""
    _mend(shell)
    shell.source = source
    run: Callable[..., Any] = shell.run_cell
    try:
        result = run(source, store_history=False)
    except BaseException as failure:  # noqa: BLE001 - the shell itself stumbled over what the cell has done
        return failure
    with contextlib.suppress(Exception):  # what students do to Matplotlib must not end their notebook
        close_figures("all")
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error


def _mend(shell: Shell) -> None:
    """What cells may have broken and the next one cannot do without: standard streams, figures as pictures."""
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
    """A figure as PNG, drawn but once where that is enough: it is the notebook's processor time."""
    laid_out = figure.get_layout_engine() is not None  # so nothing sticks out that a margin would have to be found for
    if laid_out and figure.axes and figure.dpi <= _MAX_DPI and isinstance(figure.canvas, FigureCanvasAgg):
        buffer = io.BytesIO()
        figure.canvas.print_png(buffer)
        return base64.b64encode(buffer.getvalue()).decode("ascii")
    print_it: Callable[..., str | None] = print_figure
    return print_it(figure, "png", base64=True, dpi=min(figure.dpi, _MAX_DPI))
