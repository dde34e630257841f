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
# away and the fog lifts. What remains is one dense layer whose weights are ten pictures, one for each digit, and
# whose whole reasoning is to lay these pictures over the image and see which fits best. In this lab you train that
# network, ask what the missing layer costs, and look at what it has learnt.
#
# **What you will learn**
#
# - how a single softmax layer decides, and how to count its parameters by hand;
# - how much accuracy a hidden layer buys;
# - how to read the weights of a layer as pictures;
# - how to find the images that excite an output most, and why that is asked before the softmax.
#
# **How to work.** Run the cells from top to bottom. Three dots `...` mark a gap: replace them with your answer and
# keep the name on the left. The line `grader.check(...)` below each question runs the public checks and tells you
# what it found. Hidden checks follow when your work is graded, so passing the public checks is necessary but not the
# whole run_log. Training takes well under a minute on a laptop.
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

TWO_LAYER_ACCURACY = 0.98  # the same constant as dense_test_acc in the notebook
CHUNK = 5000  # images a forward pass takes at a time
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


@functools.lru_cache(maxsize=1)
def raw_data():
    """Return (train_images, train_labels, test_images, test_labels) afresh, whatever the notebook did to its own."""
    (train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    return train_images, train_labels, test_images, test_labels


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


def present(value, name):
    """Return value; raise AssertionError if it is missing or still a gap."""
    if value is None:
        raise AssertionError(f"{name} is missing: run the cell that sets it, and keep the name as it was given.")
    if value is Ellipsis:
        raise AssertionError(f"{name} is still the gap ...: replace the three dots with your answer and run the cell.")
    return value


def array_of(value, name):
    """Return value as a NumPy array of finite numbers; lists and tensors will do."""
    present(value, name)
    kind = type(value).__name__
    if isinstance(value, (str, bytes)):
        raise AssertionError(f"{name} is text ({kind}), not numbers: remove the quotation marks.")
    try:
        found = np.asarray(value)
    except Exception:
        raise AssertionError(f"{name}, of type {kind}, cannot be read as numbers: are its parts of different length?") from None
    if found.dtype.kind not in "iuf":
        raise AssertionError(f"{name} is of type {kind} with dtype {found.dtype}, not numbers: look at the cell that sets it.")
    if not np.all(np.isfinite(found)):
        raise AssertionError(f"{name} holds NaN or infinity: look for a division by zero or a training that failed.")
    return found


def number(value, name):
    """Return value as a float; any Python or NumPy number will do, but no text, no truth value and not NaN."""
    found = array_of(value, name)
    if found.shape != ():
        raise AssertionError(f"{name} has shape {found.shape}, but one single number is asked for: pick or compute it.")
    return float(found)


def network(model):
    """Return model if it is a Keras model whose weights exist; raise AssertionError otherwise."""
    if model is None or model is Ellipsis:
        raise AssertionError("There is no linear_model yet: answer question 1 first, then run the cells below it again.")
    if not isinstance(model, keras.Model):
        kind = type(model).__name__
        raise AssertionError(f"linear_model is of type {kind}, no Keras model: build it with keras.Sequential or keras.Model.")
    if not model.built or not model.weights:
        raise AssertionError(
            "linear_model has no weights yet, because it does not know the shape of its input: begin it with keras.Input."
        )
    if not all(np.all(np.isfinite(weights)) for weights in model.get_weights()):
        raise AssertionError("linear_model has weights that are NaN or infinite: the training failed, define it anew and fit again.")
    return model


def outputs_for(model, images):
    """Return what the model gives for raw images (uint8, 0 to 255), scaled as in the notebook: (images, outputs)."""
    network(model)
    try:
        chunks = (images[i : i + CHUNK].astype("float32") / 255.0 for i in range(0, len(images), CHUNK))
        found = np.concatenate([np.asarray(model(chunk)) for chunk in chunks])
    except Exception as error:
        raise AssertionError(
            f"linear_model cannot be applied to images of shape {images.shape[1:]} ({type(error).__name__}): "
            "what must happen to a picture before a Dense layer can take it?"
        ) from None
    if found.ndim != 2:
        raise AssertionError(
            f"linear_model gives an output of shape {found.shape[1:]} for one image, where one row of numbers is needed: "
            "is the picture flattened before the Dense layer?"
        )
    return found


def accuracy_of(model, images, labels):
    """Return the share of raw images whose largest output stands at the index of their label."""
    return float(np.mean(outputs_for(model, images).argmax(axis=1) == labels))


def records_of(history):
    """Return (epochs, records) of a History: how many epochs it tells of, and one list a quantity."""
    present(history, "linear_history")
    if isinstance(history, dict):
        raise AssertionError(
            "linear_history is the dict .history: keep the whole object that fit returns, it also knows epochs and steps."
        )
    if not isinstance(history, keras.callbacks.History):
        kind = type(history).__name__
        raise AssertionError(f"linear_history is of type {kind}: keep what the method fit returns, a History.")
    epochs, records = getattr(history, "epoch", None), getattr(history, "history", None)
    if not isinstance(epochs, list) or not isinstance(records, dict) or not records:
        raise AssertionError("linear_history records no epoch: linear_model has never been fitted with it.")
    if any(not isinstance(key, str) or not isinstance(values, list) for key, values in records.items()):
        raise AssertionError("linear_history does not hold lists of values under names: keep it as fit returns it.")
    return len(epochs), records


def layers_of(model):
    """Yield the layers and operations of a model in order, those of models inside it included, inputs left out."""
    for layer in getattr(model, "operations", None) or model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def dense_layers(model):
    """Return the Dense layers of a model, in order."""
    return [layer for layer in layers_of(model) if isinstance(layer, keras.layers.Dense)]


def last_activation(model):
    """Return the name of the function that makes the outputs, wherever the model holds it."""
    last = list(layers_of(model))[-1]
    function = getattr(last, "activation", None) or last
    name = getattr(function, "__name__", type(function).__name__)
    return {"softmax_v2": "softmax"}.get(name.lower(), name.lower())


# %% [markdown]
# ## The data
#
# The images are the MNIST digits: pictures of 28 × 28 pixels, written by hand, each with the digit it shows.

# %%
(train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()

for name, images, labels in [("training", train_images, train_labels), ("test", test_images, test_labels)]:
    print(f"{name:8} images {images.shape} {images.dtype}, labels {labels.shape} {labels.dtype}")
print("first training labels:", train_labels[:10])

# %%
plt.figure(figsize=(7, 7.4))
for i in range(25):
    plt.subplot(5, 5, i + 1)
    plt.imshow(train_images[i], cmap="gray_r")
    plt.xticks([])
    plt.yticks([])
    plt.xlabel(train_labels[i])
plt.tight_layout()
plt.show()

# %% [markdown]
# This time the scaling is done for you. `x_train` and `x_test` hold the same images as numbers from 0 to 1. They are
# new arrays, made from the raw ones, so you may run the cell as often as you like: dividing `train_images` *in place*
# would divide again at every run.

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
# The softmax is taken row by row; it makes them positive and lets them sum to one, so that they can be read as
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
# strokes or loops, and none can say *this pixel matters only if that one is white*. A hidden layer is what could.

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
# - `linear_params`: the number of parameters this network learns, by hand arithmetic from the shapes of $W$ and $b$
#   above. A whole number, not text.

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
points: 1
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q1_model(linear_model):
    model = network(present(linear_model, "linear_model"))
    train_images, train_labels, _, _ = raw_data()
    outputs = outputs_for(model, train_images[:50])
    classes = len(np.unique(train_labels))
    if outputs.shape[1] != classes:
        raise AssertionError(
            f"linear_model gives {outputs.shape[1]} outputs for an image, but there is one class for each digit, {classes}: "
            "check the units of the Dense layer."
        )
    if outputs.min() < -1e-6 or not np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
        raise AssertionError(
            f"The outputs for one image are no probabilities: they end in {last_activation(model)}, and those of the first image "
            f"sum to {outputs[0].sum():.3f}. Which activation makes them positive with sum one?"
        )

# %%
""" # BEGIN TEST CONFIG
points: 0
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q1_count_is_a_whole_number(linear_params):
    found = number(linear_params, "linear_params")
    if found <= 0 or found != round(found):
        raise AssertionError(f"linear_params is {found:g}: a count is a positive whole number.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q1_one_dense_softmax_layer(linear_model):
    model = network(present(linear_model, "linear_model"))
    train_images, train_labels, _, _ = raw_data()
    pixels, classes = train_images[0].size, len(np.unique(train_labels))
    dense = dense_layers(model)
    if not dense:
        raise AssertionError("linear_model has no Dense layer: the logits Z = XW + b come from one.")
    if len(dense) > 1:
        units = ", ".join(str(layer.units) for layer in dense[:-1])
        raise AssertionError(
            f"linear_model has {len(dense)} Dense layers: there is a hidden layer (of {units} units) before the output. "
            "This lab is about a network without one."
        )
    layer = dense[0]
    if layer.units != classes:
        raise AssertionError(f"The Dense layer has {layer.units} units: it needs one for each digit.")
    if not layer.use_bias:
        raise AssertionError("The Dense layer has no bias: leave out use_bias=False, the layer computes XW + b.")
    silent = {"Flatten", "Reshape", "Dense", "Activation", "Softmax", "ReLU"}
    extra = [type(step).__name__ for step in layers_of(model) if type(step).__name__ not in silent]
    if extra:
        raise AssertionError(f"linear_model has a layer that was not asked for, {extra[0]}: keep to Flatten and one Dense layer.")
    kernel, bias = (np.asarray(weight) for weight in layer.get_weights())
    if kernel.shape[0] != pixels:
        raise AssertionError(
            f"The Dense layer sees {kernel.shape[0]} numbers at a time, not all pixels of an image: flatten the picture first."
        )
    images = train_images[:200]
    logits = images.reshape(len(images), pixels).astype("float32") / 255.0 @ kernel + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    wanted = powers / powers.sum(axis=1, keepdims=True)
    found = outputs_for(model, images)
    if not np.allclose(found, wanted, atol=1e-4):
        name = last_activation(model)
        if name != "softmax":
            raise AssertionError(f"The ten outputs end in {name}: with which activation do they become probabilities?")
        raise AssertionError(
            "The Dense layer is right, but linear_model does something else to the numbers before or after it: "
            "let the flattened image go straight into the layer and apply softmax once."
        )

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q1_count(linear_params):
    found = number(linear_params, "linear_params")
    pixels, classes, hidden = 784, 10, 512
    if found == pixels * classes + classes:
        return
    names = {
        pixels * classes: "leaves out the biases: each unit has one of its own",
        pixels * classes + 1: "has one bias for the whole layer: each unit has one of its own",
        pixels * classes + pixels: "gives a bias to every pixel: biases belong to the units of the layer",
        (pixels + 1) * (classes + 1): "counts one unit too many",
        pixels + classes: "adds inputs and units: each of the inputs has a weight to each of the units",
        28 * classes + classes: "counts a single row of the picture: the layer sees the whole flattened picture",
        hidden * classes + classes: "counts the output layer of a network with a hidden layer of 512 units",
        pixels * hidden + hidden: "counts the hidden layer of a two-layer network, which linear_model does not have",
        (pixels + 1) * hidden + (hidden + 1) * classes: "counts a two-layer network with a hidden layer",
    }
    if found in names:
        raise AssertionError(f"linear_params {names[found]}.")
    raise AssertionError(
        f"linear_params is {found:g}, which is not the number of entries of W and b together: write down both shapes and count again."
    )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Keras counts as well. Compare its table with your own number: if the two differ, find out which shape you had in mind.

# %%
if answered(linear_model, linear_params):
    linear_model.summary()
    print("counted by hand:", linear_params)

# %% [raw]
# # BEGIN QUESTION
# name: q2
# points: 5

# %% [markdown]
# ## Question 2: Compile and fit (5 points)
#
# To see what the hidden layer is worth, everything but the layer must stay the same: the way of training, too.
#
# - In the first gap, compile `linear_model` with the **optimizer** RMSprop (the rule by which weights and biases are
#   changed), the **loss** sparse categorical cross-entropy (what the optimizer makes small; *sparse* because the
#   labels are digits, not vectors of ten) and the **metric** accuracy (what people look at; it takes no part in
#   training). Compiling adds no layer and changes no weight. It is a call, not an assignment, so this gap has no
#   name.
# - `linear_history`: what `fit` returns when you train on `x_train` and `train_labels` for **10 epochs** in batches
#   of **128** images. Keep the object as `fit` gives it, a `keras.callbacks.History`.

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
points: 1
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q2_ready(linear_model, linear_history):
    if not network(linear_model).compiled:
        raise AssertionError("linear_model is not compiled: call its method compile in the first gap, before fit.")
    epochs, records = records_of(linear_history)
    if not epochs or "loss" not in records:
        raise AssertionError("linear_history records no epoch: linear_model has never been fitted with it.")
    if not any("acc" in key for key in records):
        raise AssertionError(
            f"linear_history records {', '.join(sorted(records))} but no accuracy: compile with the metric, then fit again."
        )

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q2_compiled_as_asked(linear_model):
    def name_of(thing):
        """Name a loss or metric that is a text, an object, a function or its saved form."""
        if isinstance(thing, dict) and "class_name" in thing:
            inner = thing.get("config")
            thing = inner if isinstance(inner, str) else thing["class_name"]
        if not isinstance(thing, str):
            thing = getattr(thing, "__name__", type(thing).__name__)
        return thing.replace("_", "").lower()

    def flat(thing):
        """List what stands in nested lists, and in dicts by output."""
        if isinstance(thing, dict) and "class_name" not in thing:
            thing = list(thing.values())
        if isinstance(thing, (list, tuple)):
            return [part for item in thing for part in flat(item)]
        return [] if thing is None else [thing]

    model = network(linear_model)
    if not model.compiled:
        raise AssertionError("linear_model is not compiled.")
    optimizer = type(model.optimizer).__name__
    if optimizer.lower() != "rmsprop":
        raise AssertionError(f"linear_model is compiled with the optimizer {optimizer}, which is not the one that was asked for.")
    losses = flat(model.loss)
    names = [name_of(loss) for loss in losses]
    if names != ["sparsecategoricalcrossentropy"]:
        found = ", ".join(names) or "no loss"
        raise AssertionError(
            f"linear_model is compiled with another loss ({found}): the labels are single digits, one class out of ten."
        )
    takes_logits = bool(getattr(losses[0], "from_logits", False))
    if takes_logits and last_activation(model) == "softmax":
        raise AssertionError("The loss is told from_logits=True, but the outputs are probabilities already: softmax is applied twice.")
    settings = model.get_compile_config() or {}
    measured = flat(settings.get("metrics")) + flat(settings.get("weighted_metrics"))
    if not measured:
        raise AssertionError("linear_model is compiled with no metric: accuracy was asked for.")
    if not {name_of(metric) for metric in measured} & {"accuracy", "acc", "sparsecategoricalaccuracy"}:
        found = ", ".join(name_of(metric) for metric in measured)
        raise AssertionError(f"linear_model is compiled with another metric ({found}): accuracy for labels that are digits was asked for.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q2_fitted_as_asked(linear_history):
    found, records = records_of(linear_history)
    epochs, images = 10, len(raw_data()[0])
    if found != epochs:
        hint = "more" if found < epochs else "fewer"
        raise AssertionError(f"linear_history tells of {found} epochs: {hint} were asked for.")
    if any(len(values) != found for values in records.values()):
        raise AssertionError("linear_history does not hold one value for each epoch: keep it as fit returns it.")
    params = getattr(linear_history, "params", None)
    steps = params.get("steps") if isinstance(params, dict) else None
    if not isinstance(steps, int):
        raise AssertionError("linear_history does not know how many steps an epoch had: keep it as fit returns it.")
    if steps == -(-images // 128):
        return
    if any(key.startswith("val_") for key in records):
        raise AssertionError(f"An epoch had {steps} steps: was a part of the training images held back (validation_split)?")
    if steps == -(-images // 32):
        raise AssertionError(f"An epoch had {steps} steps: the batch size was the default, because batch_size was not given.")
    raise AssertionError(f"An epoch had {steps} steps: that is another batch size, or not all of the training images.")

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q2_has_learnt(linear_model, linear_history):
    present(linear_history, "linear_history")
    train_images, train_labels, _, _ = raw_data()
    found = measure("train_accuracy", accuracy_of(linear_model, train_images, train_labels))
    if found < 0.3:
        raise AssertionError(
            f"linear_model gets {found:.3f} of the training images right, hardly better than guessing: it was never fitted, or on "
            "wrong data or labels. Was it defined anew after fit?"
        )
    if found < 0.90:
        raise AssertionError(
            f"linear_model gets only {found:.3f} of the training images right: was it fitted on x_train as given, with all epochs?"
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# Loss and accuracy on the training images, epoch by epoch. The curves are almost flat at the end: more epochs of the
# same would help little. One layer has said what it can say.


# %%
def plot_history(history):
    """Draw loss and accuracy per epoch from a History, side by side."""
    records = history.history
    accuracy = next((key for key in records if "acc" in key and not key.startswith("val_")), None)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, key, title in zip(axes, ("loss", accuracy), ("training loss", "training accuracy")):
        if key in records:
            axis.plot(range(1, len(records[key]) + 1), records[key], marker="o", markersize=4)
        axis.set_xlabel("epoch")
        axis.set_title(title)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    plt.show()


if answered(linear_history) and isinstance(linear_history, keras.callbacks.History):
    plot_history(linear_history)

# %% [raw]
# # BEGIN QUESTION
# name: q3
# points: 4
# depends_on: q2

# %% [markdown]
# ## Question 3: Evaluate: what is the hidden layer worth? (4 points)
#
# A network is judged on images it has never seen. The same digits have been given to a network with a hidden layer of
# 512 units, trained the same way for five epochs; its accuracy on the test images is the constant `dense_test_acc` in
# the next cell.

# %%
dense_test_acc = 0.98  # two dense layers, on the same test images

# %% [markdown]
# - `linear_test_acc`: the accuracy of `linear_model` on the test images `x_test` with their labels `test_labels`, as
#   a fraction from 0 to 1. Let the model be evaluated, do not type a number.
# - `accuracy_cost`: the accuracy that is lost when the hidden layer is left out: what the two-layer network reaches
#   minus what `linear_model` reaches.
#
# One of the four points is for the model itself: all of it from a test accuracy of 0.90 on, a part of it from 0.80 on.

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
@told_plainly
def test_q3_accuracy(linear_test_acc, linear_model):
    found = number(linear_test_acc, "linear_test_acc")
    train_images, train_labels, test_images, test_labels = raw_data()
    outputs = outputs_for(linear_model, test_images)
    reached = float(np.mean(outputs.argmax(axis=1) == test_labels))
    if abs(found - reached) <= 1e-3:
        return
    if abs(found / 100 - reached) <= 1e-3:
        raise AssertionError("linear_test_acc is in percent: give it as a fraction from 0 to 1.")
    if not 0 <= found <= 1:
        raise AssertionError(f"linear_test_acc is {found:g}: an accuracy is a fraction from 0 to 1.")
    if abs(1 - found - reached) <= 1e-3:
        raise AssertionError("linear_test_acc is the share of wrong answers: accuracy is the share of right ones.")
    right = outputs[np.arange(len(test_labels)), np.minimum(test_labels, outputs.shape[1] - 1)]
    if abs(found + np.mean(np.log(np.maximum(right, 1e-7)))) <= 2e-3:
        raise AssertionError("linear_test_acc is the loss: evaluate gives the loss first and the accuracy second.")
    if abs(found - accuracy_of(linear_model, train_images, train_labels)) <= 1e-3:
        raise AssertionError("linear_test_acc is the accuracy on the training images: evaluate on x_test and test_labels.")
    if abs(found - reached) <= 5e-3 and round(found, 2) == found:
        raise AssertionError("linear_test_acc seems to be rounded: keep the number as evaluate gives it.")
    raise AssertionError(
        f"linear_test_acc says {found:.4f}, but linear_model does not reach that on the test images (or does better): was the number "
        "typed in, taken from linear_history, or from a model that has been trained again since?"
    )

# %%
""" # BEGIN TEST CONFIG
points: 0
hidden: false
""" # END TEST CONFIG
@told_plainly
def test_q3_cost_is_a_fraction(accuracy_cost):
    found = number(accuracy_cost, "accuracy_cost")
    if abs(found) > 1:
        raise AssertionError(
            f"accuracy_cost is {found:g}: a difference of two fractions lies between -1 and 1. Is one of them in percent?"
        )

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q3_good_enough(linear_test_acc, linear_model):
    number(linear_test_acc, "linear_test_acc")
    _, _, test_images, test_labels = raw_data()
    reached = measure("test_accuracy", accuracy_of(linear_model, test_images, test_labels))
    if reached < 0.90:
        raise partly(
            tenths(reached, 0.80, 0.90),
            f"linear_model gets {reached:.4f} of the test images right, which is less than one layer can do: train it as question 2 says.",
        )

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q3_cost(accuracy_cost, linear_model):
    found = number(accuracy_cost, "accuracy_cost")
    _, _, test_images, test_labels = raw_data()
    reached = accuracy_of(linear_model, test_images, test_labels)
    cost = TWO_LAYER_ACCURACY - reached
    if abs(found - cost) <= 1e-3 + 1e-9:
        return
    if abs(found + cost) <= 1e-3:
        raise AssertionError("accuracy_cost has the wrong sign: it says what is lost without the hidden layer.")
    if abs(found / 100 - cost) <= 1e-3:
        raise AssertionError("accuracy_cost is in percent: give the difference of the two fractions.")
    if abs(found - cost / TWO_LAYER_ACCURACY) <= 1e-4 or abs(found - reached / TWO_LAYER_ACCURACY) <= 1e-3:
        raise AssertionError("accuracy_cost is a ratio: a difference was asked for.")
    raise AssertionError(f"accuracy_cost is {found:.4f}: that is not what linear_model loses against the two-layer network.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# A few hundredths sound like little. Counted in images they do not: look at how many more of the test images are read
# wrongly.

# %%
if answered(linear_test_acc, accuracy_cost) and np.ndim(linear_test_acc) == 0:
    n_test = len(test_labels)
    print(f"two layers: about {round((1 - dense_test_acc) * n_test)} of {n_test} test images wrong")
    wrong, more = (1 - float(linear_test_acc)) * n_test, float(accuracy_cost) * n_test
    print(f"one layer:  about {round(wrong)} wrong, {round(more)} more")

# %% [markdown]
# The first mistakes, each with its ten probabilities. Below a picture stand the predicted digit, its probability and,
# in brackets, the true digit; the bar of the predicted digit is red, that of the true one blue. Some of these nobody
# could read with certainty. Others are clear to you and still wrong here.


# %%
def plot_first_mistakes(probabilities, rows=4, columns=3):
    """Draw the first mistakes with bars: red for the predicted digit, blue for the true one."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != test_labels)[: rows * columns]
    figure, axes = plt.subplots(rows, 2 * columns, figsize=(3.2 * columns, 1.8 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for (image_axis, bar_axis), i in zip(axes.reshape(-1, 2), wrong):
        predicted, true = probabilities[i].argmax(), test_labels[i]
        image_axis.set_visible(True)
        image_axis.imshow(test_images[i], cmap="gray_r")
        image_axis.set(xticks=[], yticks=[])
        confidence = 100 * probabilities[i, predicted]
        image_axis.set_xlabel(f"{predicted}  {confidence:.0f} %  ({true})", color="tab:red")
        colours = ["0.6"] * len(probabilities[i])
        colours[predicted], colours[true] = "tab:red", "tab:blue"
        bar_axis.set_visible(True)
        bar_axis.bar(range(len(colours)), probabilities[i], color=colours)
        bar_axis.set(xticks=range(10), yticks=[], ylim=(0, 1))
        bar_axis.tick_params(labelsize=7)
    figure.tight_layout()
    plt.show()


if answered(linear_model, linear_test_acc):
    plot_first_mistakes(linear_model.predict(x_test, verbose=0))

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
# Mind the order: `reshape` only reads numbers off in a new rhythm and never complains as long as their count fits. It
# does not know which axis was which.

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
@told_plainly
def test_q4_shape(templates):
    found = array_of(templates, "templates")
    train_images, train_labels, _, _ = raw_data()
    classes, picture = len(np.unique(train_labels)), train_images.shape[1:]
    if found.shape == (classes, *picture):
        if found.dtype.kind != "f":
            raise AssertionError(f"templates has dtype {found.dtype}: weights are floating-point numbers, are these pixels or counts?")
        if not found.any():
            raise AssertionError("templates holds nothing but zeros: it was made, but never filled with weights.")
        return
    if found.shape == (*picture, classes):
        raise AssertionError(f"templates has shape {found.shape}: the digit is the last axis here, it belongs first.")
    if found.size == classes:
        raise AssertionError(f"templates has shape {found.shape}, one number for each digit: these look like the biases, not the weights.")
    if found.ndim == 2 and found.size == train_images[0].size * classes:
        raise AssertionError(f"templates has shape {found.shape}: one row or column for each digit, but not yet a picture for each.")
    if found.shape == picture:
        raise AssertionError(f"templates has shape {found.shape}, a single picture: one for each digit was asked for.")
    raise AssertionError(f"templates has shape {found.shape}: one picture for each digit was asked for, the digit as first axis.")

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q4_weights(templates, linear_model):
    found = array_of(templates, "templates").astype("float64")
    train_images, train_labels, _, _ = raw_data()
    dense = dense_layers(network(linear_model))
    kernel = np.asarray(dense[-1].get_weights()[0], dtype="float64") if dense else np.zeros((0, 0))
    if kernel.shape[0] == 784 and kernel.shape[1] != 10:
        raise AssertionError(f"The last layer of linear_model has {kernel.shape[1]} units, so it has no template for each digit: see question 1.")
    if kernel.shape != (784, 10):
        raise AssertionError(
            "linear_model has no layer that leads straight from the pixels to the ten digits (is there a hidden layer?): its output "
            "weights are no pictures, see question 1."
        )
    if found.shape != (10, 28, 28):
        raise AssertionError(f"templates has shape {found.shape}, so its pictures cannot be compared with the weights.")
    pictures = np.stack([kernel[:, digit].reshape(28, 28) for digit in range(10)])

    def same(first, second):
        return np.allclose(first, second, rtol=1e-4, atol=1e-5)

    if same(found, pictures):
        return
    if same(found, kernel.reshape(10, 28, 28)):
        raise AssertionError(
            "templates is the (784, 10) matrix reshaped without transposing: its rows run through the digits, so every picture is a mix of "
            "all ten. Transpose the matrix first."
        )
    if same(found, pictures.transpose(0, 2, 1)):
        raise AssertionError("Each picture in templates is turned over its diagonal: rows and columns of the image are exchanged.")
    if same(found, -pictures):
        raise AssertionError("templates has the wrong sign: take the weights as they are.")
    if same(np.sort(found.ravel()), np.sort(pictures.ravel())):
        raise AssertionError("templates holds the right weights in a wrong order: which axis of W is the pixel, which the digit?")
    spread = (found - found.mean(axis=(1, 2), keepdims=True)) / (found.std(axis=(1, 2), keepdims=True) + 1e-12)
    wanted = (pictures - pictures.mean(axis=(1, 2), keepdims=True)) / (pictures.std(axis=(1, 2), keepdims=True) + 1e-12)
    if np.allclose(spread, wanted, atol=1e-3):
        raise AssertionError("templates holds scaled or shifted weights (or a bias was added): take them as they are.")
    means = np.stack([train_images[train_labels == digit].mean(axis=0) for digit in range(10)])
    if same(found, means) or same(found, means / 255):
        raise AssertionError("templates holds the mean image of each digit: the weights of linear_model were asked for.")
    raise AssertionError(
        "templates does not hold the weights of linear_model as it was handed over: were they taken from another layer or model, or before "
        "the training?"
    )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# The ten templates, in one colour scale with white at zero: ink on red speaks for the digit, ink on blue against it,
# and white pixels do not matter. What does the 0 forbid in its middle? And the outermost frame shows nothing but the
# faint noise that training began with: why could these weights not change?


# %%
def plot_templates(pictures):
    """Draw ten templates in one symmetric colour scale, so that white is zero in all of them."""
    limit = np.abs(pictures).max()
    figure, axes = plt.subplots(2, 5, figsize=(10, 4.4), layout="constrained")
    for digit, axis in enumerate(axes.flat):
        drawn = axis.imshow(pictures[digit], cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"output {digit}", fontsize=10)
    figure.colorbar(drawn, ax=axes, shrink=0.9, label="weight")
    plt.show()


if answered(templates) and np.shape(templates) == (10, 28, 28):
    plot_templates(np.asarray(templates))

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
# some images it is so close to one that the computer stores exactly 1.0, and the best can no longer be told. The
# logit has no ceiling. The model itself ends in the softmax, so compute the logits of all training images from its
# weights; the formula is at the top of this notebook.

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
@told_plainly
def test_q5_indices(best_images):
    found = array_of(best_images, "best_images")
    train_images, train_labels, _, _ = raw_data()
    classes, images = len(np.unique(train_labels)), len(train_images)
    if found.shape in ((images,), (images, 1)):
        raise AssertionError(
            f"best_images has shape {found.shape}, one entry for each image: the maximum was taken over the wrong axis, across the digits."
        )
    if found.shape[1:] == train_images.shape[1:] or found.shape[1:] == (train_images[0].size,):
        raise AssertionError(f"best_images has shape {found.shape}: these are pictures, their indices were asked for.")
    if found.shape != (classes,):
        raise AssertionError(f"best_images has shape {found.shape}: one index for each digit was asked for, in a flat row.")
    if np.any(found != np.round(found)):
        raise AssertionError("best_images holds numbers with a fraction: these are outputs, not indices of images.")
    if found.min() < 0 or found.max() >= images:
        raise AssertionError(f"best_images holds {int(found.min())} to {int(found.max())}, but x_train has indices 0 to {images - 1}.")
    if found.max() < classes:
        raise AssertionError("best_images holds nothing but digits: these are labels, or a maximum over the wrong axis, not indices of images.")

# %%
""" # BEGIN TEST CONFIG
points: 3
hidden: true
""" # END TEST CONFIG
@told_plainly
def test_q5_strongest(best_images, linear_model):
    found = array_of(best_images, "best_images")
    train_images, train_labels, test_images, _ = raw_data()
    model = network(linear_model)
    dense = dense_layers(model)
    if not dense:
        raise AssertionError("linear_model has no Dense layer, so there are no outputs before the softmax: see question 1.")
    if found.shape != (10,) or np.any(found != np.round(found)) or found.min() < 0 or found.max() >= len(train_images):
        raise AssertionError("best_images is not one index of a training image for each of the ten digits.")
    found = found.astype("int64")
    weights = [np.asarray(weight) for weight in dense[-1].get_weights()]
    if weights[0].shape[1] < 10:
        raise AssertionError("The last layer of linear_model has less than ten outputs: see question 1.")

    def logits_of(images):
        """Outputs before the softmax for raw images."""
        rows = []
        direct = len(dense) == 1 and weights[0].shape[0] == images[0].size
        try:  # where a layer stands before the last one, let Keras compute what it hands on
            inner = None if direct else keras.Model(model.inputs[0], dense[-1].input)
            for start in range(0, len(images), 5000):
                part = images[start : start + 5000].astype("float32") / 255.0
                values = part.reshape(len(part), -1) if inner is None else np.asarray(inner(part))
                rows.append(values @ weights[0] + (weights[1] if len(weights) > 1 else 0.0))
            found_logits = np.concatenate(rows)
        except Exception:
            raise AssertionError("The outputs of linear_model before its softmax cannot be computed: see question 1.") from None
        if found_logits.ndim != 2:
            raise AssertionError("linear_model has no single row of outputs for an image before its softmax: see question 1.")
        return found_logits[:, :10]

    logits = logits_of(train_images)
    digits = np.arange(10)
    short = logits.max(axis=0) - logits[found, digits]
    if np.all(short <= 1e-3):
        return
    off = ", ".join(str(digit) for digit in digits[short > 1e-3])
    if np.array_equal(found, logits_of(test_images).argmax(axis=0)):
        raise AssertionError("best_images holds indices of test images: search among the training images, x_train.")
    if np.all(logits[found, digits] - logits.min(axis=0) <= 1e-3):
        raise AssertionError("best_images holds the images with the smallest outputs: the largest were asked for.")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = powers / powers.sum(axis=1, keepdims=True)
    if np.all(chances.max(axis=0) - chances[found, digits] <= 1e-5):
        raise AssertionError(
            "best_images holds the images with the largest probabilities, after the softmax: the outputs before the softmax were asked for."
        )
    if np.all(logits[:10].argmax(axis=1) == found):
        raise AssertionError("best_images holds the predicted digits of the first ten images: the maximum was taken over the wrong axis.")
    if np.array_equal(found, train_labels[:10]) or found.max() < 10:
        raise AssertionError("best_images holds digits (labels), not indices of images.")
    if np.array_equal(train_labels[found], digits) and np.array_equal(found, [np.argmax(train_labels == d) for d in digits]):
        raise AssertionError("best_images holds the first image of each digit, not the one with the largest output.")
    if np.array_equal(found, np.abs(logits).argmax(axis=0)):
        raise AssertionError("best_images goes by size without the sign: a large negative output speaks against the digit.")
    raise AssertionError(f"best_images does not hold the training image with the largest output before the softmax for these digits: {off}.")

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# The strongest images, each with its label. See how bold they are: a logit is a sum over ink, so a picture that puts
# *much* ink on the red of a template beats a slender one that is just as well written.


# %%
def plot_best_images(indices):
    """Draw for each output the training image at its index, with the index and the label."""
    figure, axes = plt.subplots(2, 5, figsize=(9, 4.4))
    for digit, axis in enumerate(axes.flat):
        index = int(indices[digit])
        axis.imshow(train_images[index], cmap="gray_r")
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"output {digit}", fontsize=10)
        axis.set_xlabel(f"image {index}, label {train_labels[index]}", fontsize=9)
    figure.tight_layout()
    plt.show()


if answered(best_images) and np.shape(best_images) == (10,):
    plot_best_images(np.asarray(best_images))

# %% [markdown]
# ## What one layer sees
#
# The network has one template for each digit, and a digit comes in many hands. So each template is a compromise:
# blurred where people differ, sharp where *other* digits have to be told apart. It is not the average digit either,
# because the weights were found by what helps to decide and not by what looks like a digit. A hidden layer gives the
# network many templates to combine, some for a stroke, some for a gap, and the few hundredths of accuracy you
# measured above are what that is worth.
