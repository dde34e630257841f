"""Every row of the table in docs/live-answers.md is true, in both directions."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import fractions
import pathlib
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from autograder.handover.decode import Unusable
from autograder.handover.proxy import LiveCallError, Session, StandIn
from tests.live.notebook import serving

PAGE = Path(__file__).resolve().parents[2] / "docs" / "live-answers.md"
NOTEBOOK = """
import collections, contextlib, copy, dataclasses, datetime, decimal, enum, fractions, functools, inspect, math, pathlib
import re, socket, threading, types, zoneinfo
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt, numpy as np, pandas as pd
__file__ = "/dev/null"
class SubList(list): pass
class SubDict(dict): pass
class SubSet(set): pass
class SubInt(int): pass
class Color(enum.Enum): RED = 1
Point = collections.namedtuple("Point", "x y")
@dataclasses.dataclass
class Person:
    name: str
    age: int
@dataclasses.dataclass(frozen=True)
class Frozen:
    name: str
@dataclasses.dataclass
class Member:
    name: str
    def greet(self): return "Hello"
class Account:
    def __init__(self, owner): self.owner = owner
    def greet(self): return "Hello"
class OwnError(ValueError): pass
def function(): return 1
async def coroutine(): pass
shortest = lambda: 1
own_module = types.ModuleType("own_module")
deep = []
for _ in range(30): deep = [deep]
def same(x): return x
def twin(x): return copy.deepcopy(x)
def kind_of(x): return type(x).__name__
"""


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Person:
    name: str
    age: int


@dataclasses.dataclass(frozen=True)
class Frozen:
    name: str


class SubList(list[Any]):
    pass


class SubDict(dict[str, int]):
    pass


class SubSet(set[int]):
    pass


@dataclass(frozen=True)
class Row:
    kind: str
    example: str
    answer: str
    argument: str

    def __str__(self) -> str:
        return self.kind


def _rows() -> list[Row]:
    found = re.findall(
        r"^\| ([^|]+) \| `([^|]+)` \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return [Row(*map(str.strip, cells)) for cells in found]


ROWS = _rows()
PLAIN = [row for row in ROWS if not row.example.startswith(("tf.", "keras."))]
HEAVY = [row for row in ROWS if row not in PLAIN]


def test_the_table_is_read_in_full() -> None:
    lines = PAGE.read_text(encoding="utf-8").split("## What crosses")[1].split("\n## ")[0].splitlines()
    assert len(ROWS) == sum(line.startswith("|") for line in lines) - 2
    assert len(ROWS) > 70


@pytest.fixture(scope="module")
def notebook() -> Iterator[tuple[Session, dict[str, Any]]]:
    """The notebook's answers: each row's example by its number, and three functions."""
    source = NOTEBOOK + "".join(
        f"row_{number} = {row.example}\n" for number, row in enumerate(PLAIN) if row.answer != "none"
    )
    names = [f"row_{number}" for number in range(len(PLAIN))]
    with serving(source, *names, "same", "twin", "kind_of") as served:
        yield served


def _own_value(row: Row) -> Any:
    """The example as a value of the test's own."""
    deep: list[Any] = []
    for _ in range(30):
        deep = [deep]
    known = {
        "np": np, "pd": pd, "collections": collections, "datetime": datetime, "decimal": decimal,
        "fractions": fractions, "pathlib": pathlib, "zoneinfo": zoneinfo, "Point": Point, "Person": Person,
        "Frozen": Frozen, "SubList": SubList, "SubDict": SubDict, "SubSet": SubSet, "deep": deep,
    }  # fmt: skip
    return eval(row.example, known)  # noqa: S307 - our own page


def _as_told(row: Row, cell: str) -> Any:
    """The example as the value that a cell of the table says it becomes."""
    own, told = _own_value(row), re.search("by value: `(.+)`", cell)
    if told is None:
        return own
    return np.asarray(own) if told[1] == "ndarray" else {"list": list, "dict": dict, "set": set}[told[1]](own)


def _equal(one: Any, other: Any) -> bool:
    """Whether two values have the same type and content.

    Classes of records have the same names.
    """
    if isinstance(one, type) or one is pd.NaT or one is pd.NA:
        return one is other
    if type(one).__name__ != type(other).__name__:
        return False
    if isinstance(one, np.ndarray):
        same = (one.dtype, one.shape, repr(one.tolist())) == (other.dtype, other.shape, repr(other.tolist()))
        return same and (one.dtype != object or all(map(_equal, one.flat, other.flat)))
    if isinstance(one, pd.DataFrame | pd.Series | pd.Index | pd.Categorical):
        return _equal_tables(one, other)
    if isinstance(one, dict):
        same = getattr(one, "default_factory", None) is getattr(other, "default_factory", None)
        return same and _equal(list(one.items()), list(other.items()))
    if dataclasses.is_dataclass(one):
        return _equal(vars(one), vars(other))
    if isinstance(one, list | tuple | collections.deque):
        same = getattr(one, "maxlen", None) == getattr(other, "maxlen", None)
        return same and len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, set | frozenset):
        return one == other and sorted(map(repr, one)) == sorted(map(repr, other))
    return repr(one) == repr(other) and (one == other or one != one)  # noqa: PLR0124 - NaN


def _equal_tables(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return bool(one.equals(other)) and list(one.dtypes) == list(other.dtypes) and _equal(one.index, other.index)
    if isinstance(one, pd.Categorical):
        return bool(one.dtype == other.dtype) and _equal(one.tolist(), other.tolist())
    names = [[table.name] if isinstance(table, pd.Series) else list(table.names) for table in (one, other)]
    return bool(one.equals(other)) and one.dtype == other.dtype and names[0] == names[1]


@pytest.mark.parametrize("row", PLAIN, ids=str)
def test_from_the_notebook(row: Row, notebook: tuple[Session, dict[str, Any]]) -> None:
    _, values = notebook
    if row.answer == "none":
        return
    value = values[f"row_{PLAIN.index(row)}"]
    if row.answer.startswith("refused: "):
        assert isinstance(value, Unusable)
        assert row.answer.removeprefix("refused: ") in value.reason
    elif row.answer == "by reference":
        items = value if isinstance(value, tuple) else (value,)
        assert all(isinstance(item, StandIn) or issubclass(item, ValueError) for item in items)
    elif row.kind == "module of a library":
        assert value is __import__(row.example)
    else:
        assert _equal(_as_told(row, row.answer), value)


@pytest.mark.parametrize("row", PLAIN, ids=str)
def test_to_the_notebook(row: Row, notebook: tuple[Session, dict[str, Any]]) -> None:
    session, values = notebook
    same, kind_of = values["same"], values["kind_of"]
    session.begin_test()
    if row.argument.startswith("refused: "):
        with pytest.raises(LiveCallError, match=re.escape(row.argument.removeprefix("refused: "))):
            same(_own_value(row))
        return
    if row.argument == "by reference":
        value = values[f"row_{PLAIN.index(row)}"]
        for item in value if isinstance(value, tuple) else (value,):
            assert same(item) is item
        return
    if row.argument == "by value: the notebook's own":
        own = {"len": len, "math": __import__("math")}[row.example]
        assert kind_of(own) == type(own).__name__
        return
    own = _as_told(row, row.argument)
    assert kind_of(_own_value(row)) == type(own).__name__
    # What has arrived there; the argument itself, returned, would be the test's own object again.
    assert _equal(own, values["twin"](_own_value(row)))


@pytest.mark.slow
def test_what_needs_tensorflow(fork_server: Any, tmp_path: Path) -> None:
    """The rows of TensorFlow in the sandbox; a refusal fails its question."""
    from autograder.grading.grader import Grader
    from autograder.labs.assignment import load_assignment
    from tests.fixtures.builders import make_zip, notebook_json, question_file

    checks = {
        "TensorFlow tensor": "type(value).__name__ == 'ndarray' and value.tolist() == [[1.5, 2.5]]",
        "TensorShape": "value.as_list() == [None, 3]",
        "Keras model": "value.count_params() == 3",
    }
    assert {row.kind for row in HEAVY} == set(checks)
    tests = {
        f"q{number}": question_file(
            f"q{number}",
            f"@test_case(points=1)\ndef test_{number}(v{number}, same):\n"
            f"    for value in (v{number}, same(v{number})):\n        assert {checks[row.kind]}",
        )
        for number, row in enumerate(HEAVY)
    }
    lab = load_assignment(make_zip(tmp_path / "a-autograder.zip", tests), fork_server)
    cells = ["import tensorflow as tf, keras\ndef same(x): return x"]
    cells += [f"v{number} = {row.example}" for number, row in enumerate(HEAVY)]
    data = notebook_json(*cells, lab=None)
    result = Grader({lab.name: lab}, fork_server, assume=lab.name).grade("a.ipynb", lambda: data)
    assert result.score == len(HEAVY), [test.message for question in result.questions for test in question.tests]
