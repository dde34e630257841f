"""Measure how fast the kit, stock otter and stock nbgrader grade a class.

    python -m benchmarks.throughput            everything, about 35 minutes on two quiet cores
    python -m benchmarks.throughput --help     parts of it

The stock tools are timed on a sample, and the figures are scaled to the class: first with as many processes at once as
the kit uses (the fair comparison), then one submission after the other, as the tools themselves do it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import click

from autograder.cli.commands import build_course, usable_processors
from autograder.datasets import mnist as data
from autograder.labs.course import find_root
from benchmarks.classes import CLASSES, Course, Submission, typical
from benchmarks.figures import own, sample_of, scaled, table
from benchmarks.processes import Took
from benchmarks.tools import Graded, Nbgrader, grade, otter_run

_LIBRARIES = ("tensorflow", "keras", "otter-grader")
_SIZES = {"distinct": 16, "typical": 40}
_AT_ONCE = usable_processors()


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
        click.echo("\n" + table(costs, ("class", "CPU s each", "of it not the notebook's", "peak MB", "reused")))
    _growth(root, course, [int(number) for number in sizes.split(",") if number])


# By tool, how many of its processes run at once, and kind of submission: what each run took.
_Stock = dict[tuple[str, int], dict[str, list[Took]]]


def _measure(
    root: Path,
    course: Course,
    submissions: list[Submission],
    ipython: Path,
    nbgrader: Nbgrader | None,
    *,
    sample: int,
    rounds: int,
) -> tuple[list[Graded], _Stock]:
    """Time the kit on the whole class and the stock tools on the sample.

    The kit grades the class `rounds` times; the stock tools run in turn between its rounds.
    """
    runs: list[Graded] = []
    stock: _Stock = defaultdict(lambda: defaultdict(list))
    chosen = sample_of(submissions, sample) if nbgrader is not None else []
    tools: dict[str, Callable[[Submission], Took]] = {
        "otter run": lambda submission: otter_run(course, submission, ipython)
    }
    if nbgrader is not None:
        tools["nbgrader autograde"] = nbgrader.autograde
    for number in range(rounds):
        _say(f"autograder grade: {len(submissions)} submissions, round {number + 1} of {rounds}")
        runs.append(grade(root, submissions))
        for submission in chosen[number::rounds]:
            for tool, run in tools.items():
                _say(f"{tool}: {submission.name}, alone and {_AT_ONCE} at once")
                stock[tool, 1][submission.kind].append(run(submission))
                # Copies of one submission, so that every process has company until its end.
                with ThreadPoolExecutor(_AT_ONCE) as pool:
                    stock[tool, _AT_ONCE][submission.kind] += pool.map(run, [submission] * _AT_ONCE)
    return runs, stock


def _speed_rows(name: str, submissions: list[Submission], runs: list[Graded], stock: _Stock) -> list[tuple[str, ...]]:
    count = len(submissions)
    ours = median(run.took.seconds for run in runs)
    cpu = median(_all_cpu(run) for run in runs)
    label = f"{name} ({count})"
    rows: list[tuple[str, ...]] = [
        (label, f"autograder grade, {_AT_ONCE} at once", f"all, {len(runs)} times", *_numbers(ours, cpu, count), "")
    ]
    # Processes that run side by side first: that is how the kit works.
    for (tool, at_once), sampled in sorted(stock.items(), key=lambda entry: -entry[0][1]):
        seconds, tool_cpu = scaled(submissions, sampled)
        seconds /= at_once
        measured = f"{sum(len(tooks) for tooks in sampled.values())} runs, scaled"
        how = f"{tool}, {at_once} at once" if at_once > 1 else f"{tool}, one after the other"
        rows.append((label, how, measured, *_numbers(seconds, tool_cpu, count), f"{seconds / ours:.1f} times as fast"))
    return rows


def _numbers(seconds: float, cpu: float, count: int) -> tuple[str, str, str]:
    return f"{seconds:.0f}", f"{60 * count / seconds:.1f}", f"{cpu / count:.1f}"


def _all_cpu(run: Graded) -> float:
    """Processor seconds of submissions, parent and fork server."""
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
