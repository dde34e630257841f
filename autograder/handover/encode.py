"""Encode values as plain data: answers, and values in live calls.

Knows nothing of tests or marks.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover import plain_values, tables
from autograder.handover.equality import same_bytes
from autograder.handover.errors import CannotCrossError
from autograder.handover.modules import describe_module
from autograder.handover.shared_arrays import table_for
from autograder.util.text import text_of

ANSWERS = "answers.jsonl"
TRAINING = ".fit"
_PLAIN_KINDS = "biufcSUMm"
_MAX_ITEMS = 1_000_000
_MAX_DEPTH = 20
_MAX_INT_BITS = 4_096
_COMPACT_INT_BITS = 63
_MAX_TEXT = 1_000_000
_MAX_REASON = 400


class Encoder:
    """Describes values as plain data.

    Args:
        save: keeps an array and returns its name.
        refer: describes by reference what has no plain form; may raise CannotCrossError.
        own: is called first, except for numbers and texts; returns None for values that it does not describe.
    """

    def __init__(
        self,
        save: Callable[[np.ndarray[Any, Any]], str],
        refer: Callable[[Any], dict[str, Any]] | None = None,
        own: Callable[[Any], dict[str, Any] | None] | None = None,
    ) -> None:
        self._save = save
        self._refer = refer or refuse
        self._own = own or _nothing

    def describe(self, value: Any) -> dict[str, Any]:
        """Return the description of a value, or the reason for having none. Never raises."""
        try:
            return self.encode(value)
        except CannotCrossError as error:
            return {"kind": "unusable", "reason": str(error)}
        except BaseException as error:  # noqa: BLE001 - a student's object may raise anything when it is looked at
            reason = f"it raised {type(error).__name__} when it was read: {text_of(error, _MAX_REASON)}"
            return {"kind": "unusable", "reason": reason.rstrip(": ")}

    def encode(self, value: Any) -> dict[str, Any]:
        """Return the description of a value.

        Raises:
            CannotCrossError: it has no plain form.
        """
        return self._encode(value, _Budget())

    def _encode(self, value: Any, budget: _Budget) -> dict[str, Any]:
        budget.spend()
        if value is None:
            return {"kind": "none"}
        if value is ...:
            return {"kind": "stub"}
        simple = _encode_simple(value)
        if simple is not None:
            return simple
        known = self._own(value)
        if known is not None:
            return known
        kind = type(value)
        if kind in (list, tuple):
            return _encode_alike(value, budget) or self._encode_items(kind.__name__, value, budget)
        if kind is dict:
            with budget.deeper():
                pairs = [[self._encode(key, budget), self._encode(item, budget)] for key, item in value.items()]
            return {"kind": "dict", "items": pairs}
        return self._encode_object(value, budget)

    def _encode_items(self, kind: str, values: Iterable[Any], budget: _Budget) -> dict[str, Any]:
        with budget.deeper():
            return {"kind": kind, "items": [self._encode(item, budget) for item in values]}

    def _encode_object(self, value: Any, budget: _Budget) -> dict[str, Any]:
        def inner(part: Any) -> dict[str, Any]:
            return self._encode(part, budget)

        with budget.deeper():
            described = plain_values.describe(value, inner)
            if described is None:
                described = self._encode_library_object(value, inner)
        return described or self._refer(value)

    def _encode_library_object(self, value: Any, inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any] | None:
        # A library that is not imported has no values here, so that functions can be tested without TensorFlow.
        keras: Any = sys.modules.get("keras")
        tensorflow: Any = sys.modules.get("tensorflow")
        if tensorflow is not None:
            if isinstance(value, tensorflow.TensorShape):
                return {"kind": "shape", "sizes": None if value.rank is None else value.as_list()}
            if isinstance(value, (tensorflow.Tensor, tensorflow.Variable)):
                value = np.asarray(value)
        if keras is not None and isinstance(value, keras.Variable):
            value = np.asarray(value)
        if isinstance(value, np.ndarray):
            return self._encode_array(value, inner)
        if isinstance(value, np.dtype):
            return _encode_dtype(value)
        if keras is not None and isinstance(value, keras.callbacks.History):
            return _encode_history(value)
        if keras is not None and isinstance(value, keras.Model):
            return self._encode_model(value)
        if issubclass(type(value), type) and issubclass(value, np.generic):
            return {"kind": "scalar_type", "name": value.__name__}
        return tables.describe(value, inner)

    def _encode_model(self, model: Any) -> dict[str, Any]:
        from autograder.handover.keras_encode import describe_model

        parts = describe_model(model)
        weights = [self._save(_plain_array(np.asarray(weight))) for weight in model.get_weights()]
        return {"kind": "model", **parts, "weights": weights}

    def _encode_array(self, array: np.ndarray[Any, Any], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        if array.dtype.kind == "O":
            items = [inner(item) for item in np.asarray(array).reshape(-1).tolist()]
            return {"kind": "object_array", "shape": list(array.shape), "items": items}
        if array.dtype.names is not None:
            plain = np.asarray(array)
            fields = [[name, inner(plain[name])] for name in array.dtype.names]
            return {"kind": "structured", "shape": list(array.shape), "fields": fields}
        array = _plain_array(array)
        known = table_for(array)
        if known is None:
            return {"kind": "array", "file": self._save(array)}
        name, table = known
        return {"kind": "array", "of": name, "file": self._save(table)}


def refuse(value: Any) -> dict[str, Any]:
    """Say that a value has no plain form.

    Raises:
        CannotCrossError: always.
    """
    raise CannotCrossError(f"it is {_article(type(value).__name__)}, which cannot be handed over as plain data")


def _nothing(_: Any) -> None:
    return None


class HandoverWriter:
    """Writes answers to a folder; unchanged arrays are written once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._written: list[Path] = []
        self._without_plain_form = 0

    def hand_over(self, question: str, names: Iterable[str], namespace: Mapping[str, Any]) -> bool:
        """Write the named variables as they are now; missing ones are left out.

        Returns:
            Whether all of them could be written as plain data.
        """
        before = self._without_plain_form
        encoder = Encoder(self._save, self._refuse, describe_module)
        values = {name: encoder.describe(namespace[name]) for name in names if name in namespace}
        line = json.dumps({"question": question, "values": values})
        with (self._folder / ANSWERS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return self._without_plain_form == before

    def keep_training(self, name: str, recording: bytes) -> None:
        """Write a sealed recording of a fit (see `runner.replay.sealing`).

        Requested of trusted notebooks only.
        """
        (self._folder / f"{name}{TRAINING}").write_bytes(recording)

    def _refuse(self, value: Any) -> dict[str, Any]:
        self._without_plain_form += 1
        name = _article(type(value).__name__)
        raise CannotCrossError(f"it is {name}, which is tested while the notebook runs, and that was not possible")

    def _save(self, array: np.ndarray[Any, Any]) -> str:
        for path in reversed(self._written):
            if same_bytes(np.load(path, mmap_mode="r", allow_pickle=False), array):
                return path.name
        path = self._folder / f"{len(self._written):04d}.npy"
        # Written under another name first, so that listed files are always complete.
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
        partial.rename(path)
        self._written.append(path)
        return path.name


class _Budget:
    """A limit on size and depth of nested values in one answer."""

    def __init__(self) -> None:
        self._items = 0
        self._depth = 0

    def spend(self, items: int = 1) -> None:
        self._items += items
        if self._items > _MAX_ITEMS:
            raise CannotCrossError("it has more than a million items: use a NumPy array")

    def deeper(self) -> _Budget:
        return self

    def __enter__(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise CannotCrossError(f"it is nested more than {_MAX_DEPTH} levels deep")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


def _plain_array(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind not in _PLAIN_KINDS:
        raise CannotCrossError(f"it is an array of dtype {array.dtype}: an array of numbers is needed")
    return np.asarray(array, order="C")


def _encode_alike(values: Any, budget: _Budget) -> dict[str, Any] | None:
    """Encode numbers or texts of one type together, which is ten times as fast."""
    kinds = set(map(type, values))
    if len(kinds) != 1:
        return None
    kind = kinds.pop()
    if kind is int:
        fits = all(value.bit_length() <= _COMPACT_INT_BITS for value in values)
    elif kind is float:
        fits = all(map(math.isfinite, values))
    elif kind is str:
        fits = sum(map(len, values)) <= _MAX_TEXT
    else:
        fits = kind is bool
    if not fits:
        return None
    budget.spend(len(values))
    return {"kind": type(values).__name__, "of": kind.__name__, "values": list(values)}


def _encode_simple(value: Any) -> dict[str, Any] | None:
    if isinstance(value, np.generic):
        return _encode_scalar(value)
    if type(value) is bool:
        return {"kind": "bool", "value": value}
    if type(value) is int:
        if value.bit_length() > _MAX_INT_BITS:
            raise CannotCrossError("it is a whole number of more than a thousand digits")
        return {"kind": "int", "value": value}
    if type(value) is float:
        return {"kind": "float", "value": _json_number(value)}
    if type(value) is str:
        if len(value) > _MAX_TEXT:
            raise CannotCrossError("it is a text of more than a million characters")
        return {"kind": "str", "value": value}
    return None


def _encode_scalar(value: np.generic) -> dict[str, Any]:
    if value.dtype.kind not in _PLAIN_KINDS:
        raise CannotCrossError(f"it is a NumPy scalar of dtype {value.dtype}")
    if value.dtype.kind in "cSMm":
        return {
            "kind": "scalar_bytes",
            "dtype": value.dtype.str,
            "value": base64.b64encode(value.tobytes()).decode("ascii"),
        }
    plain = value.item()
    if not isinstance(plain, (bool, int, float, str)):
        plain = str(plain)  # a long double is longer than Python's float
    return {"kind": "scalar", "dtype": value.dtype.str, "value": _json_number(plain)}


def _encode_dtype(dtype: np.dtype[Any]) -> dict[str, Any]:
    if dtype.kind not in _PLAIN_KINDS + "O" or dtype.names is not None or dtype.subdtype is not None:
        raise CannotCrossError(f"it is the dtype {dtype}, which cannot be handed over as plain data")
    return {"kind": "dtype", "value": dtype.str}


def _json_number(value: Any) -> Any:
    """Return a number as JSON data; NaN and infinities as text."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _encode_history(history: Any) -> dict[str, Any]:
    """Encode the public attributes of a History: metrics, params and epochs."""
    metrics = {
        str(name): [_json_number(float(value)) for value in values] for name, values in dict(history.history).items()
    }
    params = {
        str(name): value for name, value in dict(history.params or {}).items() if type(value) in (int, float, str, bool)
    }
    epochs = [int(number) for number in getattr(history, "epoch", ())]  # no such attribute before the first fit
    return {"kind": "history", "history": metrics, "params": params, "epoch": epochs}


def _article(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
