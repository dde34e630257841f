# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [raw]
# # ASSIGNMENT CONFIG
# name: single_layer
# export_cell:
#   instructions: "The zip file holds this notebook. Hand in the zip file."
#   pdf: false
#   run_tests: false
# run_tests: false
# tests:
#   ok_format: false

# %% [markdown]
# # What one layer sees
#
# A deep network is hard to look into: what its first layer computes is mixed again by the next. Take the hidden layer
# away and everything becomes visible. What remains is one dense layer whose weights are ten pictures, one for each digit, and
# whose whole reasoning is to lay these pictures over the image and see which fits best. In this lab you train that
# network, ask what the missing layer costs, and look at what it has learnt.
#
# **What you will learn**
#
# - how a single softmax layer decides, and how to count its parameters by hand;
# - how much accuracy a hidden layer buys;
# - how to read the weights of a layer as pictures;
# - how to find the images that excite an output most, and why to ask before the softmax.
#
# **How to work.** Run the cells from top to bottom. Three dots `...` are a stub: replace them with your answer and
# keep the name on the left. The line `grader.check(...)` below each question runs the public checks and shows what they
# found. Hidden checks follow when your work is graded, so passing the public checks is necessary but not the whole grade.
# Each question offers **hints**: open them one at a time, and only when you need them. To stop a cell that takes too long,
# press the stop button ■ of the notebook (or choose *Kernel → Interrupt*). Training takes well under a minute on a laptop.
#
# | Question | Topic | Points |
# |---|---|---|
# | 1 | Define one layer, count its parameters | 4 |
# | 2 | Compile and fit | 5 |
# | 3 | Evaluate: what is the hidden layer worth? | 4 |
# | 4 | The weights as pictures | 3 |
# | 5 | The strongest images | 4 |
# | | **Total** | **20** |

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# Training starts from random weights and shuffles the images. A fixed seed makes the run repeatable: with the same
# seed on the same machine you get the same network again.

# %%
keras.utils.set_random_seed(1234)


# %%
def show(draw, *answers):
    """Call draw(*answers) if the answers can be used; print a hint instead of an error where they cannot."""
    if any(value is ... for value in answers):
        print("Answer the question above first, then run this cell again.")
        return
    try:
        draw(*answers)
    except Exception as error:
        plt.close("all")  # a figure that is not finished
        print(f"Nothing to show yet ({type(error).__name__}): run grader.check for the questions above and follow its messages.")


# %% tags=["test-helpers"]
import keras
import numpy as np

from autograder.checks.core import CheckFailed, check, compare, explain, linear_credit, measure
from autograder.checks.keras import (
    accuracy_of,
    compiled,
    computes_layer_by_layer,
    dense,
    dense_layers,
    fit_history,
    flatten,
    gives_probabilities,
    input_shape,
    is_accuracy,
    keras_model,
    layers,
    output_shape,
    scores_of,
    training_accuracies,
)
from autograder.checks.mnist import raw_data
from autograder.checks.values import array, indices, is_close, number, whole_number

TWO_LAYER_ACCURACY = 0.98  # the same constant as dense_test_acc in the notebook


def scaled(images):
    """Return raw images as numbers from 0 to 1, as the notebook gives them."""
    return np.divide(images, np.float32(255), dtype="float32")


def check_accuracy(model, claim, history):
    """Fail if the claim is not the accuracy of the model on the test images."""
    train_images, train_labels, test_images, test_labels = raw_data()

    def on_training_images():
        recorded = [value for values in training_accuracies(history) for value in values]
        return [*recorded, accuracy_of(model, scaled(train_images), train_labels, "linear_model")]

    images = scaled(test_images)
    is_accuracy(claim, "linear_test_acc", model, images, test_labels, training=on_training_images, model_name="linear_model")


def check_cost(model, claim):
    """Fail if the claim is not the accuracy that the model lacks against the two-layer network."""
    found = number(claim, "accuracy_cost")
    _, _, images, labels = raw_data()
    reached = accuracy_of(model, scaled(images), labels, "linear_model")
    cost = TWO_LAYER_ACCURACY - reached
    if abs(found - cost / TWO_LAYER_ACCURACY) <= 1e-4 < abs(found - cost) or abs(found - reached / TWO_LAYER_ACCURACY) <= 1e-3:
        raise CheckFailed("accuracy_cost is a ratio: a difference is needed.")
    compare(found, cost, "accuracy_cost", tolerance=1.5 / len(labels))


def check_templates(model, claim):
    """Fail if the claim is not the weights of each output, laid out like an image."""
    images, labels, _, _ = raw_data()
    classes, picture = len(np.unique(labels)), images.shape[1:]
    outputs = dense_layers(keras_model(model, "linear_model"))[-1:]
    kernel = np.asarray(outputs[0].get_weights()[0], dtype="float64") if outputs else np.zeros((0, 0))
    if kernel.shape[0] == images[0].size and kernel.shape[1] != classes:
        raise CheckFailed(
            "The last layer of linear_model has {units} units, so it has no template for each digit: see question 1.",
            {"units": kernel.shape[1]},
        )
    if kernel.shape != (images[0].size, classes):
        raise CheckFailed(
            "linear_model has no layer that leads straight from the pixels to the digits (is there a hidden layer?), so its output "
            "weights are not pictures: see question 1."
        )
    found = array(claim, "templates")
    shape = {"shape": found.shape}
    if found.shape == (*picture, classes):
        raise CheckFailed("templates has shape {shape}: the digit is the last axis here, but it belongs first.", shape)
    if found.size == classes:
        raise CheckFailed("templates has shape {shape}, one number for each digit: these look like the biases, not the weights.", shape)
    if found.ndim == 2 and found.size == kernel.size:
        raise CheckFailed("templates has shape {shape}: one row or column for each digit, but not yet a picture for each.", shape)
    if found.shape == picture:
        raise CheckFailed("templates has shape {shape}, a single picture: one for each digit is needed.", shape)
    if found.shape != (classes, *picture):
        raise CheckFailed("templates has shape {shape}: one picture for each digit is needed, with the digit as the first axis.", shape)
    if found.dtype.kind != "f":
        raise CheckFailed(
            "templates has dtype {dtype}: weights are floating-point numbers. Are these pixels or counts?", {"dtype": found.dtype}
        )
    if not found.any():
        raise CheckFailed("templates holds nothing but zeros: it was created, but never filled with weights.")
    pictures = kernel.T.reshape(found.shape)
    if is_close(found, pictures, 2e-5):
        return
    if is_close(found, kernel.reshape(found.shape), 2e-5):
        raise CheckFailed(
            "Every picture in templates is a mix of all digits: the matrix was reshaped as it is, but its rows belong to the pixels and "
            "its columns to the digits."
        )
    if is_close(found, pictures.transpose(0, 2, 1), 2e-5):
        raise CheckFailed("Each picture in templates is mirrored at its diagonal: rows and columns of the image are swapped.")
    if is_close(found, -pictures, 2e-5):
        raise CheckFailed("templates has the wrong sign: take the weights as they are.")
    if is_close(np.sort(found.ravel()), np.sort(pictures.ravel()), 2e-5):
        raise CheckFailed("templates holds the right weights in the wrong order: which axis of W is the pixel, which the digit?")
    spread, wanted = standardised(found), standardised(pictures)
    if np.abs(spread - wanted).max() <= 1e-3:
        raise CheckFailed("templates holds scaled or shifted weights (or a bias was added): take them as they are.")
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(classes)])
    if is_close(found, means, 1e-4) or is_close(found, means / 255, 1e-4):
        raise CheckFailed("templates holds the mean image of each digit: the weights of linear_model are needed.")
    raise CheckFailed(
        "templates does not hold the weights of linear_model as it is at the end: were they taken from another layer or model, or "
        "before the training?"
    )


def standardised(pictures):
    """Return pictures with mean 0 and standard deviation 1 each."""
    spread = pictures.std(axis=(1, 2), keepdims=True) + 1e-12
    return (pictures - pictures.mean(axis=(1, 2), keepdims=True)) / spread


def check_best_images(model, claim):
    """Fail if the claim is not, for each digit, a training image with the largest output before the softmax."""
    images, labels, test_images, _ = raw_data()
    digits = np.unique(labels)
    found = array(claim, "best_images")
    shape = {"shape": found.shape}
    if found.shape in ((len(images),), (len(images), 1)):
        raise CheckFailed(
            "best_images has shape {shape}, one entry for each image: the maximum was taken over the wrong axis, across the digits.", shape
        )
    if found.ndim > 1 and found.shape[1:] in (images.shape[1:], (images[0].size,)):
        raise CheckFailed("best_images has shape {shape}: these are pictures, but their indices are needed.", shape)
    if found.shape != digits.shape:
        raise CheckFailed("best_images has shape {shape}: one index for each digit is needed, in one row.", shape)
    if np.any(found != np.round(found)):
        raise CheckFailed("best_images holds numbers with a fraction: these are outputs, not indices of images.")
    found = indices(found, "best_images", len(images))
    if found.max() < len(digits):
        raise CheckFailed("best_images holds only digits: these are labels, or a maximum over the wrong axis, not indices of images.")

    logits = scores_of(model, scaled(images), "linear_model")
    if logits.shape[1] < len(digits):
        raise CheckFailed("The last layer of linear_model has fewer outputs than there are digits: see question 1.")
    logits = logits[:, : len(digits)]
    short_of = logits.max(axis=0) - logits
    if np.mean(short_of <= 1e-3) > 0.001:
        raise CheckFailed("The outputs of linear_model hardly differ between the images: it was not trained, or its training failed.")
    off = digits[short_of[found, digits] > 1e-3]
    if not off.size:
        return
    if np.array_equal(found, scores_of(model, scaled(test_images), "linear_model")[:, : len(digits)].argmax(axis=0)):
        raise CheckFailed("best_images holds indices of test images: search among the training images, x_train.")
    if np.all(logits[found, digits] - logits.min(axis=0) <= 1e-3):
        raise CheckFailed("best_images holds the images with the smallest outputs: the largest are needed.")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = powers / powers.sum(axis=1, keepdims=True)
    if np.all(chances.max(axis=0) - chances[found, digits] <= 1e-5):
        raise CheckFailed(
            "best_images holds the images with the largest probabilities, after the softmax: the outputs before the softmax are needed."
        )
    if np.array_equal(found, [np.argmax(labels == digit) for digit in digits]):
        raise CheckFailed("best_images holds the first image of each digit, not the one with the largest output.")
    if np.array_equal(found, np.abs(logits).argmax(axis=0)):
        raise CheckFailed("best_images goes by size without the sign: a large negative output speaks against the digit.")
    raise CheckFailed(
        "best_images does not hold the training image with the largest output before the softmax for these digits: {digits}.",
        {"digits": ", ".join(str(digit) for digit in off)},
    )


# %% [markdown]
# ## The data
#
# The images are the MNIST digits: pictures of 28 × 28 pixels, written by hand, each with the digit it shows.

# %%
(train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()

for name, images, labels in [("training", train_images, train_labels), ("test", test_images, test_labels)]:
    print(f"{name:8} images {images.shape} {images.dtype}, labels {labels.shape} {labels.dtype}")
print("first training labels:", train_labels[:10])

# %% tags=["optional"]
# @title Optional reading: how pictures are drawn {display-mode: "form"}
import io

from IPython.display import Image


def show_once(figure):
    """Show a figure and close it.

    `plt.show()` would work as well, but a notebook then draws each figure twice: the first time to find the margins that it
    cuts off. These figures have none, so they are drawn only once.
    """
    picture = io.BytesIO()
    figure.savefig(picture)
    plt.close(figure)
    display(Image(picture.getvalue()))


def draw_grid(images, captions, columns, colors=None, bars=None, pixel=3, room=0, **options):
    """Draw images in one picture, each with a caption below and, if given, ten bars beside it.

    images: (n, 28, 28); captions: n texts; colors: n colours of the captions; bars: n pairs (ten heights, ten colours);
    pixel: width of a pixel of an image, in dots; room: on the right, in pixels; options: for imshow. Returns what imshow returns.
    """
    width, height = (68 if bars else 34), 40
    rows = -(-len(images) // columns)
    corners = [(width * (i % columns), height * (i // columns)) for i in range(len(images))]
    # One sheet for all images and one set of lines for all bars: an axis, or a drawing command, per image would take seconds.
    sheet = np.full((height * rows, width * columns), np.nan)  # nothing is drawn there
    left, right, top, bottom = -4, width * columns - (3 if bars else 2) + room, -4, height * rows
    # The axis fills the figure.
    figure = plt.figure(figsize=(pixel * (right - left) / 100, pixel * (bottom - top) / 100), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    for i, (x, y) in enumerate(corners):
        sheet[y : y + 28, x : x + 28] = images[i]
        axis.text(x + 14, y + 33, captions[i], ha="center", va="center", fontsize=9, color=colors[i] if colors else "black")
    drawn = axis.imshow(sheet, extent=(0, width * columns, height * rows, 0), **{"cmap": "gray_r", **options})
    if bars:
        lefts, feet = np.array(corners).T + [[32], [28]]
        heights, shades = zip(*bars)
        axis.hlines(feet, lefts - 2, lefts + 29, colors="0.7", linewidth=1)
        places, feet = (lefts[:, None] + 3 * np.arange(10)).ravel(), np.repeat(feet, 10)
        axis.vlines(places, feet - 26 * np.ravel(heights), feet, colors=np.ravel(shades), linewidth=4)
    axis.set(xlim=(left, right), ylim=(bottom, top))
    return drawn


show_once(draw_grid(train_images[:20], train_labels[:20].astype(str), columns=10).figure)

# %% [markdown]
# This time the scaling is done for you. `x_train` and `x_test` hold the same images as numbers from 0 to 1. They are
# new arrays, made from the raw ones, so you may run the cell as often as you like.

# %%
x_train = (train_images / 255).astype("float32")
x_test = (test_images / 255).astype("float32")

print("before:", train_images.dtype, "from", train_images.min(), "to", train_images.max())
print("after: ", x_train.dtype, "from", x_train.min(), "to", x_train.max(), "shape", x_train.shape)

# %% [markdown]
# ## One layer
#
# A batch of $n$ images, flattened, is a matrix $X$ with one image in each **row**. The layer has a matrix of weights
# $W$ and a vector of biases $b$:
#
# $$
# \underbrace{Z}_{n \times 10} = \underbrace{X}_{n \times 784}\,\underbrace{W}_{784 \times 10} + \underbrace{b}_{10}
# \qquad
# P = \operatorname{softmax}(Z)
# $$
#
# ($b$ is added to every row.) The ten numbers in a row of $Z$ are called **logits**, the outputs before the softmax.
# The softmax is taken row by row; it makes them positive and makes them sum to one, so that they can be read as
# probabilities:
#
# $$
# P_{id} = \frac{e^{Z_{id}}}{\sum_{j=0}^{9} e^{Z_{ij}}}
# $$
#
# It never changes which of the ten is largest: the decision is already made by the logits. Now look at a single logit:
#
# $$
# Z_{id} = \sum_{k=0}^{783} X_{ik}\,W_{kd} + b_d
# $$
#
# Every pixel $k$ of the image is multiplied by *its* weight for digit $d$, and all is added up. Column $d$ of $W$ has
# one weight for each pixel, so it is itself a picture of 28 × 28: a **template**. Ink where the template is positive
# speaks for the digit $d$, ink where it is negative speaks against it, and the bias $b_d$ is what the digit gets
# before any ink is seen. That is all this network can do: it compares the image with ten templates. No unit looks for
# strokes or loops, and none can say *this pixel matters only if that one is white*. A hidden layer could.

# %% [raw]
# # BEGIN QUESTION
# name: q1
# points: 4

# %% [markdown]
# ## Question 1: Define one layer, count its parameters (4 points)
#
# The smallest network that can tell ten digits apart is a good yardstick: whatever a bigger one does better is what
# its extra layers are worth.
#
# - `linear_model`: a Keras model that takes images of shape `(28, 28)`, flattens them, and has **one** dense layer of
#   ten units with softmax. Begin it with `keras.Input(shape=(28, 28))`, so that its weights exist at once.
# - `linear_params`: the number of parameters this network learns, worked out by hand from the shapes of $W$ and $b$
#   above. A whole number, not text.
#
# For comparison, a model for another task, with rows of 6 numbers as inputs and three classes, one layer and 6·3 + 3 = 21
# parameters:
#
# ```python
# other = keras.Sequential([
#     keras.Input(shape=(6,)),                      # the shape of ONE input
#     keras.layers.Dense(3, activation="softmax"),  # three probabilities
# ])
# ```
#
# ([Sequential](https://keras.io/api/models/sequential/) · [Dense](https://keras.io/api/layers/core_layers/dense/) ·
# [Flatten](https://keras.io/api/layers/reshaping_layers/flatten/))
#
# <details><summary>Hint 1: what to look at</summary>
#
# An image is a square, a dense layer needs one row of numbers per image: which layer turns the one into the other?
# </details>
# <details><summary>Hint 2: how to count</summary>
#
# $W$ has one row for every pixel and one column for every digit; $b$ has one entry for every digit.
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q1"]
# BEGIN SOLUTION NO PROMPT
linear_model = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
# END SOLUTION
""" # BEGIN PROMPT
linear_model = ...
"""; # END PROMPT

# %% tags=["answer:q1"]
linear_params = 28 * 28 * 10 + 10  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: false
""" # END TEST CONFIG
@check
def test_q1_gives_probabilities(linear_model):
    """The model takes images and gives probabilities."""
    images, labels, _, _ = raw_data()
    input_shape(linear_model, images.shape[1:], "linear_model")
    output_shape(linear_model, (len(np.unique(labels)),), "linear_model")
    gives_probabilities(linear_model, scaled(images[:50]), "linear_model")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: false
""" # END TEST CONFIG
@check
def test_q1_layers(linear_model):
    """The model has the layers asked for."""
    layers(linear_model, [flatten(), dense(10, "softmax")], "linear_model")

# %%
""" # BEGIN TEST CONFIG
points: 0
hidden: false
""" # END TEST CONFIG
@check
def test_q1_count_is_a_whole_number(linear_params):
    """The count is a whole number."""
    whole_number(linear_params, "linear_params", least=1)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q1_one_dense_softmax_layer(linear_model):
    layers(linear_model, [flatten(), dense(10, "softmax")], "linear_model")
    computes_layer_by_layer(linear_model, scaled(raw_data()[0][:200]), "linear_model")

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@check
def test_q1_count(linear_params):
    found = number(linear_params, "linear_params")
    pixels, classes, hidden = 784, 10, 512
    explain(
        found,
        {
            pixels * classes: "linear_params leaves out the biases: each unit has one of its own.",
            pixels * classes + 1: "linear_params has one bias for the whole layer: each unit has one of its own.",
            pixels * classes + pixels: "linear_params gives a bias to every pixel: biases belong to the units of the layer.",
            (pixels + 1) * (classes + 1): "linear_params counts one unit too many.",
            pixels + classes: "linear_params adds inputs and units: each of the inputs has a weight to each of the units.",
            28 * classes + classes: "linear_params counts a single row of the picture: the layer sees the whole flattened picture.",
            hidden * classes + classes: "linear_params counts the output layer of a network with a hidden layer of 512 units.",
            pixels * hidden + hidden: "linear_params counts the hidden layer of a two-layer network, which linear_model does not have.",
            (pixels + 1) * hidden + (hidden + 1) * classes: "linear_params counts a two-layer network with a hidden layer.",
        },
    )
    if found != pixels * classes + classes:
        raise CheckFailed(
            "linear_params is {found}, which is not the number of entries of W and b together: write down both shapes and count again.",
            {"found": f"{found:g}"},
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Keras counts as well. Compare its table with your own number: if the two differ, find out which shape you had in mind. (Once
# the model has been trained, the total includes numbers that the optimizer keeps: compare with the trainable parameters then.)

# %%
def print_summary(linear_model, linear_params):
    """Print Keras's table and the number counted by hand."""
    linear_model.summary()
    print("counted by hand:", linear_params)


show(print_summary, linear_model, linear_params)

# %% [raw]
# # BEGIN QUESTION
# name: q2
# points: 5

# %% [markdown]
# ## Question 2: Compile and fit (5 points)
#
# To see what the hidden layer is worth, train this network as the larger one was trained: with the same optimizer, loss,
# metric and batch size. Only the number of epochs is larger, 10 instead of 5, because a single layer takes longer to settle;
# the comparison should not be unfair to it.
#
# - In the first stub, compile `linear_model` with the **optimizer** RMSprop (the rule that changes weights and biases so that
#   the loss falls), the **loss** sparse categorical cross-entropy (what training makes small; *sparse* because the
#   labels are digits, not vectors of ten) and the **metric** accuracy (what people look at; it takes no part in
#   training). Compiling adds no layer and changes no weight. Your answer is one method call; there is no variable to set.
# - `linear_history`: what `fit` returns when you train on `x_train` and `train_labels` for **10 epochs** in batches
#   of **128** images. Keep the whole object that `fit` returns, a `keras.callbacks.History`.
#
# <details><summary>Hint 1: the syntax, on another model</summary>
#
# ```python
# other.compile(optimizer="sgd", loss="mean_squared_error", metrics=["mae"])
# other_history = other.fit(inputs, targets, epochs=3, batch_size=20, verbose=2)
# ```
# </details>
# <details><summary>Hint 2: how to write names</summary>
#
# Keras takes names in small letters, with underscores between words. See
# [compile and fit](https://keras.io/api/models/model_training_apis/).
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q2"]
# BEGIN SOLUTION
linear_model.compile(
    optimizer="rmsprop",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
# END SOLUTION

# %% tags=["answer:q2"]
linear_history = linear_model.fit(x_train, train_labels, epochs=10, batch_size=128, verbose=2)  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: false
""" # END TEST CONFIG
@check
def test_q2_is_compiled(linear_model):
    """The model is compiled as asked."""
    compiled(linear_model, optimizer="RMSprop", loss="sparse_categorical_crossentropy", metric="accuracy", name="linear_model")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: false
""" # END TEST CONFIG
@check
def test_q2_is_fitted(linear_history):
    """The model was trained as asked."""
    fit_history(linear_history, "linear_history", epochs=10, batch_size=128, examples=len(raw_data()[0]))

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@check
def test_q2_compiled_as_asked(linear_model):
    compiled(linear_model, optimizer="RMSprop", loss="sparse_categorical_crossentropy", metric="accuracy", name="linear_model")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q2_fitted_as_asked(linear_history):
    fit_history(linear_history, "linear_history", epochs=10, batch_size=128, examples=60000)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q2_has_learnt(linear_model, linear_history):
    train_images, train_labels, _, _ = raw_data()
    reached = measure("train_accuracy", accuracy_of(linear_model, scaled(train_images), train_labels, "linear_model"))
    if reached < 0.3:
        raise CheckFailed(
            "linear_model gets {reached} of the training images right, hardly better than guessing: it was never fitted, or on the wrong "
            "data or labels. Was it defined again after fit?",
            {"reached": f"{reached:.3f}"},
        )
    if reached < 0.90:
        raise CheckFailed(
            "linear_model gets only {reached} of the training images right: was it fitted on x_train as given, with all epochs?",
            {"reached": f"{reached:.3f}"},
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Loss and accuracy on the training images, epoch by epoch. The curves are almost flat at the end: more epochs of the
# same would help little. One layer has said what it can say.


# %% tags=["optional"]
# @title Optional reading: how the curves are drawn {display-mode: "form"}
def plot_history(history):
    """Draw loss and accuracy per epoch from a History, side by side."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), dpi=100)
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.16, top=0.9, wspace=0.2)
    for axis, word, title in zip(axes, ["loss", "acc"], ["training loss", "training accuracy"]):
        for name, values in history.history.items():
            if word in name:
                axis.plot(range(1, len(values) + 1), values, marker="o", markersize=4)
        axis.locator_params(nbins=6)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set(xlabel="epoch")
        axis.set_title(title, y=1.02)
        axis.grid(alpha=0.3)
    show_once(figure)


show(plot_history, linear_history)

# %% [raw]
# # BEGIN QUESTION
# name: q3
# points: 4
# depends_on: q2

# %% [markdown]
# ## Question 3: Evaluate: what is the hidden layer worth? (4 points)
#
# A network is judged on images it has never seen. The same digits have been given to a network with a hidden layer of
# 512 units; its accuracy on the test images is the constant `dense_test_acc` in the next cell.

# %%
dense_test_acc = 0.98  # two dense layers, on the same test images

# %% [markdown]
# - `linear_test_acc`: the accuracy of `linear_model` on the test images `x_test` with their labels `test_labels`, as
#   a fraction from 0 to 1. Compute it with the model; do not type a number.
# - `accuracy_cost`: the accuracy that is lost when the hidden layer is left out: what the two-layer network reaches
#   minus what `linear_model` reaches.
#
# One of the four points is for the model itself: the full point from a test accuracy of 0.90, partial credit from 0.80.
#
# <details><summary>Hint 1: what to look at</summary>
#
# Which images has the network never seen? Which of the two networks should be better, and what is then the sign of the cost?
# </details>
# <details><summary>Hint 2: which function</summary>
#
# `model.evaluate(images, labels, verbose=0)` returns a list: the loss first, then the metrics.
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q3"]
linear_test_acc = linear_model.evaluate(x_test, test_labels, verbose=0)[1]  # SOLUTION

# %% tags=["answer:q3"]
accuracy_cost = dense_test_acc - linear_test_acc  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: false
""" # END TEST CONFIG
@check
def test_q3_accuracy(linear_test_acc, linear_model, linear_history=None):
    """Accuracy on the test images."""
    check_accuracy(linear_model, linear_test_acc, linear_history)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q3_cost_is_a_difference(accuracy_cost, linear_model):
    """The cost is the difference of two accuracies."""
    check_cost(linear_model, accuracy_cost)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q3_good_enough(linear_test_acc, linear_model):
    number(linear_test_acc, "linear_test_acc")
    _, _, images, labels = raw_data()
    reached = measure("test_accuracy", accuracy_of(linear_model, scaled(images), labels, "linear_model"))
    if reached < 0.90:
        raise CheckFailed(
            "linear_model gets {reached} of the test images right, which is less than one layer can do: train it as question 2 says.",
            {"reached": f"{reached:.4f}"},
            credit=linear_credit(reached, zero_at=0.80, full_at=0.90),
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# A few hundredths sound like little. Counted in images they do not: look at how many more of the test images are misread.

# %%
def print_cost(linear_test_acc, accuracy_cost):
    """Print how many test images each network misreads."""
    n_test = len(test_labels)
    print(f"two layers: about {round((1 - dense_test_acc) * n_test)} of {n_test} test images misread")
    print(f"one layer:  about {round((1 - float(linear_test_acc)) * n_test)} misread, {round(float(accuracy_cost) * n_test)} more")


show(print_cost, linear_test_acc, accuracy_cost)

# %% [markdown]
# The first mistakes, each with its ten probabilities, from 0 on the left to 9 on the right. Below a picture: the predicted digit,
# its probability and, in brackets, the true digit; the bar of the predicted digit is red, that of the true one blue. Some of
# these are hard to read for anyone. Others are clear to you and still misread here.


# %% tags=["optional"]
# @title Optional reading: how the mistakes are drawn {display-mode: "form"}
def draw_first_mistakes(model, _, count=12):
    """Draw the first test images that the model misreads, with bars: red for the predicted digit, blue for the true one."""
    images, captions, bars = [], [], []
    for image, truth, row in zip(test_images, test_labels, np.asarray(model(x_test[:1000]))):
        ranking = sorted(range(10), key=row.__getitem__)
        if ranking[-1] == truth:
            continue
        shades = ["0.6"] * 10
        shades[ranking[-1]], shades[truth] = "tab:red", "tab:blue"
        images.append(image)
        captions.append(f"{ranking[-1]}  {100 * row[ranking[-1]]:.0f} %  ({truth})")
        bars.append((row, shades))
    drawn = draw_grid(images[:count], captions[:count], columns=4, colors=["tab:red"] * count, bars=bars[:count])
    show_once(drawn.figure)


show(draw_first_mistakes, linear_model, linear_test_acc)

# %% [raw]
# # BEGIN QUESTION
# name: q4
# points: 3

# %% [markdown]
# ## Question 4: The weights as pictures (3 points)
#
# Column $d$ of $W$ has one weight for every pixel. Laid out like the image it is multiplied with, it shows what the
# network looks for.
#
# - `templates`: a floating-point array of shape `(10, 28, 28)`. `templates[d]` is the picture of the weights that
#   lead into output $d$ of the trained `linear_model`, laid out like an image: row by row, as flattening reads it.
#   Take the weights as they are, without scaling, and leave the biases out.
#
# Mind the order: `reshape` only cuts the same sequence of numbers in new groups and never complains as long as their count
# fits. It does not know which axis was which.
#
# <details><summary>Hint 1: a small case</summary>
#
# ```python
# np.array([[1, 10], [2, 20], [3, 30]]).reshape(2, 3)   # [[1, 10, 2], [20, 3, 30]]: mixed up
# np.array([[1, 10], [2, 20], [3, 30]]).T               # [[1, 2, 3], [10, 20, 30]]: one row per column
# ```
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# `model.get_weights()` is a list of arrays: here first $W$ of shape (784, 10), then $b$. Make the digits the first axis, then
# cut each row of 784 into 28 rows of 28.
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q4"]
templates = linear_model.get_weights()[0].T.reshape(10, 28, 28)  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q4_pictures(templates, linear_model):
    """Ten pictures made of the model's weights."""
    check_templates(linear_model, templates)

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@check
def test_q4_weights(templates, linear_model):
    check_templates(linear_model, templates)

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# The ten templates, in one colour scale with white at zero: ink on red speaks for the digit, ink on blue against it,
# and white pixels do not matter. What does the template for 0 penalise in the middle? The outermost frame shows nothing but the
# faint noise that training began with: why could these weights not change?


# %% tags=["optional"]
# @title Optional reading: how the templates are drawn {display-mode: "form"}
def plot_templates(templates):
    """Draw ten templates in one symmetric colour scale, so that white is zero in all of them."""
    pictures = np.asarray(templates)
    limit = np.abs(pictures).max()
    colors = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    drawn = draw_grid(pictures, [f"output {d}" for d in range(10)], columns=5, pixel=4, room=28, **colors)
    drawn.figure.colorbar(drawn, cax=drawn.figure.add_axes((0.88, 0.06, 0.02, 0.88)), label="weight")
    show_once(drawn.figure)


show(plot_templates, templates)

# %% [raw]
# # BEGIN QUESTION
# name: q5
# points: 4

# %% [markdown]
# ## Question 5: The strongest images (4 points)
#
# Another way of asking what a unit has learnt is to look for the input that excites it most. It works for deep
# networks too, where weights are no longer pictures.
#
# - `best_images`: ten whole numbers, shape `(10,)`. `best_images[d]` is the index, counted in `x_train`, of the
#   training image whose output $d$ **before the softmax**, the logit $Z_{id}$, is the largest of all training images.
#
# Why before? A probability says how far digit $d$ is ahead of the *other nine*, and it cannot rise above one: for
# some images it is so close to one that the computer stores exactly 1.0, and you can no longer tell which is best. The
# logit has no ceiling. The model itself ends in the softmax, so compute the logits of all training images from its
# weights; the formula is at the top of this notebook.
#
# <details><summary>Hint 1: what to look at</summary>
#
# $Z = XW + b$ with $X$ of shape (60000, 784). Which shape has $Z$, and along which of its axes do you look for the largest number?
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# `images.reshape(n, -1)` makes one row per image, `@` multiplies matrices, `array.argmax(axis=...)` tells where the largest numbers are.
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q5"]
# BEGIN SOLUTION NO PROMPT
kernel, bias = linear_model.get_weights()
logits = x_train.reshape(len(x_train), -1) @ kernel + bias
best_images = logits.argmax(axis=0)
# END SOLUTION
""" # BEGIN PROMPT
best_images = ...
"""; # END PROMPT

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q5_indices(best_images, linear_model):
    """One training image per digit."""
    check_best_images(linear_model, best_images)

# %%
""" # BEGIN TEST CONFIG
points: 3
hidden: true
""" # END TEST CONFIG
@check
def test_q5_strongest(best_images, linear_model):
    check_best_images(linear_model, best_images)

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# The strongest images, each with its label. See how bold they are: a logit is a sum over ink, so a picture that puts
# *much* ink on the red of a template beats a slender one that is just as well written.


# %% tags=["optional"]
# @title Optional reading: how the images are drawn {display-mode: "form"}
def draw_best_images(best_images):
    """Draw for each output the training image at its index, with the output and the label."""
    chosen = np.asarray(best_images).astype(int)[:10]
    drawn = draw_grid(train_images[chosen], [f"output {d}: a {train_labels[i]}" for d, i in enumerate(chosen)], columns=5)
    show_once(drawn.figure)


show(draw_best_images, best_images)

# %% [markdown]
# ## What one layer sees
#
# The network has one template for each digit, and people write each digit in many ways. So each template is a compromise:
# blurred where people differ, sharp where *other* digits have to be told apart. It is not the average digit either,
# because the weights were found by what helps to decide and not by what looks like a digit. A hidden layer gives the
# network many templates to combine, some for a stroke, some for a gap, and the few hundredths of accuracy you
# measured above are what that is worth.
#
# Two questions to think about, without points. Open the discussion only after you have an answer of your own.
#
# 1. The weights of the outermost pixels never changed. Why?
# 2. Would the templates look different if the training had started from other random weights?
#
# <details><summary>Discussion</summary>
#
# 1. These pixels are white, that is 0, in (almost) every training image. The gradient of a weight is proportional to its input, so
#    it is 0 there, and no step ever moves these weights.
# 2. Hardly, where there is ink. A network without a hidden layer has a loss with a single valley, so training from any start moves
#    towards the same weights. The frame would show other noise. With a hidden layer this is no longer true.
# </details>
