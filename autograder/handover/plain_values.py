"""Convert standard library values, such as sets and dates, to plain data and back.

`describe` runs in the process that has a value, `rebuild` in the one that needs it. Descriptions are untrusted:
`rebuild` creates values of the classes named here only. Contents are read through the methods of the base class, so
that a subclass cannot misrepresent them.
"""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import fractions
import functools
import keyword
import math
import pathlib
import types
import weakref
import zoneinfo
from collections.abc import Callable
from typing import Any

from autograder.handover.errors import CannotCrossError

Described = dict[str, Any]
RecordClass = Callable[[str, str, tuple[str, ...]], Any]
_RECORD_CLASSES: weakref.WeakSet[type] = weakref.WeakSet()
_MAX_BYTES = 10_000_000
_MAX_TEXT = 10_000
_MAX_FIELDS = 100
_MAX_NAME = 100
_FACTORIES: dict[str, type] = {kind.__name__: kind for kind in (list, dict, set, int, float, str, bool, tuple)}
_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range, object),
        *(collections.Counter, collections.deque, collections.OrderedDict, collections.defaultdict),
        *(decimal.Decimal, fractions.Fraction),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, type(None)),
    )
}


def describe(value: Any, inner: Callable[[Any], Described]) -> Described | None:
    """Return the description of a value, or None for a kind that is not known here.

    Args:
        value: the value.
        inner: describes what the value contains.

    Raises:
        CannotCrossError: the value is too large.
    """
    kind = type(value)
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(value, inner)
    if issubclass(kind, type):
        name = value.__name__
        return {"kind": "type", "name": name} if _TYPES.get(name) is value else None
    if issubclass(kind, tuple):
        return _describe_tuple(value, inner)
    if is_plain_dataclass(kind):
        return _describe_dataclass(kind, value, inner)
    if issubclass(kind, pathlib.PurePath):
        return {"kind": "path", "value": _bounded(str(value))}
    for base in _BASES:
        if issubclass(kind, base):
            return _WRITERS[base](value, inner)
    return None


def rebuild(described: Described, inner: Callable[[Any], Any], known: RecordClass | None = None) -> Any:
    """Return the value that a description claims.

    Args:
        described: the description; its kind is one of `KINDS`.
        inner: rebuilds what the value contains.
        known: returns the class of a record, or None to create one.

    Raises:
        CannotCrossError, ValueError, TypeError, KeyError: the description is not valid.
    """
    kind = described["kind"]
    if kind in _RECORDS:
        return _rebuild_record(described, inner, known)
    return _READERS[kind](described, inner)


def is_plain_dataclass(kind: type) -> bool:
    """Whether a class is a dataclass without methods of its own.

    Its instances consist of their fields only.
    """
    return dataclasses.is_dataclass(kind) and not own_methods(kind)


def own_methods(kind: type) -> list[str]:
    """Return public methods and properties of a class and its non-built-in bases."""
    written = (types.FunctionType, property, classmethod, staticmethod, functools.cached_property)
    return [
        name
        for base in kind.__mro__
        if base.__module__ not in ("builtins", "collections", "typing")
        for name, member in vars(base).items()
        if not name.startswith("_") and isinstance(member, written)
    ]


@functools.lru_cache(maxsize=1_000)
def record_class(form: str, name: str, fields: tuple[str, ...]) -> type:
    """Return a class for handed-over records, the same for equal names and fields.

    Raises:
        CannotCrossError: the names are not valid, or too many.
    """
    names = (name, *fields)
    if len(fields) > _MAX_FIELDS or not all(_is_name(text) for text in names) or len(set(fields)) < len(fields):
        raise CannotCrossError("its fields have no proper names")
    if form != "named_tuple":
        typed = [(field, "typing.Any") for field in fields]
        return _marked(dataclasses.make_dataclass(name, typed, frozen=form == "frozen_dataclass"))
    if any(field.startswith("_") for field in fields):
        raise CannotCrossError("its fields have no proper names")
    return _marked(collections.namedtuple(name, fields))


def _marked(made: type) -> type:
    _RECORD_CLASSES.add(made)
    return made


def is_record(value: Any) -> bool:
    """Whether a value is a rebuilt record, with the class name of the notebook's."""
    return type(value) in _RECORD_CLASSES


def _is_name(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > _MAX_NAME or text.startswith("__"):
        return False
    return text.isidentifier() and not keyword.iskeyword(text)


def _bounded(text: str) -> str:
    if len(text) > _MAX_TEXT:
        raise CannotCrossError("it is too long")
    return text


def _text(value: Any) -> str:
    if type(value) is not str:
        raise CannotCrossError("it is damaged")
    return _bounded(value)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise CannotCrossError("it is damaged")
    return value


def _describe_tuple(value: Any, inner: Callable[[Any], Described]) -> Described:
    fields = getattr(type(value), "_fields", None)
    items = list(tuple.__iter__(value))
    if type(fields) is tuple and len(fields) == len(items) and all(_is_name(field) for field in fields):
        described = [inner(item) for item in items]
        return {"kind": "named_tuple", "name": type(value).__name__, "fields": list(fields), "items": described}
    return {"kind": "tuple", "items": [inner(item) for item in items]}


def _describe_dataclass(kind: Any, value: Any, inner: Callable[[Any], Described]) -> Described:
    fields = [field.name for field in dataclasses.fields(kind)]
    form = "frozen_dataclass" if kind.__dataclass_params__.frozen else "dataclass"
    items = [inner(object.__getattribute__(value, field)) for field in fields]
    return {"kind": form, "name": kind.__name__, "fields": fields, "items": items}


def _rebuild_record(described: Described, inner: Callable[[Any], Any], known: RecordClass | None) -> Any:
    form, fields = described["kind"], tuple(described["fields"])
    items = [inner(item) for item in described["items"]]
    if len(items) != len(fields):
        raise CannotCrossError("it is damaged")
    found = None if known is None else known(form, described["name"], fields)
    return (found or record_class(form, described["name"], fields))(*items)


def _describe_bytes(value: Any, _: Callable[[Any], Described]) -> Described:
    if len(value) > _MAX_BYTES:
        raise CannotCrossError("it is more than ten million bytes: use a NumPy array of uint8")
    name = "bytearray" if isinstance(value, bytearray) else "bytes"
    return {"kind": name, "value": base64.b64encode(bytes(value)).decode("ascii")}


def _rebuild_bytes(described: Described, _: Callable[[Any], Any]) -> Any:
    if type(described["value"]) is not str or len(described["value"]) > 2 * _MAX_BYTES:
        raise CannotCrossError("it is damaged")
    raw = base64.b64decode(described["value"], validate=True)
    return bytearray(raw) if described["kind"] == "bytearray" else raw


def _describe_complex(value: complex, _: Callable[[Any], Described]) -> Described:
    parts = [part if math.isfinite(part) else repr(part) for part in (value.real, value.imag)]
    return {"kind": "complex", "parts": parts}


def _describe_zone(zone: datetime.tzinfo | None) -> str | None:
    if zone is None or type(zone) is datetime.timezone:
        return None
    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        return zone.key
    raise CannotCrossError("it is in a time zone of its own kind")


def _describe_time(value: Any, _: Callable[[Any], Described]) -> Described:
    name = type(value).__name__
    if name == "date":
        return {"kind": name, "value": value.isoformat()}
    return {"kind": name, "value": value.isoformat(), "zone": _describe_zone(value.tzinfo), "fold": value.fold}


def _rebuild_time(described: Described, _: Callable[[Any], Any]) -> Any:
    name, text = described["kind"], _text(described["value"])
    if name == "date":
        return datetime.date.fromisoformat(text)
    value = datetime.datetime.fromisoformat(text) if name == "datetime" else datetime.time.fromisoformat(text)
    if described["zone"] is not None:
        value = value.replace(tzinfo=zoneinfo.ZoneInfo(_text(described["zone"])))
    return value.replace(fold=1 if described["fold"] == 1 else 0)


def _describe_items(name: str, items: Callable[[Any], Any]) -> Callable[[Any, Callable[[Any], Described]], Described]:
    def write(value: Any, inner: Callable[[Any], Described]) -> Described:
        return {"kind": name, "items": [inner(item) for item in items(value)]}

    return write


def _describe_pairs(name: str, pairs: Callable[[Any], Any]) -> Callable[[Any, Callable[[Any], Described]], Described]:
    def write(value: Any, inner: Callable[[Any], Described]) -> Described:
        return {"kind": name, "items": [[inner(key), inner(item)] for key, item in pairs(value)]}

    return write


def _describe_deque(value: collections.deque[Any], inner: Callable[[Any], Described]) -> Described:
    items = [inner(item) for item in collections.deque.__iter__(value)]
    return {"kind": "deque", "items": items, "limit": vars(collections.deque)["maxlen"].__get__(value)}


def _describe_defaultdict(value: Any, inner: Callable[[Any], Described]) -> Described:
    factory = vars(collections.defaultdict)["default_factory"].__get__(value)
    name = getattr(factory, "__name__", None)
    known = name if isinstance(name, str) and _FACTORIES.get(name) is factory else None
    return {**_describe_pairs("defaultdict", dict.items)(value, inner), "factory": known}


def _rebuild_deque(described: Described, inner: Callable[[Any], Any]) -> Any:
    limit = described["limit"]
    items = [inner(item) for item in described["items"]]
    return collections.deque(items, None if limit is None else _number(limit))


def _pairs(described: Described, inner: Callable[[Any], Any]) -> list[tuple[Any, Any]]:
    return [(inner(key), inner(item)) for key, item in described["items"]]


def _rebuild_defaultdict(described: Described, inner: Callable[[Any], Any]) -> Any:
    name = described["factory"]
    return collections.defaultdict(None if name is None else _FACTORIES[name], _pairs(described, inner))


def _rebuild_counter(described: Described, inner: Callable[[Any], Any]) -> Any:
    counter: collections.Counter[Any] = collections.Counter()
    dict.update(counter, _pairs(described, inner))
    return counter


def _describe_range(value: range, _: Callable[[Any], Described]) -> Described:
    bounds = [value.start, value.stop, value.step]
    if any(bound.bit_length() > 4_096 for bound in bounds):
        raise CannotCrossError("its bounds are whole numbers of more than a thousand digits")
    return {"kind": "range", "bounds": bounds}


def _describe_decimal(value: decimal.Decimal, _: Callable[[Any], Described]) -> Described:
    return {"kind": "decimal", "value": _bounded(str(value))}


def _rebuild_decimal(described: Described, _: Callable[[Any], Any]) -> decimal.Decimal:
    value = decimal.Decimal(_text(described["value"]))
    if value.is_finite() and abs(value.adjusted()) > _MAX_TEXT:
        raise CannotCrossError("its exponent is too large")  # as a whole number it would fill the memory
    return value


def _describe_fraction(value: fractions.Fraction, _: Callable[[Any], Described]) -> Described:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4_096:
        raise CannotCrossError("it is a fraction of numbers with more than a thousand digits")
    return {"kind": "fraction", "parts": [value.numerator, value.denominator]}


def _describe_duration(value: datetime.timedelta, _: Callable[[Any], Described]) -> Described:
    return {"kind": "timedelta", "parts": [value.days, value.seconds, value.microseconds]}


_WRITERS: dict[type, Callable[[Any, Callable[[Any], Described]], Described]] = {
    set: _describe_items("set", set.__iter__),
    frozenset: _describe_items("frozenset", frozenset.__iter__),
    range: _describe_range,
    bytes: _describe_bytes,
    bytearray: _describe_bytes,
    complex: _describe_complex,
    decimal.Decimal: _describe_decimal,
    fractions.Fraction: _describe_fraction,
    datetime.date: _describe_time,
    datetime.time: _describe_time,
    datetime.datetime: _describe_time,
    datetime.timedelta: _describe_duration,
    collections.deque: _describe_deque,
    collections.Counter: _describe_pairs("counter", dict.items),
    collections.OrderedDict: _describe_pairs("ordered_dict", collections.OrderedDict.items),
    collections.defaultdict: _describe_defaultdict,
    list: _describe_items("list", list.__iter__),
    dict: _describe_pairs("dict", dict.items),
}
# Instances of a subclass cross as the first of these classes that it derives from.
_BASES = (
    *(collections.Counter, collections.OrderedDict, collections.defaultdict, dict),
    *(list, set, frozenset, collections.deque),
)
_READERS: dict[str, Callable[[Described, Callable[[Any], Any]], Any]] = {
    "set": lambda described, inner: {inner(item) for item in described["items"]},
    "frozenset": lambda described, inner: frozenset(inner(item) for item in described["items"]),
    "range": lambda described, _: range(*map(_number, described["bounds"])),
    "bytes": _rebuild_bytes,
    "bytearray": _rebuild_bytes,
    "complex": lambda described, _: complex(*map(float, described["parts"])),
    "decimal": _rebuild_decimal,
    "fraction": lambda described, _: fractions.Fraction(*map(_number, described["parts"])),
    "date": _rebuild_time,
    "time": _rebuild_time,
    "datetime": _rebuild_time,
    "timedelta": lambda described, _: datetime.timedelta(*map(_number, described["parts"])),
    "deque": _rebuild_deque,
    "counter": _rebuild_counter,
    "ordered_dict": lambda described, inner: collections.OrderedDict(_pairs(described, inner)),
    "defaultdict": _rebuild_defaultdict,
    "path": lambda described, _: pathlib.PurePosixPath(_text(described["value"])),
    "type": lambda described, _: _TYPES[_text(described["name"])],
}
_RECORDS = ("named_tuple", "dataclass", "frozen_dataclass")
KINDS = frozenset({*_READERS, *_RECORDS})
