"""`build` proves a lab: its key earns every point, the untouched notebook none; mistakes are named with their place."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.authoring import build_labs
from autograder.authoring.key import literal_faults, without_outputs
from autograder.authoring.master import read_master
from autograder.errors import MasterError, SeveralFaultsError

ONE_TEST = """\
def test_q1_shares_sum_to_one(shares):
    found = array_of(shares, "shares")
"""


def build(root: Path, *, run_keys: bool = True) -> list[str]:
    lines: list[str] = []
    build_labs(root, (), check=False, report=lines.append, run_keys=run_keys)
    return lines


@dataclass(frozen=True)
class Mistake:
    """How an author damages the sound master; each costs another question, so that one build shows them all."""

    old: str
    new: str
    says: str
    at: str
    question: str


MISTAKES = (
    # a wrong expected value
    Mistake(
        "- 9.0 / 31.0)", "- 9.0 / 30.0)", "does not pass the test test_q1_largest_share", "def test_q1_largest", "q1"
    ),
    # a name that does not exist, in the solution
    Mistake("range(len(values))", "range(len(valuez))", "the solution raises NameError", "for position in", "q2"),
    # a public test that an untouched stub passes
    Mistake(
        'if np.any(np.diff(array_of(shares, "shares")) < 0):',
        'if shares is not ... and np.any(np.diff(array_of(shares, "shares")) < 0):',
        "passes on the untouched notebook",
        "def test_q3_sorted",
        "q3",
    ),
)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, master_text: str) -> tuple[str, SeveralFaultsError]:
    """The text of a master with the mistakes, and what its build says."""
    text = master_text
    for mistake in MISTAKES:
        assert mistake.old in text
        text = text.replace(mistake.old, mistake.new, 1)
    root = tmp_path_factory.mktemp("damaged")
    (root / "solutions").mkdir()
    (root / "solutions" / "fractions.py").write_text(text, encoding="utf-8")
    with pytest.raises(SeveralFaultsError) as caught:
        build(root)
    assert not (root / "assignment").exists(), "a lab that is not proved is not written"
    return text, caught.value


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.question)
def test_a_mistake_that_only_shows_when_the_key_runs_is_named(
    damaged: tuple[str, SeveralFaultsError], mistake: Mistake
) -> None:
    text, error = damaged
    found = [fault for fault in error.faults if fault.question == mistake.question]
    fault = next(fault for fault in found if mistake.says in str(fault))
    assert fault.line is not None
    assert mistake.at in text.splitlines()[fault.line - 1]
    assert f"solutions/fractions.py:{fault.line}, question {mistake.question}: " in str(error)


@pytest.mark.slow
def test_the_key_is_kept_with_its_outputs_and_not_run_again(master_text: str, tmp_path: Path) -> None:
    (tmp_path / "solutions").mkdir()
    master = tmp_path / "solutions" / "fractions.py"
    master.write_text(master_text.replace("largest = shares.max()", "largest = shares.max(); print(31)", 1), "utf-8")
    build(tmp_path)
    key = tmp_path / "dist" / "fractions-solution.ipynb"
    executed = key.read_bytes()
    cells = [cell for cell in json.loads(executed)["cells"] if cell["cell_type"] == "code"]
    answer = next(cell for cell in cells if cell["id"] == "answer-q1")
    assert ["".join(output["text"]) for output in answer["outputs"]] == ["31\n"]
    assert answer["execution_count"]
    assert "_print_answers" not in executed.decode()
    start = time.monotonic()
    assert build(tmp_path)[0].endswith("up to date")
    assert build(tmp_path, run_keys=False)[0].endswith("up to date")
    assert key.read_bytes() == executed
    assert time.monotonic() - start < 60
    build_labs(tmp_path, (), check=True, report=lambda _: None)
    master.write_text(master_text, "utf-8")
    build(tmp_path, run_keys=False)
    assert key.read_bytes() == without_outputs(key.read_bytes()), "outputs of another solution would be kept"


@pytest.mark.parametrize(
    ("check", "answers", "line"),
    [
        ("    assert found.size == 60000", {"n": 60000}, 3),
        ("    assert found.size == 60000", {"n": 60000.0}, 3),
        ("    assert len(found) == 8 and shares == 3", {"shares": 3}, 3),
        ("    assert np.isclose(found.sum(), 12.5)", {"total": 12.5}, 3),
        ('    assert shares == "b"', {"shares": "b"}, 3),
        ('    assert "b" == shares.strip()', {"shares": "b"}, 3),
        ('    assert shares in ("a", "b")', {"shares": "b"}, None),
        ("    assert found.ndim == 1", {"shares": 1}, None),
        ("    assert found.shape[0] == 3", {"other": 3}, None),
        ("    assert found.size > 59999", {"n": 60000}, None),
        ("    assert found.all() == True", {"shares": 1}, None),
    ],
)
def test_answers_that_stand_in_public_tests_are_found(
    master_text: str, check: str, answers: dict[str, object], line: int | None
) -> None:
    text = master_text.replace(ONE_TEST, f"{ONE_TEST}{check}\n", 1)
    master = read_master(text, name="fractions", file="solutions/fractions.py")
    faults: list[MasterError] = list(literal_faults(master, answers))
    expected = [] if line is None else [text.splitlines().index(check) + 1]
    assert [fault.line for fault in faults] == expected
    assert all(re.search(r"students can read it", str(fault)) for fault in faults)


def test_a_literal_in_a_hidden_test_is_no_leak(master_text: str) -> None:
    text = master_text.replace("off = abs(", "off = 60000 * abs(", 1)
    master = read_master(text, name="fractions", file="solutions/fractions.py")
    assert list(literal_faults(master, {"n": 60000})) == []
