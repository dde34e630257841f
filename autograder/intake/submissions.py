"""Submissions: which notebooks there are, what they are called, and how to read each.

Finding never fails because of one file. What cannot be read becomes a submission all the same, with the
reason in `problem`, so that every student has a row.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import SubmissionError, UsageError
from autograder.intake.found import Found
from autograder.intake.listing import files_under, read_bytes
from autograder.intake.naming import ascii_letters, folder_names, numbered, plain_name, readable_name
from autograder.intake.sorting import Contents, SetAside, sort_in
from autograder.notebooks.notebook import read_notebook
from autograder.results.handin import HandIn, Source
from autograder.results.result import Student

_LAB_NAME = re.compile(rb'"assignment_name"\s*:\s*"([A-Za-z0-9_.-]{1,40})"')


@dataclass(frozen=True)
class Submission:
    """One notebook to be graded.

    Args:
        id: name of its folder under DIR/submissions: unique, ASCII, safe on every file system.
        name: what people see: the file's name, or its path inside the folder or zip that was given.
        path: the file on disk.
        member: the notebook inside `path`, if that is a zip; None otherwise.
        inner: where `member` is itself a zip, the notebook in it.
        problem: why it cannot be read, known from finding it; `read_submission` raises it.
        handin: who handed it in and when, if it comes from a platform's download.
        lab: the lab its notebook names, as far as that was looked at.
    """

    id: str
    name: str
    path: Path
    member: str | None = None
    inner: str | None = None
    problem: str | None = None
    handin: HandIn | None = None
    lab: str | None = None

    @property
    def student(self) -> Student | None:
        """Who handed it in, where a platform says so."""
        return None if self.handin is None else student_of(self.handin)

    @property
    def called(self) -> str:
        """What people call it."""
        return self.name if self.student is None else self.student.called


@dataclass(frozen=True)
class Intake:
    """What there is to grade, the files set aside (see `autograder.intake`), and what to tell about both."""

    submissions: tuple[Submission, ...]
    set_aside: tuple[SetAside, ...]
    told: tuple[str, ...]


def find_submissions(paths: Sequence[Path]) -> tuple[Submission, ...]:
    """Every submission under the files, folders and zips given, sorted by name.

    Hidden files, system junk and notebook checkpoints are left out, as is a file that only accompanies a
    notebook of the same name (`ada.pdf` beside `ada.ipynb`). Any other file becomes an unreadable submission.
    In a platform's download every student has one submission for each lab.

    Raises:
        UsageError: a path does not exist or cannot be listed, or nothing was found.
    """
    return take_in(paths).submissions


def take_in(paths: Sequence[Path], source: Source | None = None) -> Intake:
    """The same, with what was recognised and what was set aside.

    Args:
        paths: files, folders and zips.
        source: the platform they come from, or `plain`; None to recognise it.

    Raises:
        UsageError: a path does not exist or cannot be listed, or nothing was found.
    """
    found = [one for path in paths for one in files_under(path, alone=len(paths) == 1)]
    # The same file may be named twice, once by itself and once by its folder. Only the folder is resolved: a refused
    # link is a row of its own, not the file it points to.
    unique = {(f.path.parent.resolve() / f.path.name, f.member, f.inner): f for f in reversed(found)}
    sorted_in = sort_in(list(unique.values()), _plain_bytes, _look_into, source)
    if not sorted_in.found:
        raise UsageError(
            f"There is nothing to grade in {', '.join(map(str, paths)) or 'the paths given'}: no notebook and no zip.",
            hint="give notebooks (.ipynb), zips as grader.export() writes them, or a folder that holds them",
        )
    return Intake(_settle_names(sorted_in.found), sorted_in.set_aside, sorted_in.told)


def read_submission(submission: Submission) -> bytes:
    """The bytes of the notebook, at most 100 MB.

    Raises:
        SubmissionError: it cannot be read; the text says why and what to do.
    """
    if submission.problem is not None:
        raise SubmissionError(submission.problem)
    return read_bytes(submission.path, submission.member, submission.inner)


def _plain_bytes(found: Found) -> bytes:
    """Bytes of a file that is no submission itself."""
    try:
        return read_bytes(found.path, found.member, found.inner)
    except SubmissionError as error:
        raise ValueError(str(error)) from None


def _look_into(found: Found) -> Contents:
    """What a notebook says of itself; nothing where it cannot be read, which grading will tell."""
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
    """The student or group of a hand-in.

    Gradescope's key is that of one upload, so its students are known by what the roster says of them.
    """
    if handin.platform == "gradescope":
        identity = "+".join(filter(None, (person.id or person.email for person in handin.people)))
        return Student(identity or handin.key, handin.names or handin.key)
    return Student(handin.key, handin.names)


def _settle_names(found: Sequence[Found]) -> tuple[Submission, ...]:
    short = Counter(readable_name(f.shown) for f in found)
    named = [(readable_name(f.shown if short[readable_name(f.shown)] == 1 else f.long), f) for f in found]
    # Sorted before numbering, so that the outcome does not hang on the order of the command line.
    named.sort(key=lambda pair: (pair[0].casefold(), pair[0], os.fsencode(pair[1].long)))
    names = numbered([name for name, _ in named])
    labs = [_lab_named_in(f) for _, f in named]
    entries = numbered([_entry(name, f, lab) for name, (_, f), lab in zip(names, named, labs, strict=True)])
    return tuple(
        Submission(identity, name, f.path, f.member, f.inner, f.problem, f.handin, lab)
        for identity, name, (_, f), lab in zip(folder_names(entries), names, named, labs, strict=True)
    )


def _entry(name: str, found: Found, lab: str | None) -> str:
    """What its entry in the results is called: student and lab where they are known, else the file.

    A student's next upload has another file name and belongs to the same entry.
    """
    if found.handin is None:
        return name
    student = student_of(found.handin)
    # A name in another script leaves no letters that every file system takes; the ID serves alone then.
    parts = (
        [student.name] if student.name != student.id and any(c.isalnum() for c in ascii_letters(student.name)) else []
    )
    return "-".join(plain_name(part) for part in [*parts, student.id, *([lab] if lab else [])])


def _lab_named_in(found: Found) -> str | None:
    """The lab that a student's notebook names, without reading all of it."""
    if found.handin is None or found.problem is not None:
        return None
    try:
        data = read_bytes(found.path, found.member, found.inner)
    except SubmissionError:
        return None
    named = _LAB_NAME.search(data)
    return named[1].decode("ascii") if named is not None else None
