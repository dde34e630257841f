"""Rebuild a Keras model from a description that contains allowed names only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograder.handover.errors import CannotCrossError
from autograder.handover.keras_names import CLASSES, MARKERS, activation_name, compile_function_name

_MAX_DEPTH = 40
_MAX_NODES = 20_000
_MAX_SIZE = 1 << 20
_FREE_PARAMETERS = 1 << 22  # limit for a model without its weights: 16 MB
_COMPILE_ARGUMENTS = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")


def rebuild_model(structure: Any, compiled: Any, weights: Sequence[np.ndarray[Any, Any]]) -> Any:
    """Return a Keras model with the given structure, weights and compile settings.

    Raises:
        CannotCrossError: the description names something unknown, or the weights do not fit.
    """
    allowed = _Allowed(_MAX_SIZE).check(structure)
    if not isinstance(allowed, dict) or allowed.get("class_name") not in ("Sequential", "Functional"):
        raise CannotCrossError("it is not a Keras model")
    import keras

    try:
        with at_most(max(_FREE_PARAMETERS, sum(weight.size for weight in weights))):
            model = keras.saving.deserialize_keras_object(allowed, safe_mode=True)
        if weights:
            model.set_weights([np.asarray(weight) for weight in weights])
        if compiled is not None:
            model.compile(**{name: _compile_argument(compiled.get(name)) for name in _COMPILE_ARGUMENTS})
    except CannotCrossError:
        raise
    except Exception as error:
        raise CannotCrossError("Keras cannot rebuild it from its own description and weights") from error
    return model


@contextmanager
def at_most(parameters: int) -> Iterator[None]:
    """Limit the parameters that layers may create to the number of weights.

    A short description can request more memory than any machine has, but not more weights than were handed over.
    """
    import keras

    original = keras.layers.Layer.add_weight
    made = 0

    def add_weight(layer: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal made
        made += math.prod(int(size) for size in shape or ())
        if made > parameters:
            raise CannotCrossError("its description asks for more parameters than were handed over")
        return original(layer, shape, *args, **kwargs)

    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = original


class _Allowed:
    """A copier of configurations that refuses names not on the list.

    It counts what it has seen.

    Args:
        max_size: the largest number it may hold, where numbers are sizes of layers.
    """

    def __init__(self, max_size: float = math.inf) -> None:
        self._max_size = max_size
        self._nodes = 0

    def check(self, config: Any, depth: int = 0) -> Any:
        self._nodes += 1
        if depth > _MAX_DEPTH or self._nodes > _MAX_NODES:
            raise CannotCrossError("its description is too large")
        if isinstance(config, list):
            return [self.check(item, depth + 1) for item in config]
        if isinstance(config, dict):
            return self._check_dict(config, depth)
        if type(config) is int and abs(config) > self._max_size:
            raise CannotCrossError(f"its description holds the number {config}, which is too large for a layer")
        return config

    def _check_dict(self, config: dict[str, Any], depth: int) -> Any:
        if "class_name" in config:
            name = config["class_name"]
            if name == "function":
                known = activation_name(str(config.get("config")))
                if known is None:
                    raise CannotCrossError(
                        f"it uses the function {config.get('config')}, which is not one of Keras's activations"
                    )
                return known
            if not is_allowed_class(config):
                hint = " (code of its own is not handed over)" if name in ("Lambda", "__lambda__") else ""
                raise CannotCrossError(f"it uses {name}, which is not one of Keras's standard layers{hint}")
        # A seed may be any number: it does not determine a size.
        return {
            key: value if key == "seed" and type(value) is int else self.check(value, depth + 1)
            for key, value in config.items()
        }


def is_allowed_class(config: dict[str, Any]) -> bool:
    """Whether a serialized object names a class of Keras's own that is on the list."""
    name, module, registered = config["class_name"], config.get("module"), config.get("registered_name")
    if not isinstance(name, str):
        return False
    if name in MARKERS:
        return module is None
    return isinstance(module, str) and name in CLASSES.get(module, ()) and registered in (None, name)


def _compile_argument(value: Any) -> Any:
    """Return an argument of `compile`; unknown objects become named placeholders."""
    import keras

    if isinstance(value, list):
        return [_compile_argument(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {key: _compile_argument(item) for key, item in value.items()}
    if value["class_name"] == "function":
        name = str(value.get("config"))
        return compile_function_name(name) or _placeholder_function(name)
    if is_allowed_class(value):
        return keras.saving.deserialize_keras_object(_Allowed().check(value), safe_mode=True)
    if isinstance(value.get("config"), dict) and "learning_rate" in value["config"]:
        return _placeholder_optimizer(str(value["class_name"]))
    return _placeholder_function(str(value["class_name"]))


def _placeholder_function(name: str) -> Callable[..., Any]:
    def unknown(*_: Any, **__: Any) -> Any:
        raise CannotCrossError(f"the model was compiled with {name}, a function that was not handed over")

    unknown.__name__ = unknown.__qualname__ = _identifier(name)
    return unknown


def _placeholder_optimizer(name: str) -> Any:
    import keras

    return type(_identifier(name), (keras.optimizers.Optimizer,), {})(learning_rate=0.0)


def _identifier(name: str) -> str:
    return name[:80] if name.isidentifier() else "unknown"
