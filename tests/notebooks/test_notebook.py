"""Reading notebooks as students leave them, and recognising answer cells."""

from __future__ import annotations

import json
import time
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import SubmissionError
from autograder.notebooks.notebook import CodeCell, Notebook, answer_cells, attempted, identify, is_stub, read_notebook
from autograder.notebooks.source import MAX_PARSED, assigned_names

DENSE = {
    "q1": ["n_train", "n_test", "image_shape"],
    "q2": ["x_train", "x_test"],
    "q3": ["model"],
    "q4": ["flatten_params", "hidden_params"],
    "q5": [],
    "q6": ["history", "steps_per_epoch"],
}
SINGLE = {"q1": ["linear_model", "linear_params"], "q2": ["linear_history"], "q3": ["linear_test_acc"]}
LABS = {"mnist_dense": DENSE, "single_layer": SINGLE}


def cell(source: object, tags: object = (), **more: object) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if isinstance(tags, tuple) else {"tags": tags}
    return {"cell_type": "code", "source": source, "metadata": metadata, **more}


def document(*cells: dict[str, Any], assignment: object = "mnist_dense", **metadata: object) -> dict[str, Any]:
    otter = {"otter": {"assignment_name": assignment}} if assignment else {}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {**otter, **metadata}, "cells": list(cells)}


def read(*cells: dict[str, Any], **metadata: object) -> Notebook:
    return read_notebook(json.dumps(document(*cells, **metadata)).encode())


def refused(data: bytes) -> str:
    with pytest.raises(SubmissionError) as caught:
        read_notebook(data)
    return str(caught.value)


# Reading


def test_code_cells_are_numbered_like_a_fresh_run() -> None:
    text = {"cell_type": "markdown", "source": "# Title"}
    notebook = read(text, cell("a = 1"), cell("  \n"), text, cell("b = 2", ("answer:q1", "other")))
    assert notebook.cells == (CodeCell(1, "a = 1"), CodeCell(2, "b = 2", frozenset({"answer:q1", "other"})))
    assert notebook.assignment == "mnist_dense"


def test_source_as_lines() -> None:
    assert read(cell(["a = 1\n", "b = 2"])).cells[0].source == "a = 1\nb = 2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_unicode_encoding(encoding: str) -> None:
    text = json.dumps(document(cell("name = 'Zoë 图'")), ensure_ascii=False)
    assert read_notebook(text.encode(encoding)).cells[0].source == "name = 'Zoë 图'"


@pytest.mark.parametrize("version", [2, 3])
def test_formats_before_4(version: int) -> None:
    new = document(cell("a = 1", outputs=[], execution_count=None, id="a"))
    old = nbformat.convert(nbformat.from_dict(new), 3)
    data = json.loads(json.dumps(old)) | {"nbformat": version}
    assert read_notebook(json.dumps(data).encode()).cells == (CodeCell(1, "a = 1"),)


def test_outputs_and_unknown_fields_are_not_looked_at() -> None:
    odd = cell("a = 1", outputs=[{"output_type": "no such type", "data": 3}, None, 7], execution_count="x", extra=[1])
    data = document(odd, colab={"x": 1}) | {"unknown": True, "nbformat_minor": 99}
    assert read_notebook(json.dumps(data).encode()).cells == (CodeCell(1, "a = 1"),)


def test_odd_metadata_is_ignored() -> None:
    notebook = read(cell("a = 1", tags=7), cell("b = 1", ("ok",)) | {"metadata": None}, assignment=["x"])
    assert notebook.assignment is None
    assert all(not c.tags for c in notebook.cells)


def test_halves_of_characters_become_writable() -> None:
    data = rb'{"cells": [{"cell_type": "code", "source": "s = \"\ud800\""}]}'
    read_notebook(data).cells[0].source.encode()


def test_a_huge_output_is_fine_and_fast() -> None:
    start = time.monotonic()
    notebook = read(cell("a = 1", outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}]))
    assert len(notebook.cells) == 1
    assert time.monotonic() - start < 10


GOOD = json.dumps(document(cell("a = 1"), cell("b = 2"))).encode()


def test_the_set_up_cell_names_the_lab_where_the_metadata_is_lost() -> None:
    source = (
        'def _set_up(packed, lab):\n    pass\n\ngrader = _set_up(lab="mnist_dense", version="1", packed="""\nQlpo\n""")'
    )
    assert read(cell("a = 1"), cell(source), assignment=None).assignment == "mnist_dense"
    assert read(cell(source), assignment="other").assignment == "other"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\0" * 500, "empty"),
        (GOOD[:-20], "is truncated"),
        (GOOD.replace(b'"cells"', b'"cells', 1), "line 1, column"),
        (b'{\n"cells": [\n,]}', "line 3"),
        (b"\xff\xfe\xfa" + GOOD, "damaged"),
        (b'{"a": "\xe9"}', "byte 7 is not text"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"%PDF-1.4 ...", "PDF"),
        (b"PK\x03\x04....", "zip"),
        (b'{\n<<<<<<< HEAD\n"cells": []}', "merge conflict"),
        (b"[1, 2]", "not a notebook"),
        (b"null", "not a notebook"),
        (b'{"a": 1}', "not a notebook"),
        (b'{"cells": {}}', "not a notebook"),
        (b'{"cells": []}', "no code cells"),
        (b'{"cells": [{"cell_type": "markdown", "source": "x"}, 3]}', "no code cells"),
        (b'{"cells": [{"cell_type": "code", "source": "  "}]}', "no code cells"),
        (b'{"cells": [{"cell_type": "code", "source": {"a": 1}}]}', "code cell 1"),
        (b"[" * 100_000, "JSON"),
        (b'{"cells": ' + b"9" * 5000 + b"}", "JSON"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_not_a_notebook_says_why(data: bytes, says: str) -> None:
    assert says in refused(data)


def test_too_much_code() -> None:
    assert "10 million" in refused(json.dumps(document(cell("#" * 10_000_001))).encode())


@given(st.binary(max_size=200) | st.integers(0, len(GOOD)).map(lambda n: GOOD[:n]))
def test_no_bytes_escape_as_another_error(data: bytes) -> None:
    try:
        read_notebook(data)
    except SubmissionError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, another exception is not


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "cells worksheets metadata otter assignment_name tags kernelspec language cell_type source input name "
                "language_info".split()
            ),
            inner | st.just("code"),
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_no_json_escapes_as_another_error(value: object) -> None:
    try:
        read_notebook(json.dumps(value).encode())
    except SubmissionError as error:
        assert str(error)  # noqa: PT017 - either outcome is right, another exception is not


# Languages


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R"}}, "R"),
        ({"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R"}}, "R"),
        ({"kernelspec": {"name": "julia-1.9", "language": "julia"}}, "julia"),
        ({"kernelspec": {"name": "julia-1.9"}}, "Julia"),
        ({"language_info": {"name": "javascript"}}, "javascript"),
    ],
)
def test_other_languages(metadata: dict[str, Any], language: str) -> None:
    assert f"written in {language}" in refused(json.dumps(document(cell("x <- 1"), **metadata)).encode())


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "tf-2.21", "display_name": "My TF", "language": "python"}},
        {"kernelspec": {"name": "conda-env-x-py"}},
        {"kernelspec": {"name": "xpython", "language": "python"}, "language_info": {"name": "python"}},
        {"kernelspec": {"name": "sagemath", "language": "sage"}, "language_info": {"name": "python"}},
        {"kernelspec": "odd", "language_info": 3},
    ],
)
def test_python_under_any_name(metadata: dict[str, Any]) -> None:
    assert read(cell("x = 1"), **metadata).language == "python"


# Which lab

STUBS = [
    "n_train = ...\nn_test = ...\nimage_shape = ...",
    "x_train = ...\nx_test = ...",
    "model = ...",
    "flatten_params = ...",
    "...",
    "history = ...",
]


def dense_cells(*, tags: bool = True, checks: bool = True) -> list[dict[str, Any]]:
    cells = []
    for question, stub in zip(DENSE, STUBS, strict=True):
        cells.append(cell(stub, (f"answer:{question}",) if tags else ()))
        if checks:
            cells.append(cell(f'grader.check("{question}")'))
    return cells


def test_the_name_decides() -> None:
    assert identify(read(cell("x = 1"), assignment="single_layer"), LABS) == "single_layer"


def test_a_notebook_of_another_assignment() -> None:
    with pytest.raises(SubmissionError, match="notebook of the assignment hw3, not of mnist_dense or single_layer"):
        identify(read(*dense_cells(), assignment="hw3"), LABS)
    with pytest.raises(SubmissionError, match="notebook of the assignment single_layer"):
        identify(read(*dense_cells(), assignment="single_layer"), {"mnist_dense": DENSE})


@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize("checks", [True, False])
def test_a_lost_name_is_found_by_the_answers(tags: bool, checks: bool) -> None:
    notebook = read(*dense_cells(tags=tags, checks=checks), assignment=None)
    assert identify(notebook, LABS) == identify(notebook, {"mnist_dense": DENSE}) == "mnist_dense"
    with pytest.raises(SubmissionError, match="hardly any answers"):
        identify(notebook, {"single_layer": SINGLE})


@pytest.mark.parametrize("tags", [True, False])
def test_the_labs_share_names_and_are_distinguished(tags: bool) -> None:
    def answer(source: str, question: str) -> dict[str, Any]:
        return cell(source, (f"answer:{question}",) if tags else ())

    notebook = read(
        cell("x_train, x_test = train_images / 255, test_images / 255"),
        answer("linear_model = ...", "q1"),
        answer("linear_params = ...", "q1"),
        cell('grader.check("q1")'),
        answer("linear_history = ...", "q2"),
        cell('grader.check("q2")'),
        cell("n_test = 10"),
        answer("linear_test_acc = ...", "q3"),
        cell('grader.check("q3")'),
        cell('grader.check("q4")'),
        assignment=None,
    )
    assert identify(notebook, LABS) == "single_layer"
    with pytest.raises(SubmissionError, match="hardly any"):
        identify(notebook, {"mnist_dense": DENSE})


def test_a_half_done_answer_without_its_name_is_still_known() -> None:
    cells = [*dense_cells(tags=False)[:4], cell("model = keras.Sequential()")]
    assert identify(read(*cells, assignment=None), LABS) == "mnist_dense"


def test_a_notebook_of_nothing() -> None:
    with pytest.raises(SubmissionError, match="does not name its assignment"):
        identify(read(cell("print('hello')"), assignment=None), LABS)


def test_a_tie_asks_for_the_lab() -> None:
    twins = {"a": {"q1": ["x"]}, "b": {"q1": ["x"]}}
    with pytest.raises(SubmissionError, match="could belong to a or b: choose one with --lab"):
        identify(read(cell("x = 1"), assignment=None), twins)


def test_a_lab_without_variables_is_known_by_its_questions() -> None:
    lab: dict[str, dict[str, list[str]]] = {"calls": {"q1": [], "q2": []}}
    assert identify(read(cell("f()", ("answer:q2",)), assignment=None), lab) == "calls"
    with pytest.raises(SubmissionError):
        identify(read(cell("f()"), assignment=None), lab)


# Answer cells


def numbers(notebook: Notebook, question: str, variables: list[str]) -> list[int]:
    return [c.number for c in answer_cells(notebook, question, variables)]


def test_tagged_cells_wherever_they_are() -> None:
    notebook = read(cell("model = 2", ("answer:q3",)), cell("n_train = 1", ("answer:q1",)), cell("n_test = 2"))
    assert numbers(notebook, "q1", DENSE["q1"]) == [2, 3]
    assert numbers(notebook, "q3", DENSE["q3"]) == [1]


def test_a_duplicated_or_split_answer_counts_in_all_its_parts() -> None:
    notebook = read(cell("n_train = 1", ("answer:q1",)), cell("n_test = 2", ("answer:q1",)), cell("image_shape = 3"))
    assert numbers(notebook, "q1", DENSE["q1"]) == [1, 2, 3]


def test_an_answer_in_a_cell_of_the_students_own_is_found() -> None:
    notebook = read(cell("model = ...", ("answer:q3",)), cell("model = build()"))
    assert attempted(notebook, "q3", ["model"], ["model = ..."])


def test_an_answer_to_another_question_is_not_taken() -> None:
    notebook = read(cell("model = ...", ("answer:q3",)), cell("model = recompile(model)", ("answer:q5",)))
    assert numbers(notebook, "q3", ["model"]) == [1]
    assert not attempted(notebook, "q3", ["model"], ["model = ..."])


def test_without_tags_a_call_is_the_cell_before_its_check() -> None:
    notebook = read(cell("m = 1"), cell("model.compile()"), cell('grader.check("q5")'), cell("grader.check('q6')"))
    assert numbers(notebook, "q5", []) == [2]
    assert numbers(notebook, "q6", []) == []


def test_deleted_answers() -> None:
    notebook = read(cell("print(1)"))
    assert numbers(notebook, "q1", DENSE["q1"]) == []
    assert not attempted(notebook, "q1", DENSE["q1"], [STUBS[0]])


# Stubs


@pytest.mark.parametrize(
    "source",
    [
        "n_train = ...\nn_test = ...",
        "# my answer\nn_train  =  ...   # here\n\n\nn_test=(...)\n",
        "n_train = ...",
        "n_test = ...\nn_train = ...",
        "# only a comment",
        "",
    ],
)
def test_what_is_still_a_stub(source: str) -> None:
    assert is_stub(source, ["n_train = ...\nn_test = ..."])


@pytest.mark.parametrize(
    "source", ["n_train = 1\nn_test = ...", "%%bash\nls", "n_train = None", "x = ...", "...", "n_train = ", "1/0"]
)
def test_what_is_no_stub(source: str) -> None:
    assert not is_stub(source, ["n_train = ...\nn_test = ..."])


def test_a_lone_gap() -> None:
    assert is_stub(" ...  # compile here", ["..."])
    assert not is_stub("model.compile()", ["..."])


def test_text_that_is_no_python_compares_as_text() -> None:
    assert is_stub("  fill in $$ here\n", ["fill in $$ here"])
    assert not is_stub("fill in 7 here", ["fill in $$ here"])


# Assigned names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = 1", "a b"),
        ("a, (b, *c) = f()", "a b c"),
        ("a: int = 1", "a"),
        ("a /= 255", "a"),
        ("if x:\n    a = 1\nelse:\n    b = 2", "a b"),
        ("with f() as a:\n    b = 1", "a b"),
        ("for a in x:\n    pass", "a"),
        ("print(a := 1)", "a"),
        ("import numpy.linalg\nfrom x import y as z", "numpy z"),
        ("def f():\n    a = 1", "f"),
        ("class C:\n    a = 1", "C"),
        ("[a for a in x]\nlambda b: b", ""),
        ("a.b = 1\na[0] = 2", ""),
        ("%matplotlib inline\na = 1", "a"),
        ("%%time\na = 1", "a"),
        ("%time a = 1", "a"),
        ("if x:\n    !pip install y\na = 1\na?", "a"),
        ("%%bash\na=1", ""),
        ("a = (", ""),
        ("a = '\0'", ""),
        ("a = '\\d'", "a"),
    ],
)
def test_assigned_names(source: str, names: str) -> None:
    assert assigned_names(source) == frozenset(names.split())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * 50_000,
        "x = " + "-" * 50_000 + "1",
        "x = " + "+".join(["1"] * 20_000),
        "x" + ".a" * 40_000,
        "x = " + "[" * 90 + "]" * 90,
        " " * (MAX_PARSED - 1) + "x",
        "%" + "? " * (MAX_PARSED // 2 - 2) + "x",
        "x = 1\n" * (MAX_PARSED // 2),
        "if x:\n" + "".join(" " * i + "if x:\n" for i in range(1, 90)),
    ],
    ids=lambda source: source[:8],
)
def test_hostile_sources_end_soon(source: str) -> None:
    start = time.monotonic()
    assigned_names(source)
    is_stub(source, ["x = ..."])
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("tags", "texts"), [(1, 60_000), (20_000, 5_000)])
def test_many_tags_and_texts_take_no_more_time_than_their_size(tags: int, texts: int) -> None:
    answer = cell("a", tuple(f"answer:q{number}" for number in range(tags)), cell_type="markdown")
    data = json.dumps(document(cell("x = 1"), answer, *[cell("b", cell_type="markdown")] * texts)).encode()
    started = time.process_time()
    notebook = read_notebook(data)
    assert time.process_time() - started < 4
    assert notebook.written
    assert sum(map(len, notebook.below_written.values())) <= 10 * texts
