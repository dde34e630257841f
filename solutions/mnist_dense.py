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
# name: mnist_dense
# export_cell:
#   instructions: "The zip file holds this notebook. Hand in the zip file."
#   pdf: false
#   run_tests: false
# run_tests: false
# tests:
#   ok_format: false

# %% [markdown]
# # Reading handwritten digits with a dense network
#
# Seventy thousand handwritten digits, each a picture of 28 × 28 grey pixels, and one task: say which digit it is. In this
# lab you build a network of two dense layers that reads about 98 of 100 unseen digits correctly, and you learn to question
# that number.
#
# **What you will learn**
#
# - what image data looks like as arrays, and why it is scaled before training;
# - what a layer computes, and how many numbers it has to learn;
# - what optimizer, loss and metric do, and what they do not do;
# - how to train, predict and evaluate, and how to recognise overfitting;
# - how to study the mistakes of a model instead of its score alone.
#
# **How to work.** Run the cells from top to bottom. Three dots `...` are a stub: replace them with your answer and keep the
# name on the left. The line `grader.check(...)` below each question runs the public checks and shows what they found. Hidden
# checks follow when your work is graded, so passing the public checks is necessary but not the whole grade. Each question
# offers **hints**: open them one at a time, and only when you need them.
#
# A cell that runs is marked with `[*]`. To stop it, press the stop button ■ of the notebook (or choose *Kernel → Interrupt*):
# `fit(x, y, 5, 128)`, for example, trains for 128 epochs, because the third argument is the batch size and the fourth the number
# of epochs. Give arguments by name, and stop what takes too long. Training takes less than a minute on a laptop.
#
# | Question | Topic | Points |
# |---|---|---|
# | 1 | Know your data | 1 |
# | 2 | Normalise | 2 |
# | 3 | Define the model | 3 |
# | 4 | Count the parameters | 2 |
# | 5 | Compile | 2 |
# | 6 | Fit | 3 |
# | 7 | Predict | 2 |
# | 8 | Evaluate | 3 |
# | 9 | Find the mistakes | 2 |
# | | **Total** | **20** |

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# Training starts from random weights and shuffles the images. A fixed seed makes the run repeatable: with the same seed on
# the same machine you get the same network again.

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

from autograder.checks.core import CheckFailed, check, explain, linear_credit, measure, short
from autograder.checks.keras import (
    accuracy_of,
    compiled,
    computes_layer_by_layer,
    dense,
    fit_history,
    flatten,
    gives_probabilities,
    input_shape,
    is_accuracy,
    is_loss,
    layers,
    loss_of,
    output_shape,
    outputs_of,
    parameter_count,
    precision_of,
    probabilities_of,
    right_and_wrong,
    training_accuracies,
    training_accuracy,
)
from autograder.checks.mnist import normalised, raw_data
from autograder.checks.values import array, indices, is_close, number, whole_number, whole_numbers


def check_layers(model):
    """Fail if a model does not have the layers of question 3."""
    layers(model, [flatten(), dense(512, "relu"), dense(10, "softmax")])


def check_predictions(model, images, claim, training_images):
    """Fail if the predictions are not what the model gives for the test images."""
    rows = outputs_of(model, images, data="x_test")
    found = array(
        claim,
        "predictions",
        shape=rows.shape,
        dtype="float",
        wrong_shape="{name} has shape {shape}: one row for every test image and one column for every class are needed.",
    )
    near = precision_of(model)
    if any(is_close(found, right, near) for right in probabilities_of(model, images, data="x_test")):
        return
    if training_images is not None and training_images is not ...:
        seen = probabilities_of(model, training_images[: len(rows)], data="x_train")
        if any(is_close(found, right, 10 * near) for right in seen):
            raise CheckFailed("predictions belong to training images: predict the test images.")
    if any(is_close(found, right, 10 * near) for right in probabilities_of(model, raw_data()[2])):
        raise CheckFailed("predictions belong to the raw images: give the model the normalised ones, x_test.")
    raise CheckFailed("predictions are not what the model gives for x_test: run predict again after the last training, on x_test.")


def check_labels(model, images, claim):
    """Fail if the predicted labels are not the classes with the largest output."""
    rows, labels = outputs_of(model, images, data="x_test"), raw_data()[3]
    found = array(claim, "predicted_labels")
    if found.shape == (rows.shape[1],):
        raise CheckFailed("predicted_labels has one entry for every class: argmax went over the wrong axis, so each image must keep an entry.")
    if found.shape == ():
        raise CheckFailed("predicted_labels is a single number: give argmax the axis of the classes.")
    found = array(found, "predicted_labels", shape=(len(rows),), dtype="whole", wrong_shape="{name} has shape {shape}: one digit for every test image is needed.")
    if not np.isin(found, np.arange(rows.shape[1])).all():
        raise CheckFailed("predicted_labels holds values that are not digits: take the index of the largest probability in each row.")
    right_and_wrong(rows, found.astype(int), precision_of(model) / 10)
    wrong = rows[np.arange(len(rows)), found.astype(int)] < rows.max(axis=1) - precision_of(model) / 10
    if not wrong.any():
        return
    if np.array_equal(found, labels):
        raise CheckFailed("predicted_labels holds the true labels: take what the model predicts.")
    if np.mean(found == rows.argmin(axis=1)) > 0.9:
        raise CheckFailed("predicted_labels holds the least likely digits: look for the largest probability.")
    raise CheckFailed(
        "{wrong} entries of predicted_labels are not the class with the largest probability: take it along each row of predictions.",
        {"wrong": int(wrong.sum())},
    )


def check_first(model, images, digit, confidence):
    """Fail if digit and confidence are not the model's for the first test image."""
    options = [rows[0] for rows in probabilities_of(model, images, data="x_test")]
    chosen, claim = whole_number(digit, "first_digit"), number(confidence, "first_confidence")
    near = precision_of(model)
    if chosen not in range(len(options[0])) or options[0][chosen] < options[0].max() - near / 10:
        raise CheckFailed("first_digit is not the class that the model finds most likely for test image 0: count images and classes from zero.")
    if claim > 1 + near:
        raise CheckFailed(
            "first_confidence is above 1: it is a percentage, or a score that has not been through softmax. Give the probability itself."
        )
    if not 0 <= claim:
        raise CheckFailed("first_confidence is {found}: a probability lies between 0 and 1.", {"found": short(claim)})
    if all(abs(claim - row.max()) > near for row in options):
        raise CheckFailed("first_confidence is not the probability of first_digit in the first row of the predictions.")


def check_evaluation(model, images, loss, accuracy, training_images):
    """Fail if loss and accuracy are not those of the model on the test images."""
    lost, reached = number(loss, "test_loss"), number(accuracy, "test_acc")
    _, train_labels, _, labels = raw_data()
    right = accuracy_of(model, images, labels, data="x_test")
    if abs(lost - right) <= 1e-3 and is_loss(reached, model, images, labels, data="x_test"):
        raise CheckFailed("test_loss and test_acc are swapped: evaluate returns the loss first.")

    def on_training_images():
        given = training_images is not None and training_images is not ...
        return [] if not given else [accuracy_of(model, training_images, train_labels, data="x_train")]

    is_accuracy(reached, "test_acc", model, images, labels, training=on_training_images)
    if not is_loss(lost, model, images, labels, data="x_test"):
        raise CheckFailed("test_loss is not the loss of this model on x_test: take it from model.evaluate, after the last training.")


def check_gap(model, images, gap, history, training_images):
    """Fail if the gap is not the last training accuracy minus the test accuracy."""
    claim = number(gap, "overfitting_gap")
    _, train_labels, _, labels = raw_data()
    tested = accuracy_of(model, images, labels, data="x_test")
    series = training_accuracies(history)
    trained = [values[-1] for values in series]

    def is_near(value, others, tolerance=1e-3):
        return any(abs(value - (other - tested)) <= tolerance for other in others)

    if is_near(claim, trained):
        return
    if training_images is not None and training_images is not ...:
        trained.append(accuracy_of(model, training_images, train_labels, data="x_train"))
    if not trained:
        raise CheckFailed("There is no training accuracy to compare with: answer questions 2 and 6 first.")
    if is_near(claim, trained):
        return
    # A usual mistake that is met exactly is the reason, even where the tolerance below would accept it.
    if is_near(-claim, trained):
        raise CheckFailed("overfitting_gap has the wrong sign: it is training accuracy minus test accuracy.")
    if is_near(claim, [values[0] for values in series]):
        raise CheckFailed("overfitting_gap uses the accuracy of the first epoch: take the last one.")
    logs = history.history if isinstance(history, keras.callbacks.History) else history
    losses = logs.get("loss") if isinstance(logs, dict) else None
    if losses and model.compiled:
        difference = abs(losses[-1] - loss_of(model, images, labels, data="x_test"))
        if abs(abs(claim) - difference) <= 2e-3:
            raise CheckFailed("overfitting_gap is a difference of losses: subtract accuracies.")
    if is_near(claim, trained, 0.005):
        return
    if any(abs(claim - 100 * (value - tested)) <= 0.05 for value in trained):
        raise CheckFailed("overfitting_gap is in percent: subtract the two shares between 0 and 1.")
    raise CheckFailed("overfitting_gap is not the last training accuracy minus the test accuracy of this model.")


def check_mistakes(model, images, claim):
    """Fail if the indices are not those of the test images that the model misreads, in ascending order."""
    rows, labels = outputs_of(model, images, data="x_test"), raw_data()[3]
    right, wrong = right_and_wrong(rows, labels, precision_of(model) / 10, "x_test")
    found = array(claim[0] if isinstance(claim, tuple) and len(claim) == 1 else claim, "mistakes", dtype="any")
    if found.ndim != 1:
        raise CheckFailed(
            "mistakes has shape {shape}: a one-dimensional array of indices is needed, not their number and not a table.",
            {"shape": found.shape},
        )
    found = indices(claim, "mistakes", len(labels))
    if (np.diff(found) <= 0).any():
        raise CheckFailed("mistakes is not in ascending order, or holds an image more than once.")
    named = np.isin(np.arange(len(labels)), found)
    missing, surplus = int((wrong & ~named).sum()), int((right & named).sum())
    if not missing and not surplus:
        return
    if surplus == right.sum():
        raise CheckFailed("mistakes is inverted: it holds the images that the model reads correctly.")
    if not surplus:
        raise CheckFailed("mistakes is not complete: {missing} misread images are not in it.", {"missing": missing})
    raise CheckFailed(
        "mistakes holds {surplus} images that the model reads correctly and lacks {missing} that it misreads: compare the digits "
        "that this model predicts for x_test with test_labels.",
        {"surplus": surplus, "missing": missing},
    )


# %% [markdown]
# ## The data
#
# MNIST was put together in the 1990s from digits that employees of the US Census Bureau and high-school students wrote by
# hand. It comes with Keras as four NumPy arrays:
#
# - `train_images` and `train_labels`: what the network learns from;
# - `test_images` and `test_labels`: digits it never sees while learning, kept aside for an honest test.

# %%
(train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()

# %%
for name, values in [
    ("train_images", train_images),
    ("train_labels", train_labels),
    ("test_images", test_images),
    ("test_labels", test_labels),
]:
    print(f"{name:13} shape {values.shape!s:16} length {len(values):6}  dtype {values.dtype}")

# %% [markdown]
# An image is a square of numbers from 0 (background) to 255 (full ink), stored as `uint8`, whole numbers of one byte. A label
# is the digit itself:

# %%
print("first training labels:", train_labels[:10])
print("first test labels:    ", test_labels[:10])
print("labels that occur:    ", np.unique(train_labels))


# %% tags=["optional"]
# @title Optional reading: how the pictures are drawn {display-mode: "form"}
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


def draw_grid(images, captions, columns, colors=None, bars=None, title=None):
    """Draw images in one picture, each with a caption below and, if given, ten bars beside it.

    images: (n, 28, 28); captions: n texts; colors: n colours of the captions; bars: n pairs (ten heights, ten colours).
    """
    width, height = (68 if bars else 34), 40
    rows = -(-len(images) // columns)
    corners = [(width * (i % columns), height * (i // columns)) for i in range(len(images))]
    # One sheet for all images and one set of lines for all bars: an axis, or a drawing command, per image would take seconds.
    sheet = np.zeros((height * rows, width * columns))
    left, right, top, bottom = -4, width * columns - (3 if bars else 2), (-16 if title else -4), height * rows
    # The axis fills the figure, in which each pixel of an image is three dots wide.
    figure = plt.figure(figsize=(0.03 * (right - left), 0.03 * (bottom - top)), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    for i, (x, y) in enumerate(corners):
        sheet[y : y + 28, x : x + 28] = images[i]
        axis.text(x + 14, y + 33, captions[i], ha="center", va="center", fontsize=9, color=colors[i] if colors else "black")
    axis.imshow(sheet, cmap="binary", extent=(0, width * columns, height * rows, 0))
    if bars:
        lefts, feet = np.array(corners).T + [[32], [28]]
        heights, shades = zip(*bars)
        axis.hlines(feet, lefts - 2, lefts + 29, colors="0.7", linewidth=1)
        places, feet = (lefts[:, None] + 3 * np.arange(10)).ravel(), np.repeat(feet, 10)
        axis.vlines(places, feet - 26 * np.ravel(heights), feet, colors=np.ravel(shades), linewidth=4)
    if title:
        axis.text((left + right) / 2, -9, title, ha="center", va="center", fontsize=12)
    axis.set(xlim=(left, right), ylim=(bottom, top))
    show_once(figure)


draw_grid(train_images[:25], train_labels[:25].astype(str), columns=5)

# %% [markdown]
# ## Question 1: Know your data (1 point)
#
# Most errors in a first network are errors of shape, so look before you build.
#
# Set
#
# - `n_train`: the number of training images, a whole number;
# - `n_test`: the number of test images, a whole number;
# - `image_shape`: the shape of **one** image, a tuple of two whole numbers.
#
# Take them from the arrays, or type them in.
#
# <details><summary>Hint 1: what to look at</summary>
#
# The table above shows the shape of each array. The first axis counts the images, the others are the sides of one image.
# </details>
# <details><summary>Hint 2: which function</summary>
#
# `array.shape` is a tuple: `array.shape[0]` is its first number, and `array.shape[1:]` a tuple of all the others. `array[0].shape`
# is the shape of the first image.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q1
# points: 1

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q1"]
n_train = train_images.shape[0]  # SOLUTION
n_test = test_images.shape[0]  # SOLUTION
image_shape = train_images.shape[1:]  # SOLUTION

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
def test_q1_agrees_with_the_arrays(n_train, n_test, image_shape):
    """Counts and shape agree with the arrays."""
    train, _, test, _ = raw_data()
    sides = whole_numbers(image_shape, "image_shape")
    if len(sides) == 3 and sides[-1] == 1:
        raise CheckFailed("image_shape has a third axis of length 1: these images are grey and have no axis for colours.")
    if len(sides) == 3:
        raise CheckFailed("image_shape holds three numbers, the shape of a whole array: leave out the axis that counts the images.")
    if len(sides) != 2:
        raise CheckFailed("image_shape has length {count}, but the height and the width of one image are needed.", {"count": len(sides)})
    if sides != train.shape[1:]:
        raise CheckFailed("image_shape is not the shape of train_images[0]: print that shape and compare.")
    for name, value, images, others in [("n_train", n_train, train, test), ("n_test", n_test, test, train)]:
        found = number(value, name)
        pixels = "{name} counts pixels or rows of pixels, not images: the first axis of the array counts images."
        swapped = "n_train and n_test are swapped: {name} counts the other set. The larger set is the one to learn from."
        explain(found, {len(others): swapped, images.size: pixels, len(images) * images.shape[1]: pixels}, {"name": name})
        if found != len(images):
            raise CheckFailed(
                "{name} is {found}, but the array has another length: its first axis counts the images.",
                {"name": name, "found": f"{found:g}"},
            )

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q1_numbers(n_train, n_test, image_shape):
    if number(n_train, "n_train") != 60000:
        raise CheckFailed("n_train is not the number of training images: count along the first axis of train_images.")
    if number(n_test, "n_test") != 10000:
        raise CheckFailed("n_test is not the number of test images: count along the first axis of test_images.")
    if whole_numbers(image_shape, "image_shape") != (28, 28):
        raise CheckFailed("image_shape is not the shape of one image: look at the shape of train_images[0].")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## From pixels to a trained network
#
# 1. **Prepare** the data: scale the pixels.
# 2. **Define** a model: choose its layers.
# 3. **Compile** it: choose how it learns (optimizer), what it minimises (loss) and what we watch (metric).
# 4. **Fit** it to the training images and their labels.
# 5. **Predict** the digits of the test images.
# 6. **Evaluate**: compare the predictions with the test labels, and study the mistakes.
#
# Use the test labels only in the last step: data that influenced training can no longer judge it.
#
# ### The same steps on a toy problem
#
# Here is everything you need to write in this lab, on other data: 200 points in the plane, labelled 0 (below the diagonal) or 1
# (above it). Copy it into a new cell and change it if you like to see syntax at work.
#
# ```python
# points = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))  # 200 rows, 2 columns
# above = (points[:, 1] > points[:, 0]).astype("int64")            # 200 labels: 0 or 1
#
# toy = keras.Sequential([
#     keras.Input(shape=(2,)),                      # the shape of ONE point
#     keras.layers.Dense(8, activation="tanh"),     # a hidden layer of 8 units
#     keras.layers.Dense(2, activation="softmax"),  # two probabilities
# ])
# toy.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
# toy_history = toy.fit(points, above, epochs=3, batch_size=20, verbose=0)
#
# toy_history.history["loss"]                # three losses, one per epoch
# toy.predict(points[:1], verbose=0)         # one row of two probabilities
# toy.evaluate(points, above, verbose=0)     # [loss, accuracy]
# toy.count_params()                         # 2*8 + 8 + 8*2 + 2 = 42
# ```
#
# The reference pages of Keras:
# [Sequential](https://keras.io/api/models/sequential/) ·
# [Dense](https://keras.io/api/layers/core_layers/dense/) ·
# [Flatten](https://keras.io/api/layers/reshaping_layers/flatten/) ·
# [compile, fit, evaluate, predict](https://keras.io/api/models/model_training_apis/).

# %% [markdown]
# ## Question 2: Normalise (2 points)
#
# Training adjusts the weights of a network in many small steps, and inputs of very different sizes make some of these steps far
# too large and others far too small. So the pixels are brought from 0…255 to 0…1.
#
# Set `x_train` and `x_test` to `train_images` and `test_images` divided by 255, once: arrays of floats (`float32` or `float64`) with
# the same shapes as before, (60000, 28, 28) and (10000, 28, 28), and values from 0 to 1.
#
# Make **new** arrays and leave the raw ones as they are. A cell that stores its result under the name it started from divides
# again each time you run it: after two runs the pixels end at 1/255, training crawls, and everything looks almost right.
# (NumPy refuses `train_images /= 255`, because whole numbers cannot hold the result.)
#
# <details><summary>Hint 1: what to look at</summary>
#
# The cell below shows the range before. What must you do to every pixel so that 255 becomes 1?
# </details>
# <details><summary>Hint 2: which operator</summary>
#
# `array / number` divides every entry and gives a new array of floats. `//` would drop everything after the decimal point.
# </details>

# %%
for name, values in [("train_images", train_images), ("test_images", test_images)]:
    print(f"before: {name:12} has dtype {values.dtype}, range {values.min()} to {values.max()}")

# %% [raw]
# # BEGIN QUESTION
# name: q2
# points: 2

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q2"]
x_train = train_images / 255.0  # SOLUTION
x_test = test_images / 255.0  # SOLUTION

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
def test_q2_divided_once(x_train, x_test):
    """Both arrays are divided by 255, once."""
    train, _, test, _ = raw_data()
    normalised(x_train, "x_train", train)
    normalised(x_test, "x_test", test)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q2_both_arrays(x_train, x_test):
    train, _, test, _ = raw_data()
    normalised(x_test, "x_test", test)
    normalised(x_train, "x_train", train)

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
def print_ranges(x_train, x_test):
    """Print dtype and range of the normalised images."""
    for name, values in [("x_train", x_train), ("x_test", x_test)]:
        print(f"after: {name:7} has dtype {values.dtype}, range {np.min(values):.5g} to {np.max(values):.5g}")


show(print_ranges, x_train, x_test)

# %% [markdown]
# ## The model: layers as filters
#
# A layer is a filter for data: numbers go in, and a more useful **representation** of them comes out. A network is a chain of
# such filters, each working on what the one before it made. Here is ours, for a batch of $n$ images:
#
# 1. **Flatten** writes the rows of each image one after the other. Nothing is learnt here:
#    $$\mathbb{R}^{n \times 28 \times 28} \to \mathbb{R}^{n \times 784}.$$
#    Call the result $X$: one image per row.
# 2. **Dense with relu** forms 512 weighted sums of the 784 pixels, adds a bias to each and replaces negative results by zero:
#    $$Y_1 = \operatorname{relu}(X W_1 + b_1), \qquad \operatorname{relu}(z) = \max(0, z),$$
#    with $W_1 \in \mathbb{R}^{784 \times 512}$, $b_1 \in \mathbb{R}^{512}$ (added to every row) and $Y_1 \in \mathbb{R}^{n \times 512}$.
#    Each column of $W_1$ is a pattern that the layer looks for. Without relu, two dense layers in a row would collapse into
#    a single linear map.
# 3. **Dense with softmax** makes ten scores out of those 512 numbers by a linear map of its own, and softmax turns the
#    ten scores of each image into ten probabilities:
#    $$Z = Y_1 W_2 + b_2, \qquad (Y_2)_{ij} = \frac{e^{Z_{ij}}}{\sum_{k=0}^{9} e^{Z_{ik}}},$$
#    with $W_2 \in \mathbb{R}^{512 \times 10}$, $b_2 \in \mathbb{R}^{10}$ and $Z, Y_2 \in \mathbb{R}^{n \times 10}$. Softmax itself keeps the number of entries:
#    it is the linear map that goes from 512 to 10. Each row of $Y_2$ holds positive numbers that sum to 1.
#
# *Dense* (or *fully connected*) means that every output of the layer depends on every input. The output layer is part of
# the model like any other; compiling, later, adds no layer.

# %% [markdown]
# ## Question 3: Define the model (3 points)
#
# The architecture decides what the network can represent at all; training only finds the numbers.
#
# Set `model` to a Keras model that takes images of shape (28, 28) and has exactly these layers, in this order: flatten the
# image to 784 numbers; a dense layer with 512 units and relu; a dense layer with 10 units and softmax. Give the input shape (for
# example with `keras.Input(shape=(28, 28))`), so that the weights exist at once. Any way of building it is fine. The model maps
# images of shape (n, 28, 28) to probabilities of shape (n, 10).
#
# <details><summary>Hint 1: what to look at</summary>
#
# The toy model above has the same structure: an input shape, a hidden layer, an output layer. What is missing there is the step
# from a square image to a row of numbers.
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# `keras.Sequential([...])` with `keras.Input`, `keras.layers.Flatten()` and two `keras.layers.Dense(units, activation="...")`.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q3
# points: 3

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q3"]
# BEGIN SOLUTION NO PROMPT
model = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
# END SOLUTION
""" # BEGIN PROMPT
model = ...
"""; # END PROMPT

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
def test_q3_takes_images_gives_probabilities(model):
    """The model takes images and gives probabilities."""
    _, _, images, labels = raw_data()
    input_shape(model, images.shape[1:])
    output_shape(model, (len(np.unique(labels)),))
    gives_probabilities(model, images[:50] / images.max())

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: false
""" # END TEST CONFIG
@check
def test_q3_layers(model):
    """The model has the layers asked for."""
    check_layers(model)

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@check
def test_q3_computes_what_such_layers_compute(model):
    check_layers(model)
    computes_layer_by_layer(model, raw_data()[2][:20] / 255.0)
    parameter_count(model, 407050)

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## Question 4: Count the parameters (2 points)
#
# The **parameters** of a model are the numbers it learns: weights and biases. Their count says how much it can store, and
# counting them by hand shows whether you know what a layer does.
#
# Work the counts out on paper, from the shapes of $W$ and $b$ above: a dense layer has one weight for every pair of an input and
# an output, and one bias for every output. Set, as plain whole numbers,
#
# - `flatten_params`: the parameters of the flatten layer,
# - `hidden_params`: those of the dense layer with 512 units,
# - `output_params`: those of the dense layer with 10 units,
# - `total_params`: those of the whole model.
#
# <details><summary>Hint 1: an example</summary>
#
# A dense layer from 3 inputs to 2 outputs has 3 · 2 = 6 weights and 2 biases, 8 parameters in all.
# </details>
# <details><summary>Hint 2: the usual slips</summary>
#
# The inputs of the output layer are the outputs of the hidden layer, not the pixels. There is one bias per *output*.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q4
# points: 2

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q4"]
flatten_params = 0  # SOLUTION
hidden_params = 784 * 512 + 512  # SOLUTION
output_params = 512 * 10 + 10  # SOLUTION
total_params = flatten_params + hidden_params + output_params  # SOLUTION

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
def test_q4_counts_add_up(flatten_params, hidden_params, output_params, total_params):
    """The counts are whole numbers and add up."""
    parts = [
        whole_number(flatten_params, "flatten_params"),
        whole_number(hidden_params, "hidden_params"),
        whole_number(output_params, "output_params"),
    ]
    if whole_number(total_params, "total_params") != sum(parts):
        raise CheckFailed("total_params is not the sum of the three other counts: every parameter belongs to one layer.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q4_hidden_layer(hidden_params):
    found = number(hidden_params, "hidden_params")
    explain(
        found,
        {
            784 * 512: "hidden_params leaves out the biases: there is one for every unit of the layer.",
            784 * 512 + 784: "hidden_params has one bias for every input: biases belong to the outputs of a layer.",
            784 * 512 + 1: "hidden_params has a single bias for the whole layer: there is one for every unit.",
            512: "hidden_params counts the units of the layer, not its weights and biases.",
            512 * 10 + 10: "hidden_params holds the parameters of the wrong layer: it is the count of the output layer.",
            512 * 10: "hidden_params holds the weights of the wrong layer: it counts those of the output layer.",
            28 * 512 + 512: "hidden_params counts one row of the image as the input: flatten passes on all the pixels.",
            28 * 512: "hidden_params counts one row of the image as the input: flatten passes on all the pixels.",
        },
    )
    if found != 784 * 512 + 512:
        raise CheckFailed("hidden_params is not the number of weights and biases of the hidden layer.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q4_output_layer(output_params):
    found = number(output_params, "output_params")
    explain(
        found,
        {
            512 * 10: "output_params leaves out the biases: there is one for every unit of the layer.",
            512 * 10 + 512: "output_params has one bias for every input: biases belong to the outputs of a layer.",
            512 * 10 + 1: "output_params has a single bias for the whole layer: there is one for every unit.",
            10: "output_params counts the units of the layer, not its weights and biases.",
            784 * 512 + 512: "output_params holds the parameters of the wrong layer: it is the count of the hidden layer.",
            784 * 10 + 10: "output_params takes the pixels as the input: the output layer works on the outputs of the hidden layer.",
            784 * 10: "output_params takes the pixels as the input: the output layer works on the outputs of the hidden layer.",
        },
    )
    if found != 512 * 10 + 10:
        raise CheckFailed("output_params is not the number of weights and biases of the output layer.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q4_flatten_and_total(flatten_params, total_params):
    flat, total = number(flatten_params, "flatten_params"), number(total_params, "total_params")
    if flat in (784, 28):
        raise CheckFailed("flatten_params counts the outputs of the flatten layer: ask how many numbers that layer learns.")
    if flat != 0:
        raise CheckFailed("flatten_params is not right: ask how many numbers the flatten layer learns.")
    explain(
        total,
        {
            784 * 512 + 512 * 10: "total_params leaves out the biases of both dense layers.",
            4 * 407050: "total_params counts bytes: a parameter of four bytes is still one parameter.",
        },
    )
    if total != 407050:
        raise CheckFailed("total_params is not the number of weights and biases of the whole model: check the count of each layer.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Compare your counts with those Keras finds. (*None* in a shape stands for the number of images, which is free. Once the model
# has been trained, the total includes numbers that the optimizer keeps: compare with the trainable parameters then.)

# %%
show(lambda model: model.summary(), model)

# %% [markdown]
# ## Question 5: Compile (2 points)
#
# A model only computes; compiling tells it how to learn. Three things are chosen:
#
# - The **loss** is the one number that training makes smaller. *Sparse categorical cross-entropy* is $-\log p$, averaged over
#   the images, where $p$ is the probability the model gives to the true digit; *sparse* says that labels are
#   digits and not rows of zeros with a single one. Values of different loss functions cannot be compared.
# - The **optimizer** is the rule that changes the *parameters* (weights and biases) after every batch of images. It uses the
#   **gradient**: for every parameter, how fast the loss would rise if that parameter grew a little. It steps the other way, so
#   the loss falls. RMSprop adapts the size of the step to each parameter. The optimizer does not choose *hyperparameters*: the
#   number of units, the batch size, the number of epochs and the learning rate are set by people.
# - A **metric** is only watched, never trained for. *Accuracy*, the share of images with the right digit, is what we care about,
#   but it moves in jumps and has no useful gradient, so it cannot be the loss.
#
# Compiling adds no layer and changes no weight.
#
# Compile `model` with the optimizer RMSprop, the loss sparse categorical cross-entropy and the metric accuracy. Your answer is
# one method call; there is no variable to set.
#
# <details><summary>Hint 1: what to look at</summary>
#
# The toy example compiles another model with another optimizer. Which of the three arguments changes?
# </details>
# <details><summary>Hint 2: how to write names</summary>
#
# Keras takes names in small letters, with underscores between words: `"sparse_categorical_crossentropy"`. Metrics are a list.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q5
# points: 2

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q5"]
# BEGIN SOLUTION
model.compile(
    optimizer="rmsprop",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
# END SOLUTION

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
def test_q5_is_compiled(model):
    """The model is compiled as asked."""
    compiled(model, optimizer="RMSprop", loss="sparse_categorical_crossentropy", metric="accuracy")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q5_optimizer(model):
    compiled(model, optimizer="RMSprop")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q5_loss(model):
    compiled(model, loss="sparse_categorical_crossentropy")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q5_metric(model):
    compiled(model, metric="accuracy")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## Question 6: Fit (3 points)
#
# Fitting is the learning itself. Keras shuffles the training images and cuts them into **batches**. For each batch it computes
# the predictions (forward), the loss, its gradient with respect to every parameter of every layer (backward), and lets the
# optimizer take one step. One pass over all images is an **epoch**.
#
# Train `model` on `x_train` and `train_labels` for **5 epochs** with **batch size 128**, and keep what `fit` returns, the whole
# `History` object, in `history`. Do not set aside validation images. (With `verbose=2`, `fit` prints one line per epoch.)
#
# Set `steps_per_epoch` to the number of optimizer steps in one epoch, a whole number. Work it out by hand; the last batch of
# an epoch may be smaller than the others, but it is a step all the same.
#
# <details><summary>Hint 1: what to look at</summary>
#
# How many full batches of 128 fit into all training images, and is anything left over? Give the arguments of `fit` by name.
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# `history = model.fit(images, labels, epochs=..., batch_size=..., verbose=2)`. Running the cell again goes on training the same
# model: to start afresh, run the cells of questions 3 and 5 first.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q6
# points: 3
# depends_on: q5

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q6"]
# BEGIN SOLUTION NO PROMPT
history = model.fit(x_train, train_labels, epochs=5, batch_size=128, verbose=2)
# END SOLUTION
""" # BEGIN PROMPT
history = ...
"""; # END PROMPT
steps_per_epoch = -(-60000 // 128)  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 0.25
hidden: false
""" # END TEST CONFIG
@check
def test_q6_trained_as_asked(history):
    """The model was trained as asked."""
    fit_history(history, epochs=5, batch_size=128, examples=len(raw_data()[0]))

# %%
""" # BEGIN TEST CONFIG
points: 0.25
hidden: false
""" # END TEST CONFIG
@check
def test_q6_steps_are_counted(steps_per_epoch):
    """The number of steps is a whole number."""
    whole_number(steps_per_epoch, "steps_per_epoch", least=1)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q6_epochs_and_batches(history):
    fit_history(history, epochs=5, batch_size=128, examples=60000)

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q6_steps_per_epoch(steps_per_epoch):
    found = number(steps_per_epoch, "steps_per_epoch")
    explain(
        found,
        {
            468: "steps_per_epoch leaves out the last, smaller batch of an epoch.",
            468.75: "steps_per_epoch is not rounded: the last, smaller batch is one whole step.",
            2345: "steps_per_epoch counts the steps of all epochs together: only one is asked for.",
            1875: "steps_per_epoch belongs to the default batch size, not to that of the task.",
            60000: "steps_per_epoch counts images: a step takes a whole batch of them.",
            128: "steps_per_epoch is the batch size: ask how many batches make an epoch.",
            79: "steps_per_epoch counts the batches of the test images: training uses the others.",
            5: "steps_per_epoch is the number of epochs: ask how many steps there are in one of them.",
        },
    )
    if found != 469:
        raise CheckFailed("steps_per_epoch is not the number of batches that hold all training images.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q6_model_has_learnt(model, x_train):
    reached = measure("train_accuracy", training_accuracy(model, x_train, raw_data()[1]))
    if reached >= 0.90:
        return
    found = {"reached": f"{100 * reached:.0f}", "largest": short(np.max(x_train))}
    if np.max(x_train) < 0.01:
        raise CheckFailed(
            "The model gets only {reached} % of x_train right: the images are normalised twice (they end at {largest}), and learning "
            "crawls on such small numbers. Load the data again, divide once and train a new model.",
            found,
        )
    if reached < 0.2:
        raise CheckFailed(
            "The model gets only {reached} % of x_train right: it was never fitted, or it was defined again after fit (run the cells of "
            "questions 3, 5 and 6 in order), or x_train does not fit the labels.",
            found,
        )
    raise CheckFailed(
        "The model gets only {reached} % of x_train right: check the scaling of the images, the activations and the compile call, then "
        "train a new model.",
        found,
    )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION


# %% tags=["optional"]
# @title Optional reading: how the curves are drawn {display-mode: "form"}
def plot_history(history):
    """Plot loss and accuracy per epoch from a History."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), dpi=100)
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.16, top=0.9, wspace=0.2)
    for axis, word, title in zip(axes, ["loss", "acc"], ["loss", "accuracy"]):
        for name, values in history.history.items():
            if word in name:
                axis.plot(range(1, len(values) + 1), values, marker="o", label=name)
        axis.locator_params(nbins=6)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set(xlabel="epoch")
        axis.set_title(title, y=1.02)
        axis.grid(alpha=0.3)
    show_once(figure)


show(plot_history, history)

# %% [markdown]
# Each value is an average over the batches of an epoch, taken while the weights were still changing. At the end of the epoch
# the network is therefore a little better than the number says.

# %% [markdown]
# ## Question 7: Predict (2 points)
#
# The network does not answer with a digit but with ten probabilities; the decision is up to us. The usual choice is the class
# with the largest probability, and that probability is called the **confidence**.
#
# Set
#
# - `predictions`: what the model predicts for all of `x_test`, floats of shape (10000, 10), row $i$ for image $i$;
# - `predicted_labels`: the predicted digit of every test image, whole numbers of shape (10000,);
# - `first_digit`: the digit predicted for the first test image (index 0);
# - `first_confidence`: the probability the model gives to that digit, between 0 and 1.
#
# <details><summary>Hint 1: what to look at</summary>
#
# Each row of `predictions` belongs to one image, each column to one digit. In which direction do you look for the largest number?
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# `model.predict(images, verbose=0)` gives the probabilities. NumPy's `argmax` tells where the largest number is; `axis` says along
# which axis to look: `np.array([[1, 9], [5, 2], [3, 4]]).argmax(axis=0)` is `[1, 0]`, one entry per column.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q7
# points: 2

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q7"]
predictions = model.predict(x_test, verbose=0)  # SOLUTION
predicted_labels = predictions.argmax(axis=1)  # SOLUTION
first_digit = predicted_labels[0]  # SOLUTION
first_confidence = predictions[0, first_digit]  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 0.25
hidden: false
""" # END TEST CONFIG
@check
def test_q7_predictions_and_labels(model, x_test, predictions, predicted_labels, x_train=None):
    """Predictions and labels are the model's."""
    check_predictions(model, x_test, predictions, x_train)
    check_labels(model, x_test, predicted_labels)

# %%
""" # BEGIN TEST CONFIG
points: 0.25
hidden: false
""" # END TEST CONFIG
@check
def test_q7_first_digit(model, x_test, first_digit, first_confidence):
    """Digit and confidence of the first test image."""
    check_first(model, x_test, first_digit, first_confidence)

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q7_predictions(model, x_test, predictions, x_train=None):
    check_predictions(model, x_test, predictions, x_train)

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q7_predicted_labels(model, x_test, predicted_labels):
    check_labels(model, x_test, predicted_labels)

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q7_first_image(model, x_test, first_digit, first_confidence):
    check_first(model, x_test, first_digit, first_confidence)

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
def print_first(predictions, first_digit, first_confidence):
    """Print the prediction for the first test image."""
    print("probabilities for test image 0:", np.round(predictions[0], 4))
    print(f"predicted digit {first_digit}, confidence {float(first_confidence):.4f}, true label {test_labels[0]}")


show(print_first, predictions, first_digit, first_confidence)

# %% [markdown]
# ## Question 8: Evaluate (3 points)
#
# A network can learn its training images by heart; only images it has never seen show how good it is.
#
# Set
#
# - `test_loss` and `test_acc`: loss and accuracy of `model` on `x_test` and `test_labels`, two numbers (accuracy as a share between
#   0 and 1);
# - `overfitting_gap`: the training accuracy of the **last** epoch, as recorded in `history`, **minus** the test accuracy.
#
# The gap is a sign of **overfitting**: what a model learns about its training images does not fully carry over to new ones. A
# gap of zero is not the aim in itself, as a model that knows nothing has none either; look at gap and test accuracy together.
#
# One of the three points is for the model itself: the full point if the model reads at least 97 % of properly normalised test
# images correctly, partial credit between 90 % and 97 %.
#
# <details><summary>Hint 1: what to look at</summary>
#
# `history.history` is a dictionary of lists with one value per epoch. Which entry of the list belongs to the last epoch?
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# `model.evaluate(images, labels, verbose=0)` returns the loss and then the metrics. `values[-1]` is the last entry of a list.
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q8
# points: 3
# depends_on: [q5, q6]

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q8"]
# BEGIN SOLUTION NO PROMPT
test_loss, test_acc = model.evaluate(x_test, test_labels, verbose=0)
# END SOLUTION
""" # BEGIN PROMPT
test_loss = ...
test_acc = ...
"""; # END PROMPT
overfitting_gap = history.history["accuracy"][-1] - test_acc  # SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 0.25
hidden: false
""" # END TEST CONFIG
@check
def test_q8_loss_and_accuracy(model, x_test, test_loss, test_acc, x_train=None):
    """Loss and accuracy on the test images."""
    check_evaluation(model, x_test, test_loss, test_acc, x_train)
    _, _, images, labels = raw_data()
    if accuracy_of(model, images / images.max(), labels) < 0.2:
        raise CheckFailed("The model only guesses: it was never fitted, or it was defined again after fit.")

# %%
""" # BEGIN TEST CONFIG
points: 0.25
hidden: false
""" # END TEST CONFIG
@check
def test_q8_difference(model, x_test, overfitting_gap, history=None, x_train=None):
    """Training accuracy minus test accuracy."""
    check_gap(model, x_test, overfitting_gap, history, x_train)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q8_agrees_with_the_model(model, x_test, test_loss, test_acc, x_train=None):
    check_evaluation(model, x_test, test_loss, test_acc, x_train)

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@check
def test_q8_gap(model, x_test, overfitting_gap, history=None, x_train=None):
    check_gap(model, x_test, overfitting_gap, history, x_train)

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q8_reaches_the_threshold(model):
    _, _, images, labels = raw_data()
    reached = measure("test_accuracy", accuracy_of(model, images / 255.0, labels))
    if reached < 0.2:
        raise CheckFailed("On properly normalised test images the model only guesses: it was never fitted, or defined again after fit.")
    if reached < 0.97:
        raise CheckFailed(
            "On properly normalised test images the model gets only {reached} % right, less than a well-trained one of this kind. "
            "Check normalisation, model, compile and fit (questions 2, 3, 5 and 6), then train again.",
            {"reached": f"{100 * reached:.2f}"},
            credit=linear_credit(reached, zero_at=0.90, full_at=0.97),
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
def print_evaluation(test_loss, test_acc, overfitting_gap):
    """Print the three results of question 8."""
    print(f"test loss {float(test_loss):.4f}, test accuracy {float(test_acc):.4f}, gap {float(overfitting_gap):+.4f}")


show(print_evaluation, test_loss, test_acc, overfitting_gap)

# %% [markdown]
# ## Looking at predictions
#
# Next to each test image, bars show its ten probabilities, from 0 on the left to 9 on the right. Below it: predicted digit,
# confidence, (true label). Blue is right, red is wrong: a misread image has a red bar for the predicted digit and a blue one for
# the true digit.
#
# The first two rows show the images about which the network is **least certain**, the last row those about which it is most
# certain. What do the uncertain ones have in common?


# %% tags=["optional"]
# @title Optional reading: how the predictions are drawn {display-mode: "form"}
def draw_predictions(indices, predictions, predicted_labels, title):
    """Draw test images with their ten probabilities as bars."""
    bars, captions, colors = [], [], []
    for i in indices:
        digit, truth = int(predicted_labels[i]), int(test_labels[i])
        shades = ["0.6"] * 10
        shades[digit], shades[truth] = "red", "blue"
        bars.append((predictions[i], shades))
        captions.append(f"{digit}  {100 * predictions[i][digit]:.0f} %  ({truth})")
        colors.append("blue" if digit == truth else "red")
    draw_grid(test_images[indices], captions, columns=4, colors=colors, bars=bars, title=title)


def draw_extremes(predictions, predicted_labels):
    """Draw the eight images with the smallest and the four with the largest confidence."""
    order = np.argsort(np.max(predictions, axis=1))
    chosen = np.concatenate([order[:8], order[-4:]])
    draw_predictions(chosen, predictions, predicted_labels, "least certain (two rows), most certain (last row)")


show(draw_extremes, predictions, predicted_labels)

# %% [markdown]
# ## Question 9: Find the mistakes (2 points)
#
# One number hides what goes wrong; the misread digits themselves show it.
#
# Set `mistakes` to the indices of all test images whose predicted digit is not the true label: a one-dimensional array of whole
# numbers between 0 and 9999, in ascending order. A good model has 150 to 300 of them.
#
# <details><summary>Hint 1: what to look at</summary>
#
# Comparing two arrays of the same length gives an array of True and False, one entry per image. You need the *positions* of one
# of the two.
# </details>
# <details><summary>Hint 2: which functions</summary>
#
# NumPy's `flatnonzero` gives the positions of all entries that are True (or not zero).
# </details>

# %% [raw]
# # BEGIN QUESTION
# name: q9
# points: 2
# depends_on: q7

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q9"]
mistakes = np.flatnonzero(predicted_labels != test_labels)  # SOLUTION

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
def test_q9_misread_images(model, x_test, mistakes):
    """Indices of the misread images."""
    check_mistakes(model, x_test, mistakes)

# %%
""" # BEGIN TEST CONFIG
points: 1.5
hidden: true
""" # END TEST CONFIG
@check
def test_q9_are_the_mistakes_of_the_model(model, x_test, mistakes):
    check_mistakes(model, x_test, mistakes)

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Here are the first of them. Which would you have read correctly yourself? In how many is the network certain and wrong?

# %%
def draw_mistakes(predictions, predicted_labels, mistakes):
    """Draw the first twelve misread images."""
    draw_predictions(np.asarray(mistakes)[:12], predictions, predicted_labels, "the first mistakes")


show(draw_mistakes, predictions, predicted_labels, mistakes)

# %% [markdown]
# ## Which digits are confused?
#
# Row $i$ and column $j$ of the **confusion matrix** count the test images of digit $i$ that the network took for digit $j$. The
# diagonal counts the correct readings; an empty field means 0. The colours show only what lies off the diagonal.


# %% tags=["optional"]
# @title Optional reading: how the matrix is drawn {display-mode: "form"}
def plot_confusion(predicted_labels):
    """Count the pairs (true digit, predicted digit) and draw the 10 x 10 table."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (test_labels, np.asarray(predicted_labels)), 1)
    errors = counts * (1 - np.eye(10, dtype=int))
    figure = plt.figure(figsize=(5.5, 5.5), dpi=100)
    axis = figure.add_axes((0.11, 0.1, 0.88, 0.88))
    axis.imshow(errors, cmap="Reds")
    for i, j in np.argwhere(counts):
        color = "white" if errors[i, j] > 0.6 * errors.max() else "black"
        axis.text(j, i, counts[i, j], ha="center", va="center", fontsize=9, color=color)
    axis.set(xticks=range(10), yticks=range(10), xlabel="predicted digit", ylabel="true digit")
    show_once(figure)


show(plot_confusion, predicted_labels)

# %% [markdown]
# ## Try it: what matters?
#
# `experiment` trains a fresh network of the same kind with your settings and adds a row to a table of results. **Predict first**:
# write your guess down, then remove the `#` in front of a line and run the cell.
#
# 1. A hidden layer with 32 units instead of 512: how much accuracy does it cost?
# 2. One epoch instead of five: does it learn most in the first?
# 3. Pixels from 0 to 255 instead of 0 to 1 (`scale=255`): better, worse, or broken?
# 4. The same fixed shuffling of the pixels in every image (`shuffle_pixels=True`). People can read nothing any more. Can the network?

# %% tags=["optional"]
# @title Optional reading: what an experiment does {display-mode: "form"}
experiments = []


def experiment(units=512, epochs=5, scale=1.0, shuffle_pixels=False):
    """Train a fresh network, measure it on the test images, and show all results so far.

    units: of the hidden layer; epochs: passes over the images; scale: the value of full ink; shuffle_pixels: put the pixels of
    all images into one random order.
    """
    if getattr(grader, "_grading_mode", False):
        return  # nothing is trained for fun while a notebook is graded
    order = np.random.default_rng(0).permutation(784) if shuffle_pixels else np.arange(784)
    train, test = ((images.reshape(-1, 784)[:, order] / 255 * scale).astype("float32") for images in (train_images, test_images))
    hidden = keras.layers.Dense(units, activation="relu")
    network = keras.Sequential([keras.Input(shape=(784,)), hidden, keras.layers.Dense(10, activation="softmax")])
    network.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    print(f"training: units={units}, epochs={epochs}, scale={scale:g}, shuffle_pixels={shuffle_pixels} …")
    trained = network.fit(train, train_labels, epochs=epochs, batch_size=128, verbose=0).history["accuracy"][-1]
    accuracy = network.evaluate(test, test_labels, verbose=0)[1]
    experiments.append((units, epochs, scale, shuffle_pixels, network.count_params(), trained, accuracy))
    print(f"{'units':>6} {'epochs':>7} {'scale':>6} {'shuffled':>9} {'parameters':>11} {'train':>7} {'test':>7}")
    for row in experiments:
        print("{:6} {:7} {:6g} {!s:>9} {:11,} {:7.4f} {:7.4f}".format(*row))


# %%
# experiment()
# experiment(units=32)
# experiment(epochs=1)
# experiment(scale=255)
# experiment(shuffle_pixels=True)

# %% [markdown]
# ## Try it: draw your own digit
#
# Does the network read *your* handwriting? Draw a digit; the ten bars answer at once. MNIST's images were prepared in a certain
# way, and so is yours: the drawing is scaled so that its longer side is 20 pixels, and moved so that its centre of mass is in the middle
# of the 28 × 28 square. The picture beside it shows what the network sees. Then draw something that is no digit: a letter, a face, a
# scribble. What does the network answer, and how certain is it?
#
# (The drawing board needs the package `anywidget`, which `requirements.txt` lists, and a notebook in a browser.)

# %% tags=["optional"]
# @title Optional reading: the drawing board {display-mode: "form"}
def centred(drawing):
    """Turn a drawing, an array of ink from 0 to 1, into an image as MNIST's were prepared: shape (28, 28), values 0 to 1."""
    rows, columns = np.nonzero(drawing > 0.1)
    image = np.zeros((28, 28), dtype="float32")
    if not len(rows):
        return image
    part = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    # Scale by averaging: every small pixel is the mean of the drawing's pixels that it covers.
    size = max(part.shape)
    height, width = (max(1, round(20 * side / size)) for side in part.shape)
    edges = [np.linspace(0, side, count + 1).round().astype(int) for side, count in zip(part.shape, (height, width))]
    starts = [np.minimum(edge[:-1], edge[-1] - 1) for edge in edges]
    ends = [np.maximum(start + 1, edge[1:]) for start, edge in zip(starts, edges)]
    small = np.array(
        [
            [part[top:bottom, left:right].mean() for left, right in zip(starts[1], ends[1])]
            for top, bottom in zip(starts[0], ends[0])
        ]
    )
    small = np.minimum(1, small * 1.2)
    weights = small / small.sum()
    middle = [(weights.sum(axis=1 - axis) * np.arange(small.shape[axis])).sum() for axis in (0, 1)]
    top, left = (int(np.clip(round(14 - m), 0, 28 - side)) for m, side in zip(middle, small.shape))
    image[top : top + height, left : left + width] = small
    return image


def show_board(model):
    """Show a board to draw on, and what the model answers."""
    if getattr(grader, "_grading_mode", False) or not hasattr(grader, "drawing_board"):
        return

    def read(drawing):
        image = centred(drawing)
        return image, model(image[None])[0]

    board = grader.drawing_board(read)
    if board is not None:
        display(board)


show(show_board, model)

# %% [markdown]
# ## Looking back
#
# You took raw pixels to a network that reads unseen digits, you know where each of its parameters is used, and you know
# what it gets wrong. Three questions to think about, without points. Open the discussion only after you have an answer of your own.
#
# 1. The gap between training and test accuracy: would it grow or shrink with ten more epochs?
# 2. Would the network still work if every image were shuffled by the same fixed permutation of its pixels?
# 3. What does the network answer to a picture that shows no digit at all, and how certain is it?
#
# <details><summary>Discussion</summary>
#
# 1. It grows. Training accuracy keeps rising towards 1, because the network learns its training images by heart; test accuracy
#    hardly moves after a few epochs. `experiment(epochs=15)` shows it.
# 2. Yes, just as well. A dense layer treats every pixel alike and knows nothing of neighbours, so a fixed new order changes
#    nothing but the order of the weights. Networks that do use the neighbourhood of pixels are called *convolutional*.
# 3. It answers with some digit, often with high confidence. Softmax distributes exactly 1 over the ten digits; "none of them" is not
#    among the answers, and nothing in training ever showed the network what is *not* a digit. A confidence is not a proof.
# </details>
