"""Tables: what passes, and the messages."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograder.checks.core import CheckFailed
from autograder.checks.tables import same_table, table

CITIES = {"city": ["Cork", "Oslo", "Rome"], "rain": [548.0, 337.5, 801.0]}
FRAME = pd.DataFrame(CITIES)


@pytest.mark.parametrize(
    "value",
    [
        FRAME,
        FRAME.set_index(np.array([7, 8, 9])),
        FRAME[["rain", "city"]],
        FRAME.assign(more=1),
        FRAME.astype({"city": "category"}),
        FRAME.assign(rain=[Decimal("548"), Decimal("337.5"), Decimal("801")]),
        FRAME.assign(rain=[Fraction(548), Fraction(675, 2), 801]).astype(object),
        FRAME + pd.DataFrame({"city": ["", "", ""], "rain": [1e-9, 0, 0]}),
    ],
)
def test_the_same_table_passes_in_any_form(value: Any) -> None:
    assert table(value, "t", columns=["city"], rows=3) is value
    same_table(value, CITIES, "t")
    same_table(value, FRAME, "t")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "t is missing"),
        (..., r"t is still `\.\.\.`"),
        (FRAME["rain"], "t is a Series, one column"),
        (CITIES, "t is a dict, not a table"),
        (FRAME.to_numpy(), "t is a ndarray, not a table"),
        (FRAME.set_index("city"), "city is the index of t"),
        (FRAME.rename(columns={"city": "City "}), "exactly the name city; it has City , rain"),
        (FRAME[["rain"]], "t has no column city: its columns are rain"),
        (FRAME[:2], "t has 2 rows, but 3 are needed"),
        (FRAME[:0], "t has 0 rows, but 3 are needed"),
        (FRAME.sort_values("rain"), "t has the right rows in the wrong order"),
        (FRAME.assign(rain=[548.0, 337.5, 800.0]), "column rain of t is wrong in 1 of 3 rows, first in row 3"),
        (FRAME.assign(city=["Cork", "oslo", "rome"]), "column city of t is wrong in 2 of 3 rows, first in row 2"),
        (FRAME.assign(rain=FRAME["rain"].astype(str)), "column rain of t is wrong in 3 of 3"),
        (FRAME.assign(rain=[548.0, np.nan, 801.0]), "column rain of t has missing values"),
        (FRAME.assign(city=["Cork", None, "Rome"]), "column city of t has missing values"),
        (FRAME.assign(city=pd.array(["Cork", pd.NA, "Rome"], "string")), "column city of t has missing values"),
        (FRAME.assign(city=[np.zeros(2), "Oslo", "Rome"]), "column city of t is wrong in 1 of 3 rows, first in row 1"),
        (pd.concat([FRAME, FRAME], axis=1), "t has 2 columns called city"),
        (pd.concat([FRAME, FRAME[["rain"]]], axis=1), "t has 2 columns called rain"),
    ],
)
def test_every_way_to_be_wrong_has_its_message(value: Any, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        same_table(value, CITIES, "t")


def test_where_order_does_not_count_rows_are_compared_as_wholes() -> None:
    same_table(FRAME.sort_values("rain"), CITIES, "t", ordered=False)
    swapped = FRAME.assign(rain=[337.5, 548.0, 801.0])
    with pytest.raises(CheckFailed, match="column rain of t does not have the right values"):
        same_table(swapped, CITIES, "t", ordered=False)


def test_rows_in_any_order_may_hold_rounding_errors() -> None:
    truth = {"a": [1.0, 0.3, 0.0], "b": ["x", "y", "z"]}
    same_table(pd.DataFrame({"a": [0.1 + 0.2, 1.0, 1e-17], "b": ["y", "x", "z"]}), truth, "t", ordered=False)


def test_columns_may_be_called_by_numbers() -> None:
    years = pd.DataFrame({2020: [1, 2], 2021: [3, 4]})
    for truth in (years, {"2020": [1, 2]}):
        same_table(years, truth, "t")
        with pytest.raises(CheckFailed, match="column 2020 of t is wrong in 2 of 2"):
            same_table(years + 1, truth, "t")


@pytest.mark.parametrize("found", ["nan", "<NA>", "NaT", type("NAType", (), {"__str__": lambda _: "nan"})()])
def test_what_only_reads_like_a_missing_value_is_wrong(found: Any) -> None:
    truth = {"b": ["x", None]}
    for missing in (None, float("nan"), np.float32("nan"), pd.NA, pd.NaT):
        same_table(pd.DataFrame({"b": pd.Series(["x", missing], dtype=object)}), truth, "t")
    with pytest.raises(CheckFailed, match="column b of t is wrong in 1 of 2"):
        same_table(pd.DataFrame({"b": pd.Series(["x", found], dtype=object)}), truth, "t")


def test_only_infinity_is_infinity() -> None:
    truth = {"a": [1.0, float("inf")]}
    same_table(pd.DataFrame(truth), truth, "t")
    for found in (2.0, float("-inf")):
        with pytest.raises(CheckFailed, match="column a of t is wrong in 1 of 2"):
            same_table(pd.DataFrame({"a": [1.0, found]}), truth, "t")


def test_missing_values_are_right_where_the_truth_has_them() -> None:
    truth = {"a": [1.0, float("nan")], "b": ["x", None]}
    same_table(pd.DataFrame(truth), truth, "t")
    with pytest.raises(CheckFailed, match="column a of t is wrong in 1 of 2"):
        same_table(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]}), truth, "t")
