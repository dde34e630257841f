"""Read the untrusted hand-over of a runner, after its process has ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover import plain_values, tables
from autograder.handover.encode import ANSWERS
from autograder.handover.errors import CannotCrossError
from autograder.handover.modules import resolve_module
from autograder.handover.shared_arrays import mapped, mapped_bytes
from autograder.sandbox.job_files import is_ordinary_file, is_ordinary_folder, read_ordinary_file

_MAX_ANSWERS_BYTES = 128 << 20  # parsing takes up to 25 times as much memory
_MAX_ARRAY_BYTES = 2 << 30
_MAX_DEPTH = 25
_PLAIN_KINDS = "biufcSUMm"
_MAX_SCALAR_BYTES = 1 << 16
_ALIKE = {"int": int, "float": float, "bool": bool, "str": str}
# Kinds of descriptions of objects that stay in the student's process; see `live_protocol`.
REFERENCES = frozenset({"reference", "argument", "library", "exception_class"})


@dataclass(frozen=True)
class Unusable:
    """A value that was not handed over; `reason` completes "NAME cannot be used: …"."""

    reason: str


class Decoder:
    """Rebuilds values from untrusted descriptions.

    Args:
        load: returns the array with a name, or raises CannotCrossError.
        resolve: returns the object that is described by reference.
        record_class: returns the class of a record by its form, name and fields, or None.
    """

    def __init__(
        self,
        load: Callable[[Any], np.ndarray[Any, Any]],
        resolve: Callable[[dict[str, Any]], Any] | None = None,
        record_class: Callable[[str, str, tuple[str, ...]], Any] | None = None,
    ) -> None:
        self._load = load
        self._record_class = record_class
        self._resolve = resolve
        self._models: dict[str, Any] = {}
        self._arrays: dict[tuple[str, str, bytes], np.ndarray[Any, Any]] = {}
        self._mapped_bytes = 0

    def value(self, described: Any) -> Any:
        """Return the value, `...` for a stub, or `Unusable`. Never raises."""
        try:
            return self._decode(described, 0)
        except CannotCrossError as error:
            return Unusable(str(error))
        except Exception:  # noqa: BLE001 - whatever a forged description makes us stumble over is the answer's fault
            return Unusable("it is damaged")

    def _decode(self, described: dict[str, Any], depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise CannotCrossError("it is nested too deeply")

        def inner(part: dict[str, Any]) -> Any:
            return self._decode(part, depth + 1)

        kind = described["kind"]
        if kind == "unusable":
            raise CannotCrossError(str(described["reason"])[:1000])
        if kind in ("list", "tuple"):
            items = _items(described, inner)
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {inner(key): inner(item) for key, item in described["items"]}
        if kind in plain_values.KINDS:
            return plain_values.rebuild(described, inner, self._record_class)
        if kind in tables.KINDS:
            return tables.rebuild(described, inner)
        return self._library_object(kind, described, inner)

    def _library_object(self, kind: str, described: dict[str, Any], inner: Callable[[dict[str, Any]], Any]) -> Any:
        if kind in ("object_array", "structured"):
            return _compound_array(described, inner)
        if kind == "array":
            values = self._load(described["file"])
            return self._mapped(described["of"], values) if "of" in described else values
        if kind == "model":
            return self._model(described)
        if kind == "history":
            return _history(described)
        if kind in REFERENCES and self._resolve is not None:
            return self._resolve(described)
        return _simple(kind, described)

    def _mapped(self, name: Any, table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return a known array with its values replaced, cached because of its size."""
        key = (str(name), table.dtype.str, table.tobytes())
        if key not in self._arrays:
            self._mapped_bytes += mapped_bytes(str(name), table)
            if self._mapped_bytes > _MAX_ARRAY_BYTES:
                raise CannotCrossError("there are too many versions of the images")
            self._arrays[key] = mapped(str(name), table)
        return self._arrays[key]

    def _model(self, described: dict[str, Any]) -> Any:
        from autograder.handover.keras_decode import rebuild_model

        key = json.dumps(described, sort_keys=True)
        if key not in self._models:
            weights = [self._load(name) for name in described["weights"]]
            self._models[key] = rebuild_model(described["structure"], described["compile"], weights)
        return self._models[key]


class HandoverReader:
    """The answers of one submission, by question.

    Models that did not change between questions are rebuilt once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = _read_lines(folder)
        self._decoder = Decoder(self._load, resolve_module)

    @property
    def questions(self) -> frozenset[str]:
        """The questions that were handed over, whatever their values."""
        return frozenset(self._lines)

    def values(self, question: str) -> dict[str, Any]:
        """Return a question's variables by name: values, `...` for stubs, or `Unusable`."""
        return {name: self._decoder.value(described) for name, described in self._lines.get(question, {}).items()}

    def _load(self, name: Any) -> np.ndarray[Any, Any]:
        if not isinstance(name, str) or "/" in name or not name.endswith(".npy"):
            raise CannotCrossError("it is damaged")
        path = self._folder / name
        if not is_ordinary_file(path, _MAX_ARRAY_BYTES):
            raise CannotCrossError("its file is not a regular file")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype.kind not in _PLAIN_KINDS:
            raise CannotCrossError(f"its dtype {array.dtype} is not one of numbers")
        return np.asarray(array)


def _items(described: dict[str, Any], inner: Callable[[dict[str, Any]], Any]) -> list[Any]:
    if "of" not in described:
        return [inner(item) for item in described["items"]]
    values = described["values"]
    if type(values) is not list or set(map(type, values)) - {_ALIKE[described["of"]]}:
        raise CannotCrossError("it is damaged")
    return list(values)


def _compound_array(described: dict[str, Any], inner: Callable[[dict[str, Any]], Any]) -> np.ndarray[Any, Any]:
    """Return an array of objects, or of records."""
    shape = tuple(_size(size) for size in described["shape"])
    if described["kind"] == "object_array":
        items = [inner(item) for item in described["items"]]
        array = np.empty(len(items), object)
        for place, item in enumerate(items):
            array[place] = item
        return array.reshape(shape)
    parts = [(str(name), inner(part)) for name, part in described["fields"]]
    if not all(isinstance(part, np.ndarray) and part.shape[: len(shape)] == shape for _, part in parts):
        raise CannotCrossError("it is damaged")
    records = np.empty(shape, [(name, part.dtype, part.shape[len(shape) :]) for name, part in parts])
    for name, part in parts:
        records[name] = part
    return records


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise CannotCrossError("it is damaged")
    return value


def _read_lines(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the last valid line of each question; incomplete lines are skipped."""
    raw = read_ordinary_file(folder / ANSWERS, _MAX_ANSWERS_BYTES) if is_ordinary_folder(folder) else b""
    lines: dict[str, Mapping[str, Any]] = {}
    for line in raw.splitlines():
        try:
            entry = json.loads(line)
            question, values = entry["question"], entry["values"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(question, str) and isinstance(values, dict):
            lines[question] = values
    return lines


def _simple(kind: str, described: dict[str, Any]) -> Any:
    if kind == "none":
        return None
    if kind == "stub":
        return ...
    if kind in _NUMPY:
        return _NUMPY[kind](described)
    value = described["value"]
    if kind == "float":
        return float(value)
    if type(value) is not {"bool": bool, "int": int, "str": str}[kind]:
        raise CannotCrossError("it is damaged")
    return value


def _scalar(described: dict[str, Any]) -> Any:
    value = described["value"]
    dtype = np.dtype(described["dtype"])
    if dtype.kind not in _PLAIN_KINDS or type(value) not in (bool, int, float, str):
        raise CannotCrossError("it is damaged")
    return dtype.type(value)


def _scalar_type(described: dict[str, Any]) -> type[np.generic]:
    kind = getattr(np, described["name"])
    if not (isinstance(kind, type) and issubclass(kind, np.generic)):
        raise CannotCrossError("it is damaged")
    return kind


def _dtype(name: Any) -> np.dtype[Any]:
    dtype = np.dtype(str(name)[:100])
    if dtype.kind not in _PLAIN_KINDS + "O" or dtype.names is not None:
        raise CannotCrossError("it is damaged")
    return dtype


def _scalar_from_bytes(described: dict[str, Any]) -> Any:
    dtype, value = _dtype(described["dtype"]), described["value"]
    if dtype.kind not in "cSMm" or type(value) is not str or len(value) > 2 * _MAX_SCALAR_BYTES:
        raise CannotCrossError("it is damaged")
    if dtype.itemsize == 0:
        return dtype.type()
    return np.frombuffer(base64.b64decode(value, validate=True), dtype, count=1)[0]


def _shape(described: dict[str, Any]) -> Any:
    import tensorflow as tf

    sizes = described["sizes"]
    return tf.TensorShape(None if sizes is None else [None if size is None else _size(size) for size in sizes])


_NUMPY: dict[str, Callable[[dict[str, Any]], Any]] = {
    "scalar": _scalar,
    "scalar_type": _scalar_type,
    "scalar_bytes": _scalar_from_bytes,
    "shape": _shape,
    "dtype": lambda described: _dtype(described["value"]),
}


def _history(described: dict[str, Any]) -> Any:
    import keras

    history = keras.callbacks.History()
    history.history = {str(name): [float(value) for value in values] for name, values in described["history"].items()}
    history.params = {
        str(name): value for name, value in described["params"].items() if not isinstance(value, (list, dict))
    }
    history.epoch = [int(number) for number in described["epoch"]]
    return history
