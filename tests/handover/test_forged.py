"""Forged hand-overs give a reason, never an exception, an import or a hang."""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.handover import shared_arrays as known
from autograder.handover.decode import HandoverReader, Unusable

DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "d", "units": 2, "activation": "linear"},
    "registered_name": None,
    "build_config": {"input_shape": [None, 3]},
}
CANARY = "module_that_must_not_be_imported"


def model_of(*layers: Any, compiled: Any = None, weights: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """A description of a Sequential model, as the runner would write it."""
    structure = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "s", "layers": list(layers), "build_input_shape": [None, 3]},
        "registered_name": None,
        **changes,
    }
    return {"kind": "model", "structure": structure, "compile": compiled, "weights": list(weights)}


def layer(**changes: Any) -> dict[str, Any]:
    return {**DENSE, **changes}


def dense(**config: Any) -> dict[str, Any]:
    return layer(config={**DENSE["config"], **config})  # type: ignore[dict-item]


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": "none"}
    for _ in range(depth):
        value = {"kind": "list", "items": [value]}
    return value


def read(folder: Path, value: Any) -> Any:
    """Decode one forged description; fail the test if it takes ten seconds."""
    line = value if isinstance(value, bytes) else json.dumps({"question": "q1", "values": {"v": value}}).encode()
    (folder / "answers.jsonl").write_bytes(line + b"\n")
    found: list[Mapping[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(HandoverReader(folder).values("q1")), daemon=True)
    thread.start()
    thread.join(30)
    assert found, "it raised or hangs"
    return found[0].get("v", "left out")


def save(path: Path, array: Any) -> Path:
    np.save(path, array, allow_pickle=True)
    return path


DESCRIPTIONS: dict[str, Any] = {
    "nothing": {},
    "no_dict": 3,
    "a_list": [],
    "null": None,
    "unknown_kind": {"kind": "code", "value": "1"},
    "kind_list": {"kind": ["int"], "value": 1},
    "no_value": {"kind": "int"},
    "wrong_type": {"kind": "int", "value": "1"},
    "bool_as_int": {"kind": "int", "value": True},
    "float_text": {"kind": "float", "value": "x"},
    "unhashable_key": {"kind": "dict", "items": [[{"kind": "list", "items": []}, {"kind": "none"}]]},
    "short_pairs": {"kind": "dict", "items": [[{"kind": "none"}]]},
    "object_scalar": {"kind": "scalar", "dtype": "O", "value": 1},
    "void_scalar": {"kind": "scalar", "dtype": "V4", "value": 1},
    "list_scalar": {"kind": "scalar", "dtype": "<f8", "value": [1, 2]},
    "odd_dtype": {"kind": "scalar", "dtype": "os.system", "value": 1},
    "too_deep": nested(60),
    "unusable": {"kind": "unusable", "reason": "because " * 10_000},
    "no_file": {"kind": "array", "file": "0000.npy"},
    "up": {"kind": "array", "file": "../outside.npy"},
    "absolute": {"kind": "array", "file": "/etc/passwd.npy"},
    "nul": {"kind": "array", "file": "a\0.npy"},
    "number_file": {"kind": "array", "file": 0},
    "history_text": {"kind": "history", "history": {"loss": ["x"]}, "params": {}, "epoch": []},
    "history_list": {"kind": "history", "history": [], "params": {}, "epoch": []},
    "history_no_params": {"kind": "history", "history": {}, "epoch": []},
    "model_nothing": {"kind": "model"},
    "model_text": {"kind": "model", "structure": "Sequential", "compile": None, "weights": []},
    "model_is_layer": {"kind": "model", "structure": DENSE, "compile": None, "weights": []},
    "model_subclass": model_of(DENSE, registered_name="Custom>Mine"),
    "model_module": model_of(DENSE, module=CANARY),
    "os_system": model_of(layer(module="os", class_name="system", config={"command": "touch owned"})),
    "builtins_eval": model_of(layer(module="builtins", class_name="eval")),
    "subprocess": model_of(layer(module="subprocess", class_name="Popen", config={"args": ["touch", "owned"]})),
    "canary": model_of(layer(module=CANARY, class_name="Dense")),
    "canary_submodule": model_of(layer(module=f"keras.layers.{CANARY}")),
    "lambda": model_of(layer(class_name="__lambda__", module="builtins", config={"code": "eA=="})),
    "lambda_layer": model_of(layer(class_name="Lambda", config={"function": "f"})),
    "custom": model_of(layer(class_name="Mine", module=None, registered_name="Custom>Mine")),
    "renamed": model_of(layer(registered_name="Custom>Dense")),
    "list_class": model_of(layer(class_name=["Dense"])),
    "null_class": model_of(layer(class_name=None)),
    "typespec": model_of(layer(class_name="__typespec__", module=CANARY)),
    "numpy_marker": model_of(layer(class_name="__numpy__", module=None, config={"value": [1]})),
    "tf_op": model_of(layer(module="keras.src.layers.core.tf_op_layer", class_name="TFOpLambda")),
    "function_activation": model_of(dense(activation={"class_name": "function", "module": CANARY, "config": "run"})),
    "text_activation": model_of(dense(activation="os.system")),
    "custom_activation": model_of(dense(activation="Custom>run")),
    "canary_initializer": model_of(dense(kernel_initializer={"module": CANARY, "class_name": "Ones", "config": {}})),
    "text_initializer": model_of(dense(kernel_initializer=f"{CANARY}.run")),
    "hidden_in_list": model_of(dense(extra=[[{"class_name": "Popen", "module": "subprocess", "config": {}}]])),
    "huge_units": model_of(dense(units=1 << 40)),
    "negative_units": model_of(dense(units=-5)),
    "text_units": model_of(dense(units="many")),
    "deep_config": model_of(dense(extra=json.loads("[" * 90 + "]" * 90))),
    "many_nodes": model_of(*[DENSE] * 4_000),
    "build_config": model_of(layer(build_config={"class_name": "Popen", "module": "subprocess", "config": {}})),
    "compile_in_structure": model_of(DENSE, compile_config={"optimizer": {"class_name": "x", "module": CANARY}}),
    "compile_list": model_of(DENSE, compiled=["rmsprop"]),
    "compile_text": model_of(DENSE, compiled={"optimizer": f"{CANARY}.run", "loss": "os.system"}),
    "compile_nested": model_of(
        DENSE,
        compiled={
            "optimizer": {
                "module": "keras.optimizers",
                "class_name": "SGD",
                "config": {"learning_rate": {"module": CANARY, "class_name": "run", "config": {}}},
            }
        },
    ),
    "weights_missing": model_of(DENSE, weights=("nope.npy",)),
}


@pytest.fixture
def handover_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty handover folder beside files that must never be read."""
    folder = tmp_path / "handover"
    folder.mkdir()
    save(tmp_path / "outside.npy", np.arange(3))
    (tmp_path / f"{CANARY}.py").write_text("def run(*a, **k): raise SystemExit\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_forged_description_is_unusable_with_a_reason(handover_folder: Path, name: str) -> None:
    value = read(handover_folder, DESCRIPTIONS[name])
    assert isinstance(value, Unusable), value
    assert 5 < len(value.reason) <= 1000
    assert CANARY not in sys.modules
    assert not (handover_folder.parent / "owned").exists()


def test_unknown_names_in_compile_become_harmless_placeholders(handover_folder: Path) -> None:
    popen = {"class_name": "Popen", "module": "subprocess", "config": {"args": ["touch", "owned"]}}
    code = {"class_name": "__lambda__", "module": "builtins", "config": {"code": "eA=="}}
    optimizer = {"class_name": "run", "module": CANARY, "config": {"learning_rate": popen}}
    model = read(handover_folder, model_of(DENSE, compiled={"optimizer": optimizer, "loss": code, "metrics": [popen]}))
    assert not isinstance(model, Unusable), model.reason
    assert type(model.optimizer).__name__ == "run"
    assert model.loss.__name__ == "__lambda__"
    assert CANARY not in sys.modules
    assert not (handover_folder.parent / "owned").exists()


class Trap:
    """Unpickling it leaves a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("owned",))


def pickled_array(path: Path) -> None:
    save(path, np.array([Trap()], dtype=object))


def truncated(path: Path) -> None:
    save(path, np.arange(1000))
    path.write_bytes(path.read_bytes()[:500])


def half_header(path: Path) -> None:
    save(path, np.arange(1000))
    path.write_bytes(path.read_bytes()[:20])


def claims_too_much(path: Path) -> None:
    save(path, np.zeros((1, 1)))
    path.write_bytes(path.read_bytes().replace(b"(1, 1)", b"(10**9,)"))


def long_shape(path: Path) -> None:
    save(path, np.zeros((1, 1)))
    path.write_bytes(path.read_bytes().replace(b"(1, 1), }   ", b"(99999999,)}"))


def negative_shape(path: Path) -> None:
    save(path, np.zeros((10, 10)))
    path.write_bytes(path.read_bytes().replace(b"(10, 10)", b"(-10,-1)"))


def oversized_header(path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }" + b" " * 2_000_000
    path.write_bytes(b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header + b"\0" * 8)


def deep_header(path: Path) -> None:
    header = b"(" * 9_000
    path.write_bytes(b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header)


def records(path: Path) -> None:
    save(path, np.zeros(3, dtype=[("a", "i4")]))


FILES: dict[str, Callable[[Path], object]] = {
    "pickled_array": pickled_array,
    "truncated": truncated,
    "half_header": half_header,
    "claims_too_much": claims_too_much,
    "long_shape": long_shape,
    "negative_shape": negative_shape,
    "oversized_header": oversized_header,
    "deep_header": deep_header,
    "records": records,
    "empty": lambda path: path.write_bytes(b""),
    "bare_pickle": lambda path: path.write_bytes(pickle.dumps(Trap())),
    "a_zip": lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 100),
    "folder": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "link": lambda path: path.symlink_to(path.parents[1] / "outside.npy"),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "hard_link": lambda path: path.hardlink_to(path.parents[1] / "outside.npy"),
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_forged_array_file_is_unusable_with_a_reason(handover_folder: Path, name: str) -> None:
    FILES[name](handover_folder / "0000.npy")
    value = read(handover_folder, {"kind": "array", "file": "0000.npy"})
    assert isinstance(value, Unusable), value
    assert value.reason
    assert not (handover_folder.parent / "owned").exists()


@pytest.mark.parametrize(
    ("of", "table"),
    [
        ("nothing", np.zeros(256)),
        (3, np.zeros(256)),
        (None, np.zeros(256)),
        ("images", np.zeros(255)),
        ("images", np.zeros((256, 1))),
        ("images", np.zeros(())),
    ],
    ids=str,
)
def test_a_forged_table_is_unusable(handover_folder: Path, of: Any, table: Any) -> None:
    known.share({"images": np.zeros((1024, 1024), np.uint8)})
    save(handover_folder / "0000.npy", table)
    assert isinstance(read(handover_folder, {"kind": "array", "of": of, "file": "0000.npy"}), Unusable)


@pytest.mark.slow
def test_small_tables_cannot_fill_the_memory_of_the_checker(handover_folder: Path) -> None:
    """Every table of a few kilobytes stands for an array of 60 MB here."""
    known.share({"images": np.zeros((1024, 1024), np.uint8)})
    items = []
    for number in range(60):
        save(handover_folder / f"{number:04d}.npy", np.full(256, f"{number:015d}"))
        items.append({"kind": "array", "of": "images", "file": f"{number:04d}.npy"})
    value = read(handover_folder, {"kind": "list", "items": items})
    assert isinstance(value, Unusable)
    assert "too many" in value.reason


@pytest.mark.parametrize("shapes", [[(3, 2)], [(3, 2), (3,)], [(2, 3), (2,)], [(3, 2), (2,), (1,)], [(), ()]], ids=str)
def test_weights_that_do_not_fit_are_unusable(handover_folder: Path, shapes: list[tuple[int, ...]]) -> None:
    for number, shape in enumerate(shapes):
        save(handover_folder / f"{number:04d}.npy", np.zeros(shape))
    value = read(handover_folder, model_of(DENSE, weights=tuple(f"{number:04d}.npy" for number in range(len(shapes)))))
    assert isinstance(value, Unusable), value


def test_text_as_weights_is_unusable(handover_folder: Path) -> None:
    save(handover_folder / "0000.npy", np.full((3, 2), "x"))
    save(handover_folder / "0001.npy", np.full((2,), "x"))
    assert isinstance(read(handover_folder, model_of(DENSE, weights=("0000.npy", "0001.npy"))), Unusable)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"question": ' + b'{"a":' * 50_000,
        b"null\n3\n[]\n{}",
        b'{"question": ["q1"], "values": {}}',
        b'{"question": "q1", "values": [1]}',
        b'{"question": "q1", "values": {"v": {"kind": "int", "value": ' + b"9" * 10_000 + b"}}}",
        b'{"question": "q1", "values": {"v": {"kind"',
    ],
    ids=range(9),
)
def test_damaged_lines_are_passed_over(handover_folder: Path, raw: bytes) -> None:
    good = json.dumps({"question": "q1", "values": {"v": {"kind": "int", "value": 1}}}).encode()
    assert read(handover_folder, raw) == "left out"
    assert read(handover_folder, good + b"\n" + raw) == 1


def link_away(folder: Path) -> None:
    (folder.parent / "away").mkdir()
    save(folder.parent / "away" / "answers.jsonl", np.zeros(1))
    (folder.parent / "away" / "answers.jsonl").write_bytes(GOOD)
    folder.rmdir()
    folder.symlink_to(folder.parent / "away")


def file_instead(folder: Path) -> None:
    folder.rmdir()
    folder.write_bytes(GOOD)


def hard_link(folder: Path) -> None:
    (folder.parent / "mine.jsonl").write_bytes(GOOD)
    (folder / "answers.jsonl").hardlink_to(folder.parent / "mine.jsonl")


def soft_link(folder: Path) -> None:
    (folder.parent / "mine.jsonl").write_bytes(GOOD)
    (folder / "answers.jsonl").symlink_to(folder.parent / "mine.jsonl")


GOOD = json.dumps({"question": "q1", "values": {"v": {"kind": "int", "value": 1}}}).encode() + b"\n"
FOLDERS: dict[str, Callable[[Path], object]] = {
    "missing": lambda folder: folder.rmdir(),
    "file": file_instead,
    "link_away": link_away,
    "hard_link": hard_link,
    "soft_link": soft_link,
    "fifo": lambda folder: os.mkfifo(folder / "answers.jsonl"),
    "folder": lambda folder: (folder / "answers.jsonl").mkdir(),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_is_not_an_ordinary_one_holds_nothing(handover_folder: Path, name: str) -> None:
    FOLDERS[name](handover_folder)
    assert HandoverReader(handover_folder).questions == frozenset()
    assert HandoverReader(handover_folder).values("q1") == {}
