"""A class in the terminal: submissions, summary, mistakes and output files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.render.styles import SUBMISSION_STYLES, SUBMISSION_SYMBOLS, fitted, shortened
from autograder.report.mistakes import Mistake
from autograder.report.summary import ClassSummary, Effort, lowest, need_attention
from autograder.report.unusable import UnusableAnswer
from autograder.results.grade import Grade, Row
from autograder.results.labels import MARKED_BY_A_PERSON, SUBMISSION_LABELS, first_reason, lost, remark
from autograder.results.result import SubmissionStatus
from autograder.util.text import clean, clean_line, counted, points, seconds

MOST_ROWS = 40
_MOST_TO_LOOK_AT = 12
_LOWEST = 8
_MAX_NAME = 76
_LEAST_NAME = 28
_USUAL_WIDTH = 80
_MAX_REASON = 240
_MAX_SHORT_REASON = 160
_CLASS = 10
_UNUSABLE = 8


def class_view(rows: Sequence[Row], *, every: bool = False) -> RenderableType:
    """Render all rows of a small class, or a selection of more than 40 submissions.

    Args:
        rows: the class.
        every: whether to render all rows of a large class, too.
    """
    if every or len(rows) <= MOST_ROWS:
        return class_table(rows)
    look, low = need_attention(rows), lowest(rows, _LOWEST)
    shown = look[:_MOST_TO_LOOK_AT]
    parts: list[RenderableType] = []
    if look:
        of = f"{len(shown)} of {len(look)}" if len(look) > len(shown) else f"{len(look)}"
        parts += [Text(f"Needs attention ({of})", "bold"), _Fitting(partial(_look_table, shown))]
    if low:
        parts += [Text(f"Lowest scores ({len(low)} of {len(rows)})", "bold"), _Fitting(partial(_rows_table, low))]
    parts.append(Text(f"  scores.csv has all {len(rows)} rows; --all prints them here.", "dim"))
    return Group(*parts, "")


def class_table(rows: Sequence[Row]) -> RenderableType:
    """Render one line per submission, and the reasons why some were not graded."""
    notes = [
        Text.assemble((_name(row.grade), "bold"), f": {shortened(clean(remark(row.grade.result)), _MAX_REASON)}")
        for row in rows
        if remark(row.grade.result)
    ]
    table = _Fitting(partial(_rows_table, rows))
    return Group(table, *notes, "") if notes else table


def class_numbers(summary: ClassSummary, effort: Effort | None = None) -> RenderableType:
    """Render status counts, marks by lab, common mistakes and unusable answers.

    Args:
        summary: the class.
        effort: the duration of the run, or None.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", overflow="fold")
    grid.add_column(overflow="fold")
    grid.add_row(Text(counted(summary.submissions, "submission")), _statuses(summary.statuses))
    for lab in summary.labs:
        told = f"mean {points(lab.mean)}, median {points(lab.median)} of {points(lab.max_score)} points"
        grid.add_row(Text(clean_line(lab.lab)), Text(f"{told} ({lab.marked} marked)"))
    if summary.waiting.questions:
        grid.add_row(Text("provisional"), Text(summary.waiting.words, "cyan"))
    if effort is not None:
        grid.add_row(Text("time"), Text(_effort(effort)))
    parts: list[RenderableType] = [Text("Summary", "bold"), Padding(grid, (0, 0, 1, 2))]
    # A mistake of a single submission is common only in a very small class.
    mistakes = [m for m in summary.mistakes if m.count > 1 or 1 < summary.submissions < _CLASS]
    if mistakes:
        parts += [
            Text("Most common mistakes", "bold"),
            Padding(_mistakes(mistakes, several=len(summary.labs) > 1), (0, 0, 1, 2)),
        ]
    if summary.unusable:
        parts += [
            Text("Tests that could not use an answer", "bold"),
            Padding(_unusable(summary.unusable, several=len(summary.labs) > 1), (0, 0, 1, 2)),
        ]
    return Group(*parts)


def class_files(scores: Path, report: Path, look_at: Path | None, *, linked: bool = False) -> tuple[Text, ...]:
    """Return lines with the paths of the output files, which must not be wrapped.

    Args:
        scores: the table of scores.
        report: the class report.
        look_at: the feedback page of the most urgent submission, or None.
        linked: whether to render the paths as links.
    """
    lines = [Text("Files", "bold"), _file("Scores", scores, linked), _file("Report", report, linked)]
    if look_at is not None:
        lines.append(_file("Check", look_at, linked))
    return tuple(lines)


def _rows_table(rows: Sequence[Row], width: int) -> Table:
    labs = {row.grade.result.lab for row in rows if row.grade.result.lab is not None}
    table = _submissions_table(rows, width)
    if len(labs) > 1:
        table.add_column("Lab", overflow="fold")
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Points lost in", overflow="fold", style="dim")
    for row in rows:
        result = row.grade.result
        lab = [Text(clean_line(result.lab or ""))] if len(labs) > 1 else []
        by_hand = row.grade.is_by_hand
        earned = f"{points(row.grade.score)} / {points(result.max_score)}" if result.questions or by_hand else "-"
        status = Text(MARKED_BY_A_PERSON) if by_hand else _status(result.status)
        table.add_row(Text(_name(row.grade)), *lab, Text(earned), status, Text(_where_lost(row.grade)))
    return table


def _look_table(rows: Sequence[Row], width: int) -> Table:
    table = _submissions_table(rows, width)
    table.add_column("Status", no_wrap=True)
    table.add_column("What happened", overflow="fold")
    for row in rows:
        reason = shortened(first_reason(row.grade.result), _MAX_SHORT_REASON)
        table.add_row(Text(_name(row.grade)), _status(row.grade.result.status), Text(reason))
    return table


class _Fitting:
    """A table that adapts to the available width."""

    def __init__(self, make: Callable[[int], Table]) -> None:
        self._make = make

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        yield self._make(options.max_width)


def _submissions_table(rows: Sequence[Row], width: int) -> Table:
    """Create a table with its first column.

    From 80 columns on, usual names are not wrapped.
    """
    longest = max((cell_len(_name(row.grade)) for row in rows), default=0)
    least = min(longest, _LEAST_NAME) if width >= _USUAL_WIDTH else None
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    table.add_column("Submission", overflow="fold", min_width=least, max_width=40)
    return table


def _mistakes(mistakes: Sequence[Mistake], *, several: bool) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", no_wrap=True, style="bold")
    grid.add_column(overflow="fold", max_width=24)
    grid.add_column(overflow="fold")
    for mistake in mistakes:
        lab = f"{clean_line(mistake.lab)} " if several and mistake.lab else ""
        message = shortened(" ".join(mistake.message.split()), _MAX_SHORT_REASON)
        grid.add_row(Text(f"{mistake.count} ×"), Text(f"{lab}{clean_line(mistake.question)}"), Text(message))  # noqa: RUF001
    return grid


def _unusable(found: Sequence[UnusableAnswer], *, several: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", no_wrap=True, style="bold")
    grid.add_column(overflow="fold", max_width=32)
    grid.add_column(overflow="fold")
    for one in found[:_UNUSABLE]:
        lab = f"{clean_line(one.lab)} " if several and one.lab else ""
        reason = shortened(clean_line(one.reason), _MAX_SHORT_REASON)
        test = f"{lab}{clean_line(one.question)} {clean_line(one.test)}"
        grid.add_row(Text(f"{one.count} ×"), Text(test), Text(reason))  # noqa: RUF001
    if len(found) <= _UNUSABLE:
        return grid
    return Group(grid, Text(f"report.html has all {len(found)}.", "dim"))


def _statuses(counts: dict[SubmissionStatus, int]) -> Columns:
    """Lay out the counts side by side, without breaking them across lines."""
    told = [
        Text(f"{SUBMISSION_SYMBOLS[status]} {count} {SUBMISSION_LABELS[status]}", SUBMISSION_STYLES[status])
        for status, count in counts.items()
    ]
    return Columns(told, padding=(0, 3, 0, 0))


def _effort(effort: Effort) -> str:
    before = f"; {effort.kept} graded before" if effort.kept else ""
    if not effort.graded:
        return f"{seconds(effort.seconds)}{before}"
    pace = f"{effort.per_minute:.3g}"
    return f"{seconds(effort.seconds)} for {counted(effort.graded, 'submission')}, {pace} per minute{before}"


def _where_lost(grade: Grade) -> str:
    questions = grade.result.questions
    names = [
        clean_line(question.name, 24)
        for question in questions
        if (grade.points(question) < question.max_score if question.name in grade.overrides else lost(question))
    ]
    told = ["every question"] if len(names) > 1 and len(names) == len(questions) else [" ".join(names)]
    if grade.waiting:
        told.append(f"to review: {' '.join(clean_line(question.name, 24) for question in grade.waiting)}")
    if grade.overrides:
        told.append(f"corrected: {' '.join(clean_line(name, 24) for name in grade.overrides)}")
    if grade.result.is_of_another_version:
        told.append("another version of the notebook")
    if grade.deduction:
        told.append(f"late: -{points(grade.deduction)}")
    return "; ".join(filter(None, told))


def _name(grade: Grade) -> str:
    return fitted(clean_line(grade.result.called), _MAX_NAME)


def _status(status: SubmissionStatus) -> Text:
    return Text(f"{SUBMISSION_SYMBOLS[status]} {SUBMISSION_LABELS[status]}", SUBMISSION_STYLES[status])


def _file(label: str, path: Path, linked: bool) -> Text:
    return Text.assemble((f"  {label:<9}", "dim"), (str(path), f"link {path.absolute().as_uri()}" if linked else ""))
