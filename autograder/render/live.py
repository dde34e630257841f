"""A class while it is graded, as a picture for a terminal and as a line for a log. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rich.text import Text

from autograder.grading.stages import Step
from autograder.render.styles import SUBMISSION_STYLES, SUBMISSION_SYMBOLS, fitted
from autograder.results.labels import SUBMISSION_LABELS
from autograder.results.result import SubmissionStatus
from autograder.util.text import clean_line, seconds

_STEP_WORDS: dict[Step, str] = {
    "sent": "waits",
    "preparing": "is prepared",
    "running": "notebook runs",
    "again": "runs once more, alone",
    "checking": "answers are checked",
}
_STEP_WIDTH = max(map(len, _STEP_WORDS.values()))
_LEAST_NAME = 12
_LEAST_BAR = 10
_OTHER_LINES = 4  # of the picture, beside the workers', and the line of the cursor


@dataclass(frozen=True)
class Doing:
    """What one worker does: its number, the submission, the step, and the seconds since it took it on."""

    slot: int
    name: str
    step: Step
    seconds: float


@dataclass(frozen=True)
class Snapshot:
    """Where a class stands.

    Args:
        total: submissions in the class.
        kept: of them, those graded before.
        counts: those graded now, by status.
        doing: what is being done at this moment, where it is known.
        on_their_way: submissions handed out that have no result yet.
        seconds: since the beginning.
        seconds_left: an estimate, None while there is nothing to base it on.
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
        """Submissions that have a result, of this run or an earlier one."""
        return self.kept + sum(self.counts.values())


def class_view(snapshot: Snapshot, width: int, height: int) -> Text:
    """Bar with the time left, tally, and a line for each worker, as far as there is room."""
    room = max(1, height - _OTHER_LINES)
    # The line that says how many there is no room for takes the room of one.
    shown = snapshot.doing if len(snapshot.doing) <= room else snapshot.doing[: room - 1]
    lines = [_bar(snapshot, width), _tally(snapshot, width), *(_worker(doing, width) for doing in shown)]
    if len(shown) < len(snapshot.doing):
        lines.append(_line(f"  and {len(snapshot.doing) - len(shown)} more at work", width, "dim"))
    if not snapshot.doing and snapshot.on_their_way:
        lines.append(_line(f"  {snapshot.on_their_way} on their way to the workers", width))
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def class_line(snapshot: Snapshot, *, names: bool) -> str:
    """The same for a log; with `names`, what the workers are busy with."""
    parts = [f"Grading: {snapshot.done} of {snapshot.total} ({_percent(snapshot)} %)"]
    parts += [f"{count} {SUBMISSION_LABELS[status]}" for status, count in _counts(snapshot)]
    parts += [f"{snapshot.kept} graded before"] if snapshot.kept else []
    line = f"{', '.join(parts)}; {duration(snapshot.seconds)} so far{_left(snapshot)}"
    if names and snapshot.doing:
        busy = (f"{clean_line(doing.name)} ({duration(doing.seconds)})" for doing in snapshot.doing[:8])
        return f"{line}; now: {', '.join(busy)}{', …' if len(snapshot.doing) > 8 else ''}"
    if names and snapshot.on_their_way:
        return f"{line}; {snapshot.on_their_way} on their way to the workers"
    return line


def step_line(doing: Doing, width: int) -> Text:
    """One submission: its name, where it is on its way, and since when it has been."""
    told = f"  {_STEP_WORDS[doing.step]}  {duration(doing.seconds)}"
    return _line(fitted(clean_line(doing.name), max(_LEAST_NAME, width - len(told))) + told, width)


def duration(value: float) -> str:
    """Whole seconds, as far as a display needs them."""
    return seconds(int(value)) if value >= 10 else f"{int(value)} s"


def _bar(snapshot: Snapshot, width: int) -> Text:
    told = f"  {snapshot.done} of {snapshot.total}  {duration(snapshot.seconds)}{_left(snapshot)}"
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
    number, time = f"  {doing.slot:>2}  ", f"{duration(doing.seconds):>12}"
    step = f"  {_STEP_WORDS[doing.step]:<{_STEP_WIDTH}}"
    room = width - len(number) - len(time)
    if room - len(step) < _LEAST_NAME:
        time, step = f"  {duration(doing.seconds)}", ""
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
        # Seconds that jump up and down tell less than steps of five.
        return f", about {max(5, 5 * round(left / 5))} s left"
    return f", about {duration(60 * round(left / 60)).removesuffix(' 0 s')} left"


def _line(text: str, width: int, style: str = "") -> Text:
    line = Text(text, style)
    line.truncate(width, overflow="ellipsis")
    return line
