"""Checks of Keras models, on small models and made-up data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

from autograder.checks import keras as checks
from autograder.checks.core import CheckFailed

K = keras.layers
TWO_LAYERS = [checks.flatten(), checks.dense(16, "relu"), checks.dense(10, "softmax")]
IMAGES = np.random.default_rng(1).random((300, 4, 4)).astype("float32")


def fails(says: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    with pytest.raises(CheckFailed, match=says):
        function(*arguments, **named)


def sequential(*steps: Any) -> Any:
    return keras.Sequential([keras.Input(shape=(4, 4)), *steps])


def two_layers(units: int = 16, hidden: str | None = "relu", output: str | None = "softmax") -> Any:
    return sequential(K.Flatten(), K.Dense(units, activation=hidden), K.Dense(10, activation=output))


def compiled_model(**settings: Any) -> Any:
    model = two_layers()
    given = {"optimizer": "rmsprop", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **settings}
    model.compile(**{name: value for name, value in given.items() if value is not None})
    return model


def with_weights(scale: float) -> Any:
    """A model whose weights are all multiplied by a number."""
    model = compiled_model()
    with np.errstate(invalid="ignore"):
        model.set_weights([weights * np.float32(scale) for weights in model.get_weights()])
    return model


def history_of(losses: list[float], *, steps: Any = 469, epochs: int | None = None, **series: list[float]) -> Any:
    history = keras.callbacks.History()
    history.history = {"loss": losses, **series}
    history.params = {"epochs": epochs or len(losses), "steps": steps}
    history.epoch = list(range(len(losses)))
    return history


@pytest.fixture(autouse=True)
def same_weights_in_every_run() -> None:
    keras.utils.set_random_seed(1)


@pytest.fixture
def half_precision() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def test_a_model_with_weights_is_a_model() -> None:
    model = two_layers()
    assert checks.keras_model(model) is model
    bare = keras.Sequential([K.Dense(3)])
    assert checks.keras_model(bare, with_weights=False) is bare
    fails("net has no weights yet.*keras.Input", checks.keras_model, bare, "net")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "There is no model: .*compile returns nothing"),
        (..., "three dots"),
        ("model", "is a str, not a Keras model"),
        ([], "is a list"),
        (math.nan, "is a float"),
    ],
)
def test_what_is_no_model_is_named(value: Any, says: str) -> None:
    fails(says, checks.keras_model, value)


def test_shapes_of_input_and_output() -> None:
    model = two_layers()
    checks.input_shape(model, (4, 4))
    checks.output_shape(model, (10,))
    fails(r"inputs of shape \(4, 4\)", checks.input_shape, model, (28, 28))
    fails(r"output of shape \(10,\)", checks.output_shape, model, (3,))
    fails(r"output of shape \(4, 10\)", checks.output_shape, sequential(K.Dense(10)), (10,))


def ways_of_writing() -> dict[str, Any]:
    entry = keras.Input(shape=(4, 4))
    hidden = K.Dense(16, activation=keras.activations.relu)(K.Reshape((16,))(entry))
    added = keras.Sequential()
    for step in (keras.Input((4, 4)), K.Flatten(), K.Dense(16), K.ReLU(), K.Dense(10), K.Softmax()):
        added.add(step)
    inner = keras.Sequential([keras.Input((16,)), K.Dense(16, "relu"), K.Dense(10, "softmax")])
    flat = keras.ops.reshape(entry, (-1, 16))
    plain = keras.ops.softmax(K.Dense(10)(keras.ops.relu(K.Dense(16)(flat))))
    return {
        "strings": two_layers(),
        "functional": keras.Model(entry, K.Dense(10, activation="softmax")(hidden)),
        "activation layers": added,
        "named activations": sequential(
            K.Flatten(), K.Dense(16), K.Activation("relu"), K.Dense(10), K.Activation("softmax")
        ),
        "nested": sequential(K.Flatten(), inner),
        "plain operations": keras.Model(entry, plain),
        "linear first": sequential(K.Flatten(), K.Activation("linear"), K.Dense(16, "relu"), K.Dense(10, "softmax")),
    }


@pytest.mark.parametrize("way", sorted(ways_of_writing()))
def test_layers_are_recognised_however_they_are_written(way: str) -> None:
    model = ways_of_writing()[way]
    checks.layers(model, TWO_LAYERS)
    checks.computes_layer_by_layer(model, IMAGES[:20])
    checks.gives_probabilities(model, IMAGES[:20])
    checks.parameter_count(model, 16 * 16 + 16 + 160 + 10)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([K.Flatten(), K.Dense(8, "relu"), K.Dense(10, "softmax")], r"Layer 2 of model \(Dense\) has 8 units"),
        ([K.Flatten(), K.Dense(16), K.Dense(10, "softmax")], "Layer 2 .* has no activation"),
        ([K.Flatten(), K.Dense(16, "tanh"), K.Dense(10, "softmax")], "has the activation tanh"),
        ([K.Flatten(), K.Dense(16, "gelu"), K.Dense(10, "softmax")], "has the activation gelu"),
        ([K.Flatten(), K.Dense(16, "relu"), K.Dense(10)], "Layer 3 .* has no activation"),
        ([K.Flatten(), K.Dense(16, "relu"), K.Dense(10, "softmax"), K.Softmax()], "softmax twice"),
        ([K.Flatten(), K.ReLU(), K.Dense(16, "relu"), K.Dense(10, "softmax")], r"an activation \(relu\)"),
        ([K.Flatten(), K.Dense(16, "relu"), K.Dense(16, "relu"), K.Dense(10, "softmax")], "more layers"),
        ([K.Flatten(), K.Dense(16, "relu"), K.Dropout(0.1), K.Dense(10, "softmax")], "more layers .*Dropout"),
        ([K.Flatten(), K.Dense(10, "softmax")], "fewer layers"),
        ([K.Dense(16, "relu"), K.Dense(10, "softmax")], "does not flatten"),
        ([K.Dense(16, "relu"), K.Flatten(), K.Dense(10, "softmax")], "does not have the layers"),
    ],
)
def test_other_layers_are_named(steps: list[Any], says: str) -> None:
    fails(says, checks.layers, sequential(*steps), TWO_LAYERS)


def test_wiring_and_biases_are_looked_at() -> None:
    entry = keras.Input(shape=(4, 4))
    first, second = K.Dense(16, "relu"), K.Dense(10, "softmax")
    flat = K.Flatten()(entry)
    doubled = keras.Model(entry, second(K.Add()([first(flat), flat])))
    fails("not connected one after the other", checks.computes_layer_by_layer, doubled, IMAGES[:20])
    no_bias = sequential(K.Flatten(), K.Dense(16, "relu", use_bias=False), K.Dense(10, "softmax"))
    fails("no bias", checks.computes_layer_by_layer, no_bias, IMAGES[:20])
    unflattened = sequential(K.Dense(16, "relu"), K.Flatten(), K.Dense(10, "softmax"))
    fails("flattened first", checks.computes_layer_by_layer, unflattened, IMAGES[:20])
    fails("has 350 parameters", checks.parameter_count, sequential(K.Flatten(), K.Dense(16), K.Dense(4), K.Dense(2)), 1)


@pytest.mark.usefixtures("half_precision")
def test_half_precision_changes_no_verdict() -> None:
    for model in ways_of_writing().values():
        checks.layers(model, TWO_LAYERS)
        checks.gives_probabilities(model, IMAGES[:20])
        checks.computes_layer_by_layer(model, IMAGES[:20])
    model = compiled_model()
    checks.compiled(model, optimizer="RMSprop", loss="sparse_categorical_crossentropy", metric="accuracy")
    fails("Layer 2 .* has no activation", checks.layers, two_layers(hidden=None), TWO_LAYERS)


@pytest.mark.parametrize("output", [None, "sigmoid", "relu"])
def test_scores_are_not_probabilities(output: str | None) -> None:
    fails(
        "not probabilities.*" + (output or "linear"), checks.gives_probabilities, two_layers(output=output), IMAGES[:20]
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": keras.optimizers.RMSprop(), "loss": keras.losses.SparseCategoricalCrossentropy()},
        {"loss": keras.losses.sparse_categorical_crossentropy, "metrics": ["acc"]},
        {"metrics": [keras.metrics.SparseCategoricalAccuracy()]},
        {"metrics": ["sparse_categorical_accuracy"]},
        {"metrics": [["accuracy"]]},
        {"metrics": None, "weighted_metrics": ["accuracy"]},
        {"loss": ["sparse_categorical_crossentropy"]},
    ],
)
def test_compile_settings_are_recognised_however_they_are_written(settings: dict[str, Any]) -> None:
    model = compiled_model(**settings)
    checks.compiled(model, optimizer="RMSprop", loss="sparse_categorical_crossentropy", metric="accuracy")
    checks.compiled(model)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"optimizer": "adam"}, "optimizer Adam: the task asks for another one"),
        ({"loss": None}, "without a loss"),
        ({"loss": "mse"}, "with the loss mse"),
        ({"loss": "categorical_crossentropy"}, "rows of zeros and ones"),
        ({"loss": "sparse categorical cross-entropy"}, 'no loss called "sparse categorical cross-entropy"'),
        ({"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}, "softmax twice"),
        ({"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=0)}, "ignores all examples of class 0"),
        ({"metrics": None}, "without a metric"),
        ({"metrics": None, "loss_weights": ["accuracy"]}, "loss_weights"),
        ({"metrics": [keras.metrics.Accuracy()]}, "two numbers are equal"),
        ({"metrics": ["categorical_accuracy"]}, "labels of another form"),
        ({"metrics": ["mae"]}, "with the metric mae"),
    ],
)
def test_other_compile_settings_are_named(settings: dict[str, Any], says: str) -> None:
    model = compiled_model(**settings)
    wanted = {"optimizer": "RMSprop", "loss": "sparse_categorical_crossentropy", "metric": "accuracy"}
    fails(says, checks.compiled, model, **wanted)


def test_a_model_that_was_never_compiled() -> None:
    fails("model is not compiled", checks.compiled, two_layers())
    fails("There is no model", checks.compiled, None)


def test_a_history_as_asked() -> None:
    logs = checks.fit_history(history_of([0.3, 0.2]), epochs=2, batch_size=128, examples=60_000)
    assert logs["loss"] == [0.3, 0.2]
    checks.fit_history(history_of([0.3]), epochs=1)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        (None, "missing"),
        (..., "three dots"),
        ({"loss": [1.0]}, "keep the whole object"),
        ([1.0], "is a list, not a History"),
        (3.0, "is a float"),
        (history_of([]), "records no epoch"),
        (keras.callbacks.History(), "records no epoch"),
        (history_of([1.0, math.nan]), "NaN or infinite during training"),
        (history_of([math.inf, 1.0]), "NaN or infinite during training"),
        (history_of([1.0, 1.0]), "did not fall"),
        (history_of([1.0]), "training of 1 epochs"),
        (history_of([3.0, 2.0, 1.0]), "training of 3 epochs"),
        (history_of([2.0, 1.0], steps=1875), "default batch size"),
        (history_of([2.0, 1.0], steps=235), "had 235 steps"),
        (history_of([2.0, 1.0], steps=375, val_loss=[1.0, 1.0]), "validation_split"),
        (history_of([2.0, 1.0], steps=None), "how many steps"),
    ],
)
def test_other_histories_are_named(history: Any, says: str) -> None:
    fails(says, checks.fit_history, history, epochs=2, batch_size=128, examples=60_000)


def test_a_model_is_no_history() -> None:
    fails("is the model itself", checks.fit_history, two_layers())


def test_training_accuracies_under_any_name() -> None:
    assert checks.training_accuracies(history_of([1.0], acc=[0.5], val_acc=[0.4])) == [[0.5]]
    assert checks.training_accuracies({"accuracy": [0.5, 0.6]}) == [[0.5, 0.6]]
    assert checks.training_accuracies(None) == []
    assert checks.training_accuracies({"accuracy": []}) == []


def labels_of(model: Any) -> Any:
    """Labels of which the model gets 240 of 300 right."""
    labels = np.asarray(model(IMAGES)).argmax(axis=1)
    labels[:60] = (labels[:60] + 1) % 10
    return labels


def test_outputs_are_rows() -> None:
    model = two_layers()
    assert checks.outputs_of(model, IMAGES.tolist()).shape == (300, 10)
    fails(r"cannot be applied to x_test", checks.outputs_of, model, np.ones((300, 2)), data="x_test")
    fails("one row of numbers is needed", checks.outputs_of, sequential(K.Dense(10)), IMAGES)
    fails("x_test is missing", checks.outputs_of, model, None, data="x_test")
    fails("cannot be applied to x_test", checks.outputs_of, model, IMAGES[:0], data="x_test")
    fails("cannot be applied to x_test", checks.outputs_of, model, "images", data="x_test")
    fails("cannot be applied to x_test", checks.outputs_of, model, [[1], [1, 2]], data="x_test")
    fails("NaN", checks.outputs_of, model, IMAGES * np.float32("nan"))


@pytest.mark.parametrize(
    ("scale", "says"), [(math.nan, "NaN"), (math.inf, "NaN"), (1e30, "NaN or infinite"), (0.0, "same output for every")]
)
def test_useless_weights_make_no_claim_true(scale: float, says: str) -> None:
    """With such weights there is no largest output, so any answer would do."""
    model, labels = with_weights(scale), np.zeros(300, dtype=int)
    fails(says, checks.outputs_of, model, IMAGES)
    fails(says, checks.accuracy_of, model, IMAGES, labels)
    fails(says, checks.is_accuracy, 0.1, "acc", model, IMAGES, labels)


def test_outputs_that_hardly_differ_make_no_claim_true() -> None:
    model, labels = with_weights(1e-3), np.zeros(300, dtype=int)
    fails("hardly differ", checks.right_and_wrong, checks.outputs_of(model, IMAGES), labels, 1e-5)
    fails("hardly differ", checks.is_accuracy, 0.1, "acc", model, IMAGES, labels)


def test_right_and_wrong_images() -> None:
    model = two_layers()
    right, wrong = checks.right_and_wrong(checks.outputs_of(model, IMAGES), labels_of(model), 1e-6)
    assert wrong[:60].all()
    assert right[60:].all()
    fails(
        "300 images in x_test for 299 labels",
        checks.right_and_wrong,
        model(IMAGES),
        labels_of(model)[1:],
        1e-6,
        "x_test",
    )
    fails("gives 10 outputs", checks.right_and_wrong, np.asarray(model(IMAGES)), np.full(300, 10), 1e-6)


def test_an_accuracy_is_a_multiple_of_one_over_the_number_of_images() -> None:
    model = compiled_model()
    labels = labels_of(model)
    assert checks.accuracy_of(model, IMAGES, labels) == 0.8
    assert checks.training_accuracy(model, IMAGES, labels) == 0.8
    for claim in (0.8, np.float32(0.8), 240 / 300, 0.8 + 0.4 / 300):
        checks.is_accuracy(claim, "acc", model, IMAGES, labels)
    wrong = {
        80.0: "in percent",
        0.2: "share of the wrong",
        1.7: "Is it the loss",
        -0.8: "between 0 and 1",
        0.7: "training images",
        0.803: "rounded",
        0.80334: "is not what this model reaches",
    }
    for claim, says in wrong.items():
        fails(says, checks.is_accuracy, claim, "acc", model, IMAGES, labels, training=lambda: [0.7])
    no_numbers: dict[Any, str] = {None: "missing", "0.8": "quotation", math.nan: "finite", (0.8,): "comma"}
    for value, says in no_numbers.items():
        fails(says, checks.is_accuracy, value, "acc", model, IMAGES, labels)


def test_a_loss_is_recognised() -> None:
    model = compiled_model()
    labels = np.asarray(model(IMAGES)).argmax(axis=1)
    loss = checks.loss_of(model, IMAGES, labels)
    assert math.isclose(loss, checks.loss_of(model, IMAGES, labels, graph=True), rel_tol=1e-3)
    assert math.isclose(loss, model.evaluate(IMAGES, labels, verbose=0)[0], rel_tol=1e-3)
    assert checks.is_loss(loss, model, IMAGES, labels)
    assert not checks.is_loss(loss + 0.01, model, IMAGES, labels)
    assert not checks.is_loss(math.nan, model, IMAGES, labels)
    one_hot = compiled_model(loss="categorical_crossentropy")
    one_hot.set_weights(model.get_weights())
    assert math.isclose(checks.loss_of(one_hot, IMAGES, labels), loss, rel_tol=1e-3)
    fails("not compiled", checks.loss_of, two_layers(), IMAGES, labels)


def test_probabilities_of_scores_include_their_softmax() -> None:
    assert len(checks.probabilities_of(two_layers(), IMAGES)) == 1
    scores, probabilities = checks.probabilities_of(two_layers(output=None), IMAGES)
    assert np.allclose(probabilities, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), atol=1e-5)


def test_scores_come_before_the_last_activation() -> None:
    """For one layer, for inner layers and for separate activations alike."""
    one = sequential(K.Flatten(), K.Dense(10, "softmax"))
    kernel, bias = one.get_weights()
    assert np.allclose(checks.scores_of(one, IMAGES), IMAGES.reshape(300, -1) @ kernel + bias, atol=1e-5)
    two = two_layers()
    first, first_bias, second, second_bias = two.get_weights()
    hidden = np.maximum(IMAGES.reshape(300, -1) @ first + first_bias, 0)
    assert np.allclose(checks.scores_of(two, IMAGES), hidden @ second + second_bias, atol=1e-5)
    fails("no layer with weights", checks.scores_of, sequential(K.Flatten()), IMAGES)
    fails("cannot be computed", checks.scores_of, sequential(K.Dense(10)), IMAGES)
    for scale in (math.nan, math.inf):
        fails("cannot be computed", checks.scores_of, with_weights(scale), IMAGES)
