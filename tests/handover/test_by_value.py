"""Every kind that crosses by value arrives unchanged."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import zoneinfo
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from autograder.handover.decode import Decoder, Unusable
from autograder.handover.encode import Encoder
from autograder.handover.errors import CannotCrossError


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Person:
    name: str
    age: int


@dataclasses.dataclass(frozen=True)
class Frozen:
    key: str


@dataclasses.dataclass
class Account:
    balance: float

    def deposit(self, amount: float) -> None:
        self.balance += amount


class LyingList(list[Any]):
    def __iter__(self) -> Any:
        return iter([1, 2, 3])

    def __len__(self) -> int:
        return 3

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class LyingDict(dict[str, Any]):
    def items(self) -> Any:
        return {"right": 1}.items()


class Colour(enum.Enum):
    RED = 1


def crossed(value: Any) -> Any:
    """The value as the other side has it; CannotCrossError without a plain form."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}

    def save(array: np.ndarray[Any, Any]) -> str:
        name = str(len(arrays))
        arrays[name] = array.copy()
        return name

    described = json.loads(json.dumps(Encoder(save).encode(value)))
    return Decoder(arrays.__getitem__).value(described)


EXACT: dict[str, Any] = {
    "set": {1, "a", (2, 3)},
    "frozenset": frozenset({1, 2}),
    "range": range(2, 20, 3),
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"ab"),
    "complex": complex(1.5, -2),
    "infinite complex": complex(float("inf"), -0.0),
    "decimal": decimal.Decimal("1.10"),
    "fraction": fractions.Fraction(-3, 7),
    "date": datetime.date(2024, 2, 29),
    "time": datetime.time(23, 59, 1, 5),
    "datetime": datetime.datetime(2024, 2, 29, 12, 30),
    "datetime with offset": datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    "datetime with zone": datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Rome")),
    "timedelta": datetime.timedelta(days=-1, microseconds=7),
    "counter": collections.Counter("banana"),
    "deque": collections.deque([1, 2], maxlen=5),
    "ordered dict": collections.OrderedDict([("b", 1), ("a", 2)]),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "long list of floats": [0.1 * place for place in range(1_000)],
    "list of truth values": [True, False],
    "list of texts": ["a", "ö\ud800"],
    "mixed numbers": [1, 2.0, True],
    "whole numbers of any size": [1 << 70, -(1 << 63)],
    "floats that are none": (float("inf"), 1.0),
    "a type": int,
    "a NumPy type": np.float32,
    "a dtype": np.dtype("float32"),
    "a path": pathlib.PurePosixPath("data/a.csv"),
    "a set in a dict": {"a": {1}, "b": [frozenset()]},
}


@pytest.mark.parametrize("name", EXACT)
def test_a_value_of_the_standard_library_arrives_equal_and_of_its_type(name: str) -> None:
    value = EXACT[name]
    back = crossed(value)
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_what_distinguishes_a_container_beyond_its_items_arrives() -> None:
    assert crossed(collections.deque([1], maxlen=5)).maxlen == 5
    assert crossed(collections.defaultdict(int))["missing"] == 0
    assert crossed(collections.defaultdict(lambda: 7)).default_factory is None
    moved = collections.OrderedDict([("a", 1), ("b", 2)])
    moved.move_to_end("a")
    assert list(crossed(moved)) == ["b", "a"]


def test_records_compare_by_their_fields() -> None:
    point = crossed(Point(1.0, 2.0))
    assert point == (1.0, 2.0)
    assert (point.x, type(point).__name__, point._fields) == (1.0, "Point", ("x", "y"))
    person = crossed(Person("Ada", 36))
    assert person == crossed(Person("Ada", 36))
    assert person != crossed(Person("Ada", 37))
    assert dataclasses.asdict(person) == {"name": "Ada", "age": 36}
    assert {crossed(Frozen("a")): 1}[crossed(Frozen("a"))] == 1


def test_subclasses_arrive_as_the_base_with_what_they_hold_not_what_they_say() -> None:
    lying = LyingList([9])
    assert lying == [1, 2, 3], "in one process the lie works"
    assert crossed(lying) == [9]
    assert type(crossed(lying)) is list
    assert crossed(LyingDict(wrong=2)) == {"wrong": 2}


ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "complex": np.array([1j, 2]),
    "bytes": np.array([b"abc"]),
    "dates": np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"),
    "durations": np.array([1, 2], dtype="timedelta64[s]"),
    "objects": np.array([1, None, "x", {2}], dtype=object).reshape(2, 2),
    "records": np.array([(1, 2.5, "a")], dtype=[("n", "i4"), ("x", "f8"), ("t", "U3")]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_arrive_with_their_dtype(name: str) -> None:
    back = crossed(ARRAYS[name])
    assert back.dtype == ARRAYS[name].dtype
    np.testing.assert_array_equal(back, ARRAYS[name])


@pytest.mark.parametrize("scalar", [np.datetime64("2024-01-01"), np.complex64(1j), np.bytes_(b"ab"), np.bytes_(b"")])
def test_numpy_scalars_arrive(scalar: Any) -> None:
    assert crossed(scalar) == scalar
    assert crossed(scalar).dtype == scalar.dtype


FRAMES = {
    "numbers": pd.DataFrame({"a": [1, 2], "b": [0.5, None]}),
    "text": pd.DataFrame({"name": ["x", None], "n": [1, 2]}, index=["i", "j"]),
    "dates": pd.DataFrame({"when": pd.to_datetime(["2024-01-01", None])}),
    "categories": pd.DataFrame({"c": pd.Categorical(["a", "b", "a"], ordered=True)}),
    "whole numbers with gaps": pd.DataFrame({"n": pd.array([1, None], dtype="Int64")}),
    "objects": pd.DataFrame({"o": pd.Series([[1], {"k": 2}], dtype=object)}),
    "two levels": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])),
    "same name twice": pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    "zones": pd.DataFrame(
        {
            "r": pd.date_range("2024-03-31", periods=3, freq="h", tz="Europe/Rome"),
            "u": pd.to_datetime([1, 2, None], utc=True),
        }
    ).set_index("r", drop=False),
    "empty": pd.DataFrame(),
    "grouped": pd.DataFrame({"k": ["a", "a"], "v": [1, 2]}).groupby("k").agg({"v": ["sum", "mean"]}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_tables_arrive(name: str) -> None:
    pd.testing.assert_frame_equal(crossed(FRAMES[name]), FRAMES[name])


def test_parts_of_tables_arrive() -> None:
    series = pd.Series([1.5, 2.5], index=["a", "b"], name="price")
    pd.testing.assert_series_equal(crossed(series), series)
    pd.testing.assert_index_equal(crossed(pd.date_range("2024-01-01", periods=3)), pd.DatetimeIndex(
        ["2024-01-01", "2024-01-02", "2024-01-03"]), check_names=True, exact="equiv")  # fmt: skip
    categorical = pd.Categorical(["a", "b", None])
    pd.testing.assert_extension_array_equal(crossed(categorical), categorical)
    assert crossed(pd.Timestamp("2024-01-01 12:00")) == pd.Timestamp("2024-01-01 12:00")
    for zone in ("UTC", "Europe/Rome", "+02:00"):
        summer = pd.Timestamp("2024-07-01 12:00", tz=zone)
        assert crossed(summer) == summer
        assert str(crossed(summer).tz) == str(summer.tz)
    assert crossed(pd.Timedelta("1 days")) == pd.Timedelta("1 days")
    assert crossed(pd.NaT) is pd.NaT
    assert crossed(pd.NA) is pd.NA


REFUSED: dict[str, tuple[Any, str]] = {
    "function": (lambda: 1, "a function"),
    "module": (json, "a module"),
    "class of one's own": (Colour, "EnumType|EnumMeta"),
    "object with methods": (Account(1.0), "an Account"),
    "generator": ((item for item in [1]), "a generator"),
    "too many bytes": (b"x" * 10_000_001, "ten million bytes"),
    "too large a decimal": (decimal.Decimal("1." + "0" * 10_001), "too long"),
    "too many items": ({*range(1_000_001)}, "million items"),
    "period": (pd.DataFrame({"p": pd.period_range("2024", periods=2)}), "period"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_plain_form_says_so(name: str) -> None:
    value, reason = REFUSED[name]
    with pytest.raises(CannotCrossError, match=reason):
        crossed(value)


STUB = {"kind": "stub"}
FORGED: dict[str, dict[str, Any]] = {
    "an unknown type": {"kind": "type", "name": "Popen"},
    "a scalar type that is a function": {"kind": "scalar_type", "name": "load"},
    "a record with code for a name": {"kind": "named_tuple", "name": "x", "fields": ["a=print()"], "items": []},
    "a record with a special field": {"kind": "dataclass", "name": "x", "fields": ["__class__"], "items": [STUB]},
    "a record of another size": {"kind": "dataclass", "name": "x", "fields": ["a"], "items": []},
    "a decimal that fills the memory": {"kind": "decimal", "value": "1e999999999"},
    "an object that says it is text": {"kind": "list", "of": "str", "values": [1]},
    "a list within numbers": {"kind": "list", "of": "int", "values": [[1]]},
    "a shape that does not fit": {"kind": "object_array", "shape": [10**12], "items": []},
    "a negative size": {"kind": "object_array", "shape": [-1], "items": []},
    "a set of lists": {"kind": "set", "items": [{"kind": "list", "items": []}]},
    "a table of two lengths": {
        "kind": "frame",
        "columns": {"kind": "index", "names": [{"kind": "none"}], "range": [0, 3, 1]},
        "index": {"kind": "index", "names": [{"kind": "none"}], "range": [0, 3, 1]},
        "values": [],
    },
    "a table in no zone": {
        "kind": "series",
        "name": STUB,
        "values": {"kind": "zoned", "zone": STUB, "values": {"kind": "array", "file": "0"}},
        "index": {"kind": "index", "names": [STUB], "range": [0, 1, 1]},
    },
    "a time in no zone": {"kind": "timestamp", "value": "2024-01-01T00:00Z", "zone": {"kind": "str", "value": "UTC"}},
    "a column that is a file": {"kind": "series", "values": {"kind": "plain", "values": "/etc/passwd"}},
    "a time zone outside": {"kind": "datetime", "value": "2024-01-01", "zone": "../../etc/passwd", "fold": 0},
    "an unbounded dtype": {"kind": "dtype", "value": "O, " * 100_000},
    "a reference where none is expected": {"kind": "reference", "id": 1},
    "nothing": {"kind": "nothing"},
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_descriptions_are_unusable(name: str) -> None:
    assert isinstance(Decoder({}.__getitem__).value(FORGED[name]), Unusable)
