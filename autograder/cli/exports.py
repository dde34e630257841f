"""The files that other platforms take, written from the grades of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import KitError, UsageError
from autograder.gradebook.class_grades import ClassGrades
from autograder.gradebook.counting import entries_of
from autograder.gradebook.record import Lab
from autograder.platforms.canvas import assignment_column, fill_canvas
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
    """Which files for other platforms `report` writes.

    Args:
        canvas: Canvas's gradebook, to be filled; `canvas_column` names the column, if the lab's title does not.
        canvas_column: see there.
        moodle: Moodle's grading worksheet, to be filled.
        moodle_feedback: whether to pack the feedback pages for Moodle.
        gradescope: whether to write a results.json beside each result.
        lab: the lab whose grades are meant, where the results are of several.
    """

    canvas: Path | None = None
    canvas_column: str | None = None
    moodle: Path | None = None
    moodle_feedback: bool = False
    gradescope: bool = False
    lab: str | None = None


def export(folder: Path, grades: ClassGrades, exports: ExportOptions) -> list[str]:
    """Write the files asked for; what to tell about them."""
    told: list[str] = []
    if exports.canvas is not None:
        lab = _lab(grades, exports.lab)
        table = read_table(content_of(exports.canvas), exports.canvas.name)
        title = grades.record.labs.get(lab or "", Lab()).title
        column = assignment_column(table, exports.canvas_column, [title, lab or ""])
        told += _write(folder, "canvas", *fill_canvas(table, entries_of(grades.counted, lab), column))
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
        raise UsageError(f"There is no result of a lab {asked}: there are results of {', '.join(labs) or 'none'}.")
    if asked is None and len(labs) > 1:
        raise UsageError(
            f"The results are of {len(labs)} labs ({', '.join(labs)}), and a gradebook's column holds one.",
            hint=f"say which is meant: --lab {labs[0]}",
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
    return [*lines, f"  All of this: {notes_path}"] if filled.told else lines


def _points(values: set[float]) -> str:
    return " or ".join(points(value) for value in sorted(values))


def _write_feedback(folder: Path, grades: ClassGrades, filled: Sequence[Entry] | None) -> str:
    """Pack the pages of the submissions in the worksheet, or, without one, of all that came from Moodle."""
    labs = sorted({row.grade.result.lab or "" for row in grades.rows if row.grade.result.questions})
    if filled is None:
        filled = [entry for lab in labs for entry in _from_moodle(entries_of(grades.counted, lab))]
    wanted = {entry.identity for entry in filled if entry.handin is not None and entry.handin.platform == "moodle"}
    if not wanted:
        raise KitError(
            f"No graded submission in {folder} came from a download of Moodle, whose names say whose page is whose.",
            hint='in Moodle: "Download all submissions", then autograder grade that zip',
        )
    pages = {identity: ResultsFolder(folder).submission(identity).feedback.read_bytes() for identity in wanted}
    path = folder / "moodle-feedback.zip"
    write_whole(path, feedback_zip(feedback_pages(filled, pages, len(labs))))
    return f"Moodle: {path}, {counted(len(wanted), 'feedback page')}"


def _from_moodle(entries: Sequence[Entry]) -> list[Entry]:
    people = {e.handin.key: e.handin.people[0] for e in entries if e.handin and e.handin.platform == "moodle"}
    lines = [Line(i, p.name, (("moodle", key),), "", None) for i, (key, p) in enumerate(people.items())]
    return list(fill(lines, entries, ",").entries.values())
