"""Files handed in beside notebooks: their sources and their use."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.grading.grader import Grader
from autograder.intake.beside import MAX_BYTES, MAX_FILES, Beside, for_lab, take
from autograder.intake.found import FileBeside
from autograder.intake.submissions import (
    Submission,
    digest_of_submission,
    find_submissions,
    read_beside,
    read_submission,
    take_in,
)
from autograder.labs.assignment import Assignment, load_assignment
from autograder.platforms.gradescope import results_json
from autograder.render.feedback import feedback_html
from autograder.results.grade import Grade
from autograder.results.labels import notices
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import make_zip, notebook_json, question_file
from tests.fixtures.faults import FAULTS, SMALL_LAB
from tests.platforms.samples import notebook, put, zipped

WHOLE = notebook(1, 2)
READS = notebook_json("import helper\na = helper.one()", "b = int(open('data.csv').read())")
FILES = {"lab.ipynb": READS, "data.csv": b"2", "helper.py": b"def one():\n    return 1\n"}


def names(submission: Submission) -> list[str]:
    return sorted(file.name for file in submission.beside)


def only(path: Path, *, one_student: bool = False) -> Submission:
    (submission,) = find_submissions([path], one_student=one_student)
    return submission


def archive(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zipped(files))
    return path


# --- which files? ----------------------------------------------------------------------------------------------------


def test_a_students_zip(tmp_path: Path) -> None:
    submission = only(archive(tmp_path / "ada.zip", {**FILES, ".DS_Store": b"", "lab.pdf": b"%PDF", "lab.csv": b"1"}))
    assert names(submission) == ["data.csv", "helper.py", "lab.csv"], "the PDF is the notebook in another format"
    assert read_beside(submission).given == {name: FILES.get(name, b"1") for name in names(submission)}


def test_a_zip_with_folders(tmp_path: Path) -> None:
    files = {"hw/lab.ipynb": READS, "hw/data/x.csv": b"1", "hw/__pycache__/h.pyc": b"", "other/y.csv": b"2"}
    beside = read_beside(only(archive(tmp_path / "ada.zip", files)))
    assert (beside.given, beside.left_out) == ({"data/x.csv": b"1"}, {"other/y.csv": "outside"})


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_a_class_of_one_folder_for_each_student(tmp_path: Path, as_zip: bool) -> None:
    files = {f"ada/{name}": content for name, content in FILES.items()} | {"bo/lab.ipynb": WHOLE, "bo/img/a.png": b"x"}
    path = archive(tmp_path / "class.zip", files) if as_zip else put(tmp_path / "class", files)
    intake = take_in([path])
    assert {one.name: names(one) for one in intake.submissions} == {
        "ada/lab.ipynb": ["data.csv", "helper.py"],
        "bo/lab.ipynb": ["img/a.png"],
    }
    assert "Handed in beside notebooks: 3 other files" in intake.told


def test_a_zip_inside_a_class_and_files_beside_it(tmp_path: Path) -> None:
    put(tmp_path / "class", {"ada/hw.zip": zipped(FILES), "ada/data.csv": b"another", "ada/more.csv": b"3"})
    archive(tmp_path / "all.zip", {"bo.zip": zipped(FILES), "cy.zip": zipped({"lab.ipynb": WHOLE})})
    ada = only(tmp_path / "class")
    assert read_beside(ada).given == {"data.csv": b"2", "helper.py": FILES["helper.py"], "more.csv": b"3"}
    bo, cy = find_submissions([tmp_path / "all.zip"])
    assert (read_beside(bo).given["data.csv"], names(cy)) == (b"2", [])


def test_work_of_several_students_in_one_folder_stays_apart(tmp_path: Path) -> None:
    put(
        tmp_path / "class", {"ada.ipynb": READS, "data.csv": b"2", "group 1/bo.ipynb": WHOLE, "group 1/cy.ipynb": WHOLE}
    )
    put(tmp_path / "class", {"group 1/x.csv": b"1"})
    submissions = find_submissions([tmp_path / "class"])
    assert all(not submission.beside for submission in submissions)
    assert [s.name for s in submissions if s.problem] == ["data.csv", "group 1/x.csv"], "their student is unknown"


@pytest.mark.parametrize(
    ("file", "cell", "is_beside"),
    [
        ("bo.pdf", "1", False),
        ("bo.py", "1", False),
        ("bo.py", "import numpy, bo", True),
        ("bo.py", "from bo import f", True),
        ("bo.py", "about = 1", False),
        ("text.txt", "open('text.txt')", True),
        ("bo.ipynb.crdownload", "1", False),
        ("plot.png", "1", True),
    ],
)
def test_what_may_be_another_students_work_keeps_its_row(tmp_path: Path, file: str, cell: str, is_beside: bool) -> None:
    submissions = find_submissions(
        [put(tmp_path / "class", {"group/ada.ipynb": notebook_json(cell), f"group/{file}": b"x"})]
    )
    assert [names(s) for s in submissions] == ([[file]] if is_beside else [[], []])


def test_check_takes_a_folder_as_one_students(tmp_path: Path) -> None:
    put(tmp_path / "ada", {**FILES, "report.pdf": b"%PDF", "lab.html": b"<p>"})
    (tmp_path / "ada/link.csv").symlink_to("/etc/passwd")
    submission = only(tmp_path / "ada", one_student=True)
    assert read_beside(submission).left_out == {"link.csv": "unreadable"}
    assert sorted(read_beside(submission).given) == ["data.csv", "helper.py", "report.pdf"]
    assert only(tmp_path / "ada/lab.ipynb", one_student=True).beside == (), "a notebook alone is taken alone"


def test_platforms(tmp_path: Path) -> None:
    home = "Ada_301_assignsubmission_file"
    put(tmp_path / "moodle", {f"{home}/{name}": content for name, content in FILES.items()})
    put(tmp_path / "moodle", {"Bo_302_assignsubmission_file/sub/lab.ipynb": WHOLE})
    put(tmp_path / "moodle", {"Bo_302_assignsubmission_file/top.csv": b"1"})
    ada, bo = find_submissions([tmp_path / "moodle"])
    assert names(ada) == ["data.csv", "helper.py"]
    assert read_beside(bo).left_out == {"top.csv": "outside"}
    put(
        tmp_path / "canvas",
        {"ada_301_9001_lab.ipynb": READS, "ada_301_9002_data-1.csv": b"2", "bo_302_9003_d.csv": b"3"},
    )
    put(tmp_path / "canvas", {"bo_302_9004_lab-2.ipynb": WHOLE})
    ada, bo = find_submissions([tmp_path / "canvas"])
    assert (names(ada), names(bo)) == (["data-1.csv", "data.csv"], ["d.csv"]), "Canvas may have added the number"
    metadata = b"submission_1:\n  :submitters:\n  - :name: Ada\n    :sid: 'S1'\n"
    put(tmp_path / "gradescope", {"submission_metadata.yml": metadata})
    put(tmp_path / "gradescope", {f"submission_1/{name}": content for name, content in FILES.items()})
    assert names(only(tmp_path / "gradescope")) == ["data.csv", "helper.py"]


# --- which of them can be used? --------------------------------------------------------------------------------------


def taken(*files: str, size: int = 1) -> Beside:
    return take([FileBeside(name, Path(name)) for name in files], lambda _, __: bytes(size))


BAD_NAMES = [
    "/etc/passwd",
    "../up.csv",
    "a/../../up.csv",
    "C:/x.csv",
    "a\\b.csv",
    "a//b",
    "new\nline.csv",
    "\u202egpj.exe",
]


@pytest.mark.parametrize("name", [*BAD_NAMES, "x" * 256, "/".join("abcdefghijkl"), ""])
def test_names_that_are_refused(name: str) -> None:
    assert list(taken(name).left_out.values()) == ["name"]


@pytest.mark.parametrize("name", ["sitecustomize.py", "tensorflow.py", "keras/__init__.py", "numpy.cpython-311.so"])
def test_modules_of_the_grader_are_left_out(name: str) -> None:
    assert taken(name).left_out == {name: "of_the_grader"}


def test_limits_on_number_and_size() -> None:
    many = taken(*(f"deep/{n:03}.csv" for n in range(MAX_FILES + 5)), "near.csv")
    assert len(many.given) == MAX_FILES
    assert "near.csv" in many.given, "those nearest to the notebook come first"
    assert set(many.left_out.values()) == {"too_many"}
    assert len(taken(*map(str, range(50_000))).files) <= 2 * MAX_FILES


def test_large_files_are_left_out_and_small_ones_kept(tmp_path: Path) -> None:
    files = {"lab.ipynb": WHOLE, "a.bin": bytes(MAX_BYTES - 10), "b.bin": bytes(11), "c.bin": bytes(10)}
    beside = read_beside(only(archive(tmp_path / "ada.zip", files)))
    assert sorted(beside.given) == ["a.bin", "c.bin"]
    assert beside.left_out == {"b.bin": "too_large"}


def test_a_file_and_a_folder_of_one_name() -> None:
    assert taken("a", "a/b").left_out == {"a/b": "name"}
    assert taken("a/b", "a/b").left_out == {}


def test_names_are_as_the_notebook_writes_them() -> None:
    assert list(taken("donne\u0301es.csv").given) == ["données.csv"]


@pytest.mark.parametrize(
    ("lab", "student", "of_the_lab"),
    [
        ("data.csv", "data.csv", True),
        ("data/a.csv", "data", True),
        ("data", "data/a.csv", True),
        ("data/a.csv", "data/b.csv", False),
        ("helper.py", "helper/__init__.py", True),
        ("helper/__init__.py", "helper.py", True),
        ("helper.py", "helper.cpython-311-x86_64-linux-gnu.so", True),
        ("helper/__init__.py", "helper/more.py", False),
        ("data.csv", "Data.csv", False),
    ],
)
def test_files_of_the_lab_come_first(lab: str, student: str, of_the_lab: bool) -> None:
    beside = for_lab(Beside({student: b""}), [lab], Limits())
    assert (beside.given == {}) == of_the_lab


def test_what_the_labs_limits_have_no_space_for_is_left_out() -> None:
    files = {"a.bin": bytes(400_000), "b.bin": bytes(400_000), "c/d/e.csv": b"1"}
    kept = for_lab(Beside(files), [], Limits(scratch_mb=1))
    assert kept.left_out == {"b.bin": "too_large"}
    assert for_lab(Beside(files), [], Limits(file_mb=0)).left_out.keys() == files.keys()
    assert for_lab(Beside(files), [], Limits(scratch_files=6)).left_out == {"c/d/e.csv": "too_large"}


# --- when it runs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_lab(fork_server: ForkServer) -> Assignment:
    return load_assignment(SMALL_LAB, fork_server)


def graded(lab: Assignment, fork_server: ForkServer, path: Path) -> Result:
    submission = only(path, one_student=True)
    grader = Grader({lab.name: lab}, fork_server, assume=lab.name)
    return grader.graded("x", lambda: read_submission(submission), lambda: read_beside(submission)).result


def test_they_are_there_when_the_notebook_runs(tmp_path: Path, small_lab: Assignment, fork_server: ForkServer) -> None:
    result = graded(small_lab, fork_server, archive(tmp_path / "ada.zip", FILES))
    assert (result.score, result.errors) == (5.0, ())
    assert notices(result) == ("Handed in beside the notebook, and there when it ran: data.csv, helper.py.",)
    assert notices(result)[0] in feedback_html(Grade(result), None)
    assert notices(result)[0] in json.loads(results_json(Grade(result)))["output"]


def test_names_of_pythons_own_modules_do_no_harm(
    tmp_path: Path, small_lab: Assignment, fork_server: ForkServer
) -> None:
    trap = b"raise SystemExit('imported')"
    modules = [f"{name}.py" for name in sys.stdlib_module_names if not name.startswith("_")][:90]
    files = {"lab.ipynb": notebook(1, 2), **dict.fromkeys(modules, trap), "sitecustomize.py": trap, "keras.py": trap}
    result = graded(small_lab, fork_server, archive(tmp_path / "ada.zip", files))
    assert (result.status, result.score) == ("graded", 5.0)
    assert "keras.py, sitecustomize.py. Rename them." in notices(result)[1]


def test_the_labs_own_files_win_and_tests_never_see_the_students(tmp_path: Path, fork_server: ForkServer) -> None:
    source = (
        "import os, wanted\n@test_case(points=1, hidden=False)\ndef test_one(answer):\n"
        "    assert answer == wanted.value == 42\n    assert 'helper.py' not in os.listdir()\n"
    )
    path = make_zip(tmp_path / "hw.zip", {"q1": question_file("q1", source)}, otter_config={"assignment_name": "hw"})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("files/wanted.py", "value = 42\n")
    lab = load_assignment(path, fork_server)
    cell = "import wanted, helper\nanswer = wanted.value if helper.there else 0"
    files = {
        "lab.ipynb": notebook_json(("q1", cell), lab="hw"),
        "wanted.py": b"value = 0",
        "helper.py": b"there = True",
    }
    result = graded(lab, fork_server, archive(tmp_path / "ada.zip", files))
    assert result.score == 1.0
    assert notices(result)[1] == "Not used, because the lab has its own files of these names: wanted.py."


def test_a_changed_file_is_a_changed_submission(tmp_path: Path, small_lab: Assignment, fork_server: ForkServer) -> None:
    path = archive(tmp_path / "ada.zip", FILES)
    before = digest_of_submission(only(path))
    result = graded(small_lab, fork_server, path)
    assert (result.digest, Result.from_json(result.to_json()).digest) == (before, before)
    archive(path, {**FILES, "data.csv": b"3"})
    assert digest_of_submission(only(path)) != before
    archive(path, {**FILES, "sitecustomize.py": b"3"})
    assert digest_of_submission(only(path)) == before, "what is left out changes nothing"
    archive(path, {"lab.ipynb": READS})
    assert digest_of_submission(only(path)) == only_notebook_digest(READS)


def only_notebook_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_support_files_of_the_lab_are_no_files_of_a_student(fork_server: ForkServer) -> None:
    lab = load_assignment(FAULTS / "F03/hw1.zip", fork_server)
    result = graded(lab, fork_server, FAULTS / "F03/hw1.ipynb")
    assert (result.score, result.files) == (result.max_score, ())
