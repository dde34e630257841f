"""Write files for other platforms from the grades of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import KitError, UsageError
from autograder.gradebook.class_grades import ClassGrades
from autograder.gradebook.counting import entries_of
from autograder.gradebook.record import Lab
from autograder.platforms.canvas import assignment_column, fill_canvas, for_groups, read_groups
from autograder.platforms.matching import Entry, Filled, Line, fill
from autograder.platforms.moodle import feedback_pages, feedback_zip, fill_moodle
from autograder.render.pages import write_gradescope
from autograder.results.folder import ResultsFolder
from autograder.util.csv_tables import Table, read_table
from autograder.util.files import content_of, write_whole
from autograder.util.text import counted, points

_MAX_TOLD = 3


@dataclass(frozen=True)
class ExportOptions:
    """Files to write for other platforms.

    Args:
        canvas: Canvas's gradebook to fill in.
        canvas_column: its column, if the lab's title does not identify it.
        canvas_groups: Canvas's roster of a group set, to fill in all members of a group.
        moodle: Moodle's grading worksheet to fill in.
        moodle_feedback: whether to pack the feedback pages for Moodle.
        gradescope: whether to write a results.json next to each result.
        lab: the lab to use if there are results of several labs.
    """

    canvas: Path | None = None
    canvas_column: str | None = None
    canvas_groups: Path | None = None
    moodle: Path | None = None
    moodle_feedback: bool = False
    gradescope: bool = False
    lab: str | None = None


def export(folder: Path, grades: ClassGrades, exports: ExportOptions) -> list[str]:
    """Write the requested files; return lines that describe them."""
    told: list[str] = []
    if exports.canvas is not None:
        lab = _lab(grades, exports.lab)
        table = read_table(content_of(exports.canvas), exports.canvas.name)
        title = grades.record.labs.get(lab or "", Lab()).title
        column = assignment_column(table, exports.canvas_column, [title, lab or ""])
        entries = entries_of(grades.counted, lab)
        if exports.canvas_groups is not None:
            roster = read_table(content_of(exports.canvas_groups), exports.canvas_groups.name)
            entries = for_groups(entries, read_groups(roster, exports.canvas_groups.name))
        told += _write(folder, "canvas", *fill_canvas(table, entries, column))
    filled: list[Entry] | None = None
    if exports.moodle is not None:
        lab = _lab(grades, exports.lab)
        table = read_table(content_of(exports.moodle), exports.moodle.name)
        worksheet, outcome = fill_moodle(table, entries_of(grades.counted, lab))
        told += _write(folder, "moodle", worksheet, outcome)
        filled = list(outcome.entries.values())
    if exports.moodle_feedback:
        told.append(_write_feedback(folder, grades, filled))
    if exports.gradescope:
        write_gradescope(folder, grades.rows)
        told.append(f"Gradescope: {folder / 'submissions'}/ID/results.json, {counted(len(grades.rows), 'file')}")
    return told


def _lab(grades: ClassGrades, asked: str | None) -> str | None:
    labs = sorted({row.grade.result.lab for row in grades.rows if row.grade.result.lab is not None})
    if asked is not None and asked not in labs:
        raise UsageError(f"There are no results of a lab {asked}. Labs with results: {', '.join(labs) or 'none'}.")
    if asked is None and len(labs) > 1:
        raise UsageError(
            f"There are results of {len(labs)} labs ({', '.join(labs)}), but a gradebook column is for one lab.",
            hint=f"choose one: --lab {labs[0]}",
        )
    return asked or (labs[0] if labs else None)


def _write(folder: Path, name: str, table: Table, filled: Filled) -> list[str]:
    path = folder / f"{name}.csv"
    write_whole(path, table.text())
    scales = {e.grade.result.max_score for e in filled.entries.values()}
    told = f"{name.capitalize()}: {path}, {counted(len(filled.values), 'grade')} filled in"
    if filled.maxima and filled.maxima != scales:
        told += f" (scaled from {_points(scales)} to {_points(filled.maxima)} points)"
    notes_path = folder / f"{name}-notes.txt"
    write_whole(notes_path, filled.report(told))
    lines = [told]
    for heading, found in filled.told.items():
        lines.append(f"  {heading} ({len(found)})")
        lines += [f"    {line}" for line in found[:_MAX_TOLD]] + (["    …"] if len(found) > _MAX_TOLD else [])
    return [*lines, f"  Complete list: {notes_path}"] if filled.told else lines


def _points(values: set[float]) -> str:
    return " or ".join(points(value) for value in sorted(values))


def _write_feedback(folder: Path, grades: ClassGrades, filled: Sequence[Entry] | None) -> str:
    """Pack the pages of the worksheet's submissions, or of all from Moodle."""
    labs = sorted({row.grade.result.lab or "" for row in grades.rows if row.grade.result.questions})
    if filled is None:
        filled = [entry for lab in labs for entry in _from_moodle(entries_of(grades.counted, lab))]
    wanted = {entry.identity for entry in filled if entry.handin is not None and entry.handin.platform == "moodle"}
    if not wanted:
        raise KitError(
            f"No graded submission in {folder} comes from a Moodle download, whose file names identify students.",
            hint='choose "Download all submissions" in Moodle, then run autograder grade with that zip',
        )
    pages = {identity: ResultsFolder(folder).submission(identity).feedback.read_bytes() for identity in wanted}
    path = folder / "moodle-feedback.zip"
    write_whole(path, feedback_zip(feedback_pages(filled, pages, len(labs))))
    return f"Moodle: {path}, {counted(len(wanted), 'feedback page')}"


def _from_moodle(entries: Sequence[Entry]) -> list[Entry]:
    people = {e.handin.key: e.handin.people[0] for e in entries if e.handin and e.handin.platform == "moodle"}
    lines = [Line(i, p.name, (("moodle", key),), "", None) for i, (key, p) in enumerate(people.items())]
    return list(fill(lines, entries, ",").entries.values())
