"""Filling the gaps of a student notebook by variable name."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from autograder.notebooks.filling import fill_stubs, fills_of
from tests.fixtures.builders import notebook_json

STUDENT = json.loads(
    notebook_json("import math", ("q1", "x = ...\ny = ..."), ("q2", "..."), "x = 'given'", ("q2", "z = ..."))
)
SOLUTION = json.loads(
    notebook_json(
        "import math",
        ("q1", "helper = 2\nx = helper + 1  # three\n# comment\nfor n in range(3):\n    y = n"),
        ("q2", "print(x)\nprint(y)"),
        "x = 'given'",
        ("q2", "z = 5\nz += 1"),
    )
)


def sources(notebook: dict[str, Any]) -> list[str]:
    return [cell["source"] for cell in notebook["cells"]]


def test_everything_is_filled_by_default() -> None:
    filled = fill_stubs(STUDENT, SOLUTION, {})
    assert sources(filled)[1].split() == SOLUTION["cells"][1]["source"].split()
    assert sources(filled)[2] == "print(x)\nprint(y)"
    assert sources(filled)[4] == "z = 5\nz += 1"
    assert sources(filled)[3] == "x = 'given'"


def test_the_originals_stay_as_they_are() -> None:
    before = copy.deepcopy((STUDENT, SOLUTION))
    fill_stubs(STUDENT, SOLUTION, {"x": "x = 1"})
    assert before == (STUDENT, SOLUTION)


def test_one_gap_is_replaced_and_the_others_keep_the_solution() -> None:
    filled = sources(fill_stubs(STUDENT, SOLUTION, {"x": "x = 7"}))
    assert "helper" not in filled[1]
    assert filled[1].startswith("x = 7\n")
    assert filled[1].endswith("    y = n")
    filled = sources(fill_stubs(STUDENT, SOLUTION, {"y": "y = 8"}))
    assert filled[1] == "helper = 2\nx = helper + 1  # three\ny = 8"


def test_a_lone_gap_goes_by_its_question() -> None:
    filled = sources(fill_stubs(STUDENT, SOLUTION, {"q2": "compile()"}))
    assert filled[2] == "compile()"
    assert filled[4] == "z = 5\nz += 1"


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ((), ["x = ...\ny = ...", "...", "z = ..."]),
        (("q2",), ["x = ...\ny = ...", "print(x)\nprint(y)", "z = 5\nz += 1"]),
    ],
)
def test_questions_that_are_not_asked_for_stay_gaps(questions: tuple[str, ...], expected: list[str]) -> None:
    filled = sources(fill_stubs(STUDENT, SOLUTION, {}, questions=questions))
    assert [filled[1], filled[2], filled[4]] == expected


def test_a_gap_may_be_filled_where_its_question_is_not_asked_for() -> None:
    filled = sources(fill_stubs(STUDENT, SOLUTION, {"y": "y = 8"}, questions=()))
    assert filled[1] == "x = ...\ny = 8"


def test_an_empty_filling_deletes_the_gap() -> None:
    assert sources(fill_stubs(STUDENT, SOLUTION, {"x": "", "y": ""}))[1] == ""


def test_an_unknown_gap_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        fill_stubs(STUDENT, SOLUTION, {"nowhere": "x = 1"})


def test_sources_may_be_lists_of_lines() -> None:
    student = copy.deepcopy(STUDENT)
    student["cells"][1]["source"] = ["x = ...\n", "y = ..."]
    assert sources(fill_stubs(student, SOLUTION, {"x": "x = 7"}))[1].startswith("x = 7")


def test_functions_and_classes_are_stubs_too() -> None:
    stub = "def twice(x):\n    ..."
    student = json.loads(
        notebook_json(("q1", f"{stub}\n\ny = ..."), ("q2", "class Box:\n    def open(self):\n        ..."))
    )
    solved = "import math\n\ndef twice(x):\n    y = 2 * x\n    return y\ny = twice(3)"
    solution = json.loads(notebook_json(("q1", solved), ("q2", "class Box:\n    def open(self):\n        return 1")))
    assert sources(fill_stubs(student, solution, {}))[0] == solved
    assert sources(fill_stubs(student, solution, {}, questions=()))[0] == f"{stub}\ny = ..."
    wrong = "def twice(x):\n    return x"
    filled = sources(fill_stubs(student, solution, {"twice": wrong, "Box": "class Box:\n    pass"}))
    assert filled == [f"{wrong}\ny = twice(3)", "class Box:\n    pass"]


def test_written_answers_are_filled_by_question() -> None:
    student, solution = json.loads(notebook_json("x = 1")), json.loads(notebook_json("x = 1"))
    cell = {"cell_type": "markdown", "metadata": {"tags": ["answer:q3"]}, "source": "_Type here._"}
    student["cells"].append(cell)
    solution["cells"] += [{**cell, "source": "Because."}, {**cell, "source": "Guide."}]
    assert sources(fill_stubs(student, solution, {}))[1] == "Because.\n\nGuide."
    assert sources(fill_stubs(student, solution, {}, questions=()))[1] == "_Type here._"
    filled = fill_stubs(student, solution, {"q3": "I think so."})
    assert sources(filled)[1] == "I think so."
    assert fills_of(student, filled) == {"q3": "I think so."}
    assert fills_of(student, student) == {}
