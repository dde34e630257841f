"""The checker in a worker: hand-made test files on hand-made answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.handover.checker_files import VERDICTS
from autograder.handover.tasks import RUN_TESTS
from autograder.sandbox import Job
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import QUICK, question_file

ANSWERS = {
    "number": {"kind": "int", "value": 3},
    "stub": {"kind": "stub"},
    "nothing": {"kind": "none"},
    "odd": {"kind": "unusable", "reason": "it is a set, which cannot be handed over as plain data"},
    "half": {"kind": "str", "value": "\ud800"},
}
TESTS = question_file(
    "q1",
    "@test_case()\ndef passes(number): assert number == 3",
    "@test_case()\ndef plain_assert(number): assert number == 4, f'{number} is wrong'",
    "@test_case()\ndef bare_assert(number):\n    assert number == 4",
    "@test_case(failure_message='Look again.')\ndef noted(number): raise AssertionError('too small')",
    "@test_case()\ndef stumbles(gap): gap + 1",
    "@test_case()\ndef missing_is_None(missing): assert missing is None",
    "@test_case(points=0)\ndef default_is_not_used(missing=7, number=0): assert (missing, number) == (None, 3)",
    "@test_case()\ndef cannot_use(odd, number): pass",
    "@test_case()\ndef optional_cannot_use(number, odd=None): assert odd is None",
    "@test_case()\ndef half_a_character(half): raise AssertionError(half)",
    "@test_case()\ndef long(number): raise AssertionError('x' * 100_000)",
    "@test_case()\ndef exits(number): raise SystemExit(3)",
    "@test_case()\ndef silent(number): raise AssertionError",
    "@test_case()\ndef prints(number): print('x' * 10_000); assert number",
    "@test_case(hidden=True)\ndef hidden_wrong(number): assert number == 4, 'it must be 4'",
    "@test_case(hidden=True, failure_message='Count again.')\ndef hidden_noted(number): assert number == 4",
    "@test_case(hidden=True)\ndef hidden_stumbles(gap): raise KeyError('expected 4')",
    "@test_case(hidden=True)\ndef hidden_silent(number): raise AssertionError",
    "@test_case(hidden=True)\ndef s(nothing): assert nothing is None",
)
SHARES = question_file(
    "q3",
    """
class Partly(AssertionError):
    def __init__(self, share, text="so far"):
        super().__init__(text)
        self.share_of_points = share
class Stumble(ValueError):
    share_of_points = 1.0
import numpy as np
MEASURED = {}
""",
    "@test_case()\ndef half(number): raise Partly(0.5)",
    "@test_case(hidden=True)\ndef hidden_third(number): raise Partly(np.float32(0.25), 'a quarter')",
    "@test_case()\ndef above(number): raise Partly(7)",
    "@test_case()\ndef below(number): raise Partly(-0.5)",
    "@test_case()\ndef nan(number): raise Partly(float('nan'))",
    "@test_case()\ndef endless(number): raise Partly(float('inf'))",
    "@test_case()\ndef text(number): raise Partly('1')",
    "@test_case()\ndef truth(number): raise Partly(True)",
    "@test_case()\ndef nothing(number): raise Partly(None)",
    "@test_case()\ndef stumbles(number): raise Stumble('over it')",
    "@test_case()\ndef cannot_use(odd, number): raise Partly(1.0)",
    """@test_case()
def measures(number):
    MEASURED.update(accuracy=np.float32(0.5), third=1 / 3, count=number, nan=float("nan"), text="1", truth=True)
    MEASURED.update({"not a name": 1.0, 7: 1.0, "x" * 41: 1.0, "tensor": np.ones(3)})
""",
    """@test_case()
def measures_much(number):
    MEASURED.update({f"m{n}": n for n in range(100)})
""",
)
SHARED = """
import numpy as np
LIMIT = 4
def helper(value):
    if value != LIMIT: raise AssertionError(f'{value} is not what was asked for')
"""


def check(
    fork_server: ForkServer,
    folder: Path,
    tests: Mapping[str, str],
    *,
    explain_hidden: bool = True,
    given: Sequence[str] = ("q1",),
) -> dict[str, Any]:
    """The verdicts on all answers above, for each question in `given`."""
    handover_folder = folder / "handed"
    handover_folder.mkdir()
    lines = [json.dumps({"question": name, "values": ANSWERS}) + "\n" for name in given]
    (handover_folder / "answers.jsonl").write_text("".join(lines), encoding="utf-8")
    payload = {"input": str(handover_folder), "tests": dict(tests), "explain_hidden": explain_hidden}
    job = folder / "job"
    job.mkdir()
    outcome = fork_server.run(Job(RUN_TESTS, payload, job, QUICK))
    assert outcome.end == "done", (job / "worker.log").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in (job / VERDICTS).read_text(encoding="utf-8").splitlines()]
    return {entry["question"]: entry["verdict"] for entry in entries if "question" in entry}


@pytest.fixture(scope="module")
def explained(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The verdicts where hidden messages were written for students."""
    other = question_file("q2", SHARED, "@test_case()\ndef a(number): helper(number)")
    tests = {"tests/q1.py": TESTS, "tests/q2.py": other, "tests/q3.py": SHARES}
    return check(fork_server, tmp_path_factory.mktemp("explained"), tests, given=("q1", "q3"))


@pytest.fixture(scope="module")
def unexplained(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """The messages where they were not."""
    found = check(fork_server, tmp_path_factory.mktemp("unexplained"), {"tests/q1.py": TESTS}, explain_hidden=False)
    return messages(found)


def messages(verdicts: Mapping[str, Any]) -> dict[str, str | None]:
    """Message of each failed test of q1, None where it passed."""
    return {test["name"]: None if test["passed"] else test["message"] for test in verdicts["q1"]["tests"]}


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("passes", None),
        ("plain_assert", "3 is wrong"),
        ("bare_assert", "The check failed."),
        ("noted", "Look again. too small"),
        ("missing_is_None", None),
        ("default_is_not_used", None),
        ("cannot_use", "odd cannot be used: it is a set, which cannot be handed over as plain data."),
        ("optional_cannot_use", None),
        ("half_a_character", "?"),
        ("exits", "This check could not use the answer (SystemExit: 3)."),
        ("silent", "The check failed."),
        ("prints", None),
        ("hidden_wrong", "it must be 4"),
        ("hidden_noted", "Count again."),
        ("hidden_stumbles", "This check could not use the answer."),
        ("hidden_silent", "A hidden check failed."),
        ("s", None),
    ],
)
def test_a_failed_test_says_why(explained: dict[str, Any], test: str, message: str | None) -> None:
    assert messages(explained)[test] == message


def test_a_public_test_that_stumbles_names_the_error(explained: dict[str, Any]) -> None:
    assert "(TypeError: unsupported operand" in str(messages(explained)["stumbles"])


def test_a_message_is_cut(explained: dict[str, Any]) -> None:
    assert len(str(messages(explained)["long"])) == 2000


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("plain_assert", "3 is wrong"),
        ("hidden_wrong", "A hidden check failed."),
        ("hidden_noted", "Count again."),
        ("hidden_stumbles", "This check could not use the answer."),
    ],
)
def test_hidden_tests_of_others_quote_nothing(unexplained: dict[str, str | None], test: str, message: str) -> None:
    assert unexplained[test] == message


def test_what_became_of_each_variable_is_reported(explained: dict[str, Any]) -> None:
    assert explained["q1"]["handed_over"] is True
    assert explained["q1"]["variables"] == {
        "number": {"state": "present"},
        "stub": {"state": "stub"},
        "nothing": {"state": "present"},
        "odd": {"state": "unusable", "reason": "it is a set, which cannot be handed over as plain data"},
        "half": {"state": "present"},
    }


def test_a_question_that_was_not_handed_over_is_checked_on_nothing(explained: dict[str, Any]) -> None:
    found = explained["q2"]
    assert found["handed_over"] is False
    assert found["variables"] == {}
    (only,) = found["tests"]
    told = {name: only[name] for name in ("name", "passed", "share", "message")}
    assert told == {"name": "a", "passed": False, "share": 0.0, "message": "None is not what was asked for"}
    assert found["measured"] == {}


@pytest.mark.parametrize(
    ("test", "share", "message"),
    [
        ("half", 0.5, "so far"),
        ("hidden_third", 0.25, "a quarter"),
        ("above", 1.0, ""),
        ("below", 0.0, "so far"),
        ("nan", 0.0, "so far"),
        ("endless", 0.0, "so far"),
        ("text", 0.0, "so far"),
        ("truth", 0.0, "so far"),
        ("nothing", 0.0, "so far"),
        ("stumbles", 0.0, "This check could not use the answer (Stumble: over it)."),
        ("cannot_use", 0.0, "odd cannot be used: it is a set, which cannot be handed over as plain data."),
        ("measures", 1.0, ""),
    ],
)
def test_a_test_may_give_a_share_of_its_points(
    explained: dict[str, Any], test: str, share: float, message: str
) -> None:
    found = next(entry for entry in explained["q3"]["tests"] if entry["name"] == test)
    told = {name: found[name] for name in ("name", "passed", "share", "message")}
    assert told == {"name": test, "passed": share == 1, "share": share, "message": message}
    assert found["unforeseen"] == (test == "stumbles")
    assert found["defect"] == ""


def test_only_finite_numbers_under_plain_names_are_measured_and_not_too_many(explained: dict[str, Any]) -> None:
    measured = explained["q3"]["measured"]
    assert len(measured) == 20
    assert list(measured.items())[:4] == [("accuracy", 0.5), ("third", 0.333333), ("count", 3.0), ("m0", 0.0)]
    assert explained["q1"]["measured"] == {}
