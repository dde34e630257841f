"""Digests of everything that determines a call of `fit`, `evaluate` or `predict`.

Calls that are never reused have no digest.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover.errors import CannotCrossError
from autograder.handover.keras_encode import describe_model
from autograder.handover.shared_arrays import table_for

# Increment when the meaning of a digest or the format of a recording changes.
FORMAT = 2
_LIBRARIES = ("keras.", "tensorflow.", "builtins")
# These arguments affect the result in ways the digest does not cover; other values than the default are never reused.
_MUST_BE_DEFAULT = (
    "callbacks validation_split validation_data class_weight sample_weight initial_epoch steps_per_epoch "
    "validation_steps validation_batch_size validation_freq"
).split()
_NONE_IN_CALLS = ("sample_weight", "steps", "callbacks")
# Keras sets these on instances of layers and models; any other method of an instance was set by the student.
_OWN_ATTRIBUTES = frozenset({"build", "quantize", "loss"})
# The optimizer is described at the time of the fit; `steps_per_execution` does not affect results.
_COMPILE_LEFT_OUT = ("optimizer", "steps_per_execution")
_BLOCK = 1 << 22
_NUMBERS = "biuf"


def digest_of(model: Any, arguments: Mapping[str, Any], seed: int, surroundings: str) -> bytes | None:
    """Return the SHA-256 of everything that determines the result of a `fit`, or None.

    Covered: structure, compile settings, every variable of model and optimizer, `x` and `y` with shape and dtype, batch
    size, epochs, shuffling, the seed, and `surroundings` (versions, processor, threads, Keras's settings). Excluded,
    because they do not affect the result: names of layers and of the optimizer, `verbose`, `steps_per_execution`, and
    the precision of floats, which Keras converts to its own.

    Args:
        model: the model.
        arguments: all arguments of `fit` by name, including defaults.
        seed: the seed of the training.
        surroundings: the return value of `surroundings()` before the notebook started.

    Returns:
        None if the call may not be reused.
    """
    x, y = arguments["x"], arguments["y"]
    plain = all(arguments.get(name) == default for name, default in _defaults(type(model).fit).items())
    if not (plain and _is_array(x) and _is_array(y) and _is_count(arguments["epochs"])):
        return None
    if not (arguments["batch_size"] is None or _is_count(arguments["batch_size"])) or arguments["shuffle"] is not True:
        return None
    facts = _facts(model, surroundings)
    if facts is None:
        return None
    facts |= {
        "optimizer": _optimizer(model),
        "fit": [_count_or_none(arguments["batch_size"]), int(arguments["epochs"]), seed],
    }
    return _digest(facts, (*model.variables, *model.optimizer.variables, x, y))


def digest_of_call(name: str, model: Any, arguments: Mapping[str, Any], surroundings: str) -> bytes | None:
    """Return the digest of a call of `evaluate` or `predict`, or None.

    Args:
        name: the method.
        model: the model.
        arguments: all its arguments by name, including defaults.
        surroundings: as for `digest_of`.
    """
    arrays = [arguments[key] for key in ("x", "y") if key in arguments]
    batch_size = arguments["batch_size"]
    plain = all(arguments.get(key) is None for key in _NONE_IN_CALLS) and not arguments.get("kwargs")
    if not (plain and all(map(_is_array, arrays)) and (batch_size is None or _is_count(batch_size))):
        return None
    facts = _facts(model, surroundings)
    if facts is None:
        return None
    facts["call"] = [name, _count_or_none(batch_size), bool(arguments.get("return_dict"))]
    return _digest(facts, (*model.variables, *arrays))


def _facts(model: Any, surroundings: str) -> dict[str, Any] | None:
    """Return what every call depends on, except for array values.

    None for unusual models.
    """
    if not (model.compiled and model.built and _is_plain_keras(model)):
        return None
    try:
        described = describe_model(model)
    except CannotCrossError:
        return None
    return {
        "format": FORMAT,
        "surroundings": surroundings,
        "library": _library_state(),
        "structure": _without_names(described["structure"], _places(described["structure"])),
        "compile": {name: value for name, value in described["compile"].items() if name not in _COMPILE_LEFT_OUT},
    }


def _digest(facts: Mapping[str, Any], arrays: Iterable[Any]) -> bytes:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=repr).encode())
    for array in arrays:
        _add_array(digest, np.asarray(array))
    return digest.digest()


def _count_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def surroundings() -> str:
    """Describe machine and libraries, on which the last bits of results may depend."""
    import keras
    import tensorflow as tf

    facts = (platform.python_version(), np.__version__, tf.__version__, keras.__version__, processor())
    return " ".join(facts)


@functools.cache
def processor() -> str:
    """Return a digest of the processor's model and features."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kept = sorted(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part")))
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def _library_state() -> list[Any]:
    """Return the current settings of Keras and TensorFlow that affect training."""
    import keras
    import tensorflow as tf

    threading = tf.config.threading
    return [
        keras.config.backend(),
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.image_data_format(),
        getattr(keras.config, "max_epochs", lambda: None)(),
        tf.config.functions_run_eagerly(),
        tf.config.optimizer.get_jit(),
        tf.config.experimental.tensor_float_32_execution_enabled(),
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    ]


@functools.cache
def _defaults(fit: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(fit).parameters
    return {name: parameters[name].default for name in _MUST_BE_DEFAULT if name in parameters}


def _is_array(value: Any) -> bool:
    return type(value) is np.ndarray and value.dtype.kind in _NUMBERS and value.ndim > 0


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) > 0


def _layers(model: Any) -> list[Any]:
    """Return the model and all its layers, including those of nested models."""
    found = [model]
    for layer in found:
        found += getattr(layer, "layers", ())
    return found


def _is_plain_keras(model: Any) -> bool:
    """Return whether all parts of a model are Keras's own, without replaced methods."""
    settings = model._compile_config.config  # the objects that get_compile_config() describes
    named = [settings[name] for name in ("loss", "metrics", "weighted_metrics", "loss_weights")]
    objects = [leaf for leaf in _leaves(named) if not isinstance(leaf, (str, int, float, type(None)))]
    return all(_is_untouched(thing) for thing in (*_layers(model), model.optimizer)) and all(
        _is_of_library(thing if inspect.isfunction(thing) else type(thing)) for thing in objects
    )


def _is_untouched(thing: Any) -> bool:
    kind = type(thing)
    own = {name for name in vars(thing) if callable(getattr(kind, name, None))}
    return own <= _OWN_ATTRIBUTES and all(_is_original(part) for part in kind.__mro__)


def _is_original(kind: type) -> bool:
    """Return whether a class and its methods come from a library."""
    return all(_is_of_library(value) for value in (kind, *vars(kind).values()) if _has_code(value))


def _has_code(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, type)


def _is_of_library(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return module.startswith(_LIBRARIES) or module.partition(".")[0] in ("typing", "abc")


def _leaves(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _optimizer(model: Any) -> dict[str, Any]:
    """Describe the current optimizer, which may differ from the compiled one."""
    import keras

    serialized: dict[str, Any] = keras.saving.serialize_keras_object(model.optimizer)
    serialized["config"].pop("name", None)
    return serialized


def _places(structure: dict[str, Any]) -> dict[str, str]:
    """Map the names of a model and its layers to their positions in the structure."""
    nodes = [structure]
    for node in nodes:
        nodes += node["config"].get("layers", ())
    return {node["config"]["name"]: f"#{place}" for place, node in enumerate(nodes)}


def _without_names(config: Any, places: Mapping[str, str]) -> Any:
    """Replace names of layers by their positions.

    Keep other names, such as those of dtypes.
    """
    if isinstance(config, list):
        return [_without_names(item, places) for item in config]
    if not isinstance(config, dict):
        return config
    result = {}
    for key, value in config.items():
        if key == "dtype":
            result[key] = value
        elif key == "name" and isinstance(value, str):
            result[key] = places.get(value, value)
        elif key in ("keras_history", "input_layers", "output_layers"):
            result[key] = _renamed(value, places)
        else:
            result[key] = _without_names(value, places)
    return result


def _renamed(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, places) for item in value]
    return places.get(value, value) if isinstance(value, str) else value


def _add_array(digest: Any, array: np.ndarray[Any, Any]) -> None:
    """Add shape, dtype and bytes in blocks.

    Floats are converted to Keras's precision first.

    A known array mapped through a table is identified by both, which takes a third of the time.
    """
    import keras

    dtype = np.dtype(keras.config.floatx()) if array.dtype.kind == "f" else array.dtype
    found = table_for(array)
    if found is not None:
        name, table = found
        digest.update(f"{name} of {array.shape} {dtype.str};".encode() + table.astype(dtype).tobytes())
        return
    digest.update(f"{array.shape} {dtype.str};".encode())
    flat = array.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        digest.update(np.ascontiguousarray(flat[start : start + _BLOCK], dtype=dtype).data)
