"""The command in run_autograder: which notebook counts, output, failures."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autograder.cli import gradescope_upload as gradescope
from autograder.cli.app import main
from autograder.cli.gradescope_upload import Order, choose_notebook, container_memory_mb, grade_upload, limits_within
from autograder.errors import AssignmentError, IsolationError, KitError, SubmissionError, WorkerError
from autograder.grading import session
from autograder.labs.assignment import Assignment, Question
from autograder.results import folder as store
from autograder.results.result import QuestionResult, Result
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import LAYERS
from autograder.sandbox.probe import Found
from tests.fixtures.builders import notebook_json
from tests.fixtures.small_class import write_class

TINY = Assignment("tiny", (Question("q1", 1.0, False, (), ("answer",), ()),), {}, Limits(), 0, True, "digest")
OWN = notebook_json(("q1", "answer = 42"))
OTHER = notebook_json(("q1", "answer = 42"), lab="linear_algebra")


def upload(folder: Path, files: dict[str, bytes]) -> Path:
    """A student's upload as Gradescope lays it down."""
    for name, content in files.items():
        path = folder / "submission" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "submission"


def zipped(path: Path, **files: bytes) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.ipynb", content)
    return path.read_bytes()


# --- which notebook ---------------------------------------------------------------------------------------------------


def test_the_only_notebook_is_graded_despite_other_files(tmp_path: Path) -> None:
    choice = choose_notebook(upload(tmp_path, {"mine.ipynb": OWN, "notes.pdf": b"%PDF", "data/x.csv": b"1"}), TINY)
    assert (choice.name, choice.read()) == ("mine.ipynb", OWN)
    assert choice.remarks == ()
    assert choice.read_beside().given == {"data/x.csv": b"1", "notes.pdf": b"%PDF"}, "they are there when it runs"


def test_of_several_notebooks_the_labs_own_is_taken(tmp_path: Path) -> None:
    choice = choose_notebook(upload(tmp_path, {"a.ipynb": OTHER, "b.ipynb": OWN, "c.ipynb": b"{"}), TINY)
    assert choice.read() == OWN
    assert choice.remarks == ("Other files in the upload were ignored: a.ipynb, c.ipynb.",)


def test_a_zip_is_looked_into(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "made.zip", tiny=OWN)
    assert choose_notebook(upload(tmp_path, {"export.zip": packed}), TINY).read() == OWN


def test_the_same_notebook_twice_is_one(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "made.zip", tiny=OWN)
    assert choose_notebook(upload(tmp_path, {"tiny.ipynb": OWN, "export.zip": packed}), TINY).read() == OWN


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "the upload is empty: submit the notebook tiny.ipynb"),
        ({"lab.py": b"x = 1", "notes.pdf": b"%PDF"}, "only lab.py, notes.pdf: submit the notebook tiny.ipynb"),
        ({"notes.pdf": b"%PDF"}, "a .pdf file is neither a notebook"),
        (
            {"a.ipynb": OWN, "b.ipynb": OWN + b" "},
            r"the upload contains several notebooks of tiny \(a.ipynb, b.ipynb\)",
        ),
        ({"a.ipynb": OTHER, "b.ipynb": b"{"}, r"none of the uploaded notebooks \(a.ipynb, b.ipynb\) belongs to tiny"),
        ({"broken.zip": b"PK\x03\x04"}, "not a zip, or a damaged one"),
    ],
)
def test_an_upload_without_one_notebook_of_the_lab_says_what_to_do(
    files: dict[str, bytes], told: str, tmp_path: Path
) -> None:
    (tmp_path / "submission").mkdir()
    choice = choose_notebook(upload(tmp_path, files), TINY)
    with pytest.raises(SubmissionError, match=told):
        choice.read()


# --- grading, for real ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of two with its autograder zip, tiny.zip."""
    home = tmp_path_factory.mktemp("tiny")
    write_class(home, 2)
    return home


@pytest.fixture
def grade(
    course: Path, tmp_path: Path, fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Grade with the fork server that all tests share."""
    monkeypatch.setattr(session, "ForkServer", lambda *_: fork_server)
    monkeypatch.setattr(fork_server, "close", lambda: None)  # other tests use it too

    def grade(what: Path, *, code: int = 0, **order: Any) -> dict[str, Any]:
        results = tmp_path / "results" / "results.json"
        lines: list[str] = []
        assert grade_upload(what, results, Order(course / "tiny.zip", **order), lines.append) == code
        content: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
        return {**content, "log": "\n".join(lines)}

    return grade


def test_an_upload_gets_its_marks_and_the_isolation_on_record(
    grade: Callable[..., dict[str, Any]], course: Path, tmp_path: Path
) -> None:
    metadata = tmp_path / "submission_metadata.json"
    told = {
        "id": 7,
        "created_at": "2026-03-02T10:00:00.5-08:00",
        "assignment": {"due_date": "2026-03-02T08:00:00-08:00"},
    }
    metadata.write_text(json.dumps(told), encoding="utf-8")
    content = grade(course / "class" / "s01.ipynb", metadata=metadata)
    assert content["score"] == 1.0
    assert content["extra_data"]["isolation"] == "full"
    facts = content["tests"][-1]["output"]
    assert all(fact in facts for fact in ("Submission 7", "2 h 0 min after the due date", "Isolation: full", "Kit: "))
    assert "1 / 1 points, graded, isolation full" in content["log"]


def test_a_notebook_of_another_lab_earns_nothing_with_the_reason(
    grade: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    content = grade(upload(tmp_path, {"x.ipynb": OTHER}))
    assert content["score"] == 0.0
    assert "notebook of the assignment linear_algebra, not of tiny" in content["output"]


def test_other_files_of_an_upload_are_there_when_the_notebook_runs(
    grade: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    reads = notebook_json(("q1", "from helper import six\nanswer = six * int(open('data/n.txt').read())"))
    files = {"lab.ipynb": reads, "data/n.txt": b"7", "helper.py": b"six = 6", "keras.py": b"1/0"}
    content = grade(upload(tmp_path, files))
    assert content["score"] == 1.0
    assert "Handed in beside the notebook, and there when it ran: data/n.txt, helper.py." in content["output"]
    assert "keras.py. Rename them." in content["output"]


def test_a_rehearsal_fails_unless_every_point_is_earned(grade: Callable[..., dict[str, Any]], course: Path) -> None:
    assert grade(course / "class" / "s01.ipynb", rehearse=True)["score"] == 1.0
    assert "q1: " in grade(course / "class" / "s00.ipynb", rehearse=True, code=1)["log"]


@pytest.mark.parametrize(
    ("failure", "kind", "told"),
    [
        (AssignmentError("tests/q1.py is damaged."), AssignmentError, "tests/q1.py is damaged."),
        (RuntimeError("out of luck"), WorkerError, "RuntimeError: out of luck"),
    ],
)
def test_where_the_kit_fails_marks_are_withheld_and_the_reason_is_for_instructors(
    failure: Exception, kind: type[KitError], told: str, course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Assignment:
        raise failure

    monkeypatch.setattr(session, "load_assignment", fail)
    results = tmp_path / "results.json"
    with pytest.raises(kind):
        grade_upload(course / "class" / "s01.ipynb", results, Order(course / "tiny.zip"), print)
    content = json.loads(results.read_text(encoding="utf-8"))
    assert "withheld" in content["output"]
    assert [told in test["output"] for test in content["tests"]] == [False, True]
    assert content["tests"][1]["visibility"] == "hidden"


# --- the container ----------------------------------------------------------------------------------------------------


def without(*names: str) -> tuple[Found, ...]:
    return tuple(Found(name, True, "not here" if name in names else "") for name in LAYERS)


@pytest.mark.parametrize("left", ["uid", "mount", "landlock"])
def test_one_layer_that_protects_files_is_enough_to_grade(left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradescope, "probe", lambda: without(*{"uid", "mount", "landlock"} - {left}))
    assert gradescope.isolation_level("best") == "basic"


def test_where_a_notebook_could_read_the_tests_grading_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradescope, "probe", lambda: without("uid", "mount", "landlock"))
    with pytest.raises(IsolationError, match=r"reading the hidden tests.*without uid, mount, landlock") as caught:
        gradescope.isolation_level("best")
    assert "isolation=basic" in str(caught.value.hint)
    assert gradescope.isolation_level("basic") == "basic"


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("memory.max", "805306368\n", 768),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "3221225472\n", 3072),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
        ("nothing", "", None),
    ],
)
def test_the_memory_of_a_container_is_what_its_control_group_says(
    file: str, content: str, expected: int | None, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="ascii")
    assert container_memory_mb(tmp_path) == expected


def test_a_notebook_may_use_what_the_container_leaves() -> None:
    assert limits_within(Limits(memory_mb=4096), None).memory_mb == 4096
    assert limits_within(Limits(memory_mb=4096), 6144).memory_mb == 4096
    assert limits_within(Limits(memory_mb=4096), 3072).memory_mb == 2048
    with pytest.raises(WorkerError, match="768 MB of memory; grading needs at least 2560 MB") as caught:
        limits_within(Limits(memory_mb=4096), 768)
    assert "Container Specifications" in str(caught.value.hint)


# --- for a class graded elsewhere -------------------------------------------------------------------------------------


def test_report_writes_results_for_gradescope_where_asked(tmp_path: Path) -> None:
    result = Result("Ada L.ipynb", "ab", "tiny", "full", "graded", None, 1.5, 2.0, 3.0)
    question = QuestionResult("q1", "partial", 1.5, 2.0)
    store.begin_run(tmp_path, ["ada"])
    store.write_result(tmp_path, "ada", replace(result, questions=(question,)), {})
    written = tmp_path / "submissions" / "ada" / "results.json"
    for options, there in ((), False), (("--gradescope",), True):
        done = CliRunner().invoke(main, ["report", str(tmp_path), *options])
        assert done.exit_code == 0, done.output
        assert written.exists() == there
    assert json.loads(written.read_text(encoding="utf-8"))["score"] == 1.5
