"""From measured runs to the figures of the table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.classes import Submission
from benchmarks.processes import Took
from benchmarks.tools import Graded


@dataclass(frozen=True)
class Own:
    """Cost of one submission besides the notebook's own cells, and peak memory."""

    cpu_seconds: float
    own_cpu_seconds: float
    peak_mb: int
    reused: int


def scaled(submissions: Sequence[Submission], sampled: Mapping[str, Sequence[Took]]) -> tuple[float, float]:
    """Wall-clock and processor seconds of a class, from medians by kind."""
    counts = Counter(submission.kind for submission in submissions)
    seconds = sum(count * median(took.seconds for took in sampled[kind]) for kind, count in counts.items())
    cpu = sum(count * median(took.cpu_seconds for took in sampled[kind]) for kind, count in counts.items())
    return seconds, cpu


def own(graded: Graded) -> Own:
    """Means over the submissions that ran to their end.

    The notebooks of the others do not record the time they used.
    """
    costs = [(result.cost, result) for result in graded.results if result.status == "graded" and result.cost]
    return Own(
        cpu_seconds=mean(cost.cpu_seconds for cost, _ in costs),
        own_cpu_seconds=mean(cost.cpu_seconds - cost.notebook_cpu_seconds for cost, _ in costs),
        peak_mb=max(cost.peak_mb for cost, _ in costs),
        reused=sum(any(fit.reused for fit in result.fits) for _, result in costs),
    )


def sample_of(submissions: Sequence[Submission], size: int) -> list[Submission]:
    """Choose at least one of every kind, and the rest of the most frequent kind.

    Spread over the class.
    """
    kinds = [kind for kind, _ in Counter(submission.kind for submission in submissions).most_common()]
    wanted = Counter(dict.fromkeys(kinds, 1))
    wanted[kinds[0]] += max(0, size - len(kinds))
    chosen: list[Submission] = []
    for kind, count in wanted.items():
        chosen += [submission for submission in submissions if submission.kind == kind][:count]
    return chosen


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Return a Markdown table."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])
