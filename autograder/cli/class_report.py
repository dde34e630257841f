"""The command `report`, and corrections and lateness of `grade`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path

from autograder.cli.class_output import show_class, show_class_as_json, tell_missing
from autograder.cli.console import say
from autograder.cli.exports import ExportOptions, export
from autograder.errors import KitError, UsageError
from autograder.gradebook.class_grades import ClassGrades, read_class
from autograder.gradebook.corrections import TOTAL, Known, above_maximum, changes, combined
from autograder.gradebook.corrections import read_overrides as parse_overrides
from autograder.gradebook.counting import notes, policy_of
from autograder.gradebook.extensions import read_extensions
from autograder.gradebook.files import read_overrides, read_record, write_overrides, write_record
from autograder.gradebook.record import Lab, Record
from autograder.gradebook.submission_times import read_times
from autograder.intake.submissions import Intake
from autograder.labs.assignment import Assignment
from autograder.labs.lateness import LateOptions, LatePolicy
from autograder.render.pages import write_report
from autograder.render.scores_csv import harmless
from autograder.results.folder import ResultsFolder, begin_run, not_graded, results_folder, stored
from autograder.results.grade import waiting_in
from autograder.results.result import Student
from autograder.util.files import content_of
from autograder.util.text import counted, first_few

_MAX_TOLD = 3


@dataclass(frozen=True)
class CountingOptions:
    """Options that affect final scores; None keeps earlier values.

    Args:
        override: file of corrections.
        times: file of submission times.
        extensions: file of extensions for single students.
        late: lateness options.
    """

    override: Path | None = None
    times: Path | None = None
    late: LateOptions = field(default_factory=LateOptions)
    extensions: Path | None = None

    def check(self) -> None:
        """Validate the options early.

        Raises:
            UsageError: the due time is invalid, or a file is missing.
        """
        try:
            self.late.applied(LatePolicy())
        except ValueError as error:
            raise UsageError(f"--due: {error}.") from None
        for path in (self.override, self.times, self.extensions):
            if path is not None:
                content_of(path)


def begin_class(
    folder: Path,
    intake: Intake,
    assignments: Mapping[str, Assignment],
    counting: CountingOptions,
    *,
    anonymous: bool = False,
) -> None:
    """Store the options of a run and its corrections before grading starts.

    Args:
        folder: the results folder.
        intake: the submissions.
        assignments: the labs by name.
        counting: corrections and lateness.
        anonymous: whether to leave names out of students' pages.

    Raises:
        UsageError: a file of corrections or times is invalid.
        KitError: the record of an earlier run is damaged.
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
    identities = [submission.id for submission in submissions]
    questions = _questions(folder, identities, assignments) if counting.override is not None else {}
    manual = {question.name for lab in assignments.values() for question in lab.questions if question.manual}
    known = _known_as(
        [(submission.id, submission.name, submission.student) for submission in submissions],
        questions,
        dict.fromkeys(identities, manual),
    )
    write_record(folder, _adopt(folder, record, counting, known))
    begin_run(folder, identities, anonymous=anonymous)


def _questions(
    folder: Path, identities: Sequence[str], assignments: Mapping[str, Assignment]
) -> dict[str, dict[str, float]]:
    """Return the possible questions of each submission with their points."""
    possible: dict[str, float] = {}
    for question in (question for assignment in assignments.values() for question in assignment.questions):
        possible[question.name] = max(possible.get(question.name, 0.0), question.max_score)
    known = {identity: stored(folder, identity) for identity in identities}
    return {
        identity: {q.name: q.max_score for q in before[0].questions}
        if before and before[0].questions
        else {**possible, TOTAL: before[0].max_score if before else 0.0}
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
    """Run `autograder report`: rewrite the class's files and write requested exports.

    Args:
        folder: the results folder.
        counting: corrections and lateness.
        exports: files for other platforms.
        anonymous: whether to leave names out of students' pages, even if `grade` included them.
        as_json: whether to print the summary as JSON.
        every_row: whether to print every row of a large class.
    """
    if not folder.is_dir():
        raise KitError(f"There is no folder {folder}.", hint=f"autograder grade PATH… -o {folder}")
    counting.check()
    with results_folder(folder):
        if counting != CountingOptions():
            write_record(folder, _adopt(folder, read_record(folder), counting, _known(read_class(folder))))
        grades = read_class(folder)
        rows = write_report(folder, grades, anonymous=anonymous or None)
        told = export(folder, grades, exports)
    missing = not_graded(folder)
    if as_json:
        show_class_as_json(rows, folder, missing)
    else:
        show_class(rows, folder, every=every_row)
    tell_notes(grades, folder)
    tell_missing(missing)
    for line in told:
        say(line, err=as_json)


def tell_notes(grades: ClassGrades, folder: Path) -> None:
    """Print answers to review and effects of corrections and lateness to stderr."""
    if (waiting := waiting_in(grades.rows)).questions:
        table = ResultsFolder(folder).to_review
        say(f"The scores are provisional: {waiting.words}.", err=True)
        say(f"  Enter points in {table}, then run: autograder report {folder} --override {table}", err=True)
    for line in notes(grades.counted, grades.record, grades.overrides):
        say(line, err=True)


def _adopt(folder: Path, record: Record, counting: CountingOptions, known: Known) -> Record:
    """Store new corrections; return the record with new times and options."""
    if counting.override is not None:
        before = read_overrides(folder)
        given = parse_overrides(content_of(counting.override), counting.override.name, known)
        after = combined(before, given)
        say(changes(before, after), err=True)
        for line in above_maximum(after, known):
            say(line, err=True)
        write_overrides(folder, after)
    record = replace(record, options=counting.late.over(record.options))
    if counting.extensions is not None:
        given_extensions = read_extensions(
            content_of(counting.extensions), counting.extensions.name, known.students, _zone(record)
        )
        merged = {**record.extensions, **given_extensions}
        record = replace(record, extensions={i: extension for i, extension in merged.items() if extension is not None})
        say(f"Extensions: {len(record.extensions)}", err=True)
    if counting.times is None:
        return record
    name = counting.times.name
    times = read_times(content_of(counting.times), name, known.identities, record.handins, _zone(record))
    if times.unknown:
        unknown = counted(len(times.unknown), "unknown submission")
        say(f"{name} has times of {unknown}: {first_few(times.unknown, _MAX_TOLD)}", err=True)
    return replace(record, times=times.known)


def _zone(record: Record) -> tzinfo | None:
    """Return the time zone of the first due time."""
    dues = (policy_of(record, lab).due for lab in (*record.labs, None))
    return next((due.tzinfo for due in dues if due is not None), None)


def _known(grades: ClassGrades) -> Known:
    results = {row.identity: row.grade.result for row in grades.rows}
    possible = {q.name: q.max_score for result in results.values() for q in result.questions}
    return _known_as(
        [(identity, result.submission, result.student) for identity, result in results.items()],
        {
            identity: {q.name: q.max_score for q in result.questions} or {**possible, TOTAL: result.max_score}
            for identity, result in results.items()
        },
        {
            identity: {question.name for question in result.questions if question.status == "to_review"}
            for identity, result in results.items()
        },
    )


def _known_as(
    entries: Sequence[tuple[str, str, Student | None]],
    questions: Mapping[str, Mapping[str, float]],
    manual: Mapping[str, Collection[str]],
) -> Known:
    """Return the names that a person may use for submissions.

    These are the ID, the name, the name in scores.csv, and the student's name and platform ID, which may belong to
    submissions of several labs.

    Args:
        entries: ID, name and student of each submission.
        questions: the questions of each ID.
        manual: the questions of each ID that a person marks.
    """
    people: dict[str, set[str]] = {}
    for identity, _, student in entries:
        for name in () if student is None else (student.called, student.name, student.id):
            if name:
                people.setdefault(name, set()).add(identity)
    exact = {
        **{harmless(name): identity for identity, name, _ in entries},
        **{harmless(identity): identity for identity, *_ in entries},
        **{identity: identity for identity, *_ in entries},
        **{name: identity for identity, name, _ in entries},
    }
    return Known(
        {**{name: next(iter(ids)) for name, ids in people.items() if len(ids) == 1}, **exact},
        questions,
        {**people, **{name: {identity} for name, identity in exact.items()}},
        manual,
    )
