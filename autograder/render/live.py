"""Progress of grading, for a terminal and for log files. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rich.text import Text

from autograder.grading.stages import Step
from autograder.render.styles import SUBMISSION_STYLES, SUBMISSION_SYMBOLS, fitted
from autograder.results.labels import SUBMISSION_LABELS
from autograder.results.result import SubmissionStatus
from autograder.util.text import clean_line, whole_seconds

_STEP_WORDS: dict[Step, str] = {
    "sent": "waiting",
    "preparing": "preparing",
    "running": "running notebook",
    "again": "retrying exclusively",
    "checking": "checking answers",
}
_STEP_WIDTH = max(map(len, _STEP_WORDS.values()))
_LEAST_NAME = 12
_LEAST_BAR = 10
_OTHER_LINES = 4  # other lines of the display, including that of the cursor


@dataclass(frozen=True)
class Doing:
    """The current activity of a worker.

    Args:
        slot: number of the worker.
        name: the submission.
        step: the current step.
        seconds: seconds since the worker started with the submission.
    """

    slot: int
    name: str
    step: Step
    seconds: float


@dataclass(frozen=True)
class Snapshot:
    """The progress of a run.

    Args:
        total: submissions in the class.
        kept: submissions graded in earlier runs.
        counts: submissions graded in this run, by status.
        doing: current activities, where known.
        on_their_way: submissions handed out that have no result yet.
        seconds: seconds since the start.
        seconds_left: estimated remaining seconds, or None.
    """

    total: int
    kept: int
    counts: Mapping[SubmissionStatus, int]
    doing: tuple[Doing, ...]
    on_their_way: int
    seconds: float
    seconds_left: float | None

    @property
    def done(self) -> int:
        """Submissions that have a result, from this or an earlier run."""
        return self.kept + sum(self.counts.values())


def class_view(snapshot: Snapshot, width: int, height: int) -> Text:
    """Render a progress bar, counts by status and a line per worker, as space permits."""
    room = max(1, height - _OTHER_LINES)
    # The line with the number of hidden workers takes the place of one.
    shown = snapshot.doing if len(snapshot.doing) <= room else snapshot.doing[: room - 1]
    lines = [_bar(snapshot, width), _tally(snapshot, width), *(_worker(doing, width) for doing in shown)]
    if len(shown) < len(snapshot.doing):
        lines.append(_line(f"  and {len(snapshot.doing) - len(shown)} more running", width, "dim"))
    if not snapshot.doing and snapshot.on_their_way:
        lines.append(_line(f"  {snapshot.on_their_way} sent to workers", width))
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def class_line(snapshot: Snapshot, *, names: bool) -> str:
    """Render the progress as one line for a log.

    With `names`, include current submissions.
    """
    parts = [f"Grading: {snapshot.done} of {snapshot.total} ({_percent(snapshot)} %)"]
    parts += [f"{count} {SUBMISSION_LABELS[status]}" for status, count in _counts(snapshot)]
    parts += [f"{snapshot.kept} graded before"] if snapshot.kept else []
    line = f"{', '.join(parts)}; {whole_seconds(snapshot.seconds)} so far{_left(snapshot)}"
    if names and snapshot.doing:
        busy = (f"{clean_line(doing.name)} ({whole_seconds(doing.seconds)})" for doing in snapshot.doing[:8])
        return f"{line}; now: {', '.join(busy)}{', …' if len(snapshot.doing) > 8 else ''}"
    if names and snapshot.on_their_way:
        return f"{line}; {snapshot.on_their_way} sent to workers"
    return line


def step_line(doing: Doing, width: int) -> Text:
    """Render the current step of a single submission."""
    told = f"  {_STEP_WORDS[doing.step]}  {whole_seconds(doing.seconds)}"
    return _line(fitted(clean_line(doing.name), max(_LEAST_NAME, width - len(told))) + told, width)


def _bar(snapshot: Snapshot, width: int) -> Text:
    told = f"  {snapshot.done} of {snapshot.total}  {whole_seconds(snapshot.seconds)}{_left(snapshot)}"
    room = width - len("Grading  ") - len(told)
    if room < _LEAST_BAR:
        return _line(f"Grading{told}", width)
    full = math.floor(room * snapshot.done / snapshot.total)
    bar = Text.assemble("Grading  ", ("━" * full, "green"), ("─" * (room - full), "dim"), told)
    bar.truncate(width)
    return bar


def _tally(snapshot: Snapshot, width: int) -> Text:
    words = Text(" ")
    for status, count in _counts(snapshot):
        words.append(f" {SUBMISSION_SYMBOLS[status]} {count} {SUBMISSION_LABELS[status]} ", SUBMISSION_STYLES[status])
    if snapshot.kept:
        words.append(f" + {snapshot.kept} graded before", "dim")
    if len(words) == 1:
        words.append(" no result yet", "dim")
    words.truncate(width, overflow="ellipsis")
    return words


def _worker(doing: Doing, width: int) -> Text:
    number, time = f"  {doing.slot:>2}  ", f"{whole_seconds(doing.seconds):>12}"
    step = f"  {_STEP_WORDS[doing.step]:<{_STEP_WIDTH}}"
    room = width - len(number) - len(time)
    if room - len(step) < _LEAST_NAME:
        time, step = f"  {whole_seconds(doing.seconds)}", ""
        room = width - len(number) - len(time)
    name = fitted(clean_line(doing.name), min(max(1, room - len(step)), 48), fill=True)
    line = Text.assemble((number, "dim"), name, (step, "yellow" if doing.step == "again" else ""), (time, "dim"))
    line.truncate(width)
    return line


def _counts(snapshot: Snapshot) -> list[tuple[SubmissionStatus, int]]:
    return [(status, snapshot.counts[status]) for status in SUBMISSION_LABELS if snapshot.counts.get(status)]


def _percent(snapshot: Snapshot) -> int:
    return math.floor(100 * snapshot.done / snapshot.total)


def _left(snapshot: Snapshot) -> str:
    if snapshot.seconds_left is None or snapshot.done == snapshot.total:
        return ""
    left = snapshot.seconds_left
    if left < 90:
        # Steps of five seconds are easier to read than fluctuating estimates.
        return f", about {max(5, 5 * round(left / 5))} s left"
    return f", about {whole_seconds(60 * round(left / 60)).removesuffix(' 0 s')} left"


def _line(text: str, width: int, style: str = "") -> Text:
    line = Text(text, style)
    line.truncate(width, overflow="ellipsis")
    return line
