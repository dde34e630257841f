"""Keras models: structure, compile settings, training history, outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from autograder.checks.core import CheckFailed, short
from autograder.checks.values import number, present

BATCH = 5000  # images per forward pass
SAMPLE = 2 * BATCH  # images that decide whether a model has learnt, unless the result is close
ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh")


def keras_model(model: Any, name: str = "model", *, with_weights: bool = True) -> Any:
    """Return model if it is a Keras model whose weights exist."""
    if model is None:
        raise CheckFailed(
            "There is no {name}: run the cell that defines it. If you wrote `{name} = {name}.compile(...)`, leave out "
            "`{name} =`, because compile returns nothing.",
            {"name": name},
        )
    present(model, name)
    if not isinstance(model, keras.Model):
        raise CheckFailed(
            "{name} is a {kind}, not a Keras model: build it with keras.Sequential or keras.Model.",
            {"name": name, "kind": type(model).__name__},
        )
    if with_weights and model.built and not model.weights:
        raise CheckFailed("{name} has no layer with weights: add the layers that the task asks for.", {"name": name})
    if with_weights and not model.built:
        raise CheckFailed(
            "{name} has no weights yet, because it does not know the shape of its input: begin it with keras.Input.",
            {"name": name},
        )
    return model


def input_shape(model: Any, wanted: Sequence[int], name: str = "model") -> None:
    """Fail if one input of the model does not have the wanted shape."""
    found = getattr(keras_model(model, name), "input_shape", None)
    if not isinstance(found, tuple):
        raise CheckFailed("{name} needs exactly one input whose shape is known: use keras.Input.", {"name": name})
    if found[1:] != tuple(wanted):
        raise CheckFailed(
            "{name} takes inputs of shape {found}, but an example of the data has another shape.",
            {"name": name, "found": found[1:]},
        )


def output_shape(model: Any, wanted: Sequence[int], name: str = "model") -> None:
    """Fail if one output of the model does not have the wanted shape."""
    found = getattr(keras_model(model, name), "output_shape", None)
    if not isinstance(found, tuple):
        raise CheckFailed("{name} needs exactly one output.", {"name": name})
    if found[1:] != tuple(wanted):
        raise CheckFailed(
            "{name} gives an output of shape {found} for each image: one number per class is needed. Is the image "
            "flattened before the first Dense layer, and does the last layer have one unit per class?",
            {"name": name, "found": found[1:]},
        )


def flatten() -> tuple[str, int | None, str | None]:
    """Describe a layer that turns each example into one row of numbers, for `layers`."""
    return ("Flatten", None, None)


def dense(units: int, activation: str = "linear") -> tuple[str, int | None, str | None]:
    """Describe a Dense layer for `layers`.

    The activation may be a layer of its own.
    """
    return ("Dense", units, activation)


def layers(model: Any, wanted: Sequence[tuple[str, int | None, str | None]], name: str = "model") -> None:
    """Fail if the model does not have exactly the wanted layers, in this order."""
    found = layer_chain(keras_model(model, name))
    _has_kinds(found, wanted, name)
    for position, ((kind, units, activation), right) in enumerate(zip(found, wanted, strict=True), start=1):
        place = {"name": name, "position": position, "kind": kind, "units": units, "activation": activation}
        if units != right[1]:
            raise CheckFailed(
                "Layer {position} of {name} ({kind}) has {units} units, which is not what the task asks for.", place
            )
        if activation != right[2] and activation == "linear":
            raise CheckFailed(
                "Layer {position} of {name} ({kind}) has no activation, so its outputs are only a linear map of its "
                "inputs: add the activation that the task asks for.",
                place,
            )
        if activation != right[2]:
            raise CheckFailed(
                "Layer {position} of {name} ({kind}) has the activation {activation}, which is not what the task asks "
                "for.",
                place,
            )


def _has_kinds(
    found: Sequence[tuple[str, int | None, str | None]], wanted: Sequence[tuple[str, int | None, str | None]], name: str
) -> None:
    """Fail if layers are missing, not asked for or in another order."""
    described = {"name": name, "found": ", ".join(_describe(*layer) for layer in found) or "none"}
    for position, (kind, _, activation) in enumerate(found):
        if kind == "Activation":
            before = found[position - 1][2] if position else None
            if activation == before == "softmax":
                raise CheckFailed("{name} applies softmax twice: once is enough. Its layers are {found}.", described)
            raise CheckFailed(
                "{name} has an activation ({activation}) that was not asked for. Its layers are {found}.",
                {**described, "activation": activation},
            )
    kinds, wanted_kinds = [layer[0] for layer in found], [layer[0] for layer in wanted]
    if "Flatten" in wanted_kinds and "Flatten" not in kinds:
        raise CheckFailed("{name} does not flatten the images: its layers are {found}.", described)
    if len(kinds) > len(wanted_kinds):
        raise CheckFailed("{name} has more layers than the task asks for: {found}.", described)
    if len(kinds) < len(wanted_kinds):
        raise CheckFailed("{name} has fewer layers than the task asks for: {found}.", described)
    if kinds != wanted_kinds:
        raise CheckFailed("{name} does not have the layers that the task asks for, but {found}.", described)


def computes_layer_by_layer(model: Any, images: Any, name: str = "model") -> None:
    """Fail if a chain of Flatten and Dense layers computes something else.

    The model's outputs are compared with those of its weights and biases, multiplied out layer by layer.
    """
    values = np.asarray(images, dtype="float64").reshape(len(images), -1)
    for step in steps_of(keras_model(model, name)):
        if isinstance(step, keras.layers.Dense):
            weights = [np.asarray(weight, dtype="float64") for weight in step.get_weights()]
            if len(weights) < 2:
                raise CheckFailed("A Dense layer of {name} has no bias: leave use_bias as it is.", {"name": name})
            if weights[0].shape[0] != values.shape[1]:
                raise CheckFailed(
                    "A Dense layer of {name} has {found} inputs, not one for each number that comes from the step "
                    "before: is the image flattened first?",
                    {"name": name, "found": weights[0].shape[0]},
                )
            values = values @ weights[0] + weights[1]
            values = _activate(values, activation_of(step.activation))
        elif is_activation(step):
            values = _activate(values, activation_of(step))
    found = outputs_of(model, images, name)
    if found.shape != values.shape or np.abs(found - values).max() > precision_of(model):
        raise CheckFailed(
            "The layers of {name} are right, but they are not connected one after the other, or something else changes "
            "the numbers on their way: each layer must work on the output of the one before.",
            {"name": name},
        )


def parameter_count(model: Any, wanted: int, name: str = "model") -> None:
    """Fail if the model does not have the wanted number of parameters."""
    found = sum(int(np.size(weights)) for weights in keras_model(model, name).get_weights())
    if found != wanted:
        raise CheckFailed(
            "{name} has {found} parameters, not as many as the layers of the task have.", {"name": name, "found": found}
        )


def gives_probabilities(model: Any, images: Any, name: str = "model") -> None:
    """Fail if the outputs for some image are negative or do not sum to 1."""
    if not are_probabilities(outputs_of(model, images, name)):
        raise CheckFailed(
            "The outputs of {name} for an image are not probabilities: they must not be negative and must sum to 1. "
            "Check the activation of the last layer, which is {activation}.",
            {"name": name, "activation": last_activation(model)},
        )


def are_probabilities(rows: Any) -> bool:
    """Say whether no row has a negative entry and every row sums to 1."""
    low = rows.dtype.itemsize < 4
    total = np.asarray(rows, dtype="float64").sum(axis=-1)
    return bool((rows >= -1e-6).all() and np.allclose(total, 1.0, atol=1e-2 if low else 1e-3))


def precision_of(model: Any) -> float:
    """Return the rounding error allowed for the precision the model computes in."""
    types = {str(getattr(step, "compute_dtype", "float32")) for step in [*steps_of(model), *model.layers]}
    return 1e-2 if types & {"float16", "bfloat16"} else 1e-4


def steps_of(model: Any) -> Iterator[Any]:
    """Yield the layers and operations of a model in order.

    Those of inner models are included; input layers are left out.
    """
    for step in getattr(model, "operations", None) or model.layers:
        if isinstance(step, keras.Model):
            yield from steps_of(step)
        elif not isinstance(step, keras.layers.InputLayer):
            yield step


def layer_chain(model: Any) -> list[tuple[str, int | None, str | None]]:
    """Return (kind, units, activation) for each layer.

    A separate activation is joined to the linear Dense layer before it.
    """
    chain: list[tuple[str, int | None, str | None]] = []
    for step in steps_of(model):
        if isinstance(step, keras.layers.Dense):
            chain.append(("Dense", step.units, activation_of(step.activation)))
        elif makes_rows(step):
            chain.append(flatten())
        elif is_activation(step) and activation_of(step) in ACTIVATIONS:
            if activation_of(step) == "linear":
                continue
            if chain and chain[-1][2] == "linear":
                chain[-1] = (*chain[-1][:2], activation_of(step))
            else:
                chain.append(("Activation", None, activation_of(step)))
        else:
            chain.append((type(step).__name__, None, None))
    return chain


def makes_rows(step: Any) -> bool:
    """Whether a step only turns each example into one row of numbers."""
    if isinstance(step, keras.layers.Reshape):
        return len(step.target_shape) == 1
    if type(step).__name__ == "Reshape":  # keras.ops.reshape, whose shape includes the number of examples
        return len(getattr(step, "newshape", ())) == 2
    return isinstance(step, keras.layers.Flatten)


def is_activation(step: Any) -> bool:
    """Whether a step is an activation of its own, as a layer or as an operation."""
    kinds = ("Activation", "ReLU", "Softmax", "LeakyReLU", "ELU")
    return type(step).__name__ in kinds or not isinstance(step, keras.layers.Layer)


def activation_of(function: Any) -> str:
    """Return the name of an activation, recognised by the values it computes."""
    probe = np.array([[-3.0, -0.5, 0.0, 0.5, 8.0]], dtype="float32")
    try:
        found = np.asarray(function(keras.ops.convert_to_tensor(probe)))
        tolerance = 1e-5 if found.dtype.itemsize >= 4 else 2e-2
        for name in ACTIVATIONS:
            if np.allclose(np.asarray(found, dtype="float64"), _activate(probe, name), atol=tolerance):
                return name
    except Exception:  # noqa: BLE001 - whatever does not take such numbers is none of these activations
        return "unknown"
    return str(getattr(function, "__name__", type(function).__name__))


def last_activation(model: Any) -> str:
    """Return the activation of the last step, "none" if it has none."""
    chain = layer_chain(model)
    return (chain[-1][2] if chain else None) or "none"


def compiled(
    model: Any, *, optimizer: str | None = None, loss: str | None = None, metric: str | None = None, name: str = "model"
) -> None:
    """Fail if the model is not compiled as asked; what is None is not checked.

    Args:
        model: the answer.
        optimizer: the name of the optimizer's class, such as "RMSprop".
        loss: the name of a loss, such as "sparse_categorical_crossentropy".
        metric: the name of a metric; "accuracy" includes the accuracy that Keras chooses for whole-number labels.
        name: what the model is called.
    """
    settings = compile_settings(model, name)
    if optimizer is not None:
        found = type(getattr(model.optimizer, "inner_optimizer", model.optimizer)).__name__
        if found.lower() != optimizer.lower():
            raise CheckFailed(
                "{name} is compiled with the optimizer {found}: the task asks for another one.",
                {"name": name, "found": found},
            )
    if loss is not None:
        _has_loss(model, settings.get("loss"), loss, name)
    if metric is not None:
        _has_metric(settings, metric, name)


def compile_settings(model: Any, name: str = "model") -> Mapping[str, Any]:
    """Return the settings that compile received."""
    if not keras_model(model, name, with_weights=False).compiled:
        raise CheckFailed(
            "{name} is not compiled: call {name}.compile(...), and run that cell after the one that defines the model.",
            {"name": name},
        )
    settings: Mapping[str, Any] = model.get_compile_config() or {}
    return settings


def _has_loss(model: Any, setting: Any, wanted: str, name: str) -> None:
    if not setting:
        raise CheckFailed("{name} is compiled without a loss: give loss=... to compile.", {"name": name})
    found = [entry.removesuffix(" object") for entry in names_in(setting)]
    shown = setting if isinstance(setting, str) else ", ".join(found)
    if found != [wanted.replace("_", "")]:
        if isinstance(setting, str) and not _is_loss(setting):
            raise CheckFailed(
                'Keras knows no loss called "{found}": names of losses are written in lower case, with underscores '
                "between the words. See the list at keras.io/api/losses.",
                {"found": shown},
            )
        if found == ["categoricalcrossentropy"]:
            raise CheckFailed(
                "The loss is categorical cross-entropy, which needs labels in the form of rows of zeros and ones: "
                "these labels are digits.",
            )
        raise CheckFailed(
            "{name} is compiled with the loss {found}: the task asks for another one.", {"name": name, "found": shown}
        )
    inner = setting.get("config") if isinstance(setting, dict) else None
    if isinstance(inner, dict) and inner.get("from_logits") and model.built and last_activation(model) == "softmax":
        raise CheckFailed(
            "from_logits=True applies softmax inside the loss, but {name} already ends with softmax: that is softmax "
            "twice.",
            {"name": name},
        )
    ignored = inner.get("ignore_class") if isinstance(inner, dict) else None
    if ignored is not None:
        raise CheckFailed(
            "The loss of {name} ignores all examples of class {class_}: leave out ignore_class, or the model never "
            "learns that class.",
            {"name": name, "class_": ignored},
        )


def _is_loss(name: str) -> bool:
    """Say whether Keras has a loss of this name."""
    try:
        return keras.losses.get(name) is not None
    except Exception:  # noqa: BLE001 - Keras raises different errors for different kinds of text
        return False


def _has_metric(settings: Mapping[str, Any], wanted: str, name: str) -> None:
    found = names_in(settings.get("metrics")) + names_in(settings.get("weighted_metrics"))
    if not found and settings.get("loss_weights"):
        raise CheckFailed(
            "The metric was taken for loss_weights, the third argument of compile: name it, as in metrics=[...]."
        )
    if not found:
        raise CheckFailed("{name} is compiled without a metric: give metrics=[...] to compile.", {"name": name})
    plain = [entry.removesuffix(" object") for entry in found]
    if wanted != "accuracy":
        right = wanted.replace("_", "") in plain
    else:
        right = bool({"accuracy", "acc"} & set(found) or "sparsecategoricalaccuracy" in plain)
    if right:
        return
    if "accuracy object" in found:
        raise CheckFailed(
            "keras.metrics.Accuracy tests whether two numbers are equal, and a row of probabilities never equals a "
            'digit: give the metric as text, "accuracy".'
        )
    if {"categoricalaccuracy", "binaryaccuracy"} & set(plain):
        raise CheckFailed("This kind of accuracy is for labels of another form: these labels are digits.")
    raise CheckFailed(
        "{name} is compiled with the metric {found}: the task asks for another one.",
        {"name": name, "found": ", ".join(plain)},
    )


def names_in(setting: Any) -> list[str]:
    """Return the plain names in one setting of `compile`.

    The setting may be text, a function, an object, or a list or dict of these.
    """
    if isinstance(setting, str):
        return [setting.lower().replace("_", "")]
    if isinstance(setting, (list, tuple)):
        return [name for part in setting for name in names_in(part)]
    if not isinstance(setting, dict):
        return []
    if "class_name" not in setting:
        return [name for part in setting.values() for name in names_in(part)]
    inner = setting.get("config")
    if setting["class_name"] == "function" and isinstance(inner, str):
        return names_in(inner)
    if isinstance(inner, dict) and isinstance(inner.get("fn"), dict):
        return names_in(inner["fn"])
    return [str(setting["class_name"]).lower() + " object"]


def fit_history(
    history: Any,
    name: str = "history",
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    examples: int | None = None,
) -> dict[str, list[float]]:
    """Return the values per epoch of a History; fail if the training was not as asked.

    Args:
        history: the answer.
        name: what it is called.
        epochs: how many epochs the task asks for.
        batch_size: the batch size that it asks for, of so many examples.
        examples: the number of training examples.
    """
    logs = history_logs(history, name)
    ran = len(logs["loss"])
    settings = history.params if isinstance(history.params, dict) else {}
    if epochs is not None and ran != epochs:
        raise CheckFailed(
            "{name} is that of a training of {found} epochs, which is not the number that the task asks for.",
            {"name": name, "found": ran},
        )
    if batch_size is None or examples is None:
        return logs
    steps = settings.get("steps")
    if not isinstance(steps, int):
        raise CheckFailed(
            "{name} does not say how many steps an epoch had: keep the object that fit returns, unchanged.",
            {"name": name},
        )
    if steps == -(-examples // batch_size):
        return logs
    if steps == -(-examples // 32):
        raise CheckFailed(
            "The training used the default batch size ({found} steps per epoch): give batch_size=... to fit.",
            {"found": steps},
        )
    if steps < -(-examples // batch_size) and any(entry.startswith("val_") for entry in logs):
        raise CheckFailed(
            "The training set aside validation images (validation_split), so the model learnt from fewer images: train "
            "on all of them. An epoch had {found} steps.",
            {"found": steps},
        )
    raise CheckFailed(
        "An epoch of the training had {found} steps: the batch size, or the number of training images, is not what the "
        "task asks for.",
        {"found": steps},
    )


def history_logs(history: Any, name: str = "history") -> dict[str, list[float]]:
    """Return the values per epoch of a History.

    Fail if the loss is missing, not finite or does not fall.
    """
    present(history, name)
    if isinstance(history, dict):
        raise CheckFailed(
            "{name} is the dict .history of the History object: keep the whole object that fit returns.", {"name": name}
        )
    if isinstance(history, keras.Model):
        raise CheckFailed("{name} is the model itself: keep what fit returns.", {"name": name})
    if not isinstance(history, keras.callbacks.History):
        raise CheckFailed(
            "{name} is a {kind}, not a History object: keep what fit returns.",
            {"name": name, "kind": type(history).__name__},
        )
    logs = getattr(history, "history", None)
    if not isinstance(logs, dict) or not isinstance(logs.get("loss"), list) or not logs["loss"]:
        raise CheckFailed(
            "{name} records no epoch: the training did not come to its end, so run fit again.", {"name": name}
        )
    losses = logs["loss"]
    if not np.isfinite(losses).all():
        raise CheckFailed(
            "The loss became NaN or infinite during training: check that the images are normalised and that the "
            "learning rate is not too large."
        )
    if len(losses) > 1 and losses[-1] >= losses[0]:
        raise CheckFailed(
            "The loss did not fall from the first epoch to the last: check the images, the labels and the compile call."
        )
    return logs


def training_accuracies(history: Any) -> list[list[float]]:
    """Return the training accuracies per epoch in a History or its dict.

    Empty if there are none.
    """
    logs = history.history if isinstance(history, keras.callbacks.History) else history
    if not isinstance(logs, dict):
        return []
    series = [values for entry, values in logs.items() if "acc" in entry and not entry.startswith("val_")]
    return [[float(value) for value in values] for values in series if isinstance(values, list) and values]


def outputs_of(model: Any, images: Any, name: str = "model", data: str = "the images") -> Any:
    """Return the model's outputs for images as an array with one row per image.

    Outputs that are NaN or infinite, or the same for all images, are failures: on them any claim about the largest
    output would hold, or none.
    """
    keras_model(model, name)
    present(images, data)
    problem = ""
    try:
        pixels = np.asarray(images)
        parts = [model(pixels[i : i + BATCH].astype("float32")) for i in range(0, len(pixels), BATCH)]
        found = np.concatenate([np.asarray(part) for part in parts])
    except Exception as error:  # noqa: BLE001 - Keras raises many kinds of errors for data that does not fit
        problem = type(error).__name__
    if problem:
        raise CheckFailed(
            "{name} cannot be applied to {data} ({kind}): check the shape and type of the data and the input of the "
            "model.",
            {"name": name, "data": data, "kind": problem},
        )
    if found.ndim != 2:
        raise CheckFailed(
            "{name} gives an output of shape {shape} for each image, but one row of numbers is needed: flatten the "
            "image before the first Dense layer.",
            {"name": name, "shape": found.shape[1:]},
        )
    if not np.isfinite(found).all():
        raise CheckFailed(
            "{name} gives outputs that are NaN or infinite for {data}: its training failed. Define it again, check the "
            "data and the compile call, and fit again.",
            {"name": name, "data": data},
        )
    if len(found) > 1 and not np.ptp(np.asarray(found, dtype="float64"), axis=0).any():
        raise CheckFailed(
            "{name} gives the same output for every one of {data}: either they are all the same, or the weights are "
            "useless because the training failed.",
            {"name": name, "data": data},
        )
    return found


def scores_of(model: Any, images: Any, name: str = "model") -> Any:
    """Return the last Dense layer's outputs before its activation.

    One row per image.
    """
    found = dense_layers(keras_model(model, name))
    problem = not found
    if found:
        weights = [np.asarray(part) for part in found[-1].get_weights()]
        try:
            pixels = np.asarray(images, dtype="float32")
            first = len(found) == 1 and weights[0].shape[0] == pixels[0].size
            inner = None if first else keras.Model(model.inputs[0], found[-1].input)
            parts = []
            for start in range(0, len(pixels), BATCH):
                part = pixels[start : start + BATCH]
                values = part.reshape(len(part), -1) if inner is None else np.asarray(inner(part))
                parts.append(values @ weights[0] + (weights[1] if len(weights) > 1 else 0.0))
            scores = np.concatenate(parts)
            problem = scores.ndim != 2 or not np.isfinite(scores).all()
        except Exception:  # noqa: BLE001 - a model can be built in many ways that leave no such layer
            problem = True
    if problem:
        raise CheckFailed(
            "The outputs of {name} before its last activation cannot be computed: does it end with a Dense layer that "
            "takes one row of numbers per image, and are its weights finite?",
            {"name": name},
        )
    return scores


def probabilities_of(model: Any, images: Any, name: str = "model", data: str = "the images") -> list[Any]:
    """Return the arrays that may count as the model's probabilities.

    These are its outputs and, if the outputs are scores, their softmax.
    """
    rows = outputs_of(model, images, name, data)
    return [rows] if are_probabilities(rows) else [rows, _activate(rows, "softmax")]


def accuracy_of(model: Any, images: Any, labels: Any, name: str = "model", data: str = "the images") -> float:
    """Return the share of images whose largest output is at the index of their label."""
    rows = outputs_of(model, images, name, data)
    _one_label_each(rows, labels, data)
    return float(np.mean(rows.argmax(axis=1) == labels))


def training_accuracy(model: Any, images: Any, labels: Any, name: str = "model", data: str = "x_train") -> float:
    """Return the accuracy on training images, for a threshold of 0.90.

    Part of the images is used where that decides, else all of them.

    If SAMPLE images give 0.95, all images give over 0.90 except with probability e^-50 (Hoeffding's inequality).
    """
    if hasattr(images, "__len__") and len(images) == len(labels):
        sampled = accuracy_of(model, images[:SAMPLE], labels[:SAMPLE], name, data)
        if sampled >= 0.95:
            return sampled
    return accuracy_of(model, images, labels, name, data)


def right_and_wrong(rows: Any, labels: Any, tolerance: float, data: str = "the images") -> tuple[Any, Any]:
    """Return masks of images certainly classified correctly, and certainly not.

    An image whose two largest outputs differ by no more than tolerance is in neither. If those are many, the outputs
    hardly differ between the classes, and any answer would be accepted: that is a failure.
    """
    _one_label_each(rows, labels, data)
    values = np.asarray(rows, dtype="float64")
    everyone = np.arange(len(labels))
    others = values.copy()
    others[everyone, labels] = -np.inf
    margin = values[everyone, labels] - others.max(axis=1)
    right, wrong = margin > tolerance, margin < -tolerance
    if np.mean(right | wrong) < 0.99:
        raise CheckFailed(
            "The outputs of the model hardly differ between the classes, so there is no largest one: it was not "
            "trained, or its training failed."
        )
    return right, wrong


def is_accuracy(
    value: Any,
    name: str,
    model: Any,
    images: Any,
    labels: Any,
    *,
    data: str = "x_test",
    training: Callable[[], Sequence[float]] = tuple,
    model_name: str = "model",
) -> None:
    """Fail if a number is not the model's accuracy; recognise the usual mistakes.

    An accuracy on n images is a multiple of 1/n, so no other number is close enough, except for images whose largest
    output is not certain.

    Args:
        value: the answer.
        name: what it is called.
        model: the model.
        images: the images.
        labels: their labels.
        data: what the images are called.
        training: gives accuracies on training images, which are a usual mistake; called only if the answer is wrong.
        model_name: what the model is called.
    """
    found = number(value, name)
    rows = outputs_of(model, images, model_name, data)
    right, wrong = right_and_wrong(rows, labels, precision_of(model) / 10, data)
    least, most = float(np.mean(right)), 1 - float(np.mean(wrong))
    reached, half = (least + most) / 2, 0.5 / len(labels) + 1e-6
    if least - half <= found <= most + half:
        return
    if abs(found / 100 - reached) <= 1e-3:
        raise CheckFailed("{name} is in percent: give it as a share between 0 and 1.", {"name": name})
    if not 0 <= found <= 1:
        raise CheckFailed(
            "{name} is {found}, but an accuracy is a share between 0 and 1. Is it the loss, which evaluate returns "
            "first?",
            {"name": name, "found": short(found)},
        )
    if abs(1 - found - reached) <= half:
        raise CheckFailed("{name} is the share of the wrong answers: give that of the right ones.", {"name": name})
    if model.compiled and is_loss(found, model, images, labels, model_name, data):
        raise CheckFailed(
            "{name} is the loss: evaluate returns the loss first and the accuracy second.", {"name": name}
        )
    if any(abs(found - accuracy) <= 1e-5 for accuracy in training()):
        raise CheckFailed("{name} is the accuracy on the training images: evaluate on {data} instead.",
                          {"name": name, "data": data})  # fmt: skip
    if abs(found - reached) <= 5e-3 and round(found, 3) == found:
        raise CheckFailed("{name} seems to be rounded: keep the number as evaluate returns it.", {"name": name})
    raise CheckFailed(
        "{name} is {found}, which is not what this model reaches on {data}: compute it with the model, after the last "
        "training, and do not type it in.",
        {"name": name, "found": short(found), "data": data},
    )


def loss_of(
    model: Any, images: Any, labels: Any, name: str = "model", data: str = "the images", *, graph: bool = False
) -> float:
    """Return the model's loss on images under its own compile settings.

    Labels are given in the form that the loss needs.

    With graph=True the loss is computed as evaluate does: in a graph, where Keras sees the scores before softmax and
    does not round very small probabilities. The two differ only where the model is certain and wrong.
    """
    compile_settings(model, name)
    rows = outputs_of(model, images, name, data)
    pixels = np.asarray(images, dtype="float32")
    for truth in (labels, keras.utils.to_categorical(labels, rows.shape[1])):
        try:
            if graph:
                loss = tf.function(lambda x, y: model.compute_loss(y=y, y_pred=model(x)), autograph=False)
                return float(loss(tf.constant(pixels), tf.constant(truth)))
            return float(model.compute_loss(y=tf.constant(truth), y_pred=tf.constant(rows)))
        except Exception:  # noqa: BLE001, S112 - then the loss needs the other form of labels
            continue
    raise CheckFailed("The loss that {name} is compiled with cannot be computed for these labels.", {"name": name})


def is_loss(value: float, model: Any, images: Any, labels: Any, name: str = "model", data: str = "the images") -> bool:
    """Say whether a number is the model's loss on images, computed in either way."""
    for graph in (False, True):
        loss = loss_of(model, images, labels, name, data, graph=graph)
        if abs(value - loss) <= max(5e-4, 5 * precision_of(model) - 5e-4) * max(1.0, abs(loss)):
            return True
    return False


def dense_layers(model: Any) -> list[Any]:
    """Return the Dense layers of a model, in order."""
    return [step for step in steps_of(model) if isinstance(step, keras.layers.Dense)]


def _one_label_each(rows: Any, labels: Any, data: str) -> None:
    if len(rows) != len(labels):
        raise CheckFailed(
            "There are {found} images in {data} for {wanted} labels: use the whole data set.",
            {"found": len(rows), "data": data, "wanted": len(labels)},
        )
    if rows.shape[1] <= int(np.max(labels)):
        raise CheckFailed(
            "The model gives {found} outputs per image, fewer than there are classes: check the units of its last "
            "layer.",
            {"found": rows.shape[1]},
        )


def _activate(values: Any, name: str) -> Any:
    """Return what a well-known activation makes of rows of numbers."""
    numbers = np.asarray(values, dtype="float64")
    if name == "relu":
        return np.maximum(numbers, 0.0)
    if name == "softmax":
        powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)
    if name == "sigmoid":
        return 1.0 / (1.0 + np.exp(-numbers))
    return np.tanh(numbers) if name == "tanh" else numbers


def _describe(kind: str, units: int | None, activation: str | None) -> str:
    if units is None:
        return kind if activation is None else f"{kind} ({activation})"
    return f"{kind} ({units} units, {activation})"
