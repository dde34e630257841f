"""`lab.json`: what an autograder zip says of a lab beyond otter's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import AssignmentError
from autograder.handover.protocol import decode

LAB_JSON = "lab.json"


@dataclass(frozen=True)
class QuestionEntry:
    """A question of the lab.

    Args:
        name: its name.
        variables: its answer variables.
        stubs: its answer cells as handed out.
        title: what it is about.
        depends_on: the earlier questions without which it cannot be answered.
        points: its points.
        manual: whether a person marks it; it has no tests then.
        written: what its text cells held when they were handed out, in every language.
    """

    name: str
    variables: tuple[str, ...]
    stubs: tuple[str, ...]
    title: str = ""
    depends_on: tuple[str, ...] = ()
    points: float = 0.0
    manual: bool = False
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabFile:
    """The file; unknown keys are passed over.

    Args:
        lab: the name of the lab.
        title: its title.
        questions: its questions, in order.
        limits: its own resource limits, by name.
        seed: the random seed; None for that of otter's configuration.
        late: its lateness policy, as `lateness.policy_from` reads it.
        messages: translations of the tests' messages, by language and English text.
        versions: the version of the student notebook by language (see `authoring.notebook_version`).
    """

    lab: str = ""
    title: str = ""
    questions: tuple[QuestionEntry, ...] = ()
    limits: Mapping[str, int | float] = field(default_factory=dict)
    seed: int | None = None
    late: Mapping[str, Any] | None = None
    messages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def read_lab_file(text: str, archive: str) -> LabFile:
    """Read the file.

    Args:
        text: its content.
        archive: the name of the zip, for messages.

    Raises:
        AssignmentError: it is damaged, or a question depends on one that does not come before it.
    """
    try:
        found = decode(text.encode("utf-8", "surrogatepass"), LabFile)
    except ValueError as error:
        raise _damage(archive, f": {error}") from error
    earlier: set[str] = set()
    for question in found.questions:
        if not earlier.issuperset(question.depends_on):
            raise _damage(archive, f": {question.name} depends on a question that does not come before it")
        earlier.add(question.name)
    return found


def _damage(archive: str, why: str) -> AssignmentError:
    return AssignmentError(f"{archive}: {LAB_JSON} does not have this version's format{why}.", hint="autograder build")
