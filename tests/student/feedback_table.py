"""Messages about common mistakes, in every language of a lab, as a page.

`python -m tests.student.feedback_table` prints the page for `docs/feedback-messages.md`; a test compares it with the
checks.
The answers below are executed, and the public checks of the student notebooks judge them. The models are small and
hardly trained; what their numbers are is no matter.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.datasets.mnist import npz_path
from autograder.student.judge import Judgement, judge
from autograder.student.lab import Lab, read_lab
from autograder.student.words import use_catalog
from tests.conftest import REPOSITORY
from tests.student.unpacked import unpacked

LANGUAGES = {"en": "English", "zh": "中文"}
DATA = """
import keras
import numpy as np

keras.utils.set_random_seed(1234)
(train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
layers = keras.layers
"""
# A layer of its own kind for each lab: small, and trained on a part of the images only.
GIVEN = {
    "mnist_dense": """
x_train, x_test = (train_images / 255).astype("float32"), (test_images / 255).astype("float32")
model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10, "softmax")])
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train[:12800], train_labels[:12800], epochs=2, batch_size=128, verbose=0)
predictions = model.predict(x_test, batch_size=1000, verbose=0)
predicted_labels = predictions.argmax(axis=1)
first_digit, first_confidence = predicted_labels[0], predictions[0].max()
test_loss, test_acc = model.evaluate(x_test, test_labels, batch_size=1000, verbose=0)
overfitting_gap = history.history["accuracy"][-1] - test_acc
""",
    "single_layer": """
x_train, x_test = (train_images / 255).astype("float32"), (test_images / 255).astype("float32")
dense_test_acc = 0.98
linear_model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10, "softmax")])
linear_model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
linear_history = linear_model.fit(x_train[:12800], train_labels[:12800], epochs=2, batch_size=128, verbose=0)
linear_test_loss, linear_test_acc = linear_model.evaluate(x_test, test_labels, batch_size=1000, verbose=0)
accuracy_cost = dense_test_acc - linear_test_acc
W, b = linear_model.get_weights()
""",
}
# Questions whose answers change the model.
CHANGING = {"q5", "q6"}
START = "model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), "


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: its question, what is wrong, and its code, which may raise.

    `about` keeps only the messages with this name: the models here are trained less than the lab asks for.
    """

    question: str
    what: str
    code: str
    about: str = ""


DENSE = (
    Mistake("q1", "left as it was", "n_train = n_test = image_shape = ..."),
    Mistake("q1", "`.size` for `len`", "n_train, n_test, image_shape = train_images.size, 10000, (28, 28)"),
    Mistake("q1", "shape of the whole array", "n_train, n_test, image_shape = 60000, 10000, train_images.shape"),
    Mistake("q1", "swapped", "n_train, n_test, image_shape = 10000, 60000, (28, 28)"),
    Mistake("q1", "text", "n_train, n_test, image_shape = '60000', 10000, (28, 28)"),
    Mistake("q1", "a comma at the end", "n_train = 60_000,\nn_test, image_shape = 10000, (28, 28)"),
    Mistake("q1", "the shape as text", "n_train, n_test, image_shape = 60000, 10000, '28x28'"),
    Mistake("q1", "another name", "ntrain = 60000\nn_test, image_shape = 10000, (28, 28)"),
    Mistake("q1", "the cell raises", "n_train = len(train_image)"),
    Mistake("q2", "run twice", "x_train = train_images / 255 / 255\nx_test = test_images / 255"),
    Mistake("q2", "test images forgotten", "x_train = train_images / 255\nx_test = test_images"),
    Mistake("q2", "integer division", "x_train = train_images // 255\nx_test = test_images / 255"),
    Mistake("q2", "divided by 256", "x_train = train_images / 256\nx_test = test_images / 256"),
    Mistake("q2", "each row scaled", "x_train = keras.utils.normalize(train_images)\nx_test = test_images / 255"),
    Mistake("q2", "standardised", "x_train = (train_images - 33.3) / 78.6\nx_test = test_images / 255"),
    Mistake("q3", "no softmax", START + "layers.Dense(512, 'relu'), layers.Dense(10)])"),
    Mistake("q3", "no relu", START + "layers.Dense(512), layers.Dense(10, 'softmax')])"),
    Mistake("q3", "128 units", START + "layers.Dense(128, 'relu'), layers.Dense(10, 'softmax')])"),
    Mistake(
        "q3",
        "a layer too many",
        START + "layers.Dense(512, 'relu'), layers.Dense(64, 'relu'), layers.Dense(10, 'softmax')])",
    ),
    Mistake("q3", "softmax twice", START + "layers.Dense(512, 'softmax'), layers.Dense(10, 'softmax')])"),
    Mistake(
        "q3",
        "no Flatten",
        "model = keras.Sequential([keras.Input((28, 28)), layers.Dense(512, 'relu'), layers.Dense(10, 'softmax')])",
    ),
    Mistake(
        "q3",
        "no Input",
        "model = keras.Sequential([layers.Flatten(), layers.Dense(512, 'relu'), layers.Dense(10, 'softmax')])",
    ),
    Mistake(
        "q4",
        "one count not updated",
        "flatten_params, hidden_params, output_params, total_params = 0, 401920, 5130, 406528",
    ),
    Mistake("q4", "text", "flatten_params = '0'\nhidden_params, output_params, total_params = 401920, 5130, 407050"),
    Mistake("q5", "left as it was", "model = keras.Sequential(model.layers)"),
    Mistake("q5", "no metric", "model.compile('rmsprop', 'sparse_categorical_crossentropy')"),
    Mistake("q5", "Adam", "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])"),
    Mistake("q5", "squared error", "model.compile('rmsprop', 'mse', metrics=['accuracy'])"),
    Mistake("q5", "not sparse", "model.compile('rmsprop', 'categorical_crossentropy', metrics=['accuracy'])"),
    Mistake(
        "q5",
        "the name in words",
        "model.compile('rmsprop', 'sparse categorical cross-entropy', metrics=['accuracy'])",
    ),
    Mistake("q5", "None assigned", "model = model.compile('rmsprop', 'mse')"),
    Mistake(
        "q6",
        "one epoch, another batch size",
        "history = model.fit(x_train, train_labels, epochs=1, batch_size=256, verbose=0)\nsteps_per_epoch = 469",
    ),
    Mistake("q6", "the dictionary only", "history, steps_per_epoch = history.history, 469"),
    Mistake("q6", "steps not rounded", "steps_per_epoch = 60000 / 128", "steps_per_epoch"),
    Mistake("q7", "argmax over the images", "predicted_labels = predictions.argmax(axis=0)"),
    Mistake("q7", "argmax over everything", "predicted_labels = predictions.argmax()"),
    Mistake("q7", "the raw images", "predictions = model.predict(test_images, verbose=0)"),
    Mistake("q7", "the training images", "predictions = model.predict(x_train[:10000], verbose=0)"),
    Mistake("q7", "the true labels", "predicted_labels = test_labels"),
    Mistake("q7", "percent", "first_confidence = 100 * predictions[0].max()"),
    Mistake("q7", "the digit of another image", "first_digit = predicted_labels[1]"),
    Mistake("q8", "swapped", "test_acc, test_loss = model.evaluate(x_test, test_labels, verbose=0)"),
    Mistake("q8", "the raw images", "test_loss, test_acc = model.evaluate(test_images, test_labels, verbose=0)"),
    Mistake(
        "q8",
        "the training images",
        "test_loss, test_acc = model.evaluate(x_train, train_labels, batch_size=1000, verbose=0)",
    ),
    Mistake("q8", "percent", "test_acc = 100 * test_acc"),
    Mistake("q8", "both results in one", "test_loss = model.evaluate(x_test, test_labels, verbose=0)"),
    Mistake("q8", "the sign", "overfitting_gap = -overfitting_gap"),
    Mistake("q8", "the first epoch", "overfitting_gap = history.history['accuracy'][0] - test_acc"),
    Mistake("q9", "a mask", "mistakes = predicted_labels != test_labels"),
    Mistake("q9", "`np.where` as it is", "mistakes = np.where(predicted_labels != test_labels)"),
    Mistake("q9", "a table", "mistakes = np.argwhere(predicted_labels != test_labels)"),
    Mistake("q9", "their number", "mistakes = (predicted_labels != test_labels).sum()"),
    Mistake("q9", "`==` for `!=`", "mistakes = np.flatnonzero(predicted_labels == test_labels)"),
)
LINEAR = (
    Mistake("q3", "the training accuracy", "linear_test_acc = linear_history.history['accuracy'][-1]"),
    Mistake("q3", "the loss", "linear_test_acc = linear_test_loss"),
    Mistake("q3", "percent", "linear_test_acc = 100 * linear_test_acc"),
    Mistake("q3", "the sign", "accuracy_cost = linear_test_acc - dense_test_acc"),
    Mistake("q4", "reshaped as it is", "templates = W.reshape(10, 28, 28)"),
    Mistake("q4", "the digit last", "templates = W.reshape(28, 28, 10)"),
    Mistake("q4", "not yet pictures", "templates = W.T"),
    Mistake("q5", "over the wrong axis", "best_images = (x_train.reshape(-1, 784) @ W + b).argmax(axis=1)"),
    Mistake("q5", "the test images", "best_images = (x_test.reshape(-1, 784) @ W + b).argmax(axis=0)"),
    Mistake(
        "q5", "probabilities", "best_images = linear_model.predict(x_train, batch_size=1000, verbose=0).argmax(axis=0)"
    ),
    Mistake("q5", "the smallest", "best_images = (x_train.reshape(-1, 784) @ W + b).argmin(axis=0)"),
)
MISTAKES = {"mnist_dense": DENSE, "single_layer": LINEAR}
PASSED = {"en": "(the public check passes)", "zh": "（公开检查通过）"}
HEAD = """\
# What students read about common mistakes

Generated from the public checks of the student notebooks, which judged each of these answers
(`python -m tests.student.feedback_table > docs/feedback-messages.md`); a test compares them. Hidden checks
follow when work is graded.
"""


def page() -> str:
    """The page: a table for each lab."""
    with _mnist():
        return "\n".join([HEAD, *(line for lab in MISTAKES for line in _table(lab))])


def masked(text: str) -> str:
    """A page without numbers that depend on the machine.

    Such numbers have a decimal point or more than three digits.
    """
    return re.sub(r"-?\d+\.\d+|\d{3,}|\b\d+ (?=images|misread|张)", "#", text)


@contextmanager
def _mnist() -> Iterator[None]:
    """Let Keras load the images from the kit's cache, here and in the checks."""
    from keras.datasets import mnist

    with np.load(npz_path()) as stored:
        arrays = (stored["x_train"], stored["y_train"]), (stored["x_test"], stored["y_test"])
    original, mnist.load_data = mnist.load_data, lambda: arrays
    try:
        yield
    finally:
        mnist.load_data = original


def _table(lab: str) -> Iterator[str]:
    yield f"## `{lab}`\n"
    yield "| question | answer | " + " | ".join(LANGUAGES.values()) + " |"
    yield "|" + "---|" * (2 + len(LANGUAGES))
    given: dict[str, Any] = {}
    exec(DATA + GIVEN[lab], given)  # noqa: S102 - the text above
    with tempfile.TemporaryDirectory() as folder:
        labs = {language: _unpack(lab, language, Path(folder, language)) for language in LANGUAGES}
        for mistake in MISTAKES[lab]:
            cells = [mistake.question, f"{mistake.what}: `{mistake.code.replace(chr(10), '; ')}`"]
            cells += _readings(mistake, dict(given), labs, Path(folder))
            yield "| " + " | ".join(cells) + " |"
    yield ""


def _unpack(lab: str, language: str, folder: Path) -> tuple[Lab, dict[str, str]]:
    place = "" if language == "en" else language
    notebook = json.loads((REPOSITORY / "assignment" / place / f"{lab}.ipynb").read_text(encoding="utf-8"))
    for name, source in unpacked(notebook).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return read_lab(folder)


def _readings(
    mistake: Mistake, names: dict[str, Any], labs: dict[str, tuple[Lab, dict[str, str]]], folder: Path
) -> Iterator[str]:
    """What a student reads about one answer, in each language."""
    question = labs["en"][0].question(mistake.question)
    assert question is not None
    # What earlier questions were given stays; of this one, only what its cell sets.
    kept = {name: names.pop(name) for name in question.variables if name in names and "model" not in name}
    if "model" in names and mistake.question in CHANGING:
        names["model"] = _another(names["model"])
    error = None
    changed: dict[str, Any] = {}
    try:
        exec(mistake.code, {**names, **kept}, changed)  # noqa: S102 - the texts above
    except NameError as raised:
        error = f"NameError: {raised}"
    names |= {**kept, **changed}
    for language, (lab, catalog) in labs.items():
        asked = lab.question(mistake.question)
        assert asked is not None
        use_catalog(catalog)
        try:
            found = judge(asked, folder / language / "tests" / f"{asked.name}.py", names, error=error, stub=False)
        finally:
            use_catalog({})
        yield _read(found, language, mistake.about)


def _another(model: Any) -> Any:
    """An independent copy of a model, compiled alike."""
    import keras

    copy = keras.models.clone_model(model)
    copy.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return copy


def _read(found: Judgement, language: str, about: str) -> str:
    said = [finding.message for finding in found.findings if finding.message and about in finding.message]
    lines = [*([found.note] if found.note else []), *dict.fromkeys(said)]
    return " ".join(lines).replace("|", "\\|").replace("\n", " ") or PASSED[language]


if __name__ == "__main__":
    print(page(), end="")
