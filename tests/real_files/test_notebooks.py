"""F03, F06, F10, F15, F17: notebooks as students hand them in."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import AssignmentError, SubmissionError
from autograder.grading.grader import Grader
from autograder.grading.unanswered import why_incomplete, why_unanswered
from autograder.handover.protocol import VariableState
from autograder.labs.assignment import Assignment, Question, Test, load_assignment
from autograder.notebooks.notebook import read_notebook
from autograder.results.result import CellError, Result
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file
from tests.fixtures.faults import FAULTS, SMALL_LAB


@pytest.fixture(scope="module")
def small_lab(fork_server: ForkServer) -> Assignment:
    return load_assignment(SMALL_LAB, fork_server)


def graded(lab: Assignment, fork_server: ForkServer, data: bytes) -> Result:
    return Grader({lab.name: lab}, fork_server, assume=lab.name).grade("x.ipynb", lambda: data)


# --- F03: support files ----------------------------------------------------------------------------------------------


def test_support_files_of_the_zip_lie_beside_the_notebook(fork_server: ForkServer) -> None:
    lab = load_assignment(FAULTS / "F03/hw1.zip", fork_server)
    assert sorted(lab.support_files) == ["data.csv"]
    result = graded(lab, fork_server, (FAULTS / "F03/hw1.ipynb").read_bytes())
    assert (result.score, result.errors) == (result.max_score, ())


def test_support_files_in_folders_and_for_tests(tmp_path: Path, fork_server: ForkServer) -> None:
    path = make_zip(
        tmp_path / "hw.zip",
        {
            "q1": question_file(
                "q1",
                "from helpers import wanted\n@test_case(points=1, hidden=False)\ndef test_one(answer):\n"
                "    assert answer == wanted() == open('data/deep/n.txt').read()\n",
            )
        },
        otter_config={"assignment_name": "hw"},
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("files/data/deep/n.txt", "42")
        archive.writestr("files/helpers.py", "def wanted():\n    return '42'\n")
        archive.writestr("files/../../escape.txt", "x")
        archive.writestr("files/", "")
    lab = load_assignment(path, fork_server)
    assert sorted(lab.support_files) == ["data/deep/n.txt", "helpers.py"]
    cell = "import helpers\nanswer = open('data/deep/n.txt').read() if helpers.wanted() else ''"
    overwrite = "open('data/deep/n.txt', 'w').write('wrong'); open('helpers.py', 'w').write('1/0')"
    result = graded(lab, fork_server, notebook_json(("q1", cell), overwrite, lab="hw"))
    assert (result.score, result.errors) == (1.0, ())


def test_support_files_that_are_too_large_are_refused(tmp_path: Path, fork_server: ForkServer) -> None:
    path = make_zip(tmp_path / "hw.zip", {"q1": question_file("q1", "@test_case()\ndef test_one(a):\n    pass\n")})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("files/large.bin", bytes(65 << 20))
    with pytest.raises(AssignmentError, match="more than 64 MB of support files"):
        load_assignment(path, fork_server)


# --- F06: check_all --------------------------------------------------------------------------------------------------


def test_check_all_after_a_variable_was_reused_changes_nothing(small_lab: Assignment, fork_server: ForkServer) -> None:
    result = graded(small_lab, fork_server, (FAULTS / "F06/lab.ipynb").read_bytes())
    assert (result.score, result.errors) == (5.0, ())


# --- F10: true sentences ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("renamed", "assigns A, but not a"),
        ("now_markdown", "changed to Markdown"),
        ("deleted", "deleted or replaced"),
    ],
)
def test_what_became_of_an_answer_is_reported(
    small_lab: Assignment, fork_server: ForkServer, name: str, says: str
) -> None:
    question = graded(small_lab, fork_server, (FAULTS / f"F10/{name}.ipynb").read_bytes()).questions[0]
    assert (question.status, question.score) == ("not_attempted", 0.0)
    assert says in question.reason


def test_timed_and_early_checked_answers_are_reported(small_lab: Assignment, fork_server: ForkServer) -> None:
    start = "import otter\ngrader = otter.Notebook()"
    data = notebook_json(start, ("q1", "%%timeit -n 1 -r 1\na = 1"), "grader.check('q2')", ("q2", "b = 2"))
    first, second = graded(small_lab, fork_server, data).questions
    assert "begins with %%timeit" in first.reason
    assert "before the answer in cell [4]" in second.reason


STUB = VariableState("stub")
QUESTION = Question("q1", 2.0, False, (Test("t", False, 2.0, ("a", "b"), ()),), ("a", "b"), stubs=("a = ...\nb = ...",))


def markdown(source: str, *, kind: str = "markdown", tagged: bool = False) -> bytes:
    document: dict[str, Any] = json.loads(notebook_json("x = 1"))
    metadata = {"tags": ["answer:q1"]} if tagged else {}
    document["cells"].append({"cell_type": kind, "source": source, "metadata": metadata})
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "states", "says"),
    [
        (notebook_json(("q1", "a = ...\nb = ...")), {"a": STUB, "b": STUB}, "not been filled in"),
        (notebook_json(("q1", "# my answer\na = ...")), {"a": STUB}, "not been filled in"),
        (notebook_json(("q1", "a = b = (...)")), {"a": STUB, "b": STUB}, "a, b was still ..."),
        (notebook_json(("q1", "A = 1\nB = 2")), {}, "assigns A, B, but not a, b"),
        (notebook_json(("q1", "def f():\n    a = 1\nf()")), {}, "only inside a function"),
        (notebook_json(("q1", "a = b = 1"), "del a, b"), {}, "was no longer there"),
        (notebook_json(("q1", "print(1)")), {}, "assigns nothing to a, b"),
        (notebook_json(("q1", "%%bash\na=1")), {}, "begins with %%bash, so it is not run as Python"),
        (notebook_json(("q1", "%%writefile a.py\na = 1")), {}, "begins with %%writefile"),
        (notebook_json(("q1", "%%time\nA = 1")), {}, "assigns A, but not a, b"),
        (notebook_json("x = 1"), {}, "deleted or replaced"),
        (markdown("a = 1"), {}, "changed to Markdown"),
        (markdown("a = 1", kind="raw"), {}, "changed to raw text"),
        (markdown("my answer: one", tagged=True), {}, "changed to Markdown"),
        (markdown("a is 1"), {}, "deleted or replaced"),
        (notebook_json("grader.check('q1')", ("q1", "a = b = 1")), {}, "before the answer in cell [2]"),
        (notebook_json("grader.check('q1')", ("q1", "A = 1"), "grader.check('q1')"), {}, "assigns A"),
    ],
)
def test_neighbours_of_a_missing_answer(data: bytes, states: dict[str, VariableState], says: str) -> None:
    assert says in why_unanswered(read_notebook(data), QUESTION, states)


HERE = VariableState("present")
TWO_CELLS = Question("q1", 2.0, False, QUESTION.tests, ("a", "b"), stubs=("a = ...", "b = ..."))


@pytest.mark.parametrize(
    ("data", "b", "says"),
    [
        (notebook_json(("q1", "a = 1"), ("q1", "B = 2")), None, "Its cell [2] assigns B, but not b: keep the names"),
        (notebook_json(("q1", "a = 1\nB = 2")), None, "Its cell [1] assigns B, but not b: keep the names"),
        (notebook_json(("q1", "a = 1"), ("q1", "b = ...")), STUB, "b was still ... when the answer was collected"),
        (notebook_json(("q1", "a = 1")), None, "No cell assigns b: its answer cell was deleted or replaced."),
        (notebook_json(("q1", "total = 1\na = total"), ("q1", "1")), None, "No cell assigns b."),
        (notebook_json(("q1", "a = 1"), ("q1", "%%timeit\nb = 2")), None, "Its cell [2] begins with %%timeit"),
        (notebook_json(("q1", "a = 1"), ("q1", "%%bash\nb=2")), None, "Its cell [2] begins with %%bash"),
        (notebook_json(("q1", "a = 1"), ("q1", "%%bash\nls")), None, "No cell assigns b."),
        (notebook_json(("q1", "a = 1"), "grader.check('q1')", ("q1", "b = 2")), None, "before the answer in cell [3]"),
        (notebook_json(("q1", "a = 1\ndef f():\n    b = 2")), None, "assigns b only inside a function"),
        (
            notebook_json(("q1", "a = 1"), ("q1", "b = 2"), "del b"),
            None,
            "b is assigned in cell [2], but was no longer",
        ),
    ],
)
def test_what_became_of_a_part_of_an_answer_is_reported(data: bytes, b: VariableState | None, says: str) -> None:
    states = {"a": HERE} if b is None else {"a": HERE, "b": b}
    assert says in why_incomplete(read_notebook(data), TWO_CELLS, states, ())


def test_a_part_that_became_text_or_was_never_reached_is_reported() -> None:
    document = json.loads(notebook_json(("q1", "a = 1")))
    document["cells"].append({"cell_type": "markdown", "source": "b = 2", "metadata": {}})
    told = why_incomplete(read_notebook(json.dumps(document).encode()), TWO_CELLS, {"a": HERE}, ())
    assert told == "The cell that assigns b was changed to Markdown, so its code does not run."
    raises = read_notebook(notebook_json(("q1", "a = 1\n1 / 0\nb = 2")))
    error = CellError(1, "ZeroDivisionError", "division by zero")
    told = why_incomplete(raises, TWO_CELLS, {"a": HERE}, (error,))
    assert told == "b was not assigned, because cell [1] raised ZeroDivisionError: division by zero."


def test_nothing_is_reported_for_a_complete_answer() -> None:
    data = read_notebook(notebook_json(("q1", "a = 1\nb = 2")))
    unusable = VariableState("unusable", "too large")
    assert why_incomplete(data, TWO_CELLS, {"a": HERE, "b": HERE}, ()) == ""
    assert why_incomplete(data, TWO_CELLS, {"a": HERE, "b": unusable}, ()) == "", "its test says that"


def test_a_part_of_an_answer_earns_its_points_and_the_rest_is_explained(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    tests = [f"@test_case(points=1)\ndef test_{name}({name}):\n    assert {name} == 1, 'wrong'\n" for name in "ab"]
    lab = lab_json({"q1": (["a", "b"], ["a = ...\nb = ..."])})
    path = make_zip(tmp_path / "tiny.zip", {"q1": question_file("q1", *tests)}, lab=lab)
    (question,) = graded(
        load_assignment(path, fork_server), fork_server, notebook_json(("q1", "a = 1\nB = 1"))
    ).questions
    assert (question.status, question.score) == ("partial", 1.0)
    assert question.reason == "Its cell [1] assigns B, but not b: keep the names as they were given."


# --- F15: kernels ----------------------------------------------------------------------------------------------------


def test_a_python_notebook_under_another_kernels_name_is_graded(small_lab: Assignment, fork_server: ForkServer) -> None:
    result = graded(small_lab, fork_server, (FAULTS / "F15/lab.ipynb").read_bytes())
    assert (result.status, result.score) == ("graded", 5.0)


SHARP = {"kernelspec": {"name": ".net-csharp", "language": "C#"}, "language_info": {"name": "polyglot-notebook"}}
SPARK = {"kernelspec": {"name": "pysparkkernel", "language": "scala"}}


@pytest.mark.parametrize("metadata", [SHARP, SPARK, {"kernelspec": {"name": "ir", "language": "R"}}])
@pytest.mark.parametrize("lab", ["tiny", None])
def test_cells_and_lab_decide_beside_the_kernel(metadata: dict[str, Any], lab: str | None) -> None:
    data = notebook_json("import otter\ngrader = otter.Notebook()", ("q1", "a = 1"), lab=lab, metadata=metadata)
    assert read_notebook(data).language == "python"


@pytest.mark.parametrize(
    "source", ['Console.WriteLine("x");', "var a = 1;", "x <- c(1, 2)\nfor (i in x) { print(i) }", "println(1 to 3)"]
)
def test_other_languages_are_still_told(source: str) -> None:
    with pytest.raises(SubmissionError, match="written in C#"):
        read_notebook(notebook_json(source, lab=None, metadata=SHARP))


# --- F17: damaged files ----------------------------------------------------------------------------------------------


def test_a_whole_notebook_padded_with_zeros_is_read(small_lab: Assignment, fork_server: ForkServer) -> None:
    result = graded(small_lab, fork_server, (FAULTS / "F17/in/nul_padded.ipynb").read_bytes())
    assert (result.status, result.score) == ("graded", 5.0)


WHOLE = notebook_json("x = 1")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((FAULTS / "F17/in/lfs_pointer.ipynb").read_bytes(), "a Git LFS pointer"),
        (WHOLE[:-30] + bytes(512), "part of the file consists of zero bytes"),
        (bytes(512) + WHOLE, "part of the file consists of zero bytes"),
        (WHOLE[:50] + bytes(512) + WHOLE[50:], "zero bytes"),
        (bytes(512), "the file is empty"),
        (WHOLE[:-30], "is truncated"),
        (b"bplist00\xd1\x01\x02", "property list of macOS"),
    ],
)
def test_damaged_files_have_true_reasons(data: bytes, says: str) -> None:
    with pytest.raises(SubmissionError) as caught:
        read_notebook(data)
    assert says in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_padding_is_distinguished_from_wide_letters(encoding: str) -> None:
    assert read_notebook(WHOLE.decode().encode(encoding)).cells[0].source == "x = 1"
    assert read_notebook(WHOLE.decode().encode(encoding) + bytes(64)).cells[0].source == "x = 1"
