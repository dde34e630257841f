"""The results folder: its paths, its lock, and stored results.

DIR/run.json                         `Run`: the submissions of the latest `grade`
DIR/handed-in.json                   students, submission times and lateness settings (`gradebook.files`)
DIR/overrides.json                   manual corrections, if any (`gradebook.files`)
DIR/submissions/ID/result.json       the result; exists only while it is valid
DIR/submissions/ID/executed.ipynb    the executed notebook, if it was run
DIR/submissions/ID/feedback.html     the feedback page (`render.pages`)
DIR/submissions/ID/fingerprint.json  what the result depends on, and the SHA-256 of result.json; written last
DIR/submissions/ID/earlier.json      the previous result
DIR/submissions/ID/results.json      the result for Gradescope, if requested (`render.pages`)
DIR/scores.csv, report.html, …       files about the class (`render.pages`)
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from autograder.errors import KitError
from autograder.results.result import SCHEMA, Result
from autograder.util.atomic import LEFTOVERS, write_atomically
from autograder.util.files import write_whole, writing


@dataclass(frozen=True)
class SubmissionFiles:
    """Paths of one submission's files; `home` is its folder."""

    home: Path

    @property
    def result(self) -> Path:
        """The result as JSON."""
        return self.home / "result.json"

    @property
    def executed(self) -> Path:
        """The executed notebook."""
        return self.home / "executed.ipynb"

    @property
    def feedback(self) -> Path:
        """The feedback page."""
        return self.home / "feedback.html"

    @property
    def fingerprint(self) -> Path:
        """What the result depends on."""
        return self.home / "fingerprint.json"

    @property
    def earlier(self) -> Path:
        """The previous result."""
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
    def to_review(self) -> Path:
        """The answers that a person has not marked yet, to be filled in as corrections."""
        return self.path / "to-review.csv"

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
        """Students, submission times and lateness settings."""
        return self.path / "handed-in.json"

    @property
    def overrides(self) -> Path:
        """Manual corrections."""
        return self.path / "overrides.json"

    @property
    def submissions(self) -> Path:
        """The parent folder of all submissions."""
        return self.path / "submissions"

    def submission(self, identity: str) -> SubmissionFiles:
        """Return the paths of one submission's files."""
        return SubmissionFiles(self.submissions / identity)

    @property
    def graded(self) -> tuple[str, ...]:
        """Return the IDs of all submissions with a result, including earlier runs."""
        return tuple(path.parent.name for path in sorted(self.submissions.glob("*/result.json")))


def is_results_folder(folder: Path) -> bool:
    """Return whether a folder contains results of the kit instead of submissions."""
    files = ResultsFolder(folder)
    return files.run.is_file() and files.submissions.is_dir()


@contextmanager
def results_folder(folder: Path) -> Iterator[None]:
    """Create and lock the folder, and remove incomplete files of an interrupted run.

    Raises:
        KitError: another grader is using it, or it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise KitError(f"{folder} is a file, not a folder.", hint="choose another with -o")
    refuse_older(folder)
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
            # Some network file systems do not support locks; continue without one.
        with writing(folder):
            for place in (folder, *files.submissions.glob("*/")):
                for path in place.glob(LEFTOVERS):
                    path.unlink(missing_ok=True)
            # Report this before the first notebook has trained.
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(4096))
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Run:
    """The latest run.

    Args:
        submissions: its submissions by ID.
        anonymous: whether students' pages leave out names.
        schema: version of the format.
    """

    submissions: tuple[str, ...]
    anonymous: bool = False
    schema: Literal[1] = 1


@dataclass(frozen=True)
class Stamp:
    """What a stored result depends on, and the SHA-256 of its files."""

    depends_on: dict[str, Any]
    result: str
    executed: str


def refuse_older(folder: Path) -> None:
    """Refuse to use results of an earlier version of the kit.

    Raises:
        KitError: the folder contains some.
    """
    for path in ResultsFolder(folder).submissions.glob("*/result.json"):
        try:
            schema = msgspec.json.decode(bytes_of(path) or b"", type=_Schema).schema
        except msgspec.DecodeError:
            continue  # damage is reported when the result is read
        if schema < SCHEMA:
            raise KitError(
                f"{folder} contains results of an earlier version of this kit (schema {schema}). It was not changed.",
                hint="autograder grade PATH… -o ANOTHER_FOLDER, with the --override and --times files given before",
            )
        return  # all results in a folder have the same schema


class _Schema(msgspec.Struct):
    schema: int


def begin_run(folder: Path, identities: Sequence[str], *, anonymous: bool = False) -> None:
    """Record which submissions are part of the scores; other results are kept.

    Args:
        folder: the results folder.
        identities: the submissions.
        anonymous: whether students' pages leave out names.
    """
    write_whole(ResultsFolder(folder).run, _text(Run(tuple(identities), anonymous)))


def write_result(
    folder: Path, identity: str, result: Result, depends_on: dict[str, Any], executed: bytes | None = None
) -> None:
    """Write a result, the executed notebook and what they depend on, each atomically.

    The file of dependencies is written last and contains digests of the others, so that incomplete sets of files are
    detected.
    """
    files = ResultsFolder(folder).submission(identity)
    text = result.to_json()
    write_whole(files.result, text)
    with writing(files.home):
        if executed is None:
            files.executed.unlink(missing_ok=True)
        else:
            write_atomically(files.executed, executed)
    write_whole(files.fingerprint, _text(Stamp(depends_on, digest_of(text), digest_of(executed))))


def rewrite_result(folder: Path, identity: str, result: Result) -> None:
    """Replace a valid result by one that says more, and depends on the same."""
    files = ResultsFolder(folder).submission(identity)
    stamp = msgspec.json.decode(files.fingerprint.read_bytes(), type=Stamp)
    text = result.to_json()
    write_whole(files.result, text)
    write_whole(files.fingerprint, _text(replace(stamp, result=digest_of(text))))


def stored(folder: Path, identity: str) -> tuple[Result, dict[str, Any]] | None:
    """Return a stored result and what it depends on.

    None if files are missing or do not match.
    """
    files = ResultsFolder(folder).submission(identity)
    try:
        text = files.result.read_text(encoding="utf-8")
        stamp = msgspec.json.decode(files.fingerprint.read_bytes(), type=Stamp)
        result = Result.from_json(text)
    except (OSError, ValueError, msgspec.DecodeError):
        return None  # a file is missing or invalid
    unchanged = (stamp.result, stamp.executed) == (digest_of(text), digest_of(bytes_of(files.executed)))
    return (result, stamp.depends_on) if unchanged else None


def set_aside(folder: Path, identity: str) -> None:
    """Rename an outdated result to `earlier.json`, so that reports do not include it."""
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
    refuse_older(folder)
    files, run = ResultsFolder(folder), _latest_run(folder)
    wanted = None if run is None else frozenset(run.submissions)
    identities = [identity for identity in files.graded if wanted is None or identity in wanted]
    if not identities:
        raise KitError(f"There are no results in {folder}.", hint=f"autograder grade PATH… -o {folder}")
    found = [(identity, _read(files.submission(identity).result)) for identity in identities]
    return sorted(found, key=lambda pair: pair[1].submission)


def is_anonymous(folder: Path) -> bool:
    """Return whether students' pages of the latest run leave out names."""
    run = _latest_run(folder)
    return run is not None and run.anonymous


def not_graded(folder: Path) -> int:
    """Return how many submissions of the latest run have no result yet."""
    files, run = ResultsFolder(folder), _latest_run(folder)
    return sum(not files.submission(identity).result.exists() for identity in (run.submissions if run else ()))


def not_asked_for(folder: Path, identities: Sequence[str]) -> int:
    """Return how many results of earlier runs are of other submissions."""
    return len(set(ResultsFolder(folder).graded) - set(identities))


def _latest_run(folder: Path) -> Run | None:
    """Return the record of the latest run, or None."""
    path = ResultsFolder(folder).run
    try:
        return msgspec.json.decode(path.read_bytes(), type=Run)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise KitError(f"{path} is damaged: {error}", hint="delete it to report all results in the folder") from error


def _text(record: object) -> str:
    return msgspec.json.format(msgspec.json.encode(record), indent=1).decode() + "\n"


def _read(path: Path) -> Result:
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} is not a result of this kit: {error}", hint="delete it and grade again") from error


def bytes_of(path: Path) -> bytes | None:
    """Return the bytes of a file, or None if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def digest_of(content: str | bytes | None) -> str:
    """Return the SHA-256 of text or bytes in hexadecimal; None counts as empty."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content or b"").hexdigest()
