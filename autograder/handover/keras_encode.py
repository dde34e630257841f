"""Describe a Keras model as plain data, inside the runner."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

from autograder.handover.errors import CannotCrossError

_LIBRARIES = ("keras.", "tensorflow.")


def describe_model(model: Any) -> dict[str, Any]:
    """Encode structure and compile configuration of a Keras model as JSON data.

    Raises:
        CannotCrossError: the model is a class of the student's own, or holds functions of their own.
    """
    import keras

    if type(model) not in (keras.Sequential, _functional_class()):
        raise CannotCrossError(
            f"it is a model class of your own ({type(model).__name__}): use keras.Sequential or the functional API"
        )
    for layer in _all_layers(model):
        activation = getattr(layer, "activation", None)
        if inspect.isfunction(activation) and not (activation.__module__ or "").startswith(_LIBRARIES):
            raise CannotCrossError(
                f"its layer {layer.name} uses a function of your own ({activation.__name__}) as activation: "
                "use one of Keras's activations"
            )
    structure = keras.saving.serialize_keras_object(model)
    structure.pop("compile_config", None)
    compiled = model.get_compile_config() if model.compiled else None
    return {"structure": _plain(structure), "compile": None if compiled is None else _plain(compiled)}


def _all_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model and of the models among them."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)


def _functional_class() -> type:
    import keras

    entry = keras.Input((1,))
    functional: type = type(keras.Model(entry, entry))
    return functional


def _plain(config: Any) -> Any:
    """Name a value that JSON cannot hold; the reader refuses or replaces it."""
    return json.loads(
        json.dumps(config, default=lambda value: {"class_name": type(value).__name__, "module": "unknown"})
    )
