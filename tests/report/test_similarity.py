"""Copies are found despite renaming; plain right answers are no copies."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from autograder.report.similarity import FEWEST_MATCHED, most_holders, similar
from autograder.report.student_code import starter_of
from benchmarks.example_class import Lab, disguised, right_answers, styles_of
from benchmarks.similarity import class_with_copies, code_of
from tests.fixtures.texts import LONG_CODE

Notebooks = dict[str, tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="module")
def dense(notebooks: Notebooks) -> Lab:
    student, solution = notebooks["mnist_dense"]
    return Lab("mnist_dense", student, solution, styles_of("mnist_dense"), ())


def other_code(number: int) -> str:
    """Code of about the same length that shares nothing with others."""
    operators = random.Random(number).choices(["+", "-", "*", "//", "%", "**", "|", "&", "^"], k=90)  # noqa: S311 - no secret
    return f"x = {number}" + "".join(f" {operator} {number}" for operator in operators)


@pytest.mark.parametrize("seed", [3, 4])
def test_copies_are_found_among_independent_right_answers(dense: Lab, seed: int) -> None:
    codes, kinds = class_with_copies(dense, starter_of(json.dumps(dense.student).encode()), 40, seed)
    found = {frozenset((pair.first, pair.second)) for pair in similar(codes).pairs}
    assert {pair for pair, kind in kinds.items() if kind == "copy"} <= found
    assert found <= set(kinds)


def test_a_disguised_copy_is_the_same_in_all_that_matters(dense: Lab) -> None:
    rng = random.Random(1)  # noqa: S311 - no secret
    starter = starter_of(json.dumps(dense.student).encode())
    fills = right_answers(rng, dense.name)
    codes = {"a": code_of(dense, starter, fills), "b": code_of(dense, starter, disguised(rng, fills))}
    (pair,) = similar(codes).pairs
    assert codes["a"] != codes["b"]
    assert pair.similarity == 1.0
    # Nearly all of both is marked.
    for code, marks in ((codes["a"], pair.marks), (codes["b"], pair.other_marks)):
        assert sum(end - start for start, end in marks) > 0.8 * len(code)


def test_starter_code_alone_is_nothing_to_compare(dense: Lab) -> None:
    starter = starter_of(json.dumps(dense.student).encode())
    stubs = {gap: "..." if gap.startswith("q") else f"{gap} = ..." for gap in dense.styles}
    codes = {name: code_of(dense, starter, stubs) for name in "abc"}
    assert set(codes.values()) == {""}
    assert similar(codes).groups == ()
    assert similar(codes).pairs == ()


def test_word_for_word_copies_stand_together_and_are_compared_once() -> None:
    codes = {
        "a": LONG_CODE,
        "b": LONG_CODE.replace("\n", "  \n\n"),
        "c": LONG_CODE.replace("total", "amount"),
        "d": other_code(5),
    }
    found = similar(codes)
    assert found.groups == (("a", "b"),)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("a", "c")]


def test_passages_shared_by_many_are_ignored() -> None:
    codes = {f"s{number}": f"{LONG_CODE}\n{other_code(number)}" for number in range(most_holders(4) + 1)}
    assert similar(codes).pairs == ()


def test_short_matches_are_ignored() -> None:
    short = "x = [i for i in range(7) if i % 2]"
    assert len(short) < FEWEST_MATCHED
    assert similar({"a": short, "b": short.replace("x", "y")}).pairs == ()


def test_the_result_does_not_depend_on_hash_order(dense: Lab) -> None:
    codes, _ = class_with_copies(dense, starter_of(json.dumps(dense.student).encode()), 20, 7)
    reversed_order = dict(reversed(list(codes.items())))

    def plain(classes: dict[str, str]) -> set[tuple[frozenset[str], float, int]]:
        return {(frozenset((p.first, p.second)), p.similarity, p.matched) for p in similar(classes).pairs}

    assert plain(codes) == plain(reversed_order)


@pytest.mark.parametrize(
    "code",
    ["", "\0\0", "class A(B):\n    def f(self): ...\n" * 20, "'''" + "x" * 5000, "é\u202e😀 = 1\n" * 300, "(" * 4000],
    ids=["nothing", "zeros", "classes", "open string", "letters", "brackets"],
)
def test_any_text_can_be_compared(code: str) -> None:
    found = similar({"a": code, "b": code + "\nprint(1)", "c": LONG_CODE})
    for pair in found.pairs:
        for text, marks in ((code, pair.marks), (code + "\nprint(1)", pair.other_marks)):
            flat = [place for mark in marks for place in mark]
            assert flat == sorted(set(flat))
            assert all(0 <= place <= len(text) for place in flat)
