"""Numbers, arrays, text, choices, functions: what passes, and the messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograder.checks import values
from autograder.checks.core import CheckFailed


class Strange:
    """Something that no check can use, and that objects to being looked at."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no")


def fails(says: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    with pytest.raises(CheckFailed, match=says):
        function(*arguments, **named)


@pytest.mark.parametrize(
    "value",
    [3, 3.0, np.int64(3), np.float32(3), np.array(3), np.uint8(3), Fraction(3), Decimal(3), np.array(3, object)],
)
def test_any_number_is_a_number(value: Any) -> None:
    assert values.number(value, "x") == 3.0
    assert values.whole_number(value, "x") == 3


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "x is missing"),
        (..., r"x is still `\.\.\.`"),
        ("3", "quotation marks"),
        (b"3", "quotation marks"),
        (True, "x is a bool"),
        (np.True_, "x is a bool"),
        (3j, "x is a complex"),
        ((3,), "comma"),
        ([3], "list with one number"),
        ((3, 4), r"shape \(2,\)"),
        (np.array([3.0]), r"shape \(1,\)"),
        (np.zeros(0), r"shape \(0,\)"),
        (math.nan, "not a finite number"),
        (math.inf, "not a finite number"),
        (10**400, "x is inf, not a finite number"),
        (Decimal("NaN"), "not a finite number"),
        (np.float32("nan"), "not a finite number"),
        ({}, "x is a dict"),
        ([[1], [1, 2]], "x is a list"),
        (Strange(), "x is a Strange"),
        (lambda: 3, "x is a function"),
    ],
)
def test_what_is_no_number_is_named(value: Any, says: str) -> None:
    fails(says, values.number, value, "x")
    fails(says, values.whole_number, value, "x")


@pytest.mark.parametrize("found", [["1", "0"], [b"1", b"0"], [1 + 5j, 0], [None, 0]])
def test_what_is_no_real_number_is_close_to_nothing(found: list[Any]) -> None:
    assert values.is_close([1, 0], [1.0, 0.0], 1e-9)
    assert not values.is_close(found, [1.0, 0.0], 1e-9)


def test_a_count_is_whole_and_not_too_small() -> None:
    fails("468.75, but a count is a whole number", values.whole_number, 468.75, "steps")
    fails("cannot be below 1", values.whole_number, 0, "steps", least=1)
    fails("cannot be below 0", values.whole_number, -1, "steps")
    assert values.whole_number(0, "n") == 0


def test_a_count_of_many_digits_is_exact() -> None:
    assert values.whole_number(math.factorial(25), "n") == math.factorial(25)
    assert values.whole_number(2**53 + 1, "n") == values.whole_number(np.int64(2**53 + 1), "n") == 2**53 + 1


@pytest.mark.parametrize("value", [(28, 28), [28, 28], np.array([28, 28]), np.array([28, 28], object)])
def test_a_shape_is_whole_numbers(value: Any) -> None:
    assert values.whole_numbers(value, "shape") == (28, 28)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "missing"),
        (..., "three dots"),
        ("28x28", "without quotation marks"),
        (28, "single number"),
        ((28.0, 28.0), "does not hold whole numbers"),
        ((math.nan, 1), "does not hold whole numbers"),
        (((1, 2), (3, 4)), "does not hold whole numbers"),
        ((), "does not hold whole numbers"),
        ((True, False), "does not hold whole numbers"),
        ([[1], [1, 2]], "does not hold whole numbers"),
        (Strange(), "does not hold whole numbers"),
    ],
)
def test_what_is_no_shape_is_named(value: Any, says: str) -> None:
    fails(says, values.whole_numbers, value, "image_shape")


def test_arrays_come_from_lists_and_keep_their_type() -> None:
    assert values.array([1, 2], "x").dtype.kind == "i"
    assert values.array(np.array([1, 2], "float32"), "x", shape=(2,), dtype="float").dtype == np.float32
    assert values.array([[1.0, 2.0]], "x", shape=(None, 2), dtype="whole").shape == (1, 2)
    assert values.array([math.nan], "x", finite=False).shape == (1,)


@pytest.mark.parametrize(
    ("value", "options", "says"),
    [
        (None, {}, "missing"),
        (..., {}, "three dots"),
        ("1, 2", {}, "text"),
        ([[1], [1, 2]], {}, "regular array"),
        (Strange(), {}, "regular array"),
        ([True], {}, "array of numbers"),
        ([1j], {}, "array of numbers"),
        (["a"], {}, "array of numbers"),
        ({}, {}, "array of numbers"),
        ([1, 2], {"shape": (3,)}, r"shape \(2,\), but the shape \(3\)"),
        ([1, 2], {"shape": (2, None)}, r"\(2, any\)"),
        ([1, 2], {"shape": (3,), "wrong_shape": "Three for {name}, not {shape}."}, r"Three for x, not \(2,\)\."),
        ([], {}, "x is empty"),
        ([1, 2], {"dtype": "float"}, "floating-point"),
        ([1.5], {"dtype": "whole"}, "fraction"),
        ([1.0, math.nan], {}, "NaN"),
        ([1.0, -math.inf], {"dtype": "whole"}, "NaN"),
    ],
)
def test_what_is_no_such_array_is_named(value: Any, options: dict[str, Any], says: str) -> None:
    fails(says, values.array, value, "x", **options)


def test_same_accepts_rounding_and_names_mistakes() -> None:
    right = np.array([[0.5, 0.25], [0.0, -1.0]])
    values.same(right + 1e-7, right, "w")
    values.same(right.tolist(), right, "w")
    fails("does not have the right values", values.same, right + 1e-3, right, "w")
    fails("is transposed", values.same, right.T, right, "w", wrong={"{name} is transposed.": right.T})
    fails("own words", values.same, right + 1, right, "w", message="{name}: own words.")
    fails("shape", values.same, right[0], right, "w")
    fails("NaN", values.same, right * math.nan, right, "w")
    fails("NaN", values.same, right + math.inf, right, "w")


@pytest.mark.parametrize("value", [[Fraction(1, 2), 2], [Decimal("0.5"), 2], np.array([0.5, np.int8(2)], object)])
def test_arrays_may_hold_any_kind_of_number(value: Any) -> None:
    values.same(value, [0.5, 2.0], "w")
    fails("right values", values.same, value, [0.5, 3.0], "w")
    fails("array of numbers", values.array, [*value, None], "w")
    fails("array of numbers", values.array, [*value, "1"], "w")


def test_large_sums_may_be_added_up_in_any_order() -> None:
    values.same([3.3e10 * (1 + 1e-14)], [3.3e10], "w")
    fails("right values", values.same, [3.3e10 + 1], [3.3e10], "w")
    fails("right values", values.same, [10**15 + 1], [10**15], "w")
    fails("right values", values.same, [1e9 + 0.01], [1e9], "w")


def test_same_measures_small_arrays_on_their_own_scale() -> None:
    """Zeros differ from tiny weights, however large the tolerance."""
    tiny = np.full(3, 1e-9)
    values.same(tiny, tiny, "w", tolerance=1e-4)
    fails("right values", values.same, np.zeros(3), tiny, "w", tolerance=1e-4)
    fails("right values", values.same, tiny, np.zeros(3), "w", tolerance=1e-12)
    values.same(np.zeros(3), np.zeros(3), "w")


def test_nothing_is_close_to_nan() -> None:
    assert not values.is_close([math.nan], [math.nan], 1.0)
    assert not values.is_close([1.0], [math.nan], 1.0)
    assert not values.is_close([1.0], [math.inf], 1.0)
    assert values.is_close([], [], 1.0)


def test_indices_are_whole_numbers_in_range() -> None:
    assert values.indices([0, 4], "i", 5).tolist() == [0, 4]
    assert values.indices(np.array([1.0]), "i", 5).dtype == np.int64
    fails("tuple that np.where", values.indices, np.where([True]), "i", 5)
    fails("True and False", values.indices, [True, False], "i", 5)
    fails("from -1 to 2", values.indices, [-1, 2], "i", 5)
    fails("valid indices are 0 to 4", values.indices, [5], "i", 5)
    fails("fraction", values.indices, [0.5], "i", 5)
    fails("NaN", values.indices, [math.nan], "i", 5)
    fails("empty", values.indices, [], "i", 5)
    fails("text", values.indices, "12", "i", 5)
    fails("missing", values.indices, None, "i", 5)


def test_text_has_words() -> None:
    assert values.text("two words", "why", 2) == "two words"
    fails("1 words: write at least 2", values.text, "one", "why", 2)
    fails("0 words", values.text, "  ", "why")
    fails("is a int, not text", values.text, 3, "why")
    fails("missing", values.text, None, "why")


@pytest.mark.parametrize("value", ["b", " B ", ["b"], {"b"}, ("B",)])
def test_a_choice_is_an_option(value: Any) -> None:
    assert values.choice(value, "answer", "abc") == {"b"}
    assert values.choice(value, "answer", "abc", right="b") == {"b"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "missing"),
        (..., "three dots"),
        (2, "is a int: give the letter"),
        ("d", "choose from a, b, c"),
        ("", "choose from"),
        ([], "choose from"),
        ([1], "give the letter"),
        ("a", "a is a trap"),
        ("c", "not the right choice"),
        (["b", "c"], "not the right choice"),
        (["a", "b"], "a is a trap"),
    ],
)
def test_a_wrong_choice_is_named(value: Any, says: str) -> None:
    fails(says, values.choice, value, "answer", "abc", right="b", why={"a": "a is a trap."})


def test_several_options_can_be_right() -> None:
    values.choice(["a", "b"], "answer", "abc", right=["a", "b"])
    fails("incomplete", values.choice, "a", "answer", "abc", right=["a", "b"])


def test_a_function_is_called_on_copies() -> None:
    assert values.result_of(lambda x: x.sum(), "f", np.ones(3)) == 3
    given = np.ones(3)

    def in_place(x: Any) -> Any:
        x -= 1
        return x

    fails("changes its argument number 1 in place", values.result_of, in_place, "f", given)
    assert given.tolist() == [1, 1, 1]


def looks_only(_: Any) -> int:
    return 1


@pytest.mark.parametrize(
    "argument",
    [
        np.array([1.0, math.nan]),
        [1.0, math.nan],
        [[1], [1, 2]],
        [np.zeros(2), np.zeros(3)],
        {"a": np.zeros(2)},
        pd.DataFrame({"a": [1, None], "b": ["x", None]}),
        pd.Series([1.0, math.nan]),
        np.array(["a", "b"]),
        {1, 2},
        "text",
        None,
    ],
)
def test_a_function_that_only_looks_changes_nothing(argument: Any) -> None:
    assert values.result_of(looks_only, "f", argument) == 1


@pytest.mark.parametrize(
    ("argument", "change"),
    [
        (np.array([1.0, math.nan]), lambda a: a.fill(1)),
        ([1, math.nan], lambda a: a.pop()),
        ([[1], [1, 2]], lambda a: a[1].append(3)),
        ({"a": np.zeros(2)}, lambda a: a["a"].fill(1)),
        ({"a": 1}, lambda a: a.update(b=1)),
        (pd.DataFrame({"a": [1.0, None]}), lambda a: a.insert(0, "n", 1)),
        (pd.DataFrame({"a": [1.0, None]}), lambda a: setattr(a, "columns", ["b"])),
        ({1, 2}, lambda a: a.add(3)),
    ],
)
def test_every_change_of_an_argument_is_noticed(argument: Any, change: Callable[[Any], Any]) -> None:
    fails("argument number 1 in place", values.result_of, lambda given: (change(given), 1), "f", argument)


def test_what_goes_wrong_in_a_function_is_named() -> None:
    def broken(_: Any) -> Any:
        raise ValueError("shapes not aligned")

    fails("f raised ValueError for arguments of shape .*shapes not aligned", values.result_of, broken, "f", np.ones(2))
    fails("f raised TypeError", values.result_of, lambda: 1, "f", 1)
    fails("returns nothing", values.result_of, lambda _: None, "f", 1)
    fails("returns nothing", values.result_of, lambda _: ..., "f", 1)
    fails("f is a int, not a function", values.result_of, 3, "f", 1)
    fails("missing", values.result_of, None, "f", 1)
    fails("three dots", values.result_of, ..., "f", 1)


def test_braces_in_a_students_error_are_no_placeholders() -> None:
    def broken(_: Any) -> Any:
        raise KeyError("{name} {}")

    fails("f raised KeyError", values.result_of, broken, "f", 1)
