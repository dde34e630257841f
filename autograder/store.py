"""The results' folder: what is written there is whole, belongs together, and is never written by two at once.

DIR/run.json                         which submissions the latest `grade` was asked for
DIR/submissions/ID/result.json       the result; there is one only while nothing it hangs on has changed
DIR/submissions/ID/feedback.html     the same for the student
DIR/submissions/ID/fingerprint.json  what the result hangs on, and the SHA-256 of result.json: written last
DIR/submissions/ID/earlier.json      the result before the latest change
DIR/submissions/ID/results.json      the result for Gradescope, where somebody asked for it
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.atomic import LEFTOVERS, write_atomically
from autograder.errors import KitError
from autograder.grades import Grade, Row
from autograder.render.gradescope import results_json
from autograder.render.html import feedback_html, report_html
from autograder.render.scores_csv import scores_csv
from autograder.render.words import question_names
from autograder.results import Result

SCORES = "scores.csv"
REPORT = "report.html"
_RUN = "run.json"
_SUBMISSIONS = "submissions"
_RESULT = "result.json"
_FEEDBACK = "feedback.html"
_FINGERPRINT = "fingerprint.json"
_EARLIER = "earlier.json"
_GRADESCOPE = "results.json"


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


def begin_run(folder: Path, identities: Sequence[str]) -> None:
    """Record which submissions belong to the scores from now on; results of others are kept but not counted."""
    content = {"schema": 1, "submissions": list(identities)}
    write_whole(folder / _RUN, json.dumps(content, indent=1) + "\n")


def write_result(folder: Path, identity: str, result: Result, hangs_on: dict[str, Any]) -> None:
    """Write one result, its page and its fingerprint, each whole or not at all.

    The fingerprint comes last and names the result by its digest: whatever a killed grader leaves, the two never
    seem to belong together when they do not.
    """
    home = folder / _SUBMISSIONS / identity
    text = result.to_json()
    write_whole(home / _RESULT, text)
    write_whole(home / _FEEDBACK, feedback_html(result))
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


def write_report(folder: Path) -> tuple[Result, ...]:
    """Write scores.csv and report.html from the results of the latest run; returns them, sorted by submission.

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
    write_whole(folder / SCORES, scores_csv(results, questions))
    write_whole(folder / REPORT, report_html(results, questions, [identity for _, identity in found]))
    return results


def write_gradescope(folder: Path, rows: Iterable[Row]) -> None:
    """Write Gradescope's results.json beside the result of each submission.

    Raises:
        KitError: a file cannot be written.
    """
    for row in rows:
        write_whole(folder / _SUBMISSIONS / row.identity / _GRADESCOPE, results_json(row.grade))


def rows_of_latest_run(folder: Path) -> tuple[Row, ...]:
    """The submissions of the latest run as they are counted without corrections and lateness.

    Raises:
        KitError: a result cannot be read.
    """
    homes = [path.parent for path in sorted((folder / _SUBMISSIONS).glob(f"*/{_RESULT}"))]
    wanted = _of_latest_run(folder)
    return tuple(
        Row(home.name, Grade(_read(home / _RESULT))) for home in homes if wanted is None or home.name in wanted
    )


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
    path = folder / _RUN
    try:
        return tuple(map(str, json.loads(path.read_text(encoding="utf-8"))["submissions"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KitError(f"{path} is damaged: {error}", hint="delete it to report all results in the folder") from error


def _read(path: Path) -> Result:
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} is not a result of this kit: {error}", hint="delete it and grade again") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
