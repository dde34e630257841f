"""The results folder: its paths, its lock, and the stored result of each submission.

DIR/run.json                         the submissions of the latest `grade`
DIR/handed-in.json                   who handed them in and when, and how lateness counts (`gradebook.files`)
DIR/overrides.json                   a person's corrections, if there are any (`gradebook.files`)
DIR/submissions/ID/result.json       the result; exists only while it is valid
DIR/submissions/ID/executed.ipynb    the student's notebook as it was run, if it was
DIR/submissions/ID/feedback.html     both, for the student (`render.pages`)
DIR/submissions/ID/fingerprint.json  what the result depends on, and the SHA-256 of result.json: written last
DIR/submissions/ID/earlier.json      the result before the latest change
DIR/submissions/ID/results.json      the result for Gradescope, where requested (`render.pages`)
DIR/scores.csv, report.html, …       about the class (`render.pages`)
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import KitError
from autograder.results.result import Result
from autograder.util.atomic import LEFTOVERS, write_atomically
from autograder.util.files import write_whole, writing


@dataclass(frozen=True)
class SubmissionFiles:
    """The paths of one submission's files; `home` is its folder."""

    home: Path

    @property
    def result(self) -> Path:
        """The result as JSON."""
        return self.home / "result.json"

    @property
    def executed(self) -> Path:
        """The notebook as it was run."""
        return self.home / "executed.ipynb"

    @property
    def feedback(self) -> Path:
        """The student's page."""
        return self.home / "feedback.html"

    @property
    def fingerprint(self) -> Path:
        """What the result depends on."""
        return self.home / "fingerprint.json"

    @property
    def earlier(self) -> Path:
        """The result before the latest change."""
        return self.home / "earlier.json"

    @property
    def gradescope(self) -> Path:
        """The result in Gradescope's format."""
        return self.home / "results.json"


@dataclass(frozen=True)
class ResultsFolder:
    """The paths of a results folder."""

    path: Path

    @property
    def scores(self) -> Path:
        """The marks of the class as CSV."""
        return self.path / "scores.csv"

    @property
    def report(self) -> Path:
        """The class report."""
        return self.path / "report.html"

    @property
    def similar(self) -> Path:
        """The folder of pages about similar pairs."""
        return self.path / "similar"

    @property
    def starters(self) -> Path:
        """The folder of copies of the notebooks handed out."""
        return self.path / "starters"

    @property
    def run(self) -> Path:
        """The submissions of the latest run."""
        return self.path / "run.json"

    @property
    def record(self) -> Path:
        """Who handed in what and when, and how lateness counts."""
        return self.path / "handed-in.json"

    @property
    def overrides(self) -> Path:
        """A person's corrections."""
        return self.path / "overrides.json"

    @property
    def submissions(self) -> Path:
        """The folder with a folder for each submission."""
        return self.path / "submissions"

    def submission(self, identity: str) -> SubmissionFiles:
        """The files of one submission."""
        return SubmissionFiles(self.submissions / identity)

    @property
    def graded(self) -> tuple[str, ...]:
        """The IDs of all submissions with a result, of earlier runs too."""
        return tuple(path.parent.name for path in sorted(self.submissions.glob("*/result.json")))


@contextmanager
def results_folder(folder: Path) -> Iterator[None]:
    """Make the folder, keep other graders out of it, and clear away the halves of files a killed one left.

    Raises:
        KitError: another grader is at work in it, or it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise KitError(f"{folder} is a file: results need a folder.", hint="choose another with -o")
    files = ResultsFolder(folder)
    with writing(folder):
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
        with writing(folder):
            for place in (folder, *files.submissions.glob("*/")):
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
    write_whole(ResultsFolder(folder).run, json.dumps(content, indent=1) + "\n")


def write_result(
    folder: Path, identity: str, result: Result, fingerprint: dict[str, Any], executed: bytes | None = None
) -> None:
    """Write one result, the notebook as it was run, and the fingerprint, each whole or not at all.

    The fingerprint comes last and names the others by their digests: whatever a killed grader leaves, they never
    seem to belong together when they do not.
    """
    files = ResultsFolder(folder).submission(identity)
    text = result.to_json()
    write_whole(files.result, text)
    with writing(files.home):
        if executed is None:
            files.executed.unlink(missing_ok=True)
        else:
            write_atomically(files.executed, executed)
    digests = {"result": digest_of(text), "executed": digest_of(executed)}
    write_whole(files.fingerprint, json.dumps({**fingerprint, **digests}, indent=1) + "\n")


def stored(folder: Path, identity: str) -> tuple[Result, dict[str, Any]] | None:
    """Return a result written before, with its fingerprint; None where no files that belong together exist."""
    files = ResultsFolder(folder).submission(identity)
    try:
        text = files.result.read_text(encoding="utf-8")
        fingerprint: dict[str, Any] = json.loads(files.fingerprint.read_text(encoding="utf-8"))
        digests = fingerprint.pop("result"), fingerprint.pop("executed")
        if digests != (digest_of(text), digest_of(bytes_of(files.executed))):
            return None
        return Result.from_json(text), fingerprint
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a file is missing, or holds something else than this module writes


def set_aside(folder: Path, identity: str) -> None:
    """Keep a result that no longer counts as `earlier.json`, so that no report takes it for a current one."""
    files = ResultsFolder(folder).submission(identity)
    with writing(files.home):
        files.fingerprint.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            files.result.replace(files.earlier)


def results_of_latest_run(folder: Path) -> list[tuple[str, Result]]:
    """Return the results of the latest run with their IDs, sorted by submission.

    Raises:
        KitError: there is no result, or one cannot be read.
    """
    files, wanted = ResultsFolder(folder), _of_latest_run(folder)
    identities = [identity for identity in files.graded if wanted is None or identity in wanted]
    if not identities:
        raise KitError(f"There are no results in {folder}.", hint=f"autograder grade PATH… -o {folder}")
    found = [(identity, _read(files.submission(identity).result)) for identity in identities]
    return sorted(found, key=lambda pair: pair[1].submission)


def is_anonymous(folder: Path) -> bool:
    """Whether the latest run wanted students' pages without names."""
    return _latest_run(folder).get("anonymous") is True


def not_graded(folder: Path) -> int:
    """How many submissions of the latest run have no result yet, because it was stopped."""
    files, wanted = ResultsFolder(folder), _of_latest_run(folder) or ()
    return sum(not files.submission(identity).result.exists() for identity in wanted)


def not_asked_for(folder: Path, identities: Sequence[str]) -> int:
    """How many results of earlier runs are of submissions other than these."""
    return len(set(ResultsFolder(folder).graded) - set(identities))


def _of_latest_run(folder: Path) -> frozenset[str] | None:
    """The submissions of the latest run, or None where nobody wrote them down."""
    run = _latest_run(folder)
    return frozenset(map(str, run["submissions"])) if run else None


def _latest_run(folder: Path) -> dict[str, Any]:
    """What is written down about the latest run; empty where nothing is."""
    path = ResultsFolder(folder).run
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


def bytes_of(path: Path) -> bytes | None:
    """The bytes of a file, None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def digest_of(content: str | bytes | None) -> str:
    """The SHA-256 of a text or of bytes, in hexadecimal digits; None counts as empty."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content or b"").hexdigest()
