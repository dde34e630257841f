"""One result in the terminal.

Readable without colour, at 80 columns and when piped.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.render.styles import QUESTION_STYLES, QUESTION_SYMBOLS, SUBMISSION_STYLES, SUBMISSION_SYMBOLS
from autograder.results.labels import (
    QUESTION_LABELS,
    SUBMISSION_LABELS,
    lost,
    note,
    notices,
    reasons,
    to_review,
    training,
)
from autograder.results.result import QuestionResult, Result
from autograder.util.text import clean, clean_line, percent, points, seconds

_BAR = 40
_MAX_ANSWER = 1_000


def result_table(result: Result) -> RenderableType:
    """Render a submission: questions, lost points, errors and trainings."""
    parts: list[RenderableType] = [_header(result)]
    told = note(result)
    if told:
        parts.append(Padding(Text(told, style=SUBMISSION_STYLES[result.status]), (1, 0, 0, 2)))
    if notices(result):
        parts.append(Padding(Text("\n".join(notices(result)), style="dim"), (1 - bool(told), 0, 0, 2)))
    if result.questions:
        parts.append(_questions(result))
    waiting = [question for question in result.questions if question.status == "to_review"]
    if waiting:
        parts += [Text("Waiting for review", style="bold"), Padding(_waiting(waiting), (0, 0, 1, 2))]
    if any(lost(question) for question in result.questions):
        parts += [Text("Lost points", style="bold"), Padding(_reasons(result), (0, 0, 1, 2))]
    if result.errors:
        parts += [Text("Errors in cells", style="bold"), Padding(_errors(result), (0, 0, 1, 2))]
    if result.fits:
        parts += [Text("Training", style="bold"), Padding(_fits(result), (0, 0, 1, 2))]
    if result.measured:
        told = ", ".join(f"{clean_line(name).replace('_', ' ')} {value:.4g}" for name, value in result.measured.items())
        parts += [Text("Measured by the tests", style="bold"), Padding(Text(told), (0, 0, 1, 2))]
    return Group(*parts)


def _header(result: Result) -> RenderableType:
    lab = f"  {clean_line(result.lab)}" if result.lab else ""
    title = Text.assemble((clean_line(result.called), "bold"), (lab, "dim"))
    facts = Text.assemble(
        (f"{points(result.score)} / {points(result.max_score)} points", "bold"),
        ("   provisional" if any(q.status == "to_review" for q in result.questions) else "", "cyan"),
        "   ",
        (f"{SUBMISSION_SYMBOLS[result.status]} {SUBMISSION_LABELS[result.status]}", SUBMISSION_STYLES[result.status]),
        (f"   {seconds(result.seconds)}", "dim"),
        (f"   isolation: {clean_line(result.isolation)}", "dim"),
    )
    return Group(title, facts, _bar(result)) if result.questions else Group(title, facts)


def _bar(result: Result) -> Text:
    share = percent(result.score, result.max_score)
    full = int(_BAR * share / 100)
    return Text.assemble(
        ("━" * full, "green"), ("─" * (_BAR - full), "dim"), f"  {share:.0f} %", no_wrap=True, overflow="crop"
    )


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
            Text(
                f"{QUESTION_SYMBOLS[question.status]} {QUESTION_LABELS[question.status]}",
                QUESTION_STYLES[question.status],
            ),
        )
    return table


def _waiting(questions: Sequence[QuestionResult]) -> Table:
    """Show the answers that a person marks; the points are provisional until then."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for question in questions:
        told = Text(f"{to_review(question)} Its {points(question.max_score)} points are not in the score yet.")
        if question.answer:
            told.append(f"\n{clean(question.answer, _MAX_ANSWER)}", style="dim")
        grid.add_row(Text(clean_line(question.name, 24)), Text(f"?/{points(question.max_score)}"), told)
    return grid


def _reasons(result: Result) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for question in result.questions:
        for index, reason in enumerate(reasons(question)):
            grid.add_row(
                Text("" if index else clean_line(question.name, 24)),
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
