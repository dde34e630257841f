"""Imports of the fork server: only what the labs need, as every check waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.grading.grader import Grader
from autograder.grading.preload import preload_for
from autograder.labs.assignment import Needs, load_assignment, needs_of
from autograder.results.result import Result
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file

pytestmark = pytest.mark.slow

LOADED = "import sys\nloaded = sorted({'keras', 'tensorflow', 'pandas', 'nbformat', 'nbconvert'} & set(sys.modules))"
NOTHING_LOADED = (
    "@test_case(points=1)\ndef test_nothing_is_loaded(loaded):\n    import sys\n"
    "    found = {'keras', 'tensorflow', 'pandas', 'nbformat'} & set(sys.modules)\n"
    "    assert not loaded and not found, (loaded, found)"
)
ALL_OF_OTTER = (
    "@test_case(points=1)\ndef test_otter_is_complete(loaded):\n    import otter\n"
    "    from otter.test_files import OKTestFile, test_case as again\n"
    "    assert otter.Notebook and again is test_case\n"
    "    assert not hasattr(otter, 'no_such_thing')"
)


@pytest.fixture(scope="module")
def plain() -> Iterator[ForkServer]:
    with ForkServer(preload_for(None, keras=False)) as server:
        yield server


def graded(server: ForkServer, folder: Path, cell: str, *tests: str) -> Result:
    archive = make_zip(folder / "tiny.zip", {"q1": question_file("q1", *tests)}, lab=lab_json({"q1": (["loaded"], [])}))
    lab = load_assignment(archive, server)
    return Grader({"tiny": lab}, server).grade("x.ipynb", lambda: notebook_json(("q1", cell)))


def test_a_lab_without_keras_loads_nothing_large_in_either_process(plain: ForkServer, tmp_path: Path) -> None:
    result = graded(plain, tmp_path, LOADED, NOTHING_LOADED)
    assert result.score == 1, result
    assert result.cost is not None
    assert result.cost.cpu_seconds < 1, "with TensorFlow it would be more than two"


def test_a_test_file_may_use_all_of_otter(plain: ForkServer, tmp_path: Path) -> None:
    result = graded(plain, tmp_path, LOADED, ALL_OF_OTTER)
    assert result.score == 1, result


def test_a_lab_without_keras_may_ask_for_colab(plain: ForkServer, tmp_path: Path) -> None:
    cell = f"from google.colab import drive\ndrive.mount('/content/drive')\n{LOADED}"
    result = graded(plain, tmp_path, cell, NOTHING_LOADED)
    assert (result.errors, result.score) == ((), 1), result


def test_pandas_is_there_at_once_where_a_lab_uses_it(tmp_path: Path) -> None:
    with ForkServer(preload_for(None, keras=False, pandas=True)) as server:
        uses = "@test_case(points=1)\ndef test_pandas_is_loaded(loaded):\n    assert loaded == ['pandas'], loaded"
        result = graded(server, tmp_path, LOADED, uses)
    assert result.score == 1, result


def test_what_labs_need_is_read_from_their_zips(tmp_path: Path) -> None:
    tests = {"q1": question_file("q1", NOTHING_LOADED)}
    described = lab_json({"q1": (["loaded"], [])})
    zips = {
        "silent": make_zip(tmp_path / "silent.zip", tests),
        "plain": make_zip(tmp_path / "plain.zip", tests, lab={**described, "keras": False}),
        "table": make_zip(tmp_path / "table.zip", tests, lab={**described, "keras": False, "pandas": True}),
    }
    nothing = Needs(keras=False, pandas=False)
    assert needs_of([zips["plain"]]) == nothing
    assert needs_of([zips["plain"], zips["table"]]) == replace(nothing, pandas=True)
    assert needs_of(zips.values()) == needs_of([tmp_path / "missing.zip"]) == Needs(keras=True, pandas=True)
