"""Progress on standard error: live on a terminal, occasional lines in a log."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from rich.constrain import Constrain
from rich.live import Live
from rich.text import Text

from autograder.cli.console import MAX_WIDTH, console, redraws, say
from autograder.grading.stages import Step
from autograder.render.live import Doing, Snapshot, class_line, class_view, step_line
from autograder.results.result import Result, SubmissionStatus

# Drawing takes about a millisecond of processor time.
_PER_SECOND = 2
_LOG_SHARE = 0.1
_LOG_SECONDS = 30.0


class Watch(Protocol):
    """Receives progress from several threads; must be cheap."""

    def step(self, name: str, step: Step) -> None:
        """Record the current step of a submission."""

    def finished(self, result: Result) -> None:
        """Record the result of a submission."""


class Tally:
    """Thread-safe progress of a class.

    Args:
        total: submissions in the class.
        kept: submissions graded before.
        at_once: submissions graded in parallel; None if unknown, as on a cluster.
        clock: returns seconds.
    """

    def __init__(
        self, total: int, kept: int = 0, at_once: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._kept = kept
        self._at_once = at_once
        self._clock = clock
        self._lock = threading.Lock()
        self._sent = 0
        self._counts: Counter[SubmissionStatus] = Counter()
        self._slots: dict[int, int] = {}
        self._doing: dict[int, tuple[str, Step, float]] = {}
        self._start = clock()
        self._first_run: float | None = None

    def step(self, name: str, step: Step) -> None:
        """Record the current step of a submission; each thread has one line."""
        now = self._clock()
        with self._lock:
            if step == "sent":
                self._sent += 1
                return
            if step == "running" and self._first_run is None:
                self._first_run = now
            slot = self._slots.setdefault(threading.get_ident(), len(self._slots) + 1)
            before, _, since = self._doing.get(slot, ("", step, now))
            self._doing[slot] = (name, step, since if before == name else now)

    def finished(self, result: Result) -> None:
        """Record the result of a submission."""
        with self._lock:
            self._counts[result.status] += 1
            for slot in [slot for slot, (name, *_) in self._doing.items() if name == result.submission]:
                del self._doing[slot]

    def snapshot(self) -> Snapshot:
        """Return the current progress."""
        now = self._clock()
        with self._lock:
            doing = sorted(self._doing.items())
            finished = sum(self._counts.values())
            return Snapshot(
                total=self._total,
                kept=self._kept,
                counts=dict(self._counts),
                doing=tuple(Doing(slot, name, step, now - since) for slot, (name, step, since) in doing),
                on_their_way=self._sent - finished,
                seconds=now - self._start,
                seconds_left=self._left(finished, now),
            )

    def _left(self, finished: int, now: float) -> float | None:
        """Estimate the remaining seconds from the pace since the first notebook started."""
        if finished < (self._at_once or 4):
            return None
        waiting = self._total - self._kept - finished
        return waiting * (now - (self._first_run or self._start)) / finished


@contextmanager
def show_progress(total: int, *, kept: int = 0, at_once: int | None = None) -> Iterator[Watch]:
    """Show the progress of a class while the context lasts.

    Args:
        total: submissions in the class.
        kept: submissions graded before.
        at_once: submissions graded in parallel; None if unknown.
    """
    tally = Tally(total, kept, at_once)
    if kept == total:
        yield tally
    elif redraws():
        with _drawn(lambda width, height: class_view(tally.snapshot(), width, height)):
            yield tally
    else:
        with _Log(tally) as log:
            yield log


@contextmanager
def show_steps(name: str) -> Iterator[Callable[[Step], None]]:
    """Show the current step of one submission, on a terminal only."""
    start = time.monotonic()
    current: list[Step] = ["preparing"]
    if not redraws():
        yield lambda step: current.__setitem__(0, step)
        return
    with _drawn(lambda width, _: step_line(Doing(0, name, current[0], time.monotonic() - start), width)):
        yield lambda step: current.__setitem__(0, step)


@contextmanager
def show_waiting(reason: str) -> Iterator[None]:
    """Show a reason for waiting while the context lasts, on a terminal only."""
    if not redraws():
        yield
        return
    start = time.monotonic()

    def line(width: int, _: int) -> Text:
        told = Text(f"{reason} … {time.monotonic() - start:.0f} s", style="dim", no_wrap=True, overflow="ellipsis")
        told.truncate(width, overflow="ellipsis")
        return told

    with _drawn(line):
        yield


@contextmanager
def _drawn(view: Callable[[int, int], Text]) -> Iterator[None]:
    """Draw the view repeatedly, and erase it at the end."""
    screen = console(err=True)

    def draw() -> Constrain:
        # Some terminals wrap lines that fill the last column.
        width = max(1, min(screen.width - 1, MAX_WIDTH))
        return Constrain(view(width, screen.height), width)

    # Standard output is not redirected: it may be a file while standard error is the terminal.
    live = Live(
        get_renderable=draw, console=screen, refresh_per_second=_PER_SECOND, transient=True, redirect_stdout=False
    )
    live.start()
    try:
        yield
    finally:
        with suppress(OSError):  # the terminal may be gone
            live.stop()


class _Log:
    """Progress as log lines: after every tenth of the class, and every 30 seconds."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._next_share = 0.0
        self._said = time.monotonic()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._clock = threading.Thread(target=self._speak_up, daemon=True)

    def step(self, name: str, step: Step) -> None:
        self._tally.step(name, step)

    def finished(self, result: Result) -> None:
        self._tally.finished(result)
        snapshot = self._tally.snapshot()
        share = snapshot.done / snapshot.total
        if share >= self._next_share or snapshot.done == snapshot.total:
            self._next_share = share + _LOG_SHARE - 1e-9
            self._say(class_line(snapshot, names=False))

    def _speak_up(self) -> None:
        while not self._ended.wait(max(0.1, self._said + _LOG_SECONDS - time.monotonic())):
            if time.monotonic() >= self._said + _LOG_SECONDS:
                self._say(class_line(self._tally.snapshot(), names=True))

    def _say(self, line: str) -> None:
        with self._lock:
            self._said = time.monotonic()
            say(line, err=True)

    def __enter__(self) -> _Log:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._clock.join(1)
