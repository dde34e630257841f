"""Keras models and histories work the same on the other side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from autograder.handover.decode import Unusable
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import run_cells

SETUP = """
import keras, numpy as np, tensorflow as tf
from keras import layers
image = np.random.default_rng(0).random((4, 28, 28), dtype='float32')
def dense(*extra, activation='relu'):
    return keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(6, activation=activation), *extra,
                             layers.Dense(3, activation='softmax')])
def functional(middle):
    entry = keras.Input((28, 28))
    return keras.Model(entry, layers.Dense(3, activation='softmax')(middle(entry)))
def compiled(model, *args, **kwargs):
    model.compile(*args, **kwargs)
    return model
CE = 'sparse_categorical_crossentropy'
"""
# Models that must give the same outputs after crossing.
SAME = {
    "sequential": "dense()",
    "by_add": "dense(); by_add.add(layers.Dense(2))",
    "input_shape": "keras.Sequential([layers.Flatten(input_shape=(28, 28)), layers.Dense(3)])",
    "reshaped": "keras.Sequential([keras.Input((28, 28)), layers.Reshape((784,)), layers.Dense(3)])",
    "rescaled": "keras.Sequential([keras.Input((28, 28)), layers.Rescaling(0.1), layers.Flatten(), layers.Dense(3)])",
    "layer_activation": "dense(activation=layers.ReLU())",
    "activation_layers": "dense(layers.Activation('relu'), layers.Softmax(), layers.LeakyReLU(negative_slope=0.1))",
    "tf_activation": "dense(activation=tf.nn.relu)",
    "tf_softmax": "dense(activation=tf.nn.softmax)",
    "keras_function": "dense(activation=keras.activations.gelu)",
    "dropout": "dense(layers.Dropout(0.5, seed=20_251_124))",
    "normalised": "dense(layers.BatchNormalization(), layers.LayerNormalization())",
    "seeded": "dense(layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=2**31), "
    "bias_initializer='ones', kernel_regularizer=keras.regularizers.L2(1e-4), kernel_constraint='max_norm'))",
    "functional_model": "functional(lambda x: layers.Dense(6, activation='relu')(layers.Flatten()(x)))",
    "branches": "functional(lambda x: layers.Concatenate()([layers.Flatten()(x), layers.Flatten()(x)]))",
    "operations": "functional(lambda x: keras.ops.relu(layers.Dense(4)(keras.ops.reshape(x / 255, (-1, 784)))))",
    "nested": "functional(dense())",
    "nested_sequential": "keras.Sequential([keras.Input((28, 28)), dense(), layers.Dense(2)])",
    "convolution": "functional(lambda x: layers.Flatten()(layers.MaxPooling2D()(layers.Conv2D(2, 3)(layers.Reshape("
    "(28, 28, 1))(x)))))",
    "half_precision": "keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(3, dtype='float16')])",
    "tf_keras": "tf.keras.Sequential([tf.keras.layers.Flatten(input_shape=(28, 28)), tf.keras.layers.Dense(3)])",
    "built_by_call": "keras.Sequential([layers.Flatten(), layers.Dense(3)]); built_by_call(image)",
    "moved_statistics": "dense(layers.BatchNormalization()); moved_statistics.compile('sgd', 'mse'); "
    "moved_statistics.fit(image, np.ones((4, 3)), verbose=0)",
}
# How it is compiled -> name of the optimizer's class, the loss, the metrics.
COMPILED = {
    "by_names": ("'rmsprop', CE, ['accuracy']", "RMSprop", "sparse_categorical_crossentropy"),
    "by_objects": (
        "keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(), "
        "[keras.metrics.SparseCategoricalAccuracy(name='acc')]",
        "Adam",
        "SparseCategoricalCrossentropy",
    ),
    "by_function": ("'sgd', keras.losses.sparse_categorical_crossentropy", "SGD", "sparse_categorical_crossentropy"),
    "no_metric": ("'nadam', CE", "Nadam", "sparse_categorical_crossentropy"),
    "scheduled": (
        "keras.optimizers.RMSprop(keras.optimizers.schedules.CosineDecay(0.1, decay_steps=5_000_000)), CE",
        "RMSprop",
        "sparse_categorical_crossentropy",
    ),
    "own_loss": ("'rmsprop', my_loss, [my_metric, 'accuracy']", "RMSprop", "my_loss"),
    "own_lambda": ("'rmsprop', lambda a, b: a", "RMSprop", "__lambda__"),
    "own_optimizer": ("MyOptimizer(0.1), CE", "MyOptimizer", "sparse_categorical_crossentropy"),
    "own_loss_class": ("'rmsprop', MyLoss()", "RMSprop", "MyLoss"),
}
COMPILED_SETUP = """
def my_loss(y, p): return keras.ops.mean(p)
def my_metric(y, p): return keras.ops.mean(p)
class MyOptimizer(keras.optimizers.SGD): pass
class MyLoss(keras.losses.Loss):
    def call(self, y, p): return keras.ops.mean(p)
class MyModel(keras.Model):
    def call(self, x): return x
class MySequential(keras.Sequential): pass
class MyDense(layers.Dense): pass
class Unwritable(layers.Layer):
    def __init__(self, thing): super().__init__()
    def call(self, x): return x
@keras.saving.register_keras_serializable(package='keras.layers', name='Dense')
class Registered(layers.Dense): pass
def relu(x): return x * 1000
"""
REFUSED = {
    "subclass": ("MyModel()", "model class of your own (MyModel)"),
    "sequential_subclass": ("MySequential([keras.Input((2,))])", "model class of your own (MySequential)"),
    "own_activation": ("dense(activation=relu)", "function of your own (relu) as activation"),
    "own_lambda_activation": ("dense(activation=lambda x: x)", "function of your own (<lambda>) as activation"),
    "own_nested_activation": ("functional(dense(activation=lambda x: x))", "function of your own"),
    "lambda_layer": ("dense(layers.Lambda(lambda x: x))", "Lambda"),
    "own_layer": ("dense(MyDense(3))", "MyDense"),
    "own_nested_layer": ("functional(dense(MyDense(3)))", "MyDense"),
    "unwritable_layer": ("dense(Unwritable(3))", "Unwritable"),
    "registered_layer": ("dense(Registered(3))", "Registered"),
    "a_layer": ("layers.Dense(3)", "a Dense"),
    "too_wide": ("keras.Sequential([layers.Dense(3_000_000)])", "too large"),
}


@pytest.fixture(scope="module")
def crossed(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """All models above after one run, and their outputs there as `out_NAME`."""
    cells = [SETUP, COMPILED_SETUP]
    names: list[str] = []
    for name, source in SAME.items():
        cells.append(
            f"{name} = {source}\nout_{name} = np.asarray({name}(image))\nweights_{name} = {name}.get_weights()"
        )
        names += [name, f"out_{name}", f"weights_{name}"]
    for name, (arguments, _, _) in COMPILED.items():
        cells.append(f"{name} = compiled(dense(), {arguments})")
        names.append(name)
    for name, (source, _) in REFUSED.items():
        cells.append(f"{name} = {source}")
        names.append(name)
    cells.append("unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(3)])\nno_layers = keras.Sequential()")
    cells.append(
        "trained = compiled(dense(), 'rmsprop', CE, metrics=['accuracy'])\n"
        "history = trained.fit(image, np.zeros(4), epochs=3, batch_size=2, verbose=0, validation_split=0.5)\n"
        "evaluated = trained.evaluate(image, np.zeros(4), verbose=0)\n"
        "never_fitted = keras.callbacks.History()\n"
        "broken = keras.callbacks.History(); broken.history = {'loss': 3}\n"
        "pair = (trained, {'h': history})"
    )
    names += ["unbuilt", "no_layers", "trained", "evaluated", "history", "never_fitted", "broken", "pair"]
    ran = run_cells(fork_server, tmp_path_factory.mktemp("models"), *cells, handover={"q1": names})
    assert ran.outcome.end == "done", ran.outcome.detail
    assert not ran.raised, ran.run_log.errors
    return ran.handed_over.values("q1")


@pytest.mark.parametrize("name", SAME)
def test_a_model_answers_as_before(crossed: Mapping[str, Any], name: str) -> None:
    model = crossed[name]
    assert not isinstance(model, Unusable), model.reason
    weights = model.get_weights()
    assert len(weights) == len(crossed[f"weights_{name}"])
    for weight, expected in zip(weights, crossed[f"weights_{name}"], strict=True):
        np.testing.assert_array_equal(weight, expected)
    image = np.random.default_rng(0).random((4, 28, 28), dtype="float32")
    np.testing.assert_allclose(np.asarray(model(image)), crossed[f"out_{name}"], rtol=1e-3 if "half" in name else 1e-5)


@pytest.mark.parametrize("name", COMPILED)
def test_how_it_was_compiled_crosses(crossed: Mapping[str, Any], name: str) -> None:
    model = crossed[name]
    assert not isinstance(model, Unusable), model.reason
    _, optimizer, loss = COMPILED[name]
    assert model.compiled
    assert type(model.optimizer).__name__ == optimizer
    found = model.loss
    assert (found if isinstance(found, str) else getattr(found, "__name__", type(found).__name__)) == loss


def test_settings_of_the_optimizer_cross(crossed: Mapping[str, Any]) -> None:
    assert float(crossed["by_objects"].optimizer.learning_rate) == pytest.approx(1e-4)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_keras_model_says_why(crossed: Mapping[str, Any], name: str) -> None:
    value = crossed[name]
    assert isinstance(value, Unusable), value
    assert REFUSED[name][1] in value.reason
    assert len(value.reason) < 300


def test_a_model_that_was_never_built_or_compiled_crosses_as_such(crossed: Mapping[str, Any]) -> None:
    assert [type(layer).__name__ for layer in crossed["unbuilt"].layers] == ["Flatten", "Dense"]
    assert not crossed["unbuilt"].built
    assert not crossed["unbuilt"].compiled
    assert crossed["no_layers"].layers == []


def test_a_history_crosses_with_metrics_params_and_epochs(crossed: Mapping[str, Any]) -> None:
    history = crossed["history"]
    assert type(history).__name__ == "History"
    assert history.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 3 and type(values[0]) is float for values in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert history.params["epochs"] == 3
    assert history.params["steps"] == 1
    assert crossed["never_fitted"].history == {}
    assert isinstance(crossed["broken"], Unusable)
    model, inner = crossed["pair"]
    assert model.compiled
    assert inner["h"].history == history.history


def test_a_trained_model_is_evaluated_as_before_on_the_other_side(crossed: Mapping[str, Any]) -> None:
    image = np.random.default_rng(0).random((4, 28, 28), dtype="float32")
    assert crossed["trained"].evaluate(image, np.zeros(4), verbose=0) == pytest.approx(crossed["evaluated"], rel=1e-4)
