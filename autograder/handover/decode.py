"""Reads what a runner handed over, after its process has ended, trusting none of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover.encode import ANSWERS
from autograder.handover.errors import CannotCrossError
from autograder.handover.keras_decode import rebuild_model
from autograder.handover.shared_arrays import mapped, mapped_bytes
from autograder.sandbox.job_files import is_ordinary_file, is_ordinary_folder, read_ordinary_file

_MAX_ANSWERS_BYTES = 128 << 20  # parsed, the worst of it takes 25 times as much memory
_MAX_ARRAY_BYTES = 2 << 30
_MAX_DEPTH = 25
_PLAIN_KINDS = "biufU"


@dataclass(frozen=True)
class Unusable:
    """Stands for a value that could not cross; `reason` completes the sentence "NAME cannot be used: …"."""

    reason: str


class HandoverReader:
    """The answers of one submission, by question; rebuilt models are shared where nothing of them changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = _read_lines(folder)
        self._models: dict[str, Any] = {}
        self._arrays: dict[tuple[str, str, bytes], np.ndarray[Any, Any]] = {}
        self._mapped_bytes = 0

    @property
    def questions(self) -> frozenset[str]:
        """The questions that were handed over, whatever their values."""
        return frozenset(self._lines)

    def values(self, question: str) -> dict[str, Any]:
        """The variables of a question by name: real values, `...` for a gap, `Unusable` for what cannot be used."""
        return {name: self._value(described) for name, described in self._lines.get(question, {}).items()}

    def _value(self, described: Any) -> Any:
        try:
            return self._decode(described, 0)
        except CannotCrossError as error:
            return Unusable(str(error))
        except Exception:  # noqa: BLE001 - whatever a forged description makes us stumble over is the answer's fault
            return Unusable("it is damaged")

    def _decode(self, described: dict[str, Any], depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise CannotCrossError("it is nested too deeply")
        kind = described["kind"]
        if kind == "unusable":
            raise CannotCrossError(str(described["reason"])[:1000])
        if kind in ("list", "tuple"):
            items = [self._decode(item, depth + 1) for item in described["items"]]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {self._decode(key, depth + 1): self._decode(item, depth + 1) for key, item in described["items"]}
        if kind == "array":
            values = self._load(described["file"])
            return self._mapped(described["of"], values) if "of" in described else values
        if kind == "model":
            return self._model(described)
        if kind == "history":
            return _history(described)
        return _simple(kind, described)

    def _load(self, name: Any) -> np.ndarray[Any, Any]:
        if not isinstance(name, str) or "/" in name or not name.endswith(".npy"):
            raise CannotCrossError("it is damaged")
        path = self._folder / name
        if not is_ordinary_file(path, _MAX_ARRAY_BYTES):
            raise CannotCrossError("its file is not an ordinary one")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype.kind not in _PLAIN_KINDS:
            raise CannotCrossError(f"its dtype {array.dtype} is not one of numbers")
        return np.asarray(array)

    def _mapped(self, name: Any, table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """A known array with its values replaced; every pair is made once, for each costs its full size."""
        key = (str(name), table.dtype.str, table.tobytes())
        if key not in self._arrays:
            self._mapped_bytes += mapped_bytes(str(name), table)
            if self._mapped_bytes > _MAX_ARRAY_BYTES:
                raise CannotCrossError("there are too many versions of the images")
            self._arrays[key] = mapped(str(name), table)
        return self._arrays[key]

    def _model(self, described: dict[str, Any]) -> Any:
        key = json.dumps(described, sort_keys=True)
        if key not in self._models:
            weights = [self._load(name) for name in described["weights"]]
            self._models[key] = rebuild_model(described["structure"], described["compile"], weights)
        return self._models[key]


def _read_lines(folder: Path) -> dict[str, Mapping[str, Any]]:
    """The last whole line of each question; a line that a dying process left unfinished is passed over."""
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
    if kind == "gap":
        return ...
    value = described["value"]
    if kind == "scalar":
        dtype = np.dtype(described["dtype"])
        if dtype.kind not in _PLAIN_KINDS or type(value) not in (bool, int, float, str):
            raise CannotCrossError("it is damaged")
        return dtype.type(value)
    expected = {"bool": bool, "int": int, "str": str}
    if kind == "float":
        return float(value)
    if type(value) is not expected[kind]:
        raise CannotCrossError("it is damaged")
    return value


def _history(described: dict[str, Any]) -> Any:
    import keras

    history = keras.callbacks.History()
    history.history = {str(name): [float(value) for value in values] for name, values in described["history"].items()}
    history.params = {
        str(name): value for name, value in described["params"].items() if not isinstance(value, (list, dict))
    }
    history.epoch = [int(number) for number in described["epoch"]]
    return history
