"""Every fault of a master is named with line and question before otter runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from autograder.authoring.master import read_cells, read_master
from autograder.authoring.outline import prerequisites_of, titles
from autograder.authoring.settings import LabSettings, read_settings
from autograder.authoring.validate import check_master
from autograder.errors import MasterError, SeveralFaultsError
from autograder.labs.lateness import LatePolicy

HELPER_CELL = '# %% tags=["test-helpers"]'
TEST_HEAD = '# %%\n""" # BEGIN TEST CONFIG\npoints: 1\nhidden: false\n""" # END TEST CONFIG\n'
BEGIN_Q1 = "# %% [raw]\n# # BEGIN QUESTION\n# name: q1"
BEGIN_Q2 = BEGIN_Q1.replace("q1", "q2")


@dataclass(frozen=True)
class Fault:
    """A change to the sound master; `says` is in the message, `at` in its line."""

    name: str
    old: str
    new: str
    says: str
    at: str | None
    question: str | None = "q1"

    def __str__(self) -> str:
        return self.name


FAULTS = (
    Fault("no_config", "# # ASSIGNMENT CONFIG", "# # SOMETHING", "no assignment configuration", "# %% [raw]", None),
    Fault("config_no_yaml", "# name: fractions", "# name: [fractions", "cannot be read", "init_cell", None),
    Fault("config_ok_format", "#   ok_format: false", "#   ok_format: true", "exception-based", "ASSIGNMENT", None),
    Fault("config_test_files", "#   ok_format: false", "#   ok_format: false\n#   files: true", "`files:`", "AS", None),
    Fault("config_key", "# init_cell: true", "# init_cel: true", "is `init_cell` meant?", "ASSIGNMENT CONFIG", None),
    Fault("misspelt_parameter", "test_q1_largest_share(largest)", "test_q1_largest_share(lagest)",
          "`lagest`, which no cell sets: is `largest` meant?", "def test_q1_l"),
    Fault("passes_a_lambda", '    found = array_of(shares, "shares")', "    found = shares(lambda: 1)",
          "a test passes a function of its own, `lambda: 1`, to `shares`", "shares(lambda"),
    Fault("passes_a_helper", '    found = array_of(shares, "shares")', "    found = shares(key=array_of)",
          "a test passes a function of its own, `array_of`, to `shares`", "shares(key"),
    Fault("passes_a_function_of_its_own", '    found = array_of(shares, "shares")',
          "    def own(): pass\n    found = shares([1], own)",
          "a test passes a function of its own, `own`, to `shares`", "shares([1]"),
    Fault("config_name", "# name: fractions", "# name: other", "name: fractions", "ASSIGNMENT CONFIG", None),
    Fault("two_helpers", "# %%\nimport numpy", f"{HELPER_CELL}\nimport numpy", "2 cells", "import numpy", None),
    Fault("undefined", "np.any(np.diff(array_of(sh", "np.any(np.diff(arrays_of(sh", "`arrays_of`", "arrays_of", "q3"),
    Fault("undefined_helper", HELPER_CELL, "# %%", "`MEASURED`, which is defined nowhere", "MEASURED", "q1"),
    Fault("misspelt", "(largest):", "(largst):", "`largst`, which no cell sets", "test_q1_largest_share"),
    Fault("hidden_by_a_parameter", "def array_of(", "largest = 1\n\n\ndef array_of(", "`largest` hides", "test_q1_l"),
    Fault("lost_statement", "def array_of(", "MEASURED['x'] = 1\n\n\ndef array_of(", "cannot be copied", "['x']", None),
    Fault("no_such_check", "import numpy as np\n\nMEASURED", "from autograder.checks.core import chek\n\nMEASURED",
          "no `chek` in autograder.checks.core", "chek", None),
    Fault("helper_name", "def array_of(", "points = 3\ndef array_of(", "rename", "points = 3", None),
    Fault("tab_for_times", "Shares of a whole are", "Shares $a \times b$ are", "control character", "Shares $a", None),
    Fault("syntax_given", "values = np.array([3.0,", "values = np.array(([3.0,", "Python cannot", "values =", None),
    Fault("syntax_answer", "shares = values / values.sum()", "shares = values / / 2", "Python cannot", "shares = v"),
    Fault("syntax_test", "def test_q1_shares_sum_to_one(shares):", "def test_q1(shares:", "cannot read", "def test_q1"),
    Fault("two_functions", TEST_HEAD, f"{TEST_HEAD}def helper():\n    return 1\n\n", "exactly one", "def helper"),
    Fault("more_than_a_function", TEST_HEAD, f"{TEST_HEAD}x = 1\n", "exactly one", "x = 1"),
    Fault("own_lambda", "(largest):\n", "(largest):\n    largest(lambda: 1)\n", "`lambda: 1`, to `largest`", "st(l"),
    Fault("own_helper", "(largest):\n", "(largest):\n    largest(key=array_of)\n", "own, `array_of`", "largest(k"),
    Fault("star", "test_q1_largest_share(largest)", "test_q1_largest_share(*largest)", "by name", "def test_q1_l"),
    Fault("same_name", "def test_q2_running_total", "def test_q1_largest_share", "already", "test_q1_largest", "q2"),
    Fault("no_points_test", "points: 1\nhidden: true", "hidden: true", "no points", "BEGIN TEST CONFIG"),
    Fault("points_test_text", "points: 1\nhidden: true", "points: one\nhidden: true", "is 'one'", "BEGIN TEST"),
    Fault("points_text", "# name: q1\n# points: 2", "# name: q1\n# points: two", "is 'two'", "BEGIN Q"),
    Fault("test_key", "points: 1\nhidden: true", "points: 1\nhiden: true", "`hiden`: is `hidden` meant?", "BEGIN TEST"),
    Fault("question_key", "# depends_on: q1", "# depend_on: q1", "is `depends_on` meant?", "BEGIN Q", "q2"),
    Fault("unknown_key", "points: 1\nhidden: true", "points: 1\nsecret: true", "unknown key `secret`", "BEGIN TEST"),
    Fault("hidden_text", "hidden: true", "hidden: perhaps", "true or false", "BEGIN TEST CONFIG"),
    Fault("quote", "Look at the largest value again.", 'Look at "largest".', "failure_message", "BEGIN TEST CONFIG"),
    Fault("sum_of_points", "# name: q1\n# points: 2", "# name: q1\n# points: 3", "the question says 3", "BEGIN Q"),
    Fault("no_points", "# name: q1\n# points: 2", "# name: q1", "no points", "BEGIN QUESTION"),
    Fault("unknown_question_key", "# depends_on: q1", "# build_on: q1", "unknown key `build_on`", "BEGIN Q", "q2"),
    Fault("builds_on_unknown", "# depends_on: q1", "# depends_on: q7", "no such question", "BEGIN Q", "q2"),
    Fault("builds_on_itself", "# depends_on: q1", "# depends_on: [q1, q2]", "on itself", "BEGIN Q", "q2"),
    Fault("builds_on_later", "# depends_on: q1", "# depends_on: q3", "comes after it", "BEGIN Q", "q2"),
    Fault("builds_in_a_cycle", "# name: q1\n", "# name: q1\n# depends_on: q2\n", "comes after it", "BEGIN Q"),
    Fault("builds_on_number", "# depends_on: q1", "# depends_on: 1", "write the name of a question", "BEGIN Q", "q2"),
    Fault("builds_on_table", "# depends_on: q1", "# depends_on: {q1: x}", "the name of a", "BEGIN Q", "q2"),
    Fault("manual", "# name: q1\n", "# name: q1\n# manual: true\n", "has no tests", "BEGIN TEST CONFIG"),
    Fault("no_public_test", "points: 1.5\nhidden: false", "points: 1.5\nhidden: true", "no public", "BEGIN Q", "q2"),
    Fault("test_without_config", TEST_HEAD, "# %%\n", "begins with its configuration", "def test_q1_shares"),
    Fault("no_name", "# name: q1", "# title: q1", "name is None", "BEGIN QUESTION", None),
    Fault("two_q1", "# name: q2", "# name: q1", "two questions named q1", "BEGIN QUESTION", None),
    Fault("other_answer_tag", '["answer:q1"]', '["answer:q2"]', "answer:q2", "shares = values"),
    Fault("answer_outside", "# %%\nimport numpy", '# %% tags=["answer:q1"]\nimport numpy', "outside", "import", None),
    Fault("unclosed_question", "# %% [raw]\n# # END QUESTION\n\n" + BEGIN_Q2,
          BEGIN_Q2, "END QUESTION is missing", "BEGIN QUESTION"),
    Fault("unclosed_tests", "# %% [raw]\n# # END TESTS\n\n# %% [raw]\n# # END QUESTION\n\n" + BEGIN_Q2,
          "# %% [raw]\n# # END QUESTION\n\n" + BEGIN_Q2, "END TESTS is missing", "END QUESTION"),
    Fault("end_without_begin", BEGIN_Q1, f"# %% [raw]\n# # END TESTS\n\n{BEGIN_Q1}", "without a", "END TESTS", None),
    Fault("begin_outside", BEGIN_Q1, f"# %% [raw]\n# # BEGIN TESTS\n\n{BEGIN_Q1}", "outside", "BEGIN TESTS", None),
    Fault("unknown_line", "# # BEGIN SOLUTION", "# # BEGIN SOLUTIONS", "no line otter knows", "BEGIN SOLUTIONS"),
    Fault("prompt_cell", "# # BEGIN SOLUTION", "# # BEGIN PROMPT", "not used here", "BEGIN PROMPT"),
    Fault("text_in_tests", "# # BEGIN TESTS\n", "# # BEGIN TESTS\n\n# %% [markdown]\n# Hello\n", "a markdown", "Hello"),
    Fault("unclosed_solution_mark", "sum()\n# END SOLUTION\n", "sum()\n", "END SOLUTION", '""" # BEGIN PROMPT', "q2"),
    Fault("stray_end_mark", "# BEGIN SOLUTION NO PROMPT\n", "", "without a BEGIN", "# END SOLUTION", "q2"),
    Fault("mark_in_given_code", "values = np.array(", "count = 8  # SOLUTION\nvalues = np.array(", "outside an answer",
          "count = 8", None),
    Fault("mark_in_test", "    found = array_of(shares", "    pass  # SOLUTION\n    found = array_of(shares", "outside",
          "pass  # SOL"),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_named_with_its_place(master_text: str, fault: Fault) -> None:
    assert fault.old in master_text, "the sound master has changed: so must this case"
    text = master_text.replace(fault.old, fault.new, 1)
    with pytest.raises(MasterError) as caught:
        check_master(read_master(text, name="fractions", file="solutions/fractions.py"))
    error = caught.value
    assert fault.says in str(error)
    assert error.file == "solutions/fractions.py"
    assert error.question == fault.question
    if fault.at is not None:
        assert error.line is not None
        assert fault.at in text.splitlines()[error.line - 1]
        assert f"solutions/fractions.py:{error.line}" in str(error)


def test_all_faults_of_a_master_are_reported_at_once(master_text: str) -> None:
    text = master_text.replace("# name: q1\n# points: 2", "# name: q1\n# points: 3", 1)
    text = text.replace("points: 1\nhidden: true", "points: 1\nsecret: true", 1)
    text = text.replace("# depends_on: q1", "# depends_on: q7", 1)
    text = text.replace("shares.sort()  # SOLUTION", "shares.sort(  # SOLUTION", 1)
    with pytest.raises(SeveralFaultsError) as caught:
        check_master(read_master(text, name="fractions", file="solutions/fractions.py"))
    assert "3 faults" in str(caught.value)
    found = [(fault.question, fault.line is not None) for fault in caught.value.faults]
    assert found == [("q3", True), ("q1", True), ("q2", True)]
    assert all(f"solutions/fractions.py:{fault.line}" in str(caught.value) for fault in caught.value.faults)


def test_a_solution_cell_without_a_tag_is_an_answer_to_its_question(master_text: str) -> None:
    text = master_text.replace('# %% tags=["answer:q1"]', "# %%", 1)
    master = read_master(text, name="fractions", file="solutions/fractions.py")
    check_master(master)
    sound = read_master(master_text, name="fractions", file="solutions/fractions.py")
    assert [cell.tags for cell in master.cells] == [cell.tags for cell in sound.cells]


def as_notebook(text: str) -> str:
    cells = [
        {"cell_type": cell.kind, "metadata": {"tags": list(cell.tags)}, "source": cell.source.splitlines(keepends=True)}
        for cell in read_cells(text)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_notebook_is_a_master_too(master_text: str) -> None:
    master = read_master(as_notebook(master_text), name="fractions", file="solutions/fractions.ipynb")
    check_master(master)
    sound = read_master(master_text, name="fractions", file="solutions/fractions.py")
    assert [(cell.kind, cell.source) for cell in master.cells] == [(cell.kind, cell.source) for cell in sound.cells]
    assert [question.name for question in master.questions] == ["q1", "q2", "q3"]


def test_a_fault_in_a_notebook_is_named_with_its_cell(master_text: str) -> None:
    text = as_notebook(master_text.replace("largest = shares.max()", "largest = shares.max((", 1))
    with pytest.raises(MasterError) as caught:
        check_master(read_master(text, name="fractions", file="solutions/fractions.ipynb"))
    cells = json.loads(text)["cells"]
    number = next(n for n, cell in enumerate(cells, start=1) if "largest = shares.max((" in "".join(cell["source"]))
    assert f"solutions/fractions.ipynb, cell {number}, line 2, question q1: Python" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", '{"worksheets": []}', '{"cells": [3]}'])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(MasterError, match="not a notebook of format 4"):
        read_master(text, name="fractions", file="solutions/fractions.ipynb")


def outline(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    master = read_master(text, name="fractions", file="solutions/fractions.py")
    named = titles(master)
    return {question.name: (named[question.name], prerequisites_of(question)) for question in master.questions}


def test_titles_and_bases_are_read(master_text: str) -> None:
    assert outline(master_text) == {
        "q1": ("shares", ()),
        "q2": ("the running total", ("q1",)),
        "q3": ("in order", ("q1", "q2")),
    }


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## Question 2: the running total (1.5 points)", "the running total"),
        ("# Question 2. Sums (of squares) (1 point)", "Sums (of squares)"),
        ("### Task B: Look (twice)", "Look (twice)"),
        ("## The running total", ""),
    ],
)
def test_a_title_comes_from_the_questions_heading(master_text: str, heading: str, title: str) -> None:
    text = master_text.replace("## Question 2: the running total (1.5 points)", heading)
    found = outline(text)
    assert found["q2"][0] == title
    assert found["q3"][0] == "in order"


def test_a_sound_master_passes(master_text: str) -> None:
    master = read_master(master_text, name="fractions", file="solutions/fractions.py")
    check_master(master)
    assert master.title == "Fractions of an array"
    assert [question.name for question in master.questions] == ["q1", "q2", "q3"]
    assert [len(question.tests) for question in master.questions] == [2, 1, 1]


def test_every_cell_knows_its_line(master_text: str) -> None:
    lines = master_text.splitlines()
    for cell in read_cells(master_text):
        assert cell.line is not None
        first = cell.source.split("\n")[0]
        assert first in lines[cell.line - 1]


def test_lines_for_ipython_are_no_syntax_errors(master_text: str) -> None:
    text = master_text.replace("# %%\nimport numpy", "# %%\n# %matplotlib inline\nimport numpy", 1)
    check_master(read_master(text, name="fractions", file="solutions/fractions.py"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed = ", "not TOML"),
        ("sed = 3", "unknown setting `sed`: is `seed` meant?"),
        ("[limit]\nseconds = 3", "unknown setting `limit`: is `limits` meant?"),
        ("seconds = 3", "unknown setting `seconds`: write it below a line `[limits]`"),
        ("[limits]\nminutes = 3", "unknown setting `minutes` in [limits]: known are "),
        ("[limits]\nsecnds = 3", "unknown setting `secnds` in [limits]: is `seconds` meant?"),
        ("limits = 3", "must be a table"),
        ("[limits]\nseconds = 0", "`seconds` is 0"),
        ("[limits]\nmemory_mb = '4 GB'", "`memory_mb` is '4 GB'"),
        ("seed = true", "`seed` is True"),
        ("late = 10", "`late` must be a table"),
        ("[late]\npercent_per_day = 10", "[late]: `due` is missing"),
        ("[late]\ndue = 2026-10-05T23:59:00", "has no time zone"),
    ],
)
def test_faults_of_the_settings_are_named(text: str, says: str) -> None:
    with pytest.raises(MasterError, match=r"solutions/fractions\.toml") as caught:
        read_settings(text, file="solutions/fractions.toml")
    assert says in str(caught.value)


def test_settings_that_are_not_said_keep_their_defaults() -> None:
    assert read_settings("", file="x.toml") == LabSettings({"seconds": 300, "memory_mb": 4096}, seed=1234)
    assert read_settings("seed = 7\n[limits]\nseconds = 60", file="x.toml") == LabSettings(
        {"seconds": 60, "memory_mb": 4096}, 7
    )


def test_a_lab_says_what_late_costs() -> None:
    text = "[late]\ndue = 2026-10-05T23:59:00+02:00\ngrace_minutes = 15\npercent_per_day = 10"
    late = read_settings(text, file="x.toml").late
    assert late == LatePolicy(datetime(2026, 10, 5, 21, 59, tzinfo=UTC), 15, 10)


def test_every_limit_can_be_set() -> None:
    text = "[limits]\ncpu_seconds = 9\nprocesses = 40\nscratch_mb = 1\noutput_mb = 2"
    found = read_settings(text, file="x.toml").limits
    assert found == {
        "seconds": 300,
        "memory_mb": 4096,
        "cpu_seconds": 9,
        "processes": 40,
        "scratch_mb": 1,
        "output_mb": 2,
    }


@pytest.mark.parametrize("text", ["[limits]\nprocesses = 0", "[limits]\nopen_files = true", "[limits]\nfiles = 3"])
def test_limits_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(MasterError):
        read_settings(text, file="x.toml")
