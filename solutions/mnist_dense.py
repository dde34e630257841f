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
# lab you build a network of two dense layers that gets about 98 of 100 unseen digits right, and you learn to question
# that number.
#
# **What you will learn**
#
# - how image data looks as arrays, and why it is scaled before training;
# - what a layer computes, and how many numbers it has to learn;
# - what optimizer, loss and metric each do, and what they do not do;
# - how to train, predict and evaluate, and how to see overfitting;
# - how to look at the mistakes of a model instead of at its score alone.
#
# **How to work.** Run the cells from top to bottom. Three dots `...` mark a gap: replace them with your answer and keep the
# name on the left. The line `grader.check(...)` below each question runs the public checks and tells you what it found.
# Hidden checks follow when your work is graded, so passing the public checks is necessary but not the whole run_log.
# Training takes less than a minute on a laptop.
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
def answered(*values):
    """Say whether every value has been filled in; print a hint if one is still a gap."""
    if any(value is ... for value in values):
        print("Answer the question above first, then run this cell again.")
        return False
    return True


# %% tags=["test-helpers"]
import functools

import keras
import numpy as np
import tensorflow as tf

CHUNK = 5000  # images a forward pass takes at a time
SAMPLE = 2 * CHUNK  # images that settle whether a model has learnt, unless it is a near thing
MEASURED = {}  # what the checks have measured, by name: told beside the marks, which do not depend on it


def measure(name, value):
    """Note a number that a check has measured, and return it."""
    MEASURED[name] = float(value)
    return value


def partly(share, message):
    """Return the failure of a check that gives a share of its points, from 0 to 1; where there are no shares, it gives none."""
    failure = AssertionError(message)
    failure.share_of_points = share
    return failure


def tenths(value, least, enough):
    """Return the share of the points, in whole tenths, for a value on a scale: none up to least, all from enough on."""
    return min(10, max(0, int(10 * (value - least) / (enough - least) + 1e-9))) / 10


def told_plainly(test):
    """Raise what a test says from a line that tells nothing: otter shows the line of a test that raised."""

    @functools.wraps(test)
    def run(*answers, **named):
        try:
            test(*answers, **named)
        except AssertionError as error:
            failure = error.with_traceback(None)
        except Exception as error:
            kind = type(error).__name__
            failure = AssertionError(f"This check cannot use the answer ({kind}): look at its type and shape.")
        else:
            return
        raise failure

    return run


def raw_data():
    """Return (train_images, train_labels, test_images, test_labels) afresh, whatever the notebook did to its own."""
    (train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    return train_images, train_labels, test_images, test_labels


def present(value, name):
    """Return value; raise AssertionError if it is missing or still a gap."""
    if value is None:
        raise AssertionError(f"{name} is missing: run the cell that sets it, and keep the name as it was given.")
    if value is Ellipsis:
        raise AssertionError(f"{name} is still the gap ...: replace the three dots with your answer and run the cell.")
    return value


def number(value, name):
    """Return value as a float; it may be any Python or NumPy number, but no text, no truth value and not NaN."""
    present(value, name)
    kind = type(value).__name__
    if isinstance(value, (str, bytes)):
        raise AssertionError(f"{name} is text ({kind}), not a number: remove the quotation marks.")
    try:
        found = np.asarray(value)
    except Exception:
        raise AssertionError(f"{name} is a {kind}, not a number: hand over one plain number.") from None
    if found.dtype.kind not in "iuf":
        raise AssertionError(f"{name} is a {kind}, not a number: hand over one plain number.")
    if found.shape != ():
        raise AssertionError(f"{name} has shape {found.shape}, but one single number is asked for: pick or compute it.")
    if not np.isfinite(found):
        raise AssertionError(f"{name} is {found}, not a finite number: look for a division by zero or a failed training.")
    return float(found)


def array_of(value, name, kinds="iuf"):
    """Return value as a NumPy array of numbers; lists and tensors will do."""
    present(value, name)
    kind = type(value).__name__
    try:
        found = np.asarray(value)
    except Exception:
        raise AssertionError(f"{name} is a {kind} that is no regular array of numbers: hand over one array.") from None
    if found.dtype.kind not in kinds:
        wanted = "numbers" if "f" in kinds else "whole numbers"
        raise AssertionError(f"{name} is a {kind} with dtype {found.dtype}: an array of {wanted} is asked for.")
    return found


def largest_difference(found, raw, divisor):
    """Return the largest absolute difference between found and raw / divisor, block by block to save memory; NaN counts."""
    differences = []
    for start in range(0, len(raw), 500):
        difference = raw[start : start + 500] / divisor
        np.subtract(found[start : start + 500], difference, out=difference)
        differences.append(np.abs(difference, out=difference).max())
    return float("inf") if np.isnan(differences).any() else float(max(differences))


def divisor_of(found, raw):
    """Return the one number by which raw was divided to give found (judged by 500 images), None if there is none."""
    ink = raw[:500] > 0
    values = np.where(found[:500][ink] == 0, np.nan, found[:500][ink])
    ratios = raw[:500][ink] / values
    if not np.isfinite(ratios).all() or np.ptp(ratios) > 0.001 * abs(ratios.mean()):
        return None
    return float(ratios.mean())


def network(model, with_weights=True):
    """Return model if it is a Keras model, with weights unless that does not matter; raise AssertionError otherwise."""
    if model is None or model is Ellipsis:
        raise AssertionError("There is no model yet: answer question 3 first, then run the cells below it again.")
    if not isinstance(model, keras.Model):
        raise AssertionError(
            f"model is a {type(model).__name__}, not a Keras model: build it with keras.Sequential or keras.Model."
        )
    if with_weights and not (model.built and model.weights):
        raise AssertionError(
            "The model has no weights yet, because it does not know the shape of its input: begin it with keras.Input."
        )
    return model


def outputs_for(model, images, name):
    """Return the model's outputs for images as an array (images, outputs); name says which images in a message."""
    network(model)
    if images is None or images is Ellipsis:
        raise AssertionError(f"There is no {name} yet: answer question 2 first.")
    pixels = array_of(images, name)
    try:
        parts = [model(pixels[i : i + CHUNK].astype("float32")) for i in range(0, len(pixels), CHUNK)]
        found = np.concatenate([np.asarray(part) for part in parts])
    except Exception as error:
        raise AssertionError(
            f"The model cannot be applied to {name}, which has shape {pixels.shape} ({type(error).__name__}): "
            "check the shape of the data (question 2) and the input of the model (question 3)."
        ) from None
    if found.ndim != 2:
        raise AssertionError(f"The model gives an output of shape {found.shape} for {name}: one row of scores an image is needed (question 3).")
    return found


def accuracy_of(model, images, labels, name):
    """Return the share of images whose largest output stands at the index of their label."""
    found = outputs_for(model, images, name)
    if len(found) != len(labels):
        raise AssertionError(f"{name} holds {len(found)} images for {len(labels)} labels: use the whole data set (question 2).")
    return float(np.mean(found.argmax(axis=1) == labels))


def training_accuracy(model, x_train):
    """Return the accuracy on x_train to be held against 0.90: on a sixth of the images where that settles it, else on all.

    If SAMPLE images give 0.95, all give over 0.90 but for a chance of e to the power of -50 (Hoeffding's inequality).
    """
    labels = raw_data()[1]
    if hasattr(x_train, "__len__") and len(x_train) == len(labels):
        sampled = accuracy_of(model, x_train[:SAMPLE], labels[:SAMPLE], "x_train")
        if sampled >= 0.95:
            return sampled
    return accuracy_of(model, x_train, labels, "x_train")


def are_probabilities(rows):
    """Say whether every row has no negative entry and sums to one."""
    return bool(np.all(rows >= -1e-6) and np.allclose(rows.sum(axis=-1), 1.0, atol=1e-3))


def activation_of(function):
    """Return the name of an activation, found by what it does to a few numbers, however it was written."""
    probe = np.array([[-3.0, -0.5, 0.0, 0.5, 8.0]], dtype="float32")
    powers = np.exp(probe - probe.max())
    known = {
        "linear": probe,
        "relu": np.maximum(probe, 0.0),
        "softmax": powers / powers.sum(),
        "sigmoid": 1.0 / (1.0 + np.exp(-probe)),
        "tanh": np.tanh(probe),
    }
    try:
        found = np.asarray(function(keras.ops.convert_to_tensor(probe)))
    except Exception:
        return "unknown"
    for name, values in known.items():
        if found.shape == values.shape and np.allclose(found, values, atol=1e-5):
            return name
    return str(getattr(function, "__name__", type(function).__name__))


def steps_of(model):
    """Yield the layers and operations of a model in order, those of models inside it included, inputs left out."""
    for step in getattr(model, "operations", None) or model.layers:
        if isinstance(step, keras.Model):
            yield from steps_of(step)
        elif not isinstance(step, keras.layers.InputLayer):
            yield step


def makes_rows(step):
    """Say whether a step turns each image into one row of numbers, and does nothing else."""
    if isinstance(step, keras.layers.Reshape):
        return len(step.target_shape) == 1
    if type(step).__name__ == "Reshape":  # keras.ops.reshape, whose shape counts the images too
        return len(getattr(step, "newshape", ())) == 2
    return isinstance(step, keras.layers.Flatten)


def is_activation(step):
    """Say whether a step is an activation that stands on its own, as a layer or as a plain function."""
    layers = keras.layers
    kinds = (layers.Activation, layers.ReLU, layers.Softmax, layers.LeakyReLU, layers.ELU)
    return isinstance(step, kinds) or not isinstance(step, layers.Layer)


def layer_chain(model):
    """Return [(kind, units, activation), ...]; an activation in a layer of its own joins the Dense layer before it."""
    chain = []
    for step in steps_of(model):
        if isinstance(step, keras.layers.Dense):
            chain.append(("Dense", step.units, activation_of(step.activation)))
        elif makes_rows(step):
            chain.append(("Flatten", None, None))
        elif chain and chain[-1][2] == "linear" and is_activation(step) and activation_of(step) != "unknown":
            chain[-1] = (*chain[-1][:2], activation_of(step))
        else:
            chain.append((type(step).__name__, None, None))
    return chain


def compile_settings(model):
    """Return the settings model.compile received; raise AssertionError if it was never called."""
    network(model, with_weights=False)
    if not model.compiled:
        raise AssertionError(
            "The model is not compiled: call model.compile(...) in question 5, and run it after the cell of question 3."
        )
    return model.get_compile_config()


def names_in(setting):
    """Return the plain names in one setting of compile: of text, functions, objects, and lists or dicts of them."""
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
    return [setting["class_name"].lower() + " object"]


def logs_of(history):
    """Return the dict of values per epoch from what fit returned (or from its .history), None if there is none."""
    logs = history.history if isinstance(history, keras.callbacks.History) else history
    return logs if isinstance(logs, dict) else None


def likely_probabilities(model, images, name="x_test"):
    """Return the arrays that may count as the model's probabilities: its outputs and, if those are scores, their softmax."""
    rows = outputs_for(model, images, name)
    if are_probabilities(rows):
        return [rows]
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return [rows, powers / powers.sum(axis=1, keepdims=True)]


def loss_of(model, images, labels, name, compiled=False):
    """Return the loss of the model on images under its own compile settings, whatever form of labels its loss wants.

    With compiled=True the loss is computed the way evaluate does: in a graph, where Keras sees the scores before softmax
    and does not round very small probabilities. The two ways part only where the model is sure and wrong.
    """
    compile_settings(model)
    rows = outputs_for(model, images, name)
    pixels = np.asarray(images, dtype="float32")
    for truth in (labels, keras.utils.to_categorical(labels, rows.shape[1])):
        try:
            if compiled:
                graph = tf.function(lambda x, y: model.compute_loss(y=y, y_pred=model(x)), autograph=False)
                return float(graph(tf.constant(pixels), tf.constant(truth)))
            return float(model.compute_loss(y=tf.constant(truth), y_pred=tf.constant(rows)))
        except Exception:
            continue
    raise AssertionError("The loss the model is compiled with cannot be computed for these labels: see question 5.")


def loss_fits(claim, model, images, labels, name):
    """Say whether claim is the loss of the model on images, computed plainly or in a graph."""
    for compiled in (False, True):
        loss = loss_of(model, images, labels, name, compiled)
        if abs(claim - loss) <= 2e-3 * max(1.0, abs(loss)):
            return True
    return False


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


# %%
def show_digits(images, labels, rows=5, columns=5):
    """Draw the first rows x columns images, each with its label below."""
    figure, axes = plt.subplots(rows, columns, figsize=(1.3 * columns, 1.5 * rows))
    for axis, image, label in zip(axes.flat, images, labels):
        axis.imshow(image, cmap="binary")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_xlabel(str(label))
    figure.tight_layout()
    plt.show()


show_digits(train_images, train_labels)

# %% [markdown]
# ## Question 1: Know your data (1 point)
#
# Most errors in a first network are errors of shape, so look before you build.
#
# Set `n_train` to the number of training images, `n_test` to the number of test images (both whole numbers), and
# `image_shape` to the shape of **one** image, a tuple of two whole numbers. Take them from the arrays, or type them in.

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
@told_plainly
def test_q1_agrees_with_the_arrays(n_train, n_test, image_shape):
    train, _, test, _ = raw_data()
    counts = {"n_train": (number(n_train, "n_train"), train), "n_test": (number(n_test, "n_test"), test)}
    sides = array_of(image_shape, "image_shape", "iu")
    if sides.shape == (3,) and sides[-1] == 1:
        raise AssertionError("image_shape has a third axis of length 1: these images are grey and have no axis for colours.")
    if sides.shape == (3,):
        raise AssertionError("image_shape holds three numbers, the shape of a whole array: leave out the axis that counts the images.")
    if sides.shape != (2,):
        raise AssertionError(f"image_shape is {image_shape!r:.80}: a tuple with the height and the width of one image is asked for.")
    if tuple(sides) != train.shape[1:]:
        raise AssertionError("image_shape is not the shape of train_images[0]: print that shape and compare.")
    if counts["n_train"][0] == len(test) and counts["n_test"][0] == len(train):
        raise AssertionError("n_train and n_test are exchanged: the larger set is the one to learn from.")
    for name, (found, images) in counts.items():
        if found == images.size or found == len(images) * images.shape[1]:
            raise AssertionError(f"{name} counts pixels or rows of pixels, not images: the first axis of the array counts images.")
        if found != len(images):
            raise AssertionError(f"{name} is {found:g}, but the array has another length: the first axis of the array counts its images.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q1_numbers(n_train, n_test, image_shape):
    if number(n_train, "n_train") != 60000:
        raise AssertionError("n_train is not the number of training images: count along the first axis of train_images.")
    if number(n_test, "n_test") != 10000:
        raise AssertionError("n_test is not the number of test images: count along the first axis of test_images.")
    if tuple(array_of(image_shape, "image_shape", "iu").ravel()) != (28, 28):
        raise AssertionError("image_shape is not the shape of one image: look at the shape of train_images[0].")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## The way to a trained network
#
# 1. **Prepare** the data: scale the pixels.
# 2. **Define** a model: choose its layers.
# 3. **Compile** it: choose how it learns (optimizer), what it minimises (loss) and what we watch (metric).
# 4. **Fit** it to the training images and their labels.
# 5. **Predict** the digits of the test images.
# 6. **Evaluate**: compare the predictions with the test labels, and look at the mistakes.
#
# The test labels serve the last step only. Whatever has influenced the training cannot judge it any more.

# %% [markdown]
# ## Question 2: Normalise (2 points)
#
# Small inputs of similar size keep the gradients in a range in which the optimizer takes sensible steps, so the pixels are
# brought from 0…255 to 0…1.
#
# Set `x_train` and `x_test` to `train_images` and `test_images` divided by 255, once: arrays of floats (`float32` or
# `float64`) with the same shapes as before.
#
# Make **new** arrays and leave the raw ones as they are. A cell that divides an array in place, or that stores the result under
# the old name, divides again each time you run it. After two runs the pixels end at 1/255 and training crawls, although
# everything looks almost right.

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
@told_plainly
def test_q2_type_shape_and_range(x_train, x_test):
    train, _, test, _ = raw_data()
    for name, value, raw in [("x_train", x_train, train), ("x_test", x_test, test)]:
        found = array_of(value, name)
        if found.shape != raw.shape:
            raise AssertionError(f"{name} has shape {found.shape}, not that of the raw images: divide the right array and keep its shape.")
        largest, brightest = float(found.max()), float(raw.max())
        if found.dtype.kind != "f" and largest > 1:
            raise AssertionError(f"{name} is not normalised: it still holds whole numbers ({found.dtype}) up to {largest:g}. Divide the raw images.")
        if found.dtype.kind != "f":
            raise AssertionError(f"{name} holds whole numbers ({found.dtype}): integer division // throws the grey levels away, so divide with /.")
        if found.dtype not in (np.float32, np.float64):
            raise AssertionError(f"{name} has dtype {found.dtype}: use float32 or float64, other floats are too coarse.")
        if not np.isfinite(largest) or largest <= 0:
            raise AssertionError(f"The largest value of {name} is {largest:g}: something went wrong with the division, so start from the raw images.")
        if largest > brightest / 2:
            raise AssertionError(f"{name} is not normalised: its values go up to {largest:g}. Changing the dtype is not enough, divide as well.")
        if abs(largest * brightest - 1) < 0.02:
            raise AssertionError(
                f"{name} is normalised twice: its values end at {largest:.5f}. Running a cell again that divides in place, or that stores "
                "its result under the old name, does that: load the data again and divide once, into a new array."
            )
        if largest > 1 + 1e-5 or found.min() < 0:
            raise AssertionError(f"{name} runs from {found.min():.4g} to {largest:.4g}: normalised pixels stay between 0 and 1.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q2_values(x_train, x_test):
    train, _, test, _ = raw_data()
    faults = []
    for name, value, raw in [("x_train", x_train, train), ("x_test", x_test, test)]:
        found = array_of(value, name)
        if found.shape != raw.shape or found.dtype not in (np.float32, np.float64):
            faults.append(f"{name} does not have the shape of the raw images, or is not float32 or float64.")
        elif largest_difference(found, raw, 255.0) > 2e-6:
            divisor = divisor_of(found, raw)
            if divisor is None:
                what = "is not the raw array divided by one number: its pixels were changed, moved or taken from other images"
            elif abs(divisor - 1) < 0.01:
                what = "is not normalised: it still holds the raw values"
            elif abs(divisor / 255**2 - 1) < 0.01:
                what = "is normalised twice (re-running a division in place does that): load the data again and divide once"
            elif abs(divisor - 256) < 0.3:
                what = "is divided by 256, the number of grey levels: divide by the largest level, so that full ink becomes 1"
            else:
                what = f"is divided by the wrong constant, about {divisor:.5g}: full ink must become 1"
            faults.append(f"{name} {what}.")
    if len(faults) == 1:
        faults.append("Only one of the two arrays is right: training and test images need the same treatment.")
    if faults:
        raise AssertionError(" ".join(faults))

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
if answered(x_train, x_test):
    for name, values in [("x_train", x_train), ("x_test", x_test)]:
        print(f"after: {name:7} has dtype {values.dtype}, range {np.min(values):.5g} to {np.max(values):.5g}")

# %% [markdown]
# ## The model: layers as filters
#
# A layer is a filter for data: numbers go in, and a more useful **representation** of them comes out. A network is a chain of
# such filters, each working on what the one before it made. Here is ours, for a batch of $n$ images:
#
# 1. **Flatten** writes the rows of each image one after the other. Nothing is learnt here:
#    $$\mathbb{R}^{n \times 28 \times 28} \to \mathbb{R}^{n \times 784}.$$
#    Call the result $X$: one image a row.
# 2. **Dense with relu** forms 512 weighted sums of the 784 pixels, adds a bias to each and cuts off what is negative:
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
# The architecture decides what the network can represent at all; training only picks the numbers.
#
# Set `model` to a Keras model that takes images of shape (28, 28) and has exactly these layers, in this order: flatten the
# image to 784 numbers; a dense layer with 512 units and relu; a dense layer with 10 units and softmax. State the shape of the
# input (for example by `keras.Input(shape=(28, 28))`), so that the weights exist at once. Every way of writing it is welcome.

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
points: 1
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q3_takes_images_gives_probabilities(model):
    network(present(model, "model"))
    _, _, images, labels = raw_data()
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if not all(isinstance(shape, tuple) for shape in shapes):
        raise AssertionError("The model must have one input and one output whose shapes Keras knows: use keras.Sequential or keras.Model.")
    if shapes[0][1:] != images.shape[1:]:
        raise AssertionError(f"The model takes inputs of shape {shapes[0][1:]}, but one image has another shape: see question 1.")
    found = outputs_for(model, images[:50] / images.max(), "test_images")
    if shapes[1] != (None, found.shape[1]) or found.shape[1] != len(np.unique(labels)):
        raise AssertionError(f"The model gives outputs of shape {shapes[1]}: one number for each kind of label is needed, for every image.")
    if not are_probabilities(found):
        raise AssertionError(
            "The outputs for an image are not probabilities: they must not be negative and must sum to 1. "
            "Check the activation of the last layer."
        )

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q3_layers(model):
    network(present(model, "model"))
    chain = layer_chain(model)
    kinds = [kind for kind, _, _ in chain]
    if kinds != ["Flatten", "Dense", "Dense"]:
        if "Flatten" not in kinds:
            raise AssertionError(f"The model does not flatten the images: its layers are {', '.join(kinds)}.")
        word = "too few" if len(kinds) < 3 else "too many" if len(kinds) > 3 else "other"
        raise AssertionError(f"The model has {word} layers: apart from activations they are {', '.join(kinds)}. Compare with the task.")
    for place, part, units, activation in [("hidden", chain[1], 512, "relu"), ("output", chain[2], 10, "softmax")]:
        if part[1] != units:
            raise AssertionError(f"The {place} layer has {part[1]} units, which is not what the task asks for.")
        if part[2] == "linear":
            raise AssertionError(f"The {place} layer has no activation: what it computes is only linear.")
        if part[2] != activation:
            raise AssertionError(f"The {place} layer has the activation {part[2]}, which is not what the task asks for.")
    shapes = [weight.shape for weight in model.get_weights()]
    if len(shapes) < 4:
        raise AssertionError("A dense layer of the model has no biases: leave use_bias as it is.")
    if shapes != [(784, 512), (512,), (512, 10), (10,)]:
        raise AssertionError("The weights of the model do not have the shapes that such layers have on images of 28 x 28 pixels.")
    images = raw_data()[2][:20] / 255.0
    first, first_bias, second, second_bias = model.get_weights()
    scores = np.maximum(images.reshape(len(images), -1) @ first + first_bias, 0.0) @ second + second_bias
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found = outputs_for(model, images, "test_images")
    if found.shape != powers.shape or np.abs(found - powers / powers.sum(axis=1, keepdims=True)).max() > 1e-4:
        raise AssertionError("The layers are right, but they are not wired one after the other: each must work on the output of the one before.")

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
# an output, and one bias for every output. Set, as plain numbers,
#
# - `flatten_params`: the parameters of the flatten layer,
# - `hidden_params`: those of the dense layer with 512 units,
# - `output_params`: those of the dense layer with 10 units,
# - `total_params`: those of the whole model.

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
@told_plainly
def test_q4_counts_add_up(flatten_params, hidden_params, output_params, total_params):
    parts = {"flatten_params": flatten_params, "hidden_params": hidden_params, "output_params": output_params}
    parts = {name: number(value, name) for name, value in parts.items()}
    total = number(total_params, "total_params")
    for name, value in {**parts, "total_params": total}.items():
        if value < 0 or value != int(value):
            raise AssertionError(f"{name} is {value:g}: a count is a whole number, zero or more.")
    if total != sum(parts.values()):
        raise AssertionError("total_params is not the sum of the three other counts: every parameter belongs to one layer.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q4_hidden_layer(hidden_params):
    mistakes = {
        784 * 512: "leaves out the biases: there is one for every unit of the layer",
        784 * 512 + 784: "has one bias for every input: biases belong to the outputs of a layer",
        784 * 512 + 1: "has a single bias for the whole layer: there is one for every unit",
        512: "counts the units of the layer, not its weights and biases",
        512 * 10 + 10: "holds the parameters of the wrong layer: it is the count of the output layer",
        512 * 10: "holds the weights of the wrong layer: it counts those of the output layer",
        28 * 512 + 512: "counts one row of the image as the input: flatten hands over all the pixels",
        28 * 512: "counts one row of the image as the input: flatten hands over all the pixels",
    }
    found = number(hidden_params, "hidden_params")
    if found != 784 * 512 + 512:
        raise AssertionError(f"hidden_params {mistakes.get(found, 'is not the number of weights and biases of the hidden layer')}.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q4_output_layer(output_params):
    mistakes = {
        512 * 10: "leaves out the biases: there is one for every unit of the layer",
        512 * 10 + 512: "has one bias for every input: biases belong to the outputs of a layer",
        512 * 10 + 1: "has a single bias for the whole layer: there is one for every unit",
        10: "counts the units of the layer, not its weights and biases",
        784 * 512 + 512: "holds the parameters of the wrong layer: it is the count of the hidden layer",
        784 * 10 + 10: "takes the pixels as the input: the output layer works on what the hidden layer hands over",
        784 * 10: "takes the pixels as the input: the output layer works on what the hidden layer hands over",
    }
    found = number(output_params, "output_params")
    if found != 512 * 10 + 10:
        raise AssertionError(f"output_params {mistakes.get(found, 'is not the number of weights and biases of the output layer')}.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q4_flatten_and_total(flatten_params, total_params):
    flat, total = number(flatten_params, "flatten_params"), number(total_params, "total_params")
    if flat in (784, 28):
        raise AssertionError("flatten_params counts the outputs of the flatten layer: ask how many numbers that layer learns.")
    if flat != 0:
        raise AssertionError("flatten_params is not right: ask how many numbers the flatten layer learns.")
    if total == 784 * 512 + 512 * 10:
        raise AssertionError("total_params leaves out the biases of both dense layers.")
    if total == 4 * (784 * 512 + 512 + 512 * 10 + 10):
        raise AssertionError("total_params counts bytes: a parameter of four bytes is still one parameter.")
    if total != 784 * 512 + 512 + 512 * 10 + 10:
        raise AssertionError("total_params is not the number of weights and biases of the whole model: check the count of each layer.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Compare your counts with those Keras finds. (*None* in a shape stands for the number of images, which is free.)

# %%
if answered(model):
    model.summary()

# %% [markdown]
# ## Question 5: Compile (2 points)
#
# A model only computes; compiling tells it how to learn. It takes three things:
#
# - The **optimizer** changes the *parameters* (weights and biases) after every batch, in the direction in which the loss falls.
#   It does not choose *hyperparameters*: the number of units, the batch size, the number of epochs and the learning
#   rate are set by people.
# - The **loss** is the one number that training makes smaller. *Sparse categorical cross-entropy* is $-\log p$, averaged over
#   the images, where $p$ is the probability the model gives to the true digit; *sparse* says that labels are
#   digits and not rows of zeros with a single one. Values of different loss functions cannot be compared.
# - A **metric** is only watched, never trained for. *Accuracy*, the share of images with the right digit, is what we care about,
#   but it moves in jumps and has no useful gradient, so it cannot be the loss.
#
# Compiling adds no layer and changes no weight.
#
# Compile `model` with the optimizer RMSprop, the loss sparse categorical cross-entropy and the metric accuracy. The gap is
# a call, so nothing is assigned.

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
@told_plainly
def test_q5_is_compiled(model):
    settings = compile_settings(model)
    if not settings.get("loss"):
        raise AssertionError("The model is compiled without a loss: give loss=... to compile.")
    if settings.get("metrics") or settings.get("weighted_metrics"):
        return
    if settings.get("loss_weights"):
        raise AssertionError("The metric was taken for loss_weights, the third argument of compile: name it, as in metrics=[...].")
    raise AssertionError("The model is compiled without a metric: give metrics=[...] to compile.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q5_optimizer(model):
    compile_settings(model)
    if not isinstance(model.optimizer, keras.optimizers.RMSprop):
        raise AssertionError(f"The optimizer is {type(model.optimizer).__name__}: the task names another one.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q5_loss(model):
    setting = compile_settings(model).get("loss")
    found = [name.removesuffix(" object") for name in names_in(setting)]
    if found == ["categoricalcrossentropy"]:
        raise AssertionError("The loss is categorical cross-entropy, which needs labels as rows of zeros and ones: ours are digits.")
    if found != ["sparsecategoricalcrossentropy"]:
        raise AssertionError(f"The loss is {', '.join(found) or 'missing'}: the task names another one.")
    inner = setting.get("config") if isinstance(setting, dict) else None
    logits = isinstance(inner, dict) and inner.get("from_logits")
    if logits and model.built and are_probabilities(outputs_for(model, raw_data()[2][:20] / 255.0, "test_images")):
        raise AssertionError("from_logits=True applies softmax inside the loss, but the model ends with softmax already: that is softmax twice.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q5_metric(model):
    settings = compile_settings(model)
    found = names_in(settings.get("metrics")) + names_in(settings.get("weighted_metrics"))
    plain = ("accuracy", "acc", "sparsecategoricalaccuracy", "sparsecategoricalaccuracy object")
    if any(name in plain for name in found):
        return
    if not found:
        raise AssertionError("The model is compiled with no metric, so nobody can see how many digits it gets right.")
    if "accuracy object" in found:
        raise AssertionError("keras.metrics.Accuracy asks whether two numbers are equal, and a row of probabilities never equals a digit: use the text form of accuracy.")
    if any(name.removesuffix(" object") in ("categoricalaccuracy", "binaryaccuracy") for name in found):
        raise AssertionError("This accuracy is meant for labels of another form: ours are digits.")
    raise AssertionError(f"The metric is {', '.join(found)}: the task names another one.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# ## Question 6: Fit (3 points)
#
# Fitting is the learning itself. Keras shuffles the training images and cuts them into **batches**. For each batch it computes the
# predictions (forward), the loss, the gradient of the loss with respect to every parameter of every layer (backward), and lets
# the optimizer take one step. One pass over all images is an **epoch**.
#
# Train `model` on `x_train` and `train_labels` for **5 epochs** with **batch size 128**, and keep what `fit` returns, the whole
# `History` object, in `history`. Hold no images back for validation. (With `verbose=2`, `fit` prints one line an epoch.)
#
# Set `steps_per_epoch` to the number of optimizer steps in one epoch, a whole number. Work it out by hand; the last batch of
# an epoch may be smaller than the others, but it is a step all the same.

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
points: 0.5
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q6_history_and_steps(history, steps_per_epoch):
    present(history, "history")
    if isinstance(history, dict):
        raise AssertionError("history is a dict, the .history inside the History object: keep the whole object that model.fit returns.")
    if isinstance(history, keras.Model):
        raise AssertionError("history is the model itself: keep what model.fit(...) returns.")
    if not isinstance(history, keras.callbacks.History):
        raise AssertionError(f"history is a {type(history).__name__}, not a History object: keep what model.fit(...) returns.")
    losses = (logs_of(history) or {}).get("loss") or []
    if not losses:
        raise AssertionError("history holds no loss: it is not the history of a training that reached its end, so run model.fit again.")
    losses = array_of(losses, "the loss in history")
    if not np.isfinite(losses).all():
        raise AssertionError("The loss became infinite or NaN during training: check that the images are normalised.")
    if len(losses) > 1 and losses[-1] >= losses[0]:
        raise AssertionError("The loss did not fall from the first epoch to the last: check the data, the labels and the compile call.")
    steps = number(steps_per_epoch, "steps_per_epoch")
    if steps <= 0 or steps != int(steps):
        raise AssertionError(f"steps_per_epoch is {steps:g}: steps are counted, so it is a whole number above zero. Mind the last, smaller batch.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q6_epochs_and_batches(history):
    present(history, "history")
    if not isinstance(history, keras.callbacks.History):
        raise AssertionError("history is not the History object that model.fit returns.")
    logs, settings = logs_of(history) or {}, history.params or {}
    epochs = len(logs.get("loss") or [])
    if epochs != 5 or settings.get("epochs") != 5:
        raise AssertionError(f"The training ran for {epochs} epochs (of {settings.get('epochs')} asked for), not for the number the task names.")
    steps = settings.get("steps")
    if steps == 469:
        return
    if steps == 1875:
        raise AssertionError("The epochs have as many steps as the default batch size gives: pass the batch size of the task to fit.")
    if any(name.startswith("val_") for name in logs) and steps in (375, 422, 446):
        raise AssertionError("Images were held back (validation_split), so the model learnt from fewer: train on all of them.")
    raise AssertionError(f"An epoch had {steps} steps: the batch size or the number of training images is not that of the task.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q6_steps_per_epoch(steps_per_epoch):
    found = number(steps_per_epoch, "steps_per_epoch")
    mistakes = {
        468: "leaves out the last, smaller batch of an epoch",
        468.75: "is not rounded: the last, smaller batch is one whole step",
        2345: "counts the steps of all epochs together: only one is asked for",
        1875: "belongs to the default batch size, not to that of the task",
        60000: "counts images: a step takes a whole batch of them",
        128: "is the batch size: ask how many batches make an epoch",
        79: "counts the batches of the test images: training uses the others",
        5: "is the number of epochs: ask how many steps there are in one of them",
    }
    if found != 469:
        raise AssertionError(f"steps_per_epoch {mistakes.get(found, 'is not the number of batches that hold all training images')}.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q6_model_has_learnt(model, x_train):
    reached = measure("train_accuracy", training_accuracy(model, x_train))
    if reached >= 0.90:
        return
    largest = float(np.max(array_of(x_train, "x_train")))
    start = f"The model gets only {100 * reached:.0f} % of x_train right after training: "
    if largest < 0.01:
        raise AssertionError(
            f"{start}the images are normalised twice (they end at {largest:.4f}; re-running a division in place does that), and "
            "learning crawls on such small numbers. Load the data again, divide once and train a new model."
        )
    if reached < 0.2:
        raise AssertionError(f"{start}it was never fitted, or it was defined anew after fit (run the cells of questions 3, 5 and 6 in order), or x_train does not fit the labels.")
    raise AssertionError(f"{start}check the scaling of the images, the activations and the compile call, then train a new model.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION


# %%
def plot_history(logs):
    """Plot loss and accuracy per epoch from a dict of lists, one value an epoch."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3))
    for axis, word in zip(axes, ["loss", "acc"]):
        for name, values in logs.items():
            if word in name:
                axis.plot(range(1, len(values) + 1), values, marker="o", label=name)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss" if word == "loss" else "accuracy")
        axis.set_xticks(range(1, len(logs["loss"]) + 1))
        axis.grid(alpha=0.3)
    figure.suptitle("Training, epoch by epoch")
    figure.tight_layout()
    plt.show()


if answered(history):
    plot_history(history.history)

# %% [markdown]
# The values of an epoch are averages over its batches, taken while the weights were still changing. At the end of the epoch
# the network is therefore a little better than the number says.

# %% [markdown]
# ## Question 7: Predict (2 points)
#
# The network does not answer with a digit but with ten probabilities; the decision is up to us. The usual one is for the
# class with the largest probability (NumPy's `argmax` finds where the largest number stands), and that probability is
# called the **confidence**.
#
# Set
#
# - `predictions`: what the model predicts for all of `x_test`, floats of shape (10000, 10), row $i$ for image $i$;
# - `predicted_labels`: the predicted digit of every test image, whole numbers of shape (10000,);
# - `first_digit`: the digit predicted for the first test image (index 0);
# - `first_confidence`: the probability the model gives to that digit, between 0 and 1.

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
points: 0.5
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q7_types_and_shapes(predictions, predicted_labels, first_digit, first_confidence):
    _, train_labels, _, test_labels = raw_data()
    classes = len(np.unique(test_labels))
    found = array_of(predictions, "predictions", "f")
    if found.shape == (len(train_labels), classes):
        raise AssertionError("predictions has a row for every training image: predict the test images.")
    if found.shape != (len(test_labels), classes):
        raise AssertionError(f"predictions has shape {found.shape}: one row for every test image and one column for every class are needed.")
    labels = array_of(predicted_labels, "predicted_labels")
    if labels.shape == (classes,):
        raise AssertionError("predicted_labels has one entry for every class: argmax went over the wrong axis, so each image must keep an entry.")
    if labels.shape == ():
        raise AssertionError("predicted_labels is a single number: give argmax the axis of the classes.")
    if labels.shape != (len(test_labels),):
        raise AssertionError(f"predicted_labels has shape {labels.shape}: one digit for every test image is needed.")
    if not np.isin(labels, np.arange(classes)).all():
        raise AssertionError("predicted_labels holds values that are no digits: take the index of the largest probability in each row.")
    if number(first_digit, "first_digit") not in range(classes):
        raise AssertionError("first_digit is not a digit: take the first entry of predicted_labels.")
    confidence = number(first_confidence, "first_confidence")
    if 1 + 1e-5 < confidence <= 100.01:
        raise AssertionError("first_confidence is above 1: it is a percentage, or a score that has not been through softmax. Give the probability itself.")
    if not 0 <= confidence <= 1 + 1e-5:
        raise AssertionError(f"first_confidence is {confidence:.4g}: a probability lies between 0 and 1.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q7_predictions(model, x_test, predictions, x_train=None):
    found = array_of(predictions, "predictions", "f")
    expected = likely_probabilities(model, x_test)
    if found.shape != expected[0].shape:
        raise AssertionError("predictions does not have one row for every test image and one column for every class.")
    if any(np.allclose(found, rows, rtol=0, atol=1e-4) for rows in expected):
        return
    if x_train is not None and x_train is not Ellipsis:
        seen = likely_probabilities(model, array_of(x_train, "x_train")[: len(found)], "x_train")
        if any(np.allclose(found, rows, rtol=0, atol=1e-3) for rows in seen if rows.shape == found.shape):
            raise AssertionError("predictions belongs to training images: predict the test images.")
    pristine = likely_probabilities(model, raw_data()[2], "test_images")
    if any(np.allclose(found, rows, rtol=0, atol=1e-3) for rows in pristine if rows.shape == found.shape):
        raise AssertionError("predictions belongs to the raw images: hand the model the normalised ones, which it was trained on.")
    raise AssertionError("predictions is not what the model gives for x_test: run predict again after the last training, on x_test.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q7_predicted_labels(model, x_test, predicted_labels):
    labels = array_of(predicted_labels, "predicted_labels")
    rows = outputs_for(model, x_test, "x_test")
    if labels.shape != (len(rows),):
        raise AssertionError(f"predicted_labels has shape {labels.shape}: one digit for every test image is needed (argmax over the classes).")
    if not np.isin(labels, np.arange(rows.shape[1])).all():
        raise AssertionError("predicted_labels holds values that are no digits: take the index of the largest probability in each row.")
    chosen = rows[np.arange(len(rows)), labels.astype(int)]
    wrong = int(np.sum(chosen < rows.max(axis=1) - 1e-5))
    if wrong and np.array_equal(labels, raw_data()[3]):
        raise AssertionError("predicted_labels holds the true labels: take what the model predicts.")
    if wrong and np.mean(labels == rows.argmin(axis=1)) > 0.9:
        raise AssertionError("predicted_labels holds the least likely digits: look for the largest probability.")
    if wrong:
        raise AssertionError(f"{wrong} entries of predicted_labels are not the class with the largest probability: take it along each row of predictions.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q7_first_image(model, x_test, first_digit, first_confidence):
    digit, confidence = number(first_digit, "first_digit"), number(first_confidence, "first_confidence")
    options = [rows[0] for rows in likely_probabilities(model, x_test)]
    if digit not in range(len(options[0])):
        raise AssertionError("first_digit is not one of the classes.")
    if options[0][int(digit)] < options[0].max() - 1e-5:
        raise AssertionError("first_digit is not the class the model finds most likely for test image 0: count images and classes from zero.")
    if any(abs(confidence - row.max()) <= 1e-4 for row in options):
        return
    if any(abs(confidence / 100 - row.max()) <= 1e-3 for row in options):
        raise AssertionError("first_confidence is a percentage: give the probability itself, between 0 and 1.")
    raise AssertionError("first_confidence is not the probability of first_digit in the first row of the predictions.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
if answered(predictions, first_digit, first_confidence):
    print("probabilities for test image 0:", np.round(predictions[0], 4))
    print(f"predicted digit {first_digit}, confidence {first_confidence:.4f}")
    print(f"true label {test_labels[0]}")

# %% [markdown]
# ## Question 8: Evaluate (3 points)
#
# A network can learn its training images by heart; only images it has never seen tell what it is worth.
#
# Set
#
# - `test_loss` and `test_acc`: loss and accuracy of `model` on `x_test` and `test_labels`, two numbers (accuracy as a share between
#   0 and 1);
# - `overfitting_gap`: the training accuracy of the **last** epoch, as `history` has it, **minus** the test accuracy.
#
# The gap is a sign of **overfitting**: what a model learns about its training images does not hold in full for new ones. A gap
# of zero is not the aim in itself, as a model that knows nothing has none either; look at gap and test accuracy together.
#
# One of the three points is for the model itself: all of it if the model reads at least 97 of 100 properly normalised test
# images correctly, a part of it between 90 and 97 of 100.

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
points: 0.5
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q8_types_and_ranges(test_loss, test_acc, overfitting_gap):
    loss, reached = number(test_loss, "test_loss"), number(test_acc, "test_acc")
    gap = number(overfitting_gap, "overfitting_gap")
    if loss < 0:
        raise AssertionError(f"test_loss is {loss:.4g}: this loss is never negative, so take what model.evaluate returns.")
    if 1 < reached <= 100:
        raise AssertionError("test_acc is above 1: give the share of right digits between 0 and 1, not a percentage.")
    if not 0 <= reached <= 1:
        raise AssertionError(f"test_acc is {reached:.4g}: a share lies between 0 and 1. Mind the order in which evaluate returns its numbers.")
    if not -1 <= gap <= 1:
        raise AssertionError(f"overfitting_gap is {gap:.4g}: the difference of two shares lies between -1 and 1. Give no percentage.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q8_agrees_with_the_model(model, x_test, test_loss, test_acc, x_train=None):
    loss, reached = number(test_loss, "test_loss"), number(test_acc, "test_acc")
    train_labels, test_labels = raw_data()[1], raw_data()[3]
    true_acc = accuracy_of(model, x_test, test_labels, "x_test")
    right_loss = loss_fits(loss, model, x_test, test_labels, "x_test")
    if right_loss and abs(reached - true_acc) <= 1e-3:
        return
    if abs(loss - true_acc) <= 2e-3 and loss_fits(reached, model, x_test, test_labels, "x_test"):
        raise AssertionError("test_loss and test_acc are exchanged: evaluate returns the loss first.")
    if abs(reached / 100 - true_acc) <= 1e-3:
        raise AssertionError("test_acc is a percentage: give the share of right digits between 0 and 1.")
    if abs(reached - (1 - true_acc)) <= 1e-3:
        raise AssertionError("test_acc is the share of wrong digits: give the share of right ones.")
    if x_train is not None and x_train is not Ellipsis:
        if abs(reached - accuracy_of(model, x_train, train_labels, "x_train")) <= 1e-3:
            raise AssertionError("test_acc is the accuracy on the training images: evaluate on x_test and test_labels.")
    if abs(reached - true_acc) > 1e-3:
        raise AssertionError("test_acc is not what this model reaches on x_test: take it from model.evaluate, after the last training, and type nothing in.")
    raise AssertionError("test_loss is not the loss of this model on x_test: take it from model.evaluate, after the last training.")

# %%
""" # BEGIN TEST CONFIG
points: 0.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q8_gap(model, x_test, overfitting_gap, history=None, x_train=None):
    gap = number(overfitting_gap, "overfitting_gap")
    _, train_labels, _, test_labels = raw_data()
    tested = accuracy_of(model, x_test, test_labels, "x_test")
    logs = logs_of(history) or {}
    series = [list(values) for name, values in logs.items() if "acc" in name and not name.startswith("val_")]
    trained = [number(values[-1], "the last accuracy in history") for values in series if values]
    if any(abs(gap - (value - tested)) <= 0.005 for value in trained):
        return
    if x_train is not None and x_train is not Ellipsis:
        reached = accuracy_of(model, x_train, train_labels, "x_train")
        trained.append(reached)
    if not trained:
        raise AssertionError("There is no training accuracy to compare with: answer questions 2 and 6 first.")
    if any(abs(gap - (value - tested)) <= 0.005 for value in trained):
        return
    if any(abs(-gap - (value - tested)) <= 0.005 for value in trained):
        raise AssertionError("overfitting_gap has the wrong sign: it is training minus test.")
    if any(abs(gap / 100 - (value - tested)) <= 0.005 for value in trained):
        raise AssertionError("overfitting_gap is in percent: subtract the two shares between 0 and 1.")
    if any(abs(gap - (number(values[0], "accuracy") - tested)) <= 0.005 for values in series if values):
        raise AssertionError("overfitting_gap uses the accuracy of the first epoch: take the last one.")
    losses = list(logs.get("loss") or [])
    if losses and abs(abs(gap) - abs(number(losses[-1], "loss") - loss_of(model, x_test, test_labels, "x_test"))) <= 0.002:
        raise AssertionError("overfitting_gap is a difference of losses: subtract accuracies.")
    raise AssertionError("overfitting_gap is not the last training accuracy minus the test accuracy of this model.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q8_reaches_the_threshold(model):
    _, _, images, labels = raw_data()
    reached = measure("test_accuracy", accuracy_of(model, images / 255.0, labels, "the normalised test images"))
    if reached < 0.2:
        raise AssertionError("On properly normalised test images the model only guesses: it was never fitted, or defined anew after fit.")
    if reached < 0.97:
        raise partly(
            tenths(reached, 0.90, 0.97),
            f"On properly normalised test images the model gets only {100 * reached:.2f} % right, less than a well-trained one of this kind. "
            "Check normalisation, model, compile and fit (questions 2, 3, 5 and 6), then train again.",
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
if answered(test_loss, test_acc, overfitting_gap):
    print(f"test loss {test_loss:.4f}, test accuracy {test_acc:.4f}, gap {overfitting_gap:.4f}")

# %% [markdown]
# ## Looking at predictions
#
# Beside each test image stand its ten probabilities as bars. Blue is right, red is wrong: a wrongly read image has a red bar
# for the predicted digit and a blue one for the true digit. Below the image: predicted digit, confidence, (true label).


# %%
def plot_image(axis, index):
    """Draw a test image; below it stand predicted digit, confidence, (true label): blue if right."""
    digit, truth = int(np.argmax(predictions[index])), int(test_labels[index])
    axis.imshow(test_images[index], cmap="binary")
    axis.set_xticks([])
    axis.set_yticks([])
    color = "blue" if digit == truth else "red"
    axis.set_xlabel(f"{digit}  {100 * np.max(predictions[index]):.0f} %  ({truth})", color=color)


def plot_bars(axis, index):
    """Draw the ten probabilities of test image number index as bars."""
    bars = axis.bar(range(10), predictions[index], color="0.6")
    bars[int(np.argmax(predictions[index]))].set_color("red")
    bars[int(test_labels[index])].set_color("blue")
    axis.set_xticks(range(10))
    axis.tick_params(labelsize=7)
    axis.set_yticks([])
    axis.set_ylim(0, 1)


def plot_predictions(indices, title):
    """Draw up to 15 test images with their probabilities in a grid of five rows."""
    figure, axes = plt.subplots(5, 6, figsize=(10, 9))
    for axis in axes.flat:
        axis.set_visible(False)
    for place, index in enumerate(indices[:15]):
        for axis, plot in zip(axes.flat[2 * place : 2 * place + 2], [plot_image, plot_bars]):
            axis.set_visible(True)
            plot(axis, index)
    figure.suptitle(title)
    figure.tight_layout()
    plt.show()


if answered(predictions):
    plot_predictions(range(15), "The first predictions")

# %% [markdown]
# ## Question 9: Find the mistakes (2 points)
#
# One number hides what goes wrong; the wrongly read digits themselves show it.
#
# Set `mistakes` to the indices of all test images whose predicted digit is not the true label: a one-dimensional array of whole
# numbers in ascending order.

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
@told_plainly
def test_q9_is_a_list_of_indices(mistakes):
    present(mistakes, "mistakes")
    labels = raw_data()[3]
    if isinstance(mistakes, tuple) and len(mistakes) == 1:
        raise AssertionError("mistakes is the tuple that np.where or np.nonzero returns: take its first element, [0].")
    found = array_of(mistakes, "mistakes", "biuf")
    if found.dtype.kind == "b":
        raise AssertionError("mistakes holds True and False, one for each image: turn that mask into the indices at which it is True.")
    if found.ndim == 2 and 1 in found.shape:
        raise AssertionError(f"mistakes has shape {found.shape}: make it one-dimensional (np.flatnonzero gives that at once).")
    if found.ndim != 1:
        raise AssertionError(f"mistakes has shape {found.shape}: a one-dimensional array of indices is asked for, not their number.")
    if found.size == 0:
        raise AssertionError("mistakes is empty: a network without a single mistake would be news, so check the comparison.")
    if found.dtype.kind == "f":
        raise AssertionError(f"mistakes has dtype {found.dtype}: indices are whole numbers.")
    if found.min() < 0 or found.max() >= len(labels):
        raise AssertionError("mistakes holds indices at which there is no test image: compare predicted_labels with test_labels.")
    if (np.diff(found.astype("int64")) <= 0).any():
        raise AssertionError("mistakes is not in ascending order, or names an image more than once.")

# %%
""" # BEGIN TEST CONFIG
points: 1.5
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q9_are_the_mistakes_of_the_model(model, x_test, mistakes):
    if isinstance(mistakes, tuple) and len(mistakes) == 1:
        raise AssertionError("mistakes is the tuple that np.where or np.nonzero returns: take its first element, [0].")
    found = array_of(mistakes, "mistakes", "iu")
    rows, labels = outputs_for(model, x_test, "x_test"), raw_data()[3]
    if len(rows) != len(labels):
        raise AssertionError(f"x_test holds {len(rows)} images, not all test images: see question 2.")
    if found.ndim != 1 or not found.size or found.min() < 0 or found.max() >= len(labels) or (np.diff(found.astype("int64")) <= 0).any():
        raise AssertionError("mistakes is not a one-dimensional array of indices of test images in ascending order.")
    named = np.zeros(len(labels), dtype=bool)
    named[found] = True
    others = rows.copy()
    others[np.arange(len(labels)), labels] = -np.inf
    margin = rows[np.arange(len(labels)), labels] - others.max(axis=1)
    clear = np.abs(margin) > 1e-5
    wrong = margin < 0
    if np.array_equal(named[clear], wrong[clear]):
        return
    if np.mean(named[clear] != wrong[clear]) > 0.99:
        raise AssertionError("mistakes is turned round: it holds the images the model reads correctly.")
    if not (named & ~wrong & clear).any():
        raise AssertionError(f"mistakes is not complete: {int((wrong & ~named & clear).sum())} wrongly read images are not in it.")
    raise AssertionError(
        f"mistakes holds {int((named & ~wrong & clear).sum())} images that the model reads correctly and lacks {int((wrong & ~named & clear).sum())} "
        "that it reads wrongly: compare the digits this model predicts for x_test with test_labels."
    )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Here are the first of them. Which would you have read correctly yourself? In how many is the network sure and wrong?

# %%
if answered(predictions, mistakes):
    plot_predictions(mistakes, "The first mistakes")

# %% [markdown]
# ## Which digits are confused?
#
# Row $i$ and column $j$ of the **confusion matrix** count the test images of digit $i$ that the network took for digit $j$. The
# diagonal holds what is right. The colours show only what lies off it.


# %%
def plot_confusion(truth, predicted):
    """Count the pairs (true digit, predicted digit) and draw the 10 x 10 table."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (truth, predicted), 1)
    errors = counts * (1 - np.eye(10, dtype=int))
    figure, axis = plt.subplots(figsize=(6, 6))
    axis.imshow(errors, cmap="Reds")
    for i in range(10):
        for j in range(10):
            color = "white" if errors[i, j] > 0.6 * errors.max() else "black"
            axis.text(j, i, counts[i, j], ha="center", va="center", fontsize=9, color=color)
    axis.set_xticks(range(10))
    axis.set_yticks(range(10))
    axis.set_xlabel("predicted digit")
    axis.set_ylabel("true digit")
    axis.set_title("Confusion matrix of the test images")
    figure.tight_layout()
    plt.show()


if answered(predicted_labels):
    plot_confusion(test_labels, predicted_labels)

# %% [markdown]
# ## Looking back
#
# You took raw pixels to a network that reads unseen digits, you know where each of its parameters sits, and you
# know what it gets wrong. Three questions to take along, without points:
#
# - The gap between training and test accuracy: would it grow or shrink with ten more epochs?
# - Would the network still work if every image were shuffled by the same fixed permutation of its pixels?
# - What does the network answer to a picture that shows no digit at all, and how confident is it?
