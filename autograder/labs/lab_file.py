"""`lab.json`: what an autograder zip says of a lab beyond otter's tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from autograder.errors import AssignmentError
from autograder.handover.protocol import decode

LAB_JSON = "lab.json"


class QuestionEntry(msgspec.Struct, frozen=True, omit_defaults=True):
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


class LabFile(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="schema", tag=1):
    """The file; unknown keys are passed over, and keys with their default left out.

    Args:
        lab: the name of the lab.
        title: its title.
        questions: its questions, in order.
        limits: its own resource limits, by name.
        seed: the random seed; None for that of otter's configuration.
        late: its lateness policy, as `lateness.policy_from` reads it.
        keras: whether its notebooks or tests use Keras.
        pandas: whether its notebooks or tests use pandas.
        messages: translations of the tests' messages, by language and English text.
        versions: the version of the student notebook by language (see `authoring.notebook_version`).
        given: digests of the texts that were handed out, in every language, if a person marks some answers.
    """

    lab: str = ""
    title: str = ""
    questions: tuple[QuestionEntry, ...] = ()
    limits: Mapping[str, int | float] = {}
    seed: int | None = None
    late: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = {}
    keras: bool = True
    pandas: bool = False
    messages: Mapping[str, Mapping[str, str]] = {}
    given: tuple[str, ...] = ()


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


def lab_file_bytes(lab: LabFile) -> bytes:
    """Return the content of the file, indented for people."""
    return msgspec.json.format(msgspec.json.encode(lab), indent=2) + b"\n"


def _damage(archive: str, why: str) -> AssignmentError:
    return AssignmentError(f"{archive}: {LAB_JSON} does not have this version's format{why}.", hint="autograder build")
