"""What `grade` and `report` do about corrections, lateness and the files other platforms take; effects and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path

from autograder.assignment import Assignment
from autograder.console import say
from autograder.errors import KitError, UsageError
from autograder.gradebook.canvas import assignment_column, fill_canvas
from autograder.gradebook.counting import notes, policy_of
from autograder.gradebook.fill import Entry, Filled, Line, entries_of, fill
from autograder.gradebook.kept import read_overrides, read_record, write_overrides, write_record
from autograder.gradebook.late import LateOptions, LatePolicy
from autograder.gradebook.moodle import feedback_pages, feedback_zip, fill_moodle
from autograder.gradebook.overrides import Known, changes
from autograder.gradebook.overrides import read_overrides as parse_overrides
from autograder.gradebook.record import Lab, Record
from autograder.gradebook.tables import Table, read_table
from autograder.gradebook.times import read_times
from autograder.render.scores_csv import harmless
from autograder.render.words import counted, first_few, points
from autograder.showing import show_class, show_class_as_json, tell_missing
from autograder.store import (
    ClassGrades,
    begin_run,
    not_graded,
    page_path,
    read_class,
    results_folder,
    stored,
    write_gradescope,
    write_report,
)
from autograder.submissions import Intake
from autograder.writing import write_whole

_MAX_TOLD = 3


@dataclass(frozen=True)
class CountingOptions:
    """What counts on top of results: corrections, times of hand-in and lateness; what is None stays as it was."""

    override: Path | None = None
    times: Path | None = None
    late: LateOptions = field(default_factory=LateOptions)

    def check(self) -> None:
        """Find out early what could not be used.

        Raises:
            UsageError: the due time cannot be read, or a file is not there.
        """
        try:
            self.late.applied(LatePolicy())
        except ValueError as error:
            raise UsageError(f"--due: {error}.") from None
        for path in (self.override, self.times):
            if path is not None:
                _content(path)


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


def begin_class(
    folder: Path,
    intake: Intake,
    assignments: Mapping[str, Assignment],
    counting: CountingOptions,
    *,
    anonymous: bool = False,
) -> None:
    """Remember what a run was asked for, with the corrections given; called before anything is graded.

    Raises:
        UsageError: a file of corrections or times cannot be used.
        KitError: what is remembered of an earlier run is damaged.
    """
    before = read_record(folder)
    submissions = intake.submissions
    labs = {name: Lab(lab.title, lab.late) for name, lab in assignments.items()}
    record = replace(
        before,
        handins={submission.id: submission.handin for submission in submissions if submission.handin is not None},
        set_aside=intake.set_aside,
        labs={**before.labs, **labs},
    )
    names = {submission.id: submission.name for submission in submissions}
    questions = _questions(folder, list(names), assignments) if counting.override is not None else {}
    write_record(folder, _adopt(folder, record, counting, Known(_called(names), questions)))
    begin_run(folder, list(names), anonymous=anonymous)


def _questions(
    folder: Path, identities: Sequence[str], assignments: Mapping[str, Assignment]
) -> dict[str, dict[str, float]]:
    """The questions each submission may have: those of its result, else those of any lab it may belong to."""
    possible: dict[str, float] = {}
    for question in (question for assignment in assignments.values() for question in assignment.questions):
        possible[question.name] = max(possible.get(question.name, 0.0), question.max_score)
    known = {identity: stored(folder, identity) for identity in identities}
    return {
        identity: {q.name: q.max_score for q in before[0].questions} if before and before[0].questions else possible
        for identity, before in known.items()
    }


def report_class(
    folder: Path,
    counting: CountingOptions,
    exports: ExportOptions,
    *,
    anonymous: bool = False,
    as_json: bool = False,
    every_row: bool = False,
) -> None:
    """`autograder report`: write the class's files anew, and those for other platforms that were asked for.

    Args:
        folder: the results' folder.
        counting: corrections, times and lateness.
        exports: files for other platforms.
        anonymous: leave names out of students' pages, even if `grade` put them in.
        as_json: print the numbers about the class as JSON.
        every_row: print every row, however many there are.
    """
    if not folder.is_dir():
        raise KitError(f"There is no folder {folder}.", hint=f"autograder grade PATH… -o {folder}")
    counting.check()
    with results_folder(folder):
        if counting != CountingOptions():
            write_record(folder, _adopt(folder, read_record(folder), counting, _known(read_class(folder))))
        grades = read_class(folder)
        rows = write_report(folder, grades, anonymous=anonymous or None)
        told = _export(folder, grades, exports)
    missing = not_graded(folder)
    if as_json:
        show_class_as_json(rows, folder, missing)
    else:
        show_class(rows, folder, every=every_row)
    tell_notes(grades)
    tell_missing(missing)
    for line in told:
        say(line, err=as_json)


def tell_notes(grades: ClassGrades) -> None:
    """Say on standard error what corrections and lateness did."""
    for line in notes(grades.counted, grades.record, grades.overrides):
        say(line, err=True)


# --- corrections and times -------------------------------------------------------------------------------------------


def _adopt(folder: Path, record: Record, counting: CountingOptions, known: Known) -> Record:
    """Keep the corrections given; the record with the times and options given."""
    if counting.override is not None:
        given = parse_overrides(_content(counting.override), counting.override.name, known)
        say(changes(read_overrides(folder), given), err=True)
        write_overrides(folder, given)
    record = replace(record, options=counting.late.over(record.options))
    if counting.times is None:
        return record
    name = counting.times.name
    times = read_times(_content(counting.times), name, known.identities, record.handins, _zone(record))
    if times.unknown:
        unknown = counted(len(times.unknown), "unknown submission")
        say(f"{name} has times of {unknown}: {first_few(times.unknown, _MAX_TOLD)}", err=True)
    return replace(record, times=times.known)


def _zone(record: Record) -> tzinfo | None:
    """The zone of the first due time, which is the course's."""
    dues = (policy_of(record, lab).due for lab in (*record.labs, None))
    return next((due.tzinfo for due in dues if due is not None), None)


def _known(grades: ClassGrades) -> Known:
    results = {row.identity: row.grade.result for row in grades.rows}
    return Known(
        _called({identity: result.submission for identity, result in results.items()}),
        {identity: {q.name: q.max_score for q in result.questions} for identity, result in results.items()},
    )


def _called(names: Mapping[str, str]) -> dict[str, str]:
    """IDs by all that a person may call a submission: its ID, its name, and its name as scores.csv shows it."""
    shown = {harmless(name): identity for identity, name in names.items()}
    return {**shown, **{identity: identity for identity in names}, **{name: i for i, name in names.items()}}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None


# --- other platforms -------------------------------------------------------------------------------------------------


def _export(folder: Path, grades: ClassGrades, exports: ExportOptions) -> list[str]:
    """Write the files asked for; what to tell about them."""
    told: list[str] = []
    if exports.canvas is not None:
        lab = _lab(grades, exports.lab)
        table = read_table(_content(exports.canvas), exports.canvas.name)
        title = grades.record.labs.get(lab or "", Lab()).title
        column = assignment_column(table, exports.canvas_column, [title, lab or ""])
        told += _write(folder, "canvas", *fill_canvas(table, entries_of(grades.counted, lab), column))
    filled: list[Entry] | None = None
    if exports.moodle is not None:
        lab = _lab(grades, exports.lab)
        table = read_table(_content(exports.moodle), exports.moodle.name)
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
    pages = {identity: page_path(folder, identity).read_bytes() for identity in wanted}
    path = folder / "moodle-feedback.zip"
    write_whole(path, feedback_zip(feedback_pages(filled, pages, len(labs))))
    return f"Moodle: {path}, {counted(len(wanted), 'feedback page')}"


def _from_moodle(entries: Sequence[Entry]) -> list[Entry]:
    people = {e.handin.key: e.handin.people[0] for e in entries if e.handin and e.handin.platform == "moodle"}
    lines = [Line(i, p.name, (("moodle", key),), "", None) for i, (key, p) in enumerate(people.items())]
    return list(fill(lines, entries, ",").entries.values())
