"""The results' folder: what is written there is whole, belongs together, and is never written by two at once.

DIR/run.json                         which submissions the latest `grade` was asked for
DIR/submissions/ID/result.json       the result; there is one only while nothing it hangs on has changed
DIR/submissions/ID/executed.ipynb    the student's notebook as it was run, where it was
DIR/submissions/ID/feedback.html     both for the student
DIR/submissions/ID/fingerprint.json  what the result hangs on, and the SHA-256 of result.json: written last
DIR/submissions/ID/earlier.json      the result before the latest change
DIR/scores.csv, report.html, …       about the class: see `write_report`
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
from pathlib import Path
from typing import Any

from autograder.atomic import LEFTOVERS, write_atomically
from autograder.errors import KitError
from autograder.grades import Grade, Row
from autograder.render.feedback import design, feedback_html
from autograder.render.scores_csv import scores_csv
from autograder.render.words import question_names
from autograder.report.files import write_class_report
from autograder.results import Result

SCORES = "scores.csv"
REPORT = "report.html"
_RUN = "run.json"
_SUBMISSIONS = "submissions"
_RESULT = "result.json"
_EXECUTED = "executed.ipynb"
_FEEDBACK = "feedback.html"
_FINGERPRINT = "fingerprint.json"
_EARLIER = "earlier.json"


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


def begin_run(folder: Path, identities: Sequence[str], *, anonymous: bool = False) -> None:
    """Record which submissions belong to the scores from now on; results of others are kept but not counted.

    Args:
        folder: the results' folder.
        identities: the submissions.
        anonymous: students' pages leave out names from now on.
    """
    content = {"schema": 1, "submissions": list(identities), "anonymous": anonymous}
    write_whole(folder / _RUN, json.dumps(content, indent=1) + "\n")


def write_result(
    folder: Path, identity: str, result: Result, hangs_on: dict[str, Any], executed: bytes | None = None
) -> None:
    """Write one result, the notebook as it was run, its page and its fingerprint, each whole or not at all.

    The fingerprint comes last and names the others by their digests: whatever a killed grader leaves, they never
    seem to belong together when they do not.
    """
    home = folder / _SUBMISSIONS / identity
    text = result.to_json()
    write_whole(home / _RESULT, text)
    with _writing(home):
        if executed is None:
            (home / _EXECUTED).unlink(missing_ok=True)
        else:
            write_atomically(home / _EXECUTED, executed)
    write_page(folder, Row(identity, Grade(result)), anonymous=is_anonymous(folder))
    belongs = {"result": _digest(text), "executed": _digest(executed)}
    write_whole(home / _FINGERPRINT, json.dumps({**hangs_on, **belongs}, indent=1) + "\n")


def write_page(folder: Path, row: Row, *, anonymous: bool) -> None:
    """Write a student's page from the stored notebook and a grade, unless the page is already made from these."""
    home = folder / _SUBMISSIONS / row.identity
    executed = _bytes_of(home / _EXECUTED)
    made_from = f"{row.grade!r} {_digest(executed)} {anonymous} {design()}"
    mark = f"<!-- {_digest(made_from)} -->\n"
    if not (_bytes_of(home / _FEEDBACK) or b"").endswith(mark.encode()):
        write_whole(home / _FEEDBACK, feedback_html(row.grade, executed, anonymous=anonymous) + mark)


def stored(folder: Path, identity: str) -> tuple[Result, dict[str, Any]] | None:
    """A result written before, with what it hangs on; None where there is none whose files belong together."""
    home = folder / _SUBMISSIONS / identity
    try:
        text = (home / _RESULT).read_text(encoding="utf-8")
        hangs_on: dict[str, Any] = json.loads((home / _FINGERPRINT).read_text(encoding="utf-8"))
        belongs = hangs_on.pop("result"), hangs_on.pop("executed")
        if belongs != (_digest(text), _digest(_bytes_of(home / _EXECUTED))) or not (home / _FEEDBACK).exists():
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


def write_report(folder: Path, *, anonymous: bool | None = None) -> tuple[Result, ...]:
    """Write scores.csv and report.html from the results of the latest run; returns them, sorted by submission.

    Students' pages that do not fit any more are written anew, too.

    Args:
        folder: the results' folder.
        anonymous: whether students' pages leave out names; None: as the latest run had it.

    Raises:
        KitError: there is no readable result, or the files cannot be written.
    """
    wanted = _of_latest_run(folder)
    homes = [path.parent for path in sorted((folder / _SUBMISSIONS).glob(f"*/{_RESULT}"))]
    homes = [home for home in homes if wanted is None or home.name in wanted]
    found = sorted(((_read(home / _RESULT), home.name) for home in homes), key=lambda pair: pair[0].submission)
    if not found:
        raise KitError(f"There are no results in {folder}.", hint=f"autograder grade PATH… -o {folder}")
    results = tuple(result for result, _ in found)
    questions = question_names(results, ())
    nameless = is_anonymous(folder) if anonymous is None else anonymous
    for result, identity in found:
        write_page(folder, Row(identity, Grade(result)), anonymous=nameless)
    write_whole(folder / SCORES, scores_csv(results, questions))
    write_class_report(folder / REPORT, [Row(identity, Grade(result)) for result, identity in found], write_whole)
    return results


def is_anonymous(folder: Path) -> bool:
    """Whether the latest run wanted students' pages without names."""
    return _latest_run(folder).get("anonymous") is True


def not_graded(folder: Path) -> int:
    """How many submissions of the latest run have no result yet, because it was stopped."""
    wanted = _of_latest_run(folder) or ()
    return sum(not (folder / _SUBMISSIONS / identity / _RESULT).exists() for identity in wanted)


def not_asked_for(folder: Path, identities: Sequence[str]) -> int:
    """How many results of earlier runs are of submissions other than these."""
    return len({path.parent.name for path in (folder / _SUBMISSIONS).glob(f"*/{_RESULT}")} - set(identities))


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all, UTF-8.

    Raises:
        KitError: the folder is read-only, the disk is full, or the like.
    """
    with _writing(path):
        write_atomically(path, text.encode())


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


def _of_latest_run(folder: Path) -> tuple[str, ...] | None:
    """The submissions of the latest run, or None where nobody wrote them down."""
    run = _latest_run(folder)
    return tuple(map(str, run["submissions"])) if run else None


def _latest_run(folder: Path) -> dict[str, Any]:
    """What is written down about the latest run; empty where nothing is."""
    path = folder / _RUN
    try:
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {**run, "submissions": list(run["submissions"])}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KitError(f"{path} is damaged: {error}", hint="delete it to report all results in the folder") from error


def _read(path: Path) -> Result:
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} is not a result of this kit: {error}", hint="delete it and grade again") from error


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _digest(content: str | bytes | None) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content or b"").hexdigest()
