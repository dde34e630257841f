"""Test files described from their text equal the checker's description."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from autograder.checker.test_files import load_question
from autograder.handover.protocol import DescribedQuestion, DescribedTest
from autograder.labs.unrun_tests import describe
from tests.fixtures.builders import question_file
from tests.fixtures.faults import FAULTS, SMALL_LAB

ROOT = Path(__file__).resolve().parents[2]
HEAD = "OK_FORMAT = False\nfrom otter.test_files import test_case\nname = 'q1'\n"
CASE = "@test_case({options})\ndef test_{name}({parameters}):\n    assert True\n"


def loaded(source: str) -> DescribedQuestion:
    """The question as otter loads it."""
    question = load_question(source, "q1.py")
    tests = (DescribedTest(one.name, one.hidden, one.points, one.required, one.optional) for one in question.tests)
    return DescribedQuestion(question.name, question.all_or_nothing, tuple(tests))


def case(name: str = "a", options: str = "", parameters: str = "x") -> str:
    return CASE.format(name=name, options=options, parameters=parameters)


SOUND = {
    "no points": HEAD + case() + case("b"),
    "points of the question": HEAD + "points = 3\n" + case() + case("b"),
    "a list of points": HEAD + "points = [1, 0.5]\n" + case() + case("b"),
    "some have points": HEAD + "points = 3\n" + case(options="points=1") + case("b") + case("c"),
    "some have points, the question none": HEAD + case(options="points=1") + case("b"),
    "all have points": HEAD + "points = None\n" + case(options="points=1, hidden=True") + case("b", "points=0.5"),
    "only zero": HEAD + case(options="points=0") + case("b"),
    "all or nothing": HEAD + "points = 2\nall_or_nothing = True\n" + case(options="success_message='yes'"),
    "defaults": HEAD + case(parameters="x, y=1, *, z, w=2"),
    "helpers": HEAD + "import math\n\nMEASURED = {}\n\n\ndef helper():\n    return 1\n\n\n" + case(),
    "no tests": HEAD,
    "no points at all": HEAD + case(options="points=0"),
    "check": HEAD
    + "import functools\n\n\ndef check(f):\n    @functools.wraps(f)\n    def run(*a, **k):\n        f(*a, **k)\n"
    "    return run\n\n\n@test_case(points=1)\n@check\ndef test_a(x, y=2):\n    pass\n",
}


@pytest.mark.parametrize("source", SOUND.values(), ids=list(SOUND))
def test_it_says_what_the_checker_says(source: str) -> None:
    assert describe({"q1.py": source}) == (loaded(source),)


@pytest.mark.parametrize(
    "source",
    [
        HEAD + "for i in range(2):\n    pass\n" + case(),
        HEAD + case(options="points=1 + 1 if name else 2"),
        HEAD + case(options="**{}"),
        HEAD + case(options="'a name'"),
        HEAD + case() + case(),
        HEAD + case() + "test_a = 1\n",
        HEAD + case() + "test_b = test_case()(test_a)\n",
        HEAD + "name = 'q2'\n" + case(),
        HEAD + "name += '1'\n" + case(),
        HEAD + case(parameters="*x"),
        HEAD + "@property\n" + case(),
        HEAD + case().replace("def", "@staticmethod\ndef"),
        HEAD + "points = -1\n" + case(options="points=1"),
        HEAD + "points = [1]\n" + case() + case("b"),
        HEAD + "from os import *\n" + case(),
        HEAD + "exec('points = 2')\n" + case(),
        HEAD + "def f():\n    global points\n    points = 3\n" + case(),
        HEAD.replace("False", "True") + case(),
        HEAD.replace("test_case", "test_case as t") + case(),
        "def test_case(**k):\n    return lambda f: f\n" + HEAD + case(),
        "def (",
        "\0",
        "(" * 1000,
    ],
)
def test_in_doubt_it_says_nothing(source: str) -> None:
    assert describe({"q1.py": source}) is None


@pytest.mark.parametrize("path", [SMALL_LAB, FAULTS / "F03/hw1.zip"], ids=lambda path: path.stem)
def test_zips_of_stock_otter_and_of_the_kit(path: Path) -> None:
    agrees(path)


@pytest.mark.parametrize("lab", ["mnist_dense", "single_layer", "from_scratch"])
@pytest.mark.slow
def test_built_labs(lab: str, course: Path) -> None:
    agrees(course / "dist" / f"{lab}-autograder.zip")


def agrees(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        tests = {
            n: archive.read(n).decode() for n in archive.namelist() if n.startswith("tests/") and n.endswith(".py")
        }
    assert tests
    assert describe(tests) == tuple(map(loaded, tests.values()))


def test_files_of_other_tests_of_the_kit() -> None:
    source = question_file("q1", case(), points=2, all_or_nothing=True)
    assert describe({"q1.py": source}) == (loaded(source),)
