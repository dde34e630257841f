"""Records that cross the boundary of the sandbox as JSON.

A payload goes in, files come out. What a student's process writes is untrusted: readers limit the size first, decode
strictly and skip damaged lines. What the checker writes may be cut short.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from autograder.results.result import Value

Record = TypeVar("Record")


class CellSource(msgspec.Struct, frozen=True):
    """A code cell; `number` counts code cells from 1."""

    number: int
    source: str


class RunPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a runner needs: cells, and for each question the names to hand over.

    `seed` is that of trainings, `trainings` those to reuse (see `runner.replay`). `record`: keep the notebook's; for
    trusted notebooks only. `files` are the lab's support files in base64, by path, `beside` those that the student
    handed in, none of which has the place of a file of the lab; `channel` the descriptors by which a
    checker calls what stays in the runner, filled in by the sandbox; `call_seconds` the time one call may take.
    """

    cells: tuple[CellSource, ...]
    handover: dict[str, tuple[str, ...]]
    seed: int = 0
    trainings: dict[str, str] = {}
    record: bool = False
    files: dict[str, str] = {}
    beside: dict[str, str] = {}
    channel: tuple[int, int] | None = None
    call_seconds: float = 5.0


class CheckPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """Input of a checker: test file sources by name, and the handover folder.

    `explain_hidden`: messages of hidden tests were written for students. `blank`: judge as if nothing had been handed
    over. To check one question while its notebook waits, `channel` and `check`, its number, replace `input`;
    `call_seconds` is the time one call may take.
    """

    tests: dict[str, str]
    explain_hidden: bool
    input: str = ""
    seed: int = 0
    blank: bool = False
    files: dict[str, str] = {}
    channel: tuple[int, int] | None = None
    check: int = 0
    call_seconds: float = 5.0


class InspectPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sources of test files by name, and support files as for a runner."""

    tests: dict[str, str]
    files: dict[str, str] = {}


class VariableState(msgspec.Struct, frozen=True, omit_defaults=True):
    """State of an answer variable; `reason` says why it is unusable."""

    state: Literal["present", "stub", "unusable"]
    reason: str = ""


@dataclass(frozen=True)
class TestVerdict:
    """Outcome of one test: the share of its points, 0 to 1, and the reason below 1.

    `message_id` and `values` are the template of the message and what its names stand for, where the test gives them.
    `defect` says what is wrong with the test itself; `unforeseen` that it met an error it did not expect.
    """

    __test__ = False  # not a pytest class

    name: str
    passed: bool
    share: float
    message: str = ""
    message_id: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    defect: str = ""
    unforeseen: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the tests of one question found.

    `handed_over`: the notebook got as far as handing over this question. `variables` has no entry for a missing one.
    """

    handed_over: bool
    variables: Mapping[str, VariableState]
    tests: tuple[TestVerdict, ...]
    measured: Mapping[str, float]


class CheckerLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of `verdicts.jsonl`: the question checked next, or its verdict.

    `begin` is null for reading the hand-over itself. `in_step` on the last line of a checker that called what stays in
    the notebook's process: the channel can be used for another check.
    """

    begin: str | msgspec.UnsetType | None = msgspec.UNSET
    question: str = ""
    verdict: Verdict | None = None
    in_step: bool = False


@dataclass(frozen=True)
class DescribedTest:
    """A test function, with its parameters without and with a default."""

    name: str
    hidden: bool
    points: float
    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True)
class DescribedQuestion:
    """The test file of a question."""

    name: str
    all_or_nothing: bool
    tests: tuple[DescribedTest, ...]


@dataclass(frozen=True)
class Description:
    """`description.json`: a lab's test files, or the reason why one is unusable."""

    questions: tuple[DescribedQuestion, ...] = ()
    error: str | None = None
    hint: str | None = None
    reason: str = ""
    test_file: str = ""
    statement: str = ""


def encode(record: object) -> bytes:
    """Encode a record as JSON on one line."""
    return msgspec.json.encode(record)


def decode(data: bytes, kind: type[Record]) -> Record:
    """Decode a record.

    Raises:
        ValueError: the data are not such a record.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def decode_lines(data: bytes, kind: type[Record]) -> Iterator[Record]:
    """Decode the lines that hold such a record; skip all others."""
    decoder = msgspec.json.Decoder(kind)
    for line in data.splitlines():
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue


def to_payload(record: object) -> dict[str, Any]:
    """Turn a record into the JSON data that a job takes."""
    payload: dict[str, Any] = msgspec.to_builtins(record)
    return payload


def from_payload(payload: Mapping[str, Any], kind: type[Record]) -> Record:
    """Turn the JSON data of a job back into its record.

    Raises:
        msgspec.ValidationError: the data are not such a record, which is a defect of the grader.
    """
    return msgspec.convert(payload, kind)
