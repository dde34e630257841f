"""`build` proves a lab: the key earns every point, the untouched notebook none.

Mistakes are named with their place.
"""

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
    """A change to a sound master, and the message, line and question expected."""

    name: str
    lab: str
    old: str
    new: str
    says: str
    at: str
    question: str | None

    def __str__(self) -> str:
        return self.name


# Labs are built together, and each mistake costs another test: one build shows them all.
MISTAKES = (
    Mistake("wrong_expected_value", "one", "- 9.0 / 31.0)", "- 9.0 / 30.0)",
            "does not pass the test test_q1_largest_share", "def test_q1_largest", "q1"),
    Mistake("undefined_name_in_the_solution", "one", "range(len(values))", "range(len(valuez))",
            "the solution raises NameError: name 'valuez' is not defined: is `values` meant?", "for position in", "q2"),
    Mistake("public_test_passes_on_the_stub", "one",
            'if np.any(np.diff(array_of(shares, "shares")) < 0):',
            'if shares is not ... and np.any(np.diff(array_of(shares, "shares")) < 0):',
            "passes on the untouched notebook", "def test_q3_sorted", "q3"),
    Mistake("answer_in_a_public_test", "two", "def test_q1_shares_sum_to_one(shares):",
            "def test_q1_shares_sum_to_one(shares, largest):\n    assert largest == 0.2903225806451613",
            "holds the answer largest = 0.29", "assert largest ==", "q1"),
    Mistake("error_in_a_hidden_test", "two", '    off = abs(', "    off = largest.minus(1) + abs(",
            "has no attribute 'minus'). Correct the test", "def test_q1_larg", "q1"),
    Mistake("threshold_above_the_key", "two",
            '    if np.any(np.diff(array_of(shares, "shares")) < 0):',
            '    if max(array_of(shares, "shares")) < 0.3:\n        raise AssertionError("0.3 is required")\n'
            '    if np.any(np.diff(array_of(shares, "shares")) < 0):',
            "test_q3_sorted: 0.3 is required. Correct the test, or the solution", "def test_q3_sorted", "q3"),
    Mistake("missing_support_file", "three", "values = np.array([3.0, ", "values = np.loadtxt('rain.csv')  # ([3.0, ",
            "a given cell raises FileNotFoundError: rain.csv not found: put the file into solutions/files/three/",
            "rain.csv", None),
    Mistake("process_ended", "five", "largest = shares.max()", "largest = exec('import os; os._exit(3)')",
            "could not be graded: its process ended with exit code 3 (in code cell [3]). Look", "BEGIN QUESTION", "q1"),
    # `seven` shows kinds of answers that the table in docs/live-answers.md refuses; `shares` is what q2 depends on.
    Mistake("array_that_cannot_cross", "seven", "shares = values / values.sum()  # SOLUTION",
            "shares = values.view('V8')  # SOLUTION",
            "the answer `shares` of the key does not reach the test test_q1_shares_sum_to_one: it is an array of dtype "
            "|V8: an array of numbers is needed. Give the answer", "shares = values.view", "q1"),
    Mistake("number_that_cannot_cross", "seven", "largest = shares.max()", "largest = 1 << 5000",
            "the answer `largest` of the key does not reach the test test_q1_largest_share: it is a whole number of "
            "more than a thousand digits", "largest = 1 << 5000", "q1"),
    Mistake("error_in_what_tests_share", "four", "MEASURED = {}", "MEASURED = dict(1)",
            "the tests cannot be loaded: TypeError: 'int' object is not iterable", "dict(1)", None),
)  # fmt: skip


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, master_text: str) -> tuple[dict[str, str], SeveralFaultsError]:
    """The texts of the masters with the mistakes, and what their build says."""
    texts = {mistake.lab: master_text.replace("# name: fractions", f"# name: {mistake.lab}") for mistake in MISTAKES}
    for mistake in MISTAKES:
        assert mistake.old in texts[mistake.lab]
        texts[mistake.lab] = texts[mistake.lab].replace(mistake.old, mistake.new, 1)
    root = tmp_path_factory.mktemp("damaged")
    (root / "solutions").mkdir()
    for lab, text in texts.items():
        (root / "solutions" / f"{lab}.py").write_text(text, encoding="utf-8")
    with pytest.raises(SeveralFaultsError) as caught:
        build(root)
    assert not (root / "assignment").exists(), "a lab that is not proved is not written"
    return texts, caught.value


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_that_only_shows_when_the_key_runs_is_named(
    damaged: tuple[dict[str, str], SeveralFaultsError], mistake: Mistake
) -> None:
    texts, error = damaged
    file = f"solutions/{mistake.lab}.py"
    found = [fault for fault in error.faults if (fault.file, fault.question) == (file, mistake.question)]
    fault = next((fault for fault in found if mistake.says in str(fault)), None)
    assert fault is not None, [str(fault) for fault in found]
    assert fault.line is not None
    assert mistake.at in texts[mistake.lab].splitlines()[fault.line - 1]
    of_question = "" if mistake.question is None else f", question {mistake.question}"
    assert f"{file}:{fault.line}{of_question}: " in str(error)
    assert "correct solutions/" in (error.hint or "")


@pytest.mark.slow
def test_what_only_follows_from_a_mistake_is_no_fault(damaged: tuple[dict[str, str], SeveralFaultsError]) -> None:
    by_lab = {
        lab: sum(fault.file == f"solutions/{lab}.py" for fault in damaged[1].faults)
        for lab in ("three", "four", "five")
    }
    assert by_lab == {"three": 1, "four": 1, "five": 1}


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
