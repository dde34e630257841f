"""Results as tables for a terminal; they read the same without colour, at 80 columns and when piped."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.render.words import (
    QUESTION_WORDS,
    SUBMISSION_WORDS,
    clean,
    clean_line,
    lost,
    note,
    points,
    reasons,
    seconds,
    training,
)
from autograder.results import QuestionStatus, Result, SubmissionStatus

_QUESTION_STYLES: dict[QuestionStatus, str] = {
    "passed": "green",
    "partial": "yellow",
    "failed": "red",
    "not_attempted": "dim",
    "error": "red",
    "skipped": "yellow",
}
_SUBMISSION_STYLES: dict[SubmissionStatus, str] = {
    "graded": "green",
    "timeout": "yellow",
    "out_of_memory": "yellow",
    "crashed": "yellow",
    "unreadable": "red",
    "grader_error": "bold red",
}
_MAX_CLASS_NAME = 72
_MAX_CLASS_REASON = 240


def print_table(table: RenderableType) -> None:
    """Print to standard output: in colour only on a terminal, and whatever its encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A student's file name must not stop a grader who works in an old locale.
        sys.stdout.reconfigure(errors="replace")
    Console(markup=False, emoji=False, highlight=False).print(table)


def result_table(result: Result) -> RenderableType:
    """One submission: questions with points, why each point was lost, cells that raised, trainings, time taken."""
    parts: list[RenderableType] = [_header(result)]
    told = note(result)
    if told:
        parts.append(Padding(Text(told, style=_SUBMISSION_STYLES[result.status]), (1, 0, 0, 2)))
    if result.questions:
        parts.append(_questions(result))
    if any(lost(question) for question in result.questions):
        parts += [Text("Why points were lost", style="bold"), Padding(_reasons(result), (0, 0, 1, 2))]
    if result.errors:
        parts += [Text("Cells that raised", style="bold"), Padding(_errors(result), (0, 0, 1, 2))]
    if result.fits:
        parts += [Text("Training", style="bold"), Padding(_fits(result), (0, 0, 1, 2))]
    return Group(*parts)


def class_table(results: Sequence[Result]) -> RenderableType:
    """A class: one line a submission with score, status and where points were lost; below, why some were not graded."""
    labs = {result.lab for result in results if result.lab is not None}
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    table.add_column("Submission", overflow="fold", max_width=40)
    if len(labs) > 1:
        table.add_column("Lab", overflow="fold")
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Points lost in", overflow="fold", style="dim")
    for result in results:
        lab = [Text(clean_line(result.lab or ""))] if len(labs) > 1 else []
        table.add_row(
            Text(_shortened(clean_line(result.submission), _MAX_CLASS_NAME)),
            *lab,
            Text(f"{points(result.score)} / {points(result.max_score)}" if result.questions else "-"),
            Text(SUBMISSION_WORDS[result.status], style=_SUBMISSION_STYLES[result.status]),
            Text(_where_lost(result)),
        )
    notes = [
        Text.assemble(
            (clean_line(result.submission), "bold"), f": {_shortened(clean(result.detail), _MAX_CLASS_REASON)}"
        )
        for result in results
        if result.detail
    ]
    return Group(table, *notes, "") if notes else table


def _where_lost(result: Result) -> str:
    names = [clean_line(question.name, 24) for question in result.questions if lost(question)]
    return "every question" if len(names) > 1 and len(names) == len(result.questions) else " ".join(names)


def _header(result: Result) -> RenderableType:
    lab = f"  {clean_line(result.lab)}" if result.lab else ""
    title = Text.assemble((clean_line(result.submission), "bold"), (lab, "dim"))
    facts = Text.assemble(
        (f"{points(result.score)} / {points(result.max_score)} points", "bold"),
        "   ",
        (SUBMISSION_WORDS[result.status], _SUBMISSION_STYLES[result.status]),
        (f"   {seconds(result.seconds)}", "dim"),
        (f"   isolation: {clean_line(result.isolation)}", "dim"),
    )
    return Group(title, facts)


def _questions(result: Result) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_footer=True, footer_style="bold")
    table.add_column("Question", "Total", overflow="fold")
    table.add_column("Points", points(result.score), justify="right", no_wrap=True)
    table.add_column("of", points(result.max_score), justify="right", no_wrap=True)
    table.add_column("Result", no_wrap=True)
    for question in result.questions:
        table.add_row(
            Text(clean_line(question.name)),
            Text(points(question.score)),
            Text(points(question.max_score)),
            Text(QUESTION_WORDS[question.status], style=_QUESTION_STYLES[question.status]),
        )
    return table


def _reasons(result: Result) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for question in result.questions:
        for index, reason in enumerate(reasons(question)):
            grid.add_row(
                Text(clean_line(question.name, 24)),
                Text("" if index else f"-{points(question.max_score - question.score)}", style="red"),
                Text.assemble(reason.text, ("  (hidden check)" if reason.hidden else "", "dim")),
            )
    return grid


def _errors(result: Result) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for error in result.errors:
        message = clean(error.message)
        grid.add_row(
            Text(f"[{error.cell}]"), Text.assemble((clean_line(error.name), "red"), f": {message}" if message else "")
        )
    return grid


def _fits(result: Result) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for fit in result.fits:
        grid.add_row(Text(f"[{fit.cell}]"), Text(training(fit), style="dim"))
    return grid


def _shortened(text: str, limit: int) -> str:
    """Cut at a word's end where there is one."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 2]
    return cut[: cut.rfind(" ", limit // 2) if " " in cut[limit // 2 :] else None].rstrip() + " …"
