"""Answers that do not fit the code are found, and honest work is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.authoring.known_answers import KnownAnswer, read_known_answers
from autograder.notebooks.filling import fill_stubs
from autograder.report.fitting import typed_in, without_code, written
from autograder.report.student_code import NO_STARTER, Starter, own_cells, read_code, starter_of
from benchmarks.example_class import styles_of
from tests.conftest import LABS, REPOSITORY
from tests.fixtures.builders import notebook_json

Notebooks = dict[str, tuple[dict[str, Any], dict[str, Any]]]
STARTER = starter_of(notebook_json(("q1", "accuracy = ...\ncount = ..."), ("q2", "..."), "given = 1"))


def judged(starter: Starter, notebook: bytes, question: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the question has no code, and what was typed in."""
    found = read_code(notebook)
    assert found is not None
    student = written(own_cells(found, starter))
    return without_code(student, starter, question), typed_in(student, starter, question)


def of_cells(*cells: str | tuple[str, str]) -> tuple[bool, tuple[str, ...]]:
    return judged(STARTER, notebook_json(*cells), "q1")


def filled(notebooks: Notebooks, lab: str, fills: dict[str, str]) -> tuple[Starter, bytes]:
    student, solution = notebooks[lab]
    return starter_of(json.dumps(student).encode()), json.dumps(fill_stubs(student, solution, fills)).encode()


def suspects(notebooks: Notebooks, lab: str, fills: dict[str, str]) -> set[str]:
    starter, notebook = filled(notebooks, lab, fills)
    return {question for question in starter.variables if any(judged(starter, notebook, question))}


@pytest.mark.slow
def test_no_right_answer_is_suspected_and_no_wrong_one_that_is_computed(notebooks: Notebooks) -> None:
    def expected(case: KnownAnswer) -> set[str]:
        if "typed_in" in case.name:
            return set(case.lost)
        # It gives up after the first question: nothing to find there, and no points either.
        return {"q2", "q3", "q4", "q5"} if case.name.endswith("q1_no_flatten") else set()

    cases = [case for case in read_known_answers(REPOSITORY) if case.lab in LABS]
    found = {case.name: suspects(notebooks, case.lab, dict(case.fills)) for case in cases}
    assert found == {case.name: expected(case) for case in cases}


@pytest.mark.parametrize("lab", [lab for lab in LABS if (REPOSITORY / f"benchmarks/styles/{lab}.toml").is_file()])
def test_no_usual_way_is_suspected(notebooks: Notebooks, lab: str) -> None:
    for gap, ways in styles_of(lab).items():
        for way in ways:
            usual = {name: others[0] for name, others in styles_of(lab).items()}
            assert suspects(notebooks, lab, {**usual, gap: way}) == set(), way


def test_an_untouched_or_deleted_answer_has_no_code() -> None:
    assert of_cells(("q1", "accuracy = ...\ncount = ..."), "given = 1") == (True, ())
    assert of_cells("given = 1") == (True, ())
    assert of_cells("globals()['accu' + 'racy'] = forged") == (True, ())


def test_an_answer_anywhere_has_code() -> None:
    assert of_cells("for accuracy in measure():\n    pass")[0] is False
    assert of_cells(("q2", "_, accuracy = model.evaluate(x, y)"))[0] is False
    assert of_cells(("q1", "accuracy = = 3"))[0] is False  # not Python: nobody can tell
    assert of_cells(("q1", "%time accuracy = measure()"))[0] is False


def test_a_question_without_variables_is_not_judged() -> None:
    assert judged(STARTER, notebook_json("given = 1"), "q2") == (False, ())
    assert judged(NO_STARTER, notebook_json("given = 1"), "q1") == (False, ())


@pytest.mark.parametrize(
    "code",
    [
        "accuracy = 0.981",
        "accuracy = measure()\naccuracy = -0.25",
        "count, accuracy = 3, 98.1 / 100",
        "accuracy: float = np.float32(0.981)",
        "accuracy = float('0.981')",
        "accuracy = 1 - 0.019",
        "accuracy = np.array([3, 7, 11, 19, 20])",
        "accuracy = [0.1, 0.2]",
        f"accuracy = {'-' * 400}0.5",
    ],
)
def test_a_measurement_typed_in_is_found(code: str) -> None:
    missing, lines = of_cells(("q1", code))
    assert not missing
    assert len(lines) == 1
    assert lines[0].startswith("accuracy = ")


@pytest.mark.parametrize(
    "code",
    [
        "accuracy = 60000",
        "accuracy = 784 * 512 + 512",
        "accuracy = 60000 / 128",
        "accuracy = (28, 28)",
        "accuracy = 0.981\naccuracy = measure()",
        "accuracy = 0.0\nfor x in xs:\n    accuracy += x",
        "accuracy = measure(0.5)",
        "accuracy = 0.98 - other",
        "accuracy = np.zeros(0.5)",
        "accuracy = True",
        "accuracy = 'text'",
        "accuracy = 1e999",
        f"accuracy = {'9' * 400}",
        "rate = 0.001\naccuracy = f(rate)",
    ],
)
def test_counts_shapes_and_computed_values_are_not(code: str) -> None:
    assert of_cells(("q1", code)) == (False, ())


@pytest.mark.parametrize("lab", LABS)
def test_nothing_in_an_untouched_notebook_of_another_language_is_the_students_own(lab: str) -> None:
    """Comments and packed texts differ, and are no code of the student."""
    texts = [(REPOSITORY / f"assignment/{name}.ipynb").read_text(encoding="utf-8") for name in (lab, f"zh/{lab}")]
    english, chinese = map(json.loads, texts)
    starter = starter_of(json.dumps(english).encode())
    assert own(chinese, starter) == []
    answer = next(cell for cell in chinese["cells"] if cell["id"].startswith("answer-") and cell["cell_type"] == "code")
    answer["source"] = "mine = 1"
    assert own(chinese, starter) == ["mine = 1"]


def test_what_is_added_to_the_set_up_cell_is_the_students_own() -> None:
    document = json.loads((REPOSITORY / "assignment/zh/mnist_dense.ipynb").read_text(encoding="utf-8"))
    set_up = next(cell for cell in document["cells"] if cell["id"] == "set-up")
    set_up["source"] = "".join(set_up["source"]) + "\naccuracy = 0.98"
    starter = starter_of((REPOSITORY / "assignment/mnist_dense.ipynb").read_bytes())
    assert own(document, starter) == [set_up["source"]]


def own(document: dict[str, Any], starter: Starter) -> list[str]:
    notebook = read_code(json.dumps(document).encode())
    assert notebook is not None
    return [cell.source for cell in own_cells(notebook, starter)]


def test_without_a_starter_the_tagged_cells_tell_which_variables_are_answers() -> None:
    assert judged(NO_STARTER, notebook_json(("q1", "loss = 0.07"), "lr = 0.5"), "q1") == (False, ("loss = 0.07",))
