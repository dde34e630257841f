"""What an autograder zip asks for: questions, tests, the variables they take, limits."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import AssignmentError
from autograder.handover.live_protocol import ENVIRONMENT
from autograder.handover.modules import USUAL_NAMES
from autograder.handover.support import is_support_path
from autograder.handover.tasks import INSPECT_TESTS
from autograder.labs.lateness import LatePolicy, policy_from
from autograder.sandbox import Isolation, Job, Limits
from autograder.sandbox.job_files import job_folder

LAB_JSON = "lab.json"
_BUILD = "autograder build"
_SUPPORT = "files/"  # where otter packs them
_OTHER = "name another autograder zip with -a FILE.zip"
_MAX_SEED = 2**32 - 1  # NumPy's
# What opening, unpacking and decoding a damaged or locked zip raises.
_DAMAGE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
_INSPECTION = Limits(seconds=60, memory_mb=4096)


@dataclass(frozen=True)
class Test:
    """One test function and the names of the variables it takes (`optional`: those with a default)."""

    __test__ = False  # not a pytest class

    name: str
    hidden: bool
    points: float
    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """One question.

    `variables` are the answers given in its own cells, `stubs` those cells as handed out, `title` what it is about in a
    few words, `depends_on` the earlier questions without which it cannot be answered, as its master names them.
    """

    name: str
    max_score: float
    all_or_nothing: bool
    tests: tuple[Test, ...]
    variables: tuple[str, ...]
    stubs: tuple[str, ...]
    title: str = ""
    depends_on: tuple[str, ...] = ()

    @property
    def handover(self) -> tuple[str, ...]:
        """Every variable the question's tests take, in order, each once."""
        names = [name for test in self.tests for name in (*test.required, *test.optional)]
        return tuple(dict.fromkeys((*self.variables, *names)))


@dataclass(frozen=True)
class Assignment:
    """A lab as the grader needs it.

    `explains_hidden`: its hidden tests' messages were written for students. `digest` covers all that marks hang on, so
    not `late`, what late hand-ins lose. `support_files` lie beside the notebook when it runs, by their path there.
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

    @property
    def max_score(self) -> float:
        return round(float(sum(question.max_score for question in self.questions)), 6)

    @property
    def answers(self) -> dict[str, tuple[str, ...]]:
        """The answer variables of each question."""
        return {question.name: question.variables for question in self.questions}


def load_assignment(path: Path, isolation: Isolation) -> Assignment:
    """Read an otter autograder zip; its test files are executed only in a worker.

    Raises:
        AssignmentError: it is missing, damaged, or not in the exception-based format.
        WorkerError: the worker could not do its job.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name).decode("utf-8") for name in archive.namelist() if _is_wanted(name)}
            support = {
                name.removeprefix(_SUPPORT): archive.read(name) for name in archive.namelist() if _is_support_file(name)
            }
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
        raise AssignmentError(f"{path.name} holds no tests/*.py: it is not an otter autograder zip.", hint=_BUILD)
    config = _json(files.get("otter_config.json", "{}"), path)
    if config.get("lang", "python") != "python":
        raise AssignmentError(f"{path.name} is for the language {config['lang']}: only Python is graded.", hint=_OTHER)
    described = _inspect(tests, isolation)
    lab = _json(files[LAB_JSON], path) if LAB_JSON in files else {}
    limits, seed = _settings(lab, config, path)
    name = str(lab.get("lab") or config.get("assignment_name") or path.stem.removesuffix("-autograder"))
    return Assignment(
        name=name,
        questions=_questions(described, lab, path),
        test_files=tests,
        limits=limits,
        seed=seed,
        explains_hidden=bool(lab),
        digest=_digest(files, lab, others),
        title=str(lab.get("title") or ""),
        late=_late(lab, path),
        support_files=support,
    )


def _digest(files: Mapping[str, str], lab: Mapping[str, Any], others: Mapping[str, int]) -> str:
    """Another due time is no reason to grade a class again."""
    marks = {name: value for name, value in lab.items() if name != "late"}
    content = json.dumps([{**files, LAB_JSON: marks}, others], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _late(lab: Mapping[str, Any], path: Path) -> LatePolicy | None:
    if not lab.get("late"):
        return None
    try:
        return policy_from(lab["late"])
    except (ValueError, TypeError) as error:
        raise AssignmentError(f"{path.name}: `late` in {LAB_JSON}: {error}.", hint=_BUILD) from error


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    is_test = path.parent == PurePosixPath("tests") and path.suffix == ".py" and path.name != "__init__.py"
    return is_test or name in ("otter_config.json", LAB_JSON)


def _is_support_file(name: str) -> bool:
    return name.startswith(_SUPPORT) and not name.endswith("/") and is_support_path(name.removeprefix(_SUPPORT))


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise AssignmentError(f"{path.name} holds damaged JSON: {error}.", hint=_BUILD) from error
    return content if isinstance(content, dict) else {}


def _settings(lab: dict[str, Any], config: dict[str, Any], path: Path) -> tuple[Limits, int]:
    """Limits and seed, the kit's own settings before otter's."""
    try:
        named = dict(lab.get("limits", {}))
        limits = Limits(**named)
        seed = int(lab.get("seed") or config.get("seed") or 0)
        sound = all(value > 0 for value in named.values()) and 0 <= seed <= _MAX_SEED
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise AssignmentError(
            f"{path.name}: the limits or the seed in {LAB_JSON} or otter_config.json are no numbers that can be used "
            f"(limits above 0, seed from 0 to {_MAX_SEED}).",
            hint=_BUILD,
        )
    return limits, seed


def _natural(name: str) -> list[tuple[int, int | str]]:
    """q2 before q10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def _inspect(tests: Mapping[str, str], isolation: Isolation) -> list[dict[str, Any]]:
    from autograder.handover.checker_files import DESCRIPTION

    with job_folder() as folder:
        outcome = isolation.run(Job(INSPECT_TESTS, {"tests": dict(tests)}, folder, _INSPECTION))
        file = folder / DESCRIPTION
        if outcome.end != "done" or not file.exists():
            raise AssignmentError(
                f"The tests could not be loaded: {outcome.detail or 'no description came back'}.", hint=_OTHER
            )
        answer = json.loads(file.read_text(encoding="utf-8"))
    if "error" in answer:
        raise AssignmentError(answer["error"], hint=answer["hint"])
    questions: list[dict[str, Any]] = answer["questions"]
    return questions


@dataclass(frozen=True)
class _Told:
    """What lab.json tells of a question beyond its tests."""

    variables: tuple[str, ...]
    stubs: tuple[str, ...]
    title: str
    depends_on: tuple[str, ...]


def _told(lab: dict[str, Any], path: Path) -> dict[str, _Told]:
    """What lab.json tells of each question, in order; empty without one."""
    damage = AssignmentError(f"{path.name}: {LAB_JSON} is not as this version of the kit writes it.", hint=_BUILD)
    try:
        told = {
            str(entry["name"]): _Told(
                variables=tuple(map(str, entry["variables"])),
                stubs=tuple(map(str, entry["stubs"])),
                title=str(entry.get("title", "")),
                depends_on=tuple(map(str, entry.get("depends_on", ()))),
            )
            for entry in lab.get("questions", ())
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise damage from error
    earlier: set[str] = set()
    for name, question in told.items():
        if not earlier.issuperset(question.depends_on):
            raise damage
        earlier.add(name)
    return told


def _questions(described: list[dict[str, Any]], lab: dict[str, Any], path: Path) -> tuple[Question, ...]:
    told = _told(lab, path)
    names = [entry["name"] for entry in described]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise AssignmentError(
            f"{path.name}: the question {twice[0]} stands in it twice, in two test files.", hint=_BUILD
        )
    if told and sorted(told) != sorted(names):
        raise AssignmentError(f"{path.name}: {LAB_JSON} and the tests do not name the same questions.", hint=_BUILD)
    order = {name: position for position, name in enumerate(told or names)}
    questions: list[Question] = []
    seen: set[str] = set()
    for entry in sorted(described, key=lambda entry: order[entry["name"]]):
        tests = tuple(
            Test(t["name"], t["hidden"], t["points"], tuple(t["required"]), tuple(t["optional"]))
            for t in entry["tests"]
        )
        required = dict.fromkeys(name for test in tests for name in test.required)
        # Without lab.json, a variable belongs to the first question that asks for it.
        guessed = [name for name in required if name not in seen and name != ENVIRONMENT and name not in USUAL_NAMES]
        own = told.get(entry["name"], _Told(tuple(guessed), (), "", ()))
        seen.update(required)
        questions.append(
            Question(
                name=entry["name"],
                max_score=round(float(sum(test.points for test in tests)), 6),
                all_or_nothing=entry["all_or_nothing"],
                tests=tests,
                variables=own.variables,
                stubs=own.stubs,
                title=own.title,
                depends_on=own.depends_on,
            )
        )
    return tuple(questions)
