"""The results' folder: what is written there is whole, belongs together, and is never written by two at once.

DIR/run.json                         which submissions the latest `grade` was asked for, who handed them in and when
DIR/overrides.json                   a person's corrections, if there are any
DIR/submissions/ID/result.json       the result; there is one only while nothing it hangs on has changed
DIR/submissions/ID/feedback.html     the same for the student
DIR/submissions/ID/fingerprint.json  what the result hangs on, and the SHA-256 of result.json: written last
DIR/submissions/ID/earlier.json      the result before the latest change
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autograder.atomic import LEFTOVERS, write_atomically
from autograder.errors import KitError
from autograder.gradebook import overrides as corrections
from autograder.gradebook.counting import Counted, count
from autograder.gradebook.overrides import Overrides
from autograder.gradebook.record import Record
from autograder.grades import Grade, Row
from autograder.pages import feedback_page, report_page
from autograder.render.scores_csv import scores_csv
from autograder.render.words import question_names
from autograder.results import Result

SCORES = "scores.csv"
REPORT = "report.html"
_RUN = "run.json"
_OVERRIDES = "overrides.json"
_SUBMISSIONS = "submissions"
_RESULT = "result.json"
_FEEDBACK = "feedback.html"
_FINGERPRINT = "fingerprint.json"
_EARLIER = "earlier.json"
_EXECUTED = "executed.ipynb"


@contextmanager
def results_folder(folder: Path) -> Iterator[None]:
    """Make the folder, keep other graders out of it, and clear away the halves of files a killed one left.

    Raises:
        KitError: another grader is at work in it, or it cannot be written.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise KitError(
                    f"Another `autograder grade` is writing to {folder}.", hint="wait for it, or choose another with -o"
                ) from error
            # Some network file systems have no locks: better to go on without.
        with _writing(folder):
            for place in (folder, *(folder / _SUBMISSIONS).glob("*/")):
                for path in place.glob(LEFTOVERS):
                    path.unlink(missing_ok=True)
            # Better told now than after the first notebook has trained.
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(4096))
        yield
    finally:
        os.close(descriptor)


def begin_run(folder: Path, identities: Sequence[str], record: Record | None = None) -> None:
    """Record which submissions belong to the scores from now on; results of others are kept but not counted.

    Args:
        folder: the results' folder.
        identities: the submissions.
        record: what else is to be remembered of the run.
    """
    write_record(folder, replace(record or Record(), submissions=tuple(identities)))


def write_record(folder: Path, record: Record) -> None:
    """Keep what is to be remembered of a run."""
    write_whole(folder / _RUN, record.to_json())


def read_record(folder: Path) -> Record:
    """What is remembered of the latest run; nothing where nobody wrote it down.

    Raises:
        KitError: the file is damaged.
    """
    path = folder / _RUN
    try:
        return Record.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KitError(f"{path} is damaged: {error}", hint="delete it to report all results in the folder") from error


def write_overrides(folder: Path, overrides: Overrides) -> None:
    """Keep corrections; they take the place of all earlier ones."""
    write_whole(folder / _OVERRIDES, corrections.to_json(overrides))


def read_overrides(folder: Path) -> Overrides:
    """The corrections kept with the results.

    Raises:
        KitError: the file is damaged.
    """
    path = folder / _OVERRIDES
    try:
        return corrections.from_json(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(f"{path} cannot be read: {error}") from error


def write_result(folder: Path, identity: str, result: Result, hangs_on: dict[str, Any]) -> None:
    """Write one result, its page and its fingerprint, each whole or not at all.

    The fingerprint comes last and names the result by its digest: whatever a killed grader leaves, the two never
    seem to belong together when they do not.
    """
    home = folder / _SUBMISSIONS / identity
    text = result.to_json()
    write_whole(home / _RESULT, text)
    _write_page(home, Grade(result))
    write_whole(home / _FINGERPRINT, json.dumps({**hangs_on, "result": _digest(text)}, indent=1) + "\n")


def stored(folder: Path, identity: str) -> tuple[Result, dict[str, Any]] | None:
    """A result written before, with what it hangs on; None where there is none whose files belong together."""
    home = folder / _SUBMISSIONS / identity
    try:
        text = (home / _RESULT).read_text(encoding="utf-8")
        hangs_on: dict[str, Any] = json.loads((home / _FINGERPRINT).read_text(encoding="utf-8"))
        if hangs_on.pop("result") != _digest(text) or not (home / _FEEDBACK).exists():
            return None
        return Result.from_json(text), hangs_on
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a file is missing, or holds something else than this module writes


def set_aside(folder: Path, identity: str) -> None:
    """Keep a result that no longer counts as `earlier.json`, so that no report takes it for a current one."""
    home = folder / _SUBMISSIONS / identity
    with _writing(home):
        (home / _FINGERPRINT).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (home / _RESULT).replace(home / _EARLIER)


@dataclass(frozen=True)
class ClassGrades:
    """The grades of the latest run, sorted by submission, and what they hang on beside the results."""

    counted: Counted
    record: Record
    overrides: Overrides

    @property
    def rows(self) -> tuple[Row, ...]:
        """The submissions."""
        return self.counted.rows


def read_class(folder: Path) -> ClassGrades:
    """The grades of the latest run.

    Raises:
        KitError: there is no readable result.
    """
    record = read_record(folder)
    homes = [path.parent for path in sorted((folder / _SUBMISSIONS).glob(f"*/{_RESULT}"))]
    wanted = None if record.submissions is None else frozenset(record.submissions)
    homes = [home for home in homes if wanted is None or home.name in wanted]
    found = sorted(((home.name, _read(home / _RESULT)) for home in homes), key=lambda pair: pair[1].submission)
    if not found:
        raise KitError(f"There are no results in {folder}.", hint=f"autograder grade PATH… -o {folder}")
    overrides = read_overrides(folder)
    return ClassGrades(count(found, record, overrides), record, overrides)


def write_report(folder: Path) -> ClassGrades:
    """Write scores.csv and report.html from the results of the latest run, and the pages whose grade has changed.

    Raises:
        KitError: there is no readable result, or the files cannot be written.
    """
    grades = read_class(folder)
    questions = question_names([row.grade.result for row in grades.rows], ())
    for row in grades.rows:
        home = folder / _SUBMISSIONS / row.identity
        if _stamp_of(home / _FEEDBACK) != _stamp(row.grade):
            _write_page(home, row.grade)
    write_whole(folder / SCORES, scores_csv(grades.rows, questions, grades.counted.handed))
    write_whole(folder / REPORT, report_page(grades.rows, questions))
    return grades


def page_path(folder: Path, identity: str) -> Path:
    """Where a submission's page lies."""
    return folder / _SUBMISSIONS / identity / _FEEDBACK


def _write_page(home: Path, grade: Grade) -> None:
    """Write a student's page; its last line tells what its grade hung on beside the result."""
    executed = home / _EXECUTED
    page = feedback_page(grade, executed.read_bytes() if executed.is_file() else None)
    write_whole(home / _FEEDBACK, f"{page.rstrip()}\n{_stamp(grade)}\n")


def _stamp(grade: Grade) -> str:
    on_top = [
        [asdict(override) for _, override in sorted(grade.overrides.items())],
        grade.lateness and asdict(grade.lateness),
    ]
    return f"<!-- grade {_digest(json.dumps(on_top, sort_keys=True))[:16]} -->"


def _stamp_of(page: Path) -> str:
    """The last line of a page; that of a page of an earlier version says nothing, so it is written anew."""
    try:
        with page.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 200))
            return file.read().decode("utf-8", "replace").rstrip().rpartition("\n")[2]
    except OSError:
        return ""


def not_graded(folder: Path) -> int:
    """How many submissions of the latest run have no result yet, because it was stopped."""
    wanted = read_record(folder).submissions or ()
    return sum(not (folder / _SUBMISSIONS / identity / _RESULT).exists() for identity in wanted)


def not_asked_for(folder: Path, identities: Sequence[str]) -> int:
    """How many results of earlier runs are of submissions other than these."""
    return len({path.parent.name for path in (folder / _SUBMISSIONS).glob(f"*/{_RESULT}")} - set(identities))


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text in UTF-8.

    Raises:
        KitError: the folder is read-only, the disk is full, or the like.
    """
    with _writing(path):
        write_atomically(path, content.encode() if isinstance(content, str) else content)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise KitError(
            f"{path} cannot be written: {reason}. What was graded before is kept.",
            hint="choose another folder with -o, or free some space, and run the same command again",
        ) from error


def _read(path: Path) -> Result:
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} is not a result of this kit: {error}", hint="delete it and grade again") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
