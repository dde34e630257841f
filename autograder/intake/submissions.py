"""Find submissions, name them, and read them.

Finding never fails because of a single file. Unreadable files become submissions with the reason in `problem`, so that
every student has a row.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import SubmissionError, UsageError
from autograder.intake.beside import Beside, take
from autograder.intake.found import FileBeside, Found
from autograder.intake.listing import MAX_INNER_ZIP_BYTES, files_under, read_bytes
from autograder.intake.naming import ascii_letters, folder_names, numbered, plain_name, readable_name
from autograder.intake.sorting import Contents, SetAside, sort_in
from autograder.notebooks.notebook import read_notebook
from autograder.results.handin import HandIn, Source
from autograder.results.result import Student, digest_of_all
from autograder.util.zips import read_member

_LAB_NAME = re.compile(rb'"assignment_name"\s*:\s*"([A-Za-z0-9_.-]{1,40})"')


@dataclass(frozen=True)
class Submission:
    """A notebook to grade.

    Args:
        id: name of its folder under DIR/submissions: unique, ASCII, valid on every file system.
        name: name for display: the file's name, or its path inside the given folder or zip.
        path: the file on disk.
        member: the notebook inside `path`, if that is a zip; otherwise None.
        inner: the notebook inside `member`, if that is a zip; otherwise None.
        problem: why it cannot be read, or None; raised by `read_submission`.
        handin: platform metadata, or None.
        lab: the lab that its notebook names, if it was inspected.
        beside: the files handed in with the notebook.
    """

    id: str
    name: str
    path: Path
    member: str | None = None
    inner: str | None = None
    problem: str | None = None
    handin: HandIn | None = None
    lab: str | None = None
    beside: tuple[FileBeside, ...] = ()

    @property
    def student(self) -> Student | None:
        """The student, if a platform identifies them."""
        return None if self.handin is None else student_of(self.handin)

    @property
    def called(self) -> str:
        """Name for display."""
        return self.name if self.student is None else self.student.called


@dataclass(frozen=True)
class Intake:
    """Submissions to grade, files set aside (see `sorting`), and lines to report."""

    submissions: tuple[Submission, ...]
    set_aside: tuple[SetAside, ...]
    told: tuple[str, ...]


def find_submissions(paths: Sequence[Path], *, one_student: bool = False) -> tuple[Submission, ...]:
    """Return all submissions in the given files, folders and zips, sorted by name.

    Hidden files, system files, checkpoints, and files that accompany a notebook of the same name (`ada.pdf` next to
    `ada.ipynb`) are left out. Any other file becomes an unreadable submission. In a platform's download, every student
    has one submission per lab.

    Args:
        paths: files, folders and zips.
        one_student: whether they are by one student, so that other files belong to the notebooks.

    Raises:
        UsageError: a path does not exist or cannot be listed, or nothing was found.
    """
    return take_in(paths, one_student=one_student).submissions


def take_in(paths: Sequence[Path], source: Source | None = None, *, one_student: bool = False) -> Intake:
    """Find submissions, files to set aside, and lines to report.

    Args:
        paths: files, folders and zips.
        source: their platform, or `plain`; None to detect it.
        one_student: whether they are by one student.

    Raises:
        UsageError: a path does not exist or cannot be listed, or nothing was found.
    """
    found = [one for path in paths for one in files_under(path, alone=len(paths) == 1)]
    # A file may be given twice, directly and through its folder. Only the folder is resolved: a refused link is a row
    # of its own, different from its target.
    unique = {(f.path.parent.resolve() / f.path.name, f.member, f.inner): f for f in reversed(found)}
    sorted_in = sort_in(list(unique.values()), _plain_bytes, _look_into, source, one_student=one_student)
    if not sorted_in.found:
        raise UsageError(
            f"There is nothing to grade in {', '.join(map(str, paths)) or 'the given paths'}: no notebook and no zip.",
            hint="give notebooks (.ipynb), zips from grader.export(), or a folder that contains them",
        )
    return Intake(_settle_names(sorted_in.found), sorted_in.set_aside, sorted_in.told)


def read_submission(submission: Submission) -> bytes:
    """Return the bytes of the notebook.

    Raises:
        SubmissionError: it is unreadable or larger than 100 MB.
    """
    if submission.problem is not None:
        raise SubmissionError(submission.problem)
    return read_bytes(submission.path, submission.member, submission.inner)


def read_beside(submission: Submission) -> Beside:
    """Read the files handed in with the notebook, as far as they can be used."""
    zips: dict[str, bytes] = {}  # read once, not once per file

    def read(file: FileBeside, limit: int) -> bytes:
        if file.member is None or file.inner is None:
            return read_bytes(file.path, file.member, None, limit=limit)
        if file.member not in zips:
            zips[file.member] = read_bytes(file.path, file.member, None, limit=MAX_INNER_ZIP_BYTES)
        return read_member(io.BytesIO(zips[file.member]), file.inner, limit)

    return take(submission.beside, read)


def digest_of_submission(submission: Submission) -> str:
    """Return the digest of the notebook and the files beside it.

    Empty if the notebook cannot be read.
    """
    try:
        notebook = hashlib.sha256(read_submission(submission)).hexdigest()
    except SubmissionError:
        return ""
    return digest_of_all(notebook, read_beside(submission).files)


def _plain_bytes(found: Found) -> bytes:
    """Return the bytes of a file that is not a submission itself."""
    try:
        return read_bytes(found.path, found.member, found.inner)
    except SubmissionError as error:
        raise ValueError(str(error)) from None


def _look_into(found: Found) -> Contents:
    """Inspect a notebook; unreadable notebooks are reported by grading."""
    try:
        data = read_bytes(found.path, found.member, found.inner)
    except SubmissionError:
        return Contents(None, found.long)
    digest = hashlib.sha256(data).hexdigest()
    try:
        return Contents(read_notebook(data).assignment, digest)
    except SubmissionError:
        return Contents(None, digest)


def student_of(handin: HandIn) -> Student:
    """Return the student or group of a submission.

    Gradescope's key identifies an upload, so its students are identified by the roster.
    """
    if handin.platform == "gradescope":
        identity = "+".join(filter(None, (person.id or person.email for person in handin.people)))
        return Student(identity or handin.key, handin.names or handin.key)
    return Student(handin.key, handin.names)


def _settle_names(found: Sequence[Found]) -> tuple[Submission, ...]:
    short = Counter(readable_name(f.shown) for f in found)
    named = [(readable_name(f.shown if short[readable_name(f.shown)] == 1 else f.long), f) for f in found]
    # Sorted before numbering, so that the result does not depend on the order of the command line.
    named.sort(key=lambda pair: (pair[0].casefold(), pair[0], os.fsencode(pair[1].long)))
    names = numbered([name for name, _ in named])
    labs = [_lab_named_in(f) for _, f in named]
    entries = numbered([_entry(name, f, lab) for name, (_, f), lab in zip(names, named, labs, strict=True)])
    return tuple(
        Submission(identity, name, f.path, f.member, f.inner, f.problem, f.handin, lab, f.beside)
        for identity, name, (_, f), lab in zip(folder_names(entries), names, named, labs, strict=True)
    )


def _entry(name: str, found: Found, lab: str | None) -> str:
    """Return an entry's name in the results: student and lab if known, else the file.

    A student's next upload may have another file name and belongs to the same entry.
    """
    if found.handin is None:
        return name
    student = student_of(found.handin)
    # If no character of the name is ASCII, only the ID is used.
    parts = (
        [student.name] if student.name != student.id and any(c.isalnum() for c in ascii_letters(student.name)) else []
    )
    return "-".join(plain_name(part) for part in [*parts, student.id, *([lab] if lab else [])])


def _lab_named_in(found: Found) -> str | None:
    """Return the lab that a student's notebook names, without reading all of it."""
    if found.handin is None or found.problem is not None:
        return None
    try:
        data = read_bytes(found.path, found.member, found.inner)
    except SubmissionError:
        return None
    named = _LAB_NAME.search(data)
    return named[1].decode("ascii") if named is not None else None
