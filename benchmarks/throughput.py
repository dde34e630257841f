"""How fast a class is graded: `autograder grade`, stock `otter run` and stock `nbgrader autograde`, in turn.

    python -m benchmarks.throughput            everything, about 20 minutes on two quiet cores
    python -m benchmarks.throughput --help     parts of it

The stock tools grade one submission after the other, as they do; they are timed on a sample and scaled.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import click

from autograder.cli.commands import build_course
from autograder.datasets import mnist as data
from autograder.labs.course import find_root
from benchmarks.classes import CLASSES, Course, Submission, typical
from benchmarks.figures import own, sample_of, scaled, table
from benchmarks.processes import Took
from benchmarks.tools import Graded, Nbgrader, grade, otter_run

_LIBRARIES = ("tensorflow", "keras", "otter-grader")
_SIZES = {"distinct": 16, "typical": 40}


@click.command()
@click.option("--classes", default="distinct,typical", show_default=True, help="Classes to grade; empty for none.")
@click.option("--size", type=int, help="Submissions of each class (default: 16 distinct, 40 typical).")
@click.option("--sample", default=4, show_default=True, help="Submissions for each stock tool; 0 leaves them out.")
@click.option("--rounds", default=2, show_default=True, help="How often the kit grades each class.")
@click.option("--sizes", default="10,160", show_default=True, help="Sizes of the class whose growth is shown.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("dist/bench"), show_default=True)
def main(classes: str, size: int | None, sample: int, rounds: int, sizes: str, work: Path) -> None:
    """Print the tables, in Markdown."""
    root = find_root()
    build_course((), check=False)
    course = Course.read(root)
    ipython = data.write_ipython_profile(work.absolute() / "ipython")
    _say("warming up: the solution is trained once, unless that was done before")
    grade(root, typical(course, 1))
    nbgrader = Nbgrader(course, ipython, work.absolute() / "nbgrader") if sample and classes else None
    _print_machine()
    rows, costs = [], []
    for name in filter(None, classes.split(",")):
        submissions = CLASSES[name](course, size or _SIZES[name])
        measured = _measure(root, course, submissions, ipython, nbgrader, sample=sample, rounds=rounds)
        rows += _speed_rows(name, submissions, *measured)
        costs.append(_cost_row(name, measured[0][-1]))
    if rows:
        head = ("class", "grader", "graded", "seconds for the class", "a minute", "CPU s each", "`autograder` is")
        click.echo("\n" + table(rows, head))
        click.echo("\n" + table(costs, ("class", "CPU s each", "of it not the notebook's", "peak MB", "taken over")))
    _growth(root, course, [int(number) for number in sizes.split(",") if number])


def _measure(
    root: Path,
    course: Course,
    submissions: list[Submission],
    ipython: Path,
    nbgrader: Nbgrader | None,
    *,
    sample: int,
    rounds: int,
) -> tuple[list[Graded], dict[str, dict[str, list[Took]]]]:
    """The kit on the whole class, `rounds` times; between its rounds, the stock tools in turn on the sample."""
    runs: list[Graded] = []
    stock: dict[str, dict[str, list[Took]]] = defaultdict(lambda: defaultdict(list))
    chosen = sample_of(submissions, sample) if nbgrader is not None else []
    for number in range(rounds):
        _say(f"autograder grade: {len(submissions)} submissions, round {number + 1} of {rounds}")
        runs.append(grade(root, submissions))
        for submission in chosen[number::rounds]:
            _say(f"otter run, then nbgrader autograde: {submission.name}")
            stock["otter run"][submission.kind].append(otter_run(course, submission, ipython))
            if nbgrader is not None:
                stock["nbgrader autograde"][submission.kind].append(nbgrader.autograde(submission))
    return runs, stock


def _speed_rows(
    name: str, submissions: list[Submission], runs: list[Graded], stock: dict[str, dict[str, list[Took]]]
) -> list[tuple[str, ...]]:
    count = len(submissions)
    ours = median(run.took.seconds for run in runs)
    cpu = median(_all_cpu(run) for run in runs)
    label = f"{name} ({count})"
    rows: list[tuple[str, ...]] = [
        (label, "autograder grade", f"all, {len(runs)} times", *_numbers(ours, cpu, count), "")
    ]
    for tool, sampled in stock.items():
        seconds, tool_cpu = scaled(submissions, sampled)
        how_many = sum(len(tooks) for tooks in sampled.values())
        times = f"{seconds / ours:.1f} times as fast"
        rows.append((label, tool, f"{how_many}, scaled", *_numbers(seconds, tool_cpu, count), times))
    return rows


def _numbers(seconds: float, cpu: float, count: int) -> tuple[str, str, str]:
    return f"{seconds:.0f}", f"{60 * count / seconds:.1f}", f"{cpu / count:.1f}"


def _all_cpu(run: Graded) -> float:
    """Submissions, parent and warm process."""
    return run.took.cpu_seconds + sum(result.cost.cpu_seconds for result in run.results if result.cost)


def _cost_row(name: str, run: Graded) -> tuple[str, ...]:
    figures = own(run)
    share = f"{figures.reused} of {len(run.results)}"
    return (name, f"{figures.cpu_seconds:.2f}", f"{figures.own_cpu_seconds:.2f}", f"{figures.peak_mb}", share)


def _growth(root: Path, course: Course, sizes: list[int]) -> None:
    rows = []
    for size in sizes:
        _say(f"autograder grade: a typical class of {size}")
        run = grade(root, typical(course, size))
        seconds = run.took.seconds
        rows.append(
            (
                f"{size}",
                f"{seconds:.0f}",
                f"{seconds / size:.2f}",
                f"{run.seconds_to_first:.1f}",
                f"{run.took.peak_mb}",
                f"{run.took.cpu_seconds:.1f}",
            )
        )
    if rows:
        head = ("typical class of", "seconds", "each", "until the first runs", "parent MB", "CPU s of parent and start")
        click.echo("\n" + table(rows, head))


def _print_machine() -> None:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processors = len(os.sched_getaffinity(0))
    click.echo(
        f"Machine: {_processor()}, {processors} processors, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}; load before: {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _say(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {line}", err=True)


if __name__ == "__main__":
    main()
