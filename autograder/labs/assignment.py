"""Read autograder zips: questions, tests, their variables, limits."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import AssignmentError
from autograder.handover.live_protocol import ENVIRONMENT
from autograder.handover.modules import USUAL_NAMES
from autograder.handover.protocol import (
    DescribedQuestion,
    DescribedTest,
    Description,
    InspectPayload,
    decode,
    to_payload,
)
from autograder.handover.support import is_support_path, pack_support_files
from autograder.handover.tasks import INSPECT_TESTS
from autograder.labs.descriptions import description_file, keep_description, read_description
from autograder.labs.lab_file import LAB_JSON, LabFile, QuestionEntry, read_lab_file
from autograder.labs.lateness import LatePolicy, policy_from
from autograder.labs.unrun_tests import describe
from autograder.sandbox import Isolation, Job, Limits
from autograder.sandbox.job_files import job_folder, read_ordinary_file

_BUILD = "autograder build"
_SUPPORT = "files/"  # otter's folder for support files in the zip
_MAX_SUPPORT_MB = 64
_OTHER = "name another autograder zip with -a FILE.zip"
_MAX_SEED = 2**32 - 1  # the largest seed of numpy.random
# Exceptions raised for damaged or encrypted zips.
_DAMAGE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
_MAX_DESCRIPTION = 16 << 20  # bytes
_INSPECTION = Limits(seconds=60, memory_mb=4096)


Test = DescribedTest


@dataclass(frozen=True)
class Question:
    """A question of a lab.

    Args:
        name: its name, such as `q1`.
        max_score: its points.
        all_or_nothing: whether it gives points only if all tests pass.
        tests: its tests, in order.
        variables: the answer variables assigned in its cells.
        stubs: the source of its answer cells as handed out.
        title: its topic in a few words.
        depends_on: earlier questions that it requires, as declared in its master.
        manual: whether a person marks it; it has no tests then.
        written: what its text cells held when they were handed out, in every language.
    """

    name: str
    max_score: float
    all_or_nothing: bool
    tests: tuple[Test, ...]
    variables: tuple[str, ...]
    stubs: tuple[str, ...]
    title: str = ""
    depends_on: tuple[str, ...] = ()
    manual: bool = False
    written: tuple[str, ...] = ()

    @property
    def handover(self) -> tuple[str, ...]:
        """All variables that the question's tests take, in order, without duplicates."""
        names = [name for test in self.tests for name in (*test.required, *test.optional)]
        return tuple(dict.fromkeys((*self.variables, *names)))


@dataclass(frozen=True)
class Assignment:
    """A lab as the grader uses it.

    Args:
        name: the lab's name.
        questions: its questions, in order.
        test_files: source text of the test files by name.
        limits: resource limits for a submission.
        seed: the random seed.
        explains_hidden: whether messages of hidden tests are written for students.
        digest: SHA-256 of everything that affects marks, which excludes `late` and `versions`.
        title: its title.
        late: its lateness policy, or None.
        support_files: contents of the files beside the notebook, by relative path.
        messages: translations of the tests' messages, by language and English text.
        versions: the version of the student notebook by language.
        given: digests of the texts that were handed out, if a person marks some answers.
    """

    name: str
    questions: tuple[Question, ...]
    test_files: Mapping[str, str]
    limits: Limits
    seed: int
    explains_hidden: bool
    digest: str
    title: str = ""
    late: LatePolicy | None = None
    support_files: Mapping[str, bytes] = field(default_factory=dict)
    messages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    @property
    def max_score(self) -> float:
        """Total points of the lab."""
        return round(float(sum(question.max_score for question in self.questions)), 6)

    @property
    def tested(self) -> tuple[Question, ...]:
        """The questions that tests mark, not a person."""
        return tuple(question for question in self.questions if not question.manual)

    @property
    def answers(self) -> dict[str, tuple[str, ...]]:
        """Answer variables of each question."""
        return {question.name: question.variables for question in self.questions}


def load_assignment(path: Path, isolation: Isolation, *, run_tests: bool = True) -> Assignment:
    """Read an otter autograder zip; its test files run in a worker only.

    Args:
        path: the zip.
        isolation: runs the worker that inspects the tests.
        run_tests: whether to load the test files even if their text says all; needed before anything is graded.

    Raises:
        AssignmentError: it is missing, damaged, or not in the exception-based format.
        WorkerError: the worker failed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name).decode("utf-8") for name in archive.namelist() if _is_wanted(name)}
            support = _support_files(archive, path)
            others = {info.filename: info.CRC for info in archive.infolist() if not _is_wanted(info.filename)}
    except FileNotFoundError as error:
        raise AssignmentError(f"There is no autograder zip {path}.", hint=_BUILD) from error
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or error
        raise AssignmentError(
            f"{path.name} is not an otter autograder zip, or it is damaged: {reason}.", hint=_BUILD
        ) from error
    tests = {name: files[name] for name in sorted(files, key=_natural) if name.endswith(".py")}
    if not tests:
        raise AssignmentError(f"{path.name} contains no tests/*.py, so it is not an otter autograder zip.", hint=_BUILD)
    config = _json(files.get("otter_config.json", "{}"), path)
    if config.get("lang", "python") != "python":
        raise AssignmentError(f"{path.name} is for {config['lang']}. Only Python is supported.", hint=_OTHER)
    described = (None if run_tests else describe(tests)) or _inspect(tests, support, isolation)
    lab = read_lab_file(files[LAB_JSON], path.name) if LAB_JSON in files else LabFile()
    limits, seed = _settings(lab, config, path)
    name = str(lab.lab or config.get("assignment_name") or path.stem.removesuffix("-autograder"))
    return Assignment(
        name=name,
        questions=_questions(described, lab, path),
        test_files=tests,
        limits=limits,
        seed=seed,
        explains_hidden=LAB_JSON in files,
        digest=_digest(files, others, path),
        title=lab.title,
        late=_late(lab, path),
        support_files=support,
        messages=lab.messages,
        versions=lab.versions,
        given=frozenset(lab.given),
    )


@dataclass(frozen=True)
class Needs:
    """The libraries that labs use and that take long to import."""

    keras: bool
    pandas: bool


EVERYTHING = Needs(keras=True, pandas=True)


def needs_of(zips: Iterable[Path]) -> Needs:
    """Return what the labs of autograder zips need.

    A zip that does not say so may need everything.
    """
    needs = [_needs(path) for path in zips]
    return Needs(any(one.keras for one in needs), any(one.pandas for one in needs))


def _needs(path: Path) -> Needs:
    try:
        with zipfile.ZipFile(path) as archive:
            lab = read_lab_file(archive.read(LAB_JSON).decode("utf-8"), path.name)
    except (*_DAMAGE, KeyError, AssignmentError):
        return EVERYTHING
    return Needs(lab.keras, lab.pandas)


def _digest(files: Mapping[str, str], others: Mapping[str, int], path: Path) -> str:
    """Return the digest of everything that affects marks.

    A new due time must not invalidate results, nor a corrected text of the notebook.
    """
    lab = _json(files.get(LAB_JSON, "{}"), path)
    marks = {name: value for name, value in lab.items() if name not in ("late", "versions")}
    content = json.dumps([{**files, LAB_JSON: marks}, others], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _late(lab: LabFile, path: Path) -> LatePolicy | None:
    if not lab.late:
        return None
    try:
        return policy_from(lab.late)
    except (ValueError, TypeError) as error:
        raise AssignmentError(f"{path.name}: `late` in {LAB_JSON}: {error}.", hint=_BUILD) from error


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    is_test = path.parent == PurePosixPath("tests") and path.suffix == ".py" and path.name != "__init__.py"
    return is_test or name in ("otter_config.json", LAB_JSON)


def _is_support_file(name: str) -> bool:
    return name.startswith(_SUPPORT) and not name.endswith("/") and is_support_path(name.removeprefix(_SUPPORT))


def _support_files(archive: zipfile.ZipFile, path: Path) -> dict[str, bytes]:
    """Return the files that stock otter puts beside the notebook, by their path there.

    Raises:
        AssignmentError: they are larger than what can be passed to every worker.
    """
    infos = [info for info in archive.infolist() if _is_support_file(info.filename)]
    if sum(info.file_size for info in infos) > _MAX_SUPPORT_MB << 20:
        raise AssignmentError(
            f"{path.name} holds more than {_MAX_SUPPORT_MB} MB of support files.",
            hint="hand out smaller data, or let the notebook make them",
        )
    return {info.filename.removeprefix(_SUPPORT): archive.read(info) for info in infos}


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise AssignmentError(f"{path.name} contains invalid JSON: {error}.", hint=_BUILD) from error
    return content if isinstance(content, dict) else {}


def _settings(lab: LabFile, config: dict[str, Any], path: Path) -> tuple[Limits, int]:
    """Return limits and seed; the kit's settings take precedence over otter's."""
    try:
        limits = Limits(**dict[str, Any](lab.limits))
        seed = int(lab.seed or config.get("seed") or 0)
        sound = all(value > 0 for value in lab.limits.values()) and 0 <= seed <= _MAX_SEED
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise AssignmentError(
            f"{path.name}: the limits or the seed in {LAB_JSON} or otter_config.json are invalid "
            f"(limits above 0, seed from 0 to {_MAX_SEED}).",
            hint=_BUILD,
        )
    return limits, seed


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Sort key that orders q2 before q10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def _inspect(
    tests: Mapping[str, str], support: Mapping[str, bytes], isolation: Isolation
) -> tuple[DescribedQuestion, ...]:
    """Describe the tests by running the files for their decorators and signatures.

    The description of the same files is kept, so that a run with nothing to grade starts no worker.
    """
    from autograder.handover.checker_files import DESCRIPTION

    payload = to_payload(InspectPayload(dict(tests), pack_support_files(support)))
    kept = description_file(payload)
    known = read_description(kept)
    if known is not None:
        return known
    with job_folder() as folder:
        outcome = isolation.run(Job(INSPECT_TESTS, payload, folder, _INSPECTION))
        file = folder / DESCRIPTION
        answer: Description | None = None
        with contextlib.suppress(ValueError):
            answer = decode(read_ordinary_file(file, _MAX_DESCRIPTION), Description)
        if outcome.end != "done" or answer is None:
            raise AssignmentError(
                f"The tests could not be loaded: {outcome.detail or 'the worker returned no description'}.", hint=_OTHER
            )
    if answer.error is not None:
        raise AssignmentError(
            answer.error,
            hint=answer.hint,
            reason=answer.reason,
            test_file=answer.test_file,
            statement=answer.statement,
        )
    keep_description(kept, answer.questions)
    return answer.questions


def _questions(described: Sequence[DescribedQuestion], lab: LabFile, path: Path) -> tuple[Question, ...]:
    entries = {entry.name: entry for entry in lab.questions}
    names = [entry.name for entry in described]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise AssignmentError(f"{path.name}: the question {twice[0]} occurs in two test files.", hint=_BUILD)
    if entries and sorted(name for name, entry in entries.items() if not entry.manual) != sorted(names):
        raise AssignmentError(f"{path.name}: {LAB_JSON} and the tests contain different questions.", hint=_BUILD)
    order = {name: position for position, name in enumerate(entries or names)}
    questions: dict[str, Question] = {}
    seen: set[str] = set()
    for entry in sorted(described, key=lambda entry: order[entry.name]):
        required = dict.fromkeys(name for test in entry.tests for name in test.required)
        # Without lab.json, a variable belongs to the first question whose tests take it.
        guessed = [name for name in required if name not in seen and name != ENVIRONMENT and name not in USUAL_NAMES]
        own = entries.get(entry.name, QuestionEntry(entry.name, tuple(guessed), ()))
        seen.update(required)
        questions[entry.name] = Question(
            name=entry.name,
            max_score=round(float(sum(test.points for test in entry.tests)), 6),
            all_or_nothing=entry.all_or_nothing,
            tests=entry.tests,
            variables=own.variables,
            stubs=own.stubs,
            title=own.title,
            depends_on=own.depends_on,
        )
    for own in lab.questions:
        if own.manual:
            questions[own.name] = Question(
                name=own.name,
                max_score=round(own.points, 6),
                all_or_nothing=False,
                tests=(),
                variables=own.variables,
                stubs=own.stubs,
                title=own.title,
                manual=True,
                written=own.written,
            )
    return tuple(sorted(questions.values(), key=lambda question: order[question.name]))
