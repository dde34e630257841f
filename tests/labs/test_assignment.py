"""Reading autograder zips: what they ask for, and what is refused with a hint."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import AssignmentError
from autograder.labs.assignment import load_assignment
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import lab_json, make_zip, question_file

GOOD = question_file("q1", "@test_case(points=1)\ndef a(x): assert x")


def refusal(path: Path, fork_server: ForkServer) -> AssignmentError:
    with pytest.raises(AssignmentError) as caught:
        load_assignment(path, fork_server)
    return caught.value


@pytest.fixture
def bad_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Files that are no autograder zip; the parameter names the fault."""
    path = tmp_path / "tiny-autograder.zip"
    fault: str = request.param
    if fault == "not a zip":
        path.write_bytes(b"hello")
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "folder":
        path.mkdir()
    elif fault == "no tests":
        make_zip(path, {}, otter_config={})
    elif fault == "latin":
        make_zip(path, {})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("tests/q1.py", "# ö".encode("latin-1"))
    elif fault == "json":
        make_zip(path, {"q1": GOOD}, otter_config="{")
    elif fault == "lab json":
        make_zip(path, {"q1": GOOD}, lab="[1")
    elif fault == "truncated":
        data = make_zip(path, {"q1": GOOD}).read_bytes()
        path.write_bytes(data[: len(data) // 2])
    elif fault == "damaged":
        damage(make_zip(path, {"q1": GOOD}))
    return path


def damage(path: Path) -> None:
    """Overwrite compressed bytes in the middle of the first member."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tests/q1.py") + len("tests/q1.py")
    data[start : start + 30] = b"\xff" * 30
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("bad_file", "says"),
    [
        ("missing", "There is no autograder zip"),
        ("not a zip", "not an otter autograder zip"),
        ("empty", "not an otter autograder zip"),
        ("folder", "not an otter autograder zip"),
        ("no tests", "contains no tests"),
        ("latin", "damaged"),
        ("json", "invalid JSON"),
        ("lab json", "lab.json does not have this version's format"),
        ("truncated", "damaged"),
        ("damaged", "damaged"),
    ],
    indirect=["bad_file"],
)
def test_what_is_no_autograder_zip_is_refused_with_a_hint(bad_file: Path, says: str, fork_server: ForkServer) -> None:
    error = refusal(bad_file, fork_server)
    assert says in str(error)
    assert "tiny-autograder.zip" in str(error)
    assert error.hint == "autograder build"


@pytest.mark.parametrize(
    ("source", "says", "hint"),
    [
        ("OK_FORMAT = True\ntest = {'name': 'q1', 'suites': []}\n", "OK_FORMAT", "ok_format: false"),
        ("test = {'name': 'q1', 'points': 1, 'suites': []}\n", "OK_FORMAT", "ok_format: false"),
        (question_file("q1", "@test_case()\ndef a(x): assert x = 1"), "SyntaxError", None),
        (question_file("q1", "import no_such_module"), "no_such_module", None),
        ("OK_FORMAT = False\npoints = 1\n", "does not define 'name'", None),
        (question_file("q1", "@test_case()\ndef a(x): pass", points=[1, 2]), "different length", None),
        (question_file("q1", "raise SystemExit(1)"), "SystemExit: 1", None),
        (question_file("q1", "import os; os._exit(0)"), "could not be loaded", None),
        (question_file("q1", "import os; os._exit(4)"), "exit code 4", None),
    ],
    ids=["ok", "ok_unsaid", "syntax", "import", "no_name", "points", "exit", "quiet_end", "end"],
)
def test_a_test_file_that_cannot_be_used_is_named(
    tmp_path: Path, fork_server: ForkServer, source: str, says: str, hint: str | None
) -> None:
    error = refusal(make_zip(tmp_path / "a.zip", {"q1": source}), fork_server)
    assert says in str(error)
    assert (hint or "") in (error.hint or "")
    if "loaded:" not in str(error):
        assert "tests/q1.py" in str(error)


def test_two_files_for_one_question_are_refused(tmp_path: Path, fork_server: ForkServer) -> None:
    error = refusal(make_zip(tmp_path / "a.zip", {"q1": GOOD, "q1_copy": GOOD}), fork_server)
    assert "q1" in str(error)
    assert "two test files" in str(error)


@pytest.mark.parametrize(
    "lab",
    [
        lab_json({"q2": (["x"], [])}),
        {"lab": "tiny", "questions": [{"name": "q1"}]},
        {"lab": "tiny", "questions": 3},
        lab_json({"q1": (["x"], [])}, limits={"hours": 3}),
        lab_json({"q1": (["x"], [])}, limits={"seconds": "long"}),
        lab_json({"q1": (["x"], [])}, seed="lucky"),
        lab_json({"q1": (["x"], [])}, seed=-1),
        lab_json({"q1": (["x"], [])}, seed=2**40),
        lab_json({"q1": (["x"], [])}, depends_on={"q1": ["q1"]}),
        lab_json({"q1": (["x"], [])}, depends_on={"q1": ["q0"]}),
        {"lab": "tiny", "questions": [{"name": "q1", "variables": ["x"], "stubs": [], "depends_on": 3}]},
    ],
    ids=[
        "other",
        "no_variables",
        "no_list",
        "unknown_limit",
        "text_limit",
        "text_seed",
        "negative_seed",
        "big_seed",
        "builds_on_itself",
        "builds_on_unknown",
        "builds_on_number",
    ],
)
def test_a_lab_json_that_does_not_fit_is_refused(tmp_path: Path, fork_server: ForkServer, lab: dict[str, Any]) -> None:
    error = refusal(make_zip(tmp_path / "a.zip", {"q1": GOOD}, lab=lab), fork_server)
    assert "lab.json" in str(error)
    assert error.hint == "autograder build"


def test_another_language_is_refused(tmp_path: Path, fork_server: ForkServer) -> None:
    error = refusal(make_zip(tmp_path / "a.zip", {"q1": GOOD}, otter_config={"lang": "r"}), fork_server)
    assert "Only Python" in str(error)


def test_a_zip_of_the_kits_own(tmp_path: Path, fork_server: ForkServer) -> None:
    second = question_file(
        "q2",
        "@test_case(points=0.5)\ndef a(y, x, z=None): pass",
        "@test_case(points=1.5, hidden=True)\ndef b(y): pass",
        all_or_nothing=True,
    )
    lab = lab_json(
        {"q10": (["x"], ["x = ..."]), "q2": (["y"], ["y = ..."])},
        depends_on={"q2": ["q10"]},
        limits={"seconds": 7, "memory_mb": 99},
        seed=5,
    )
    tests = {"q2": second, "q10": question_file("q10", "@test_case(points=1)\ndef a(x): pass"), "__init__": ""}
    found = load_assignment(make_zip(tmp_path / "some.zip", tests, lab=lab, otter_config={"seed": 9}), fork_server)
    assert (found.name, found.seed, found.limits, found.explains_hidden) == ("tiny", 5, Limits(7, 99), True)
    assert [question.name for question in found.questions] == ["q10", "q2"]  # as in lab.json
    question = found.questions[1]
    assert (question.max_score, question.all_or_nothing, question.variables) == (2.0, True, ("y",))
    assert (question.title, question.depends_on) == ("Title of q2", ("q10",))
    assert question.handover == ("y", "x", "z")
    assert question.tests[0].required == ("y", "x")
    assert question.tests[0].optional == ("z",)
    assert question.tests[1].hidden
    assert found.max_score == 3.0
    assert found.answers == {"q10": ("x",), "q2": ("y",)}


def test_a_lab_json_of_an_earlier_version_names_no_titles_and_no_bases(tmp_path: Path, fork_server: ForkServer) -> None:
    lab = {"schema": 1, "lab": "tiny", "questions": [{"name": "q1", "variables": ["x"], "stubs": ["x = ..."]}]}
    (question,) = load_assignment(make_zip(tmp_path / "a.zip", {"q1": GOOD}, lab=lab), fork_server).questions
    assert (question.variables, question.title, question.depends_on) == (("x",), "", ())


def test_a_zip_of_somebody_elses(tmp_path: Path, fork_server: ForkServer) -> None:
    tests = {
        f"q{number}": question_file(f"q{number}", f"@test_case()\ndef a(x, {extra}): pass")
        for number, extra in ((10, "w"), (2, "y"), (1, "v"))
    }
    path = make_zip(tmp_path / "homework-autograder.zip", tests, otter_config={"seed": 3, "zips": False})
    found = load_assignment(path, fork_server)
    assert (found.name, found.seed, found.explains_hidden, found.limits) == ("homework", 3, False, Limits())
    assert [question.name for question in found.questions] == ["q1", "q2", "q10"]
    # A variable belongs to the first question that asks for it.
    assert found.answers == {"q1": ("x", "v"), "q2": ("y",), "q10": ("w",)}
    named = make_zip(tmp_path / "b.zip", tests, otter_config={"assignment_name": "hw1"})
    assert load_assignment(named, fork_server).name == "hw1"


@pytest.mark.parametrize(
    ("points", "tests", "expected"),
    [
        (None, [None, None], [0.5, 0.5]),
        (3, [None, None], [1.5, 1.5]),
        (3, [1, None], [1, 2]),
        ([1, 2], [None, None], [1, 2]),
        (None, [2, 0.5], [2, 0.5]),
        (0, [None, None], [0, 0]),
    ],
)
def test_points_are_spread_as_otter_spreads_them(
    tmp_path: Path, fork_server: ForkServer, points: object, tests: list[float | None], expected: list[float]
) -> None:
    functions = [f"@test_case(points={value})\ndef t{n}(x): pass" for n, value in enumerate(tests)]
    path = make_zip(tmp_path / "a.zip", {"q1": question_file("q1", *functions, points=points)})
    (question,) = load_assignment(path, fork_server).questions
    assert [test.points for test in question.tests] == pytest.approx(expected)
    assert question.max_score == pytest.approx(sum(expected))


def test_when_a_lab_is_due_is_no_part_of_what_marks_hang_on(tmp_path: Path, fork_server: ForkServer) -> None:
    questions = {"q1": (["x"], ["x = ..."])}
    due: dict[str, Any] = {"late": {"due": "2026-10-05T23:59Z", "percent_per_day": 10}}
    cases: list[tuple[str, dict[str, Any]]] = [
        (GOOD, {}),
        (GOOD, due),
        (GOOD.replace("assert x", "assert not x"), due),
        (GOOD, {**due, "seed": 7}),
    ]
    plain, late, other, seeded = (
        load_assignment(
            make_zip(tmp_path / f"{number}.zip", {"q1": tests}, lab=lab_json(questions, **settings)), fork_server
        )
        for number, (tests, settings) in enumerate(cases)
    )
    assert plain.late is None
    assert late.late is not None
    assert late.late.percent_per_day == 10
    assert late.title == "Tiny"
    assert plain.digest == late.digest
    assert len({late.digest, other.digest, seeded.digest}) == 3


def test_a_due_time_that_cannot_be_read_is_refused(tmp_path: Path, fork_server: ForkServer) -> None:
    lab = lab_json({"q1": (["x"], ["x = ..."])}, late={"due": "tomorrow"})
    error = refusal(make_zip(tmp_path / "tiny.zip", {"q1": GOOD}, lab=lab), fork_server)
    assert "`late` in lab.json: 'tomorrow' is not a time" in str(error)


def test_a_question_that_a_person_marks_has_points_and_no_tests(tmp_path: Path, fork_server: ForkServer) -> None:
    lab = lab_json({"q1": (["x"], ["x = ..."])})
    written = {"name": "q2", "variables": [], "stubs": [], "points": 2.5, "manual": True, "written": ["Type here."]}
    lab["questions"] = [written, *lab["questions"]]
    assignment = load_assignment(make_zip(tmp_path / "tiny-autograder.zip", {"q1": GOOD}, lab=lab), fork_server)
    first, second = assignment.questions
    assert (first.name, first.manual, first.max_score, first.tests) == ("q2", True, 2.5, ())
    assert first.written == ("Type here.",)
    assert assignment.tested == (second,)
    assert assignment.max_score == 3.5


def test_without_a_test_file_only_a_person_can_mark_a_question(tmp_path: Path, fork_server: ForkServer) -> None:
    lab = lab_json({"q1": (["x"], ["x = ..."]), "q2": ([], [])})
    path = make_zip(tmp_path / "tiny-autograder.zip", {"q1": GOOD}, lab=lab)
    assert "different questions" in str(refusal(path, fork_server))
