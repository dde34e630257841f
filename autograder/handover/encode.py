"""Writes answers from inside the runner. Knows how values become plain data, and nothing of tests or marks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover.equality import same_bytes
from autograder.handover.errors import CannotCrossError
from autograder.handover.keras_encode import describe_model
from autograder.handover.shared_arrays import table_for
from autograder.util.text import text_of

ANSWERS = "answers.jsonl"
TRAINING = ".fit"
_PLAIN_KINDS = "biufSU"
_MAX_ITEMS = 1_000_000
_MAX_DEPTH = 20
_MAX_INT_BITS = 4_096
_MAX_TEXT = 1_000_000
_MAX_REASON = 400


class HandoverWriter:
    """The folder answers are written to; arrays that have not changed are written once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._written: list[Path] = []

    def hand_over(self, question: str, names: Iterable[str], namespace: Mapping[str, Any]) -> None:
        """Write the named variables as they are now; what is not in the namespace is left out."""
        values = {name: self._describe(namespace[name]) for name in names if name in namespace}
        line = json.dumps({"question": question, "values": values})
        with (self._folder / ANSWERS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def keep_training(self, name: str, recording: bytes) -> None:
        """Write a sealed recording of a fit (see `runner.replay.sealing`); asked for only of trusted notebooks."""
        (self._folder / f"{name}{TRAINING}").write_bytes(recording)

    def _describe(self, value: Any) -> dict[str, Any]:
        try:
            return self._encode(value, _Budget())
        except CannotCrossError as error:
            return {"kind": "unusable", "reason": str(error)}
        except BaseException as error:  # noqa: BLE001 - a student's object may raise anything when it is looked at
            reason = f"it raised {type(error).__name__} when it was read: {text_of(error, _MAX_REASON)}"
            return {"kind": "unusable", "reason": reason.rstrip(": ")}

    def _encode(self, value: Any, budget: _Budget) -> dict[str, Any]:
        budget.spend()
        if value is None:
            return {"kind": "none"}
        if value is ...:
            return {"kind": "gap"}
        simple = _encode_simple(value)
        if simple is not None:
            return simple
        if type(value) in (list, tuple):
            with budget.deeper():
                return {"kind": type(value).__name__, "items": [self._encode(item, budget) for item in value]}
        if type(value) is dict:
            with budget.deeper():
                pairs = [[self._encode(key, budget), self._encode(item, budget)] for key, item in value.items()]
            return {"kind": "dict", "items": pairs}
        return self._encode_library_object(value)

    def _encode_library_object(self, value: Any) -> dict[str, Any]:
        import keras
        import tensorflow as tf

        if isinstance(value, (tf.Tensor, tf.Variable, keras.Variable)):
            value = np.asarray(value)
        if isinstance(value, np.ndarray):
            return self._encode_array(value)
        if isinstance(value, keras.callbacks.History):
            return _encode_history(value)
        if isinstance(value, keras.Model):
            parts = describe_model(value)
            return {
                "kind": "model",
                **parts,
                "weights": [self._save(_plain_array(np.asarray(weight))) for weight in value.get_weights()],
            }
        raise CannotCrossError(f"it is {_article(type(value).__name__)}, which cannot be handed over as plain data")

    def _encode_array(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        array = _plain_array(array)
        known = table_for(array)
        if known is None:
            return {"kind": "array", "file": self._save(array)}
        name, table = known
        return {"kind": "array", "of": name, "file": self._save(table)}

    def _save(self, array: np.ndarray[Any, Any]) -> str:
        for path in reversed(self._written):
            if same_bytes(np.load(path, mmap_mode="r", allow_pickle=False), array):
                return path.name
        path = self._folder / f"{len(self._written):04d}.npy"
        # Written under another name first: a file that is listed is always whole.
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
        partial.rename(path)
        self._written.append(path)
        return path.name


class _Budget:
    """Bounds the size and depth of nested values, so that one answer cannot fill the hand-over."""

    def __init__(self) -> None:
        self._items = 0
        self._depth = 0

    def spend(self) -> None:
        self._items += 1
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
    plain = value.item()
    if isinstance(plain, bytes):
        raise CannotCrossError("it is bytes: a number or text is needed")
    if not isinstance(plain, (bool, int, float, str)):
        plain = str(plain)  # a long double is longer than Python's float
    return {"kind": "scalar", "dtype": value.dtype.str, "value": _json_number(plain)}


def _json_number(value: Any) -> Any:
    """NaN and the infinities have no JSON form: they cross as text."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _encode_history(history: Any) -> dict[str, Any]:
    """A History crosses as its three public attributes: metric lists, params of the fit, epoch numbers."""
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
