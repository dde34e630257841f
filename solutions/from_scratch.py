# %% [raw]
# # ASSIGNMENT CONFIG
# name: from_scratch
# export_cell:
#   instructions: "The zip file holds this notebook. Hand in the zip file."
#   pdf: false
#   run_tests: false
# run_tests: false
# tests:
#   ok_format: false

# %% [markdown]
# # One layer by hand
#
# `model.fit` hides four small functions: one turns labels into vectors, one turns scores into probabilities, one measures
# how wrong they are, and one says how to change the weights. In this lab you write them yourself, in NumPy, and train the
# single layer with them. At the end nothing about `fit` is magic: it is a loop around your own code.
#
# **What you will learn**
#
# - how labels, scores and probabilities fit together as arrays;
# - why softmax and cross-entropy are computed with care for very large and very small numbers;
# - where the gradient of the loss comes from, and how it trains the layer;
# - what a single layer cannot see.
#
# **How to work.** Run the cells from top to bottom. Three dots `...` are a stub: replace them with your answer and keep the
# name. The body of a function may have as many lines as you like. The line `grader.check(...)` below each question runs the
# public checks; hidden checks follow when your work is graded. Use array operations instead of loops over images: the
# training then takes a few seconds. Question 7 is answered in words, and a person marks it.
#
# | Question | Topic | Points |
# |---|---|---|
# | 1 | Labels as vectors | 2 |
# | 2 | Softmax | 3 |
# | 3 | The loss | 3 |
# | 4 | The gradient | 4 |
# | 5 | Train | 4 |
# | 6 | Look at the weights | 2 |
# | 7 | Say why | 2 |
# | | **Total** | **20** |

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

# %%
(train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
x_train = train_images.reshape(-1, 784).astype("float32") / 255
x_test = test_images.reshape(-1, 784).astype("float32") / 255

# %% [markdown]
# Each image is now a row of 784 numbers between 0 and 1: `x_train` has shape (60000, 784), `x_test` (10000, 784). The
# labels are whole numbers from 0 to 9.

# %% tags=["test-helpers"]
import numpy as np

from autograder.checks.core import CheckFailed, check, linear_credit, measure
from autograder.checks.mnist import raw_data
from autograder.checks.values import array, is_close, number, present, result_of


def true_softmax(scores):
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def true_one_hot(labels, classes):
    return np.eye(classes)[labels]


def true_loss(probabilities, labels):
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-7)).mean())


def small_batch(seed, rows=12, pixels=6):
    """Images, probabilities and labels of ten classes, made up."""
    numbers = np.random.default_rng(seed)
    images = numbers.random((rows, pixels))
    return images, true_softmax(numbers.normal(size=(rows, 10))), numbers.integers(0, 10, rows)


def scores_of(images, weights, bias):
    weights = array(weights, "weights", shape=(784, 10))
    bias = np.asarray(array(bias, "bias"))
    if bias.shape not in ((10,), (1, 10)):
        raise CheckFailed(
            "bias has shape {shape}: one number for each of the ten digits is needed, shape (10,).",
            {"shape": str(bias.shape)},
        )
    return images @ np.asarray(weights, dtype="float64") + bias.reshape(10)


def pair_of(found, name, first, second):
    """The two results of a function that returns a pair."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise CheckFailed(
            "{name} returns {kind}: return two results, `return {first}, {second}`.",
            {
                "name": name,
                "kind": f"{len(found)} results" if isinstance(found, (tuple, list)) else "one result",
                "first": first,
                "second": second,
            },
        )
    return found

# %% [raw]
# # BEGIN QUESTION
# name: q1
# points: 2

# %% [markdown]
# ## Question 1: labels as vectors (2 points)
#
# The layer has one output per digit, so the label 3 becomes a row of ten numbers: 1 at position 3, and 0 elsewhere.
#
# Write `one_hot(labels, classes)`. `labels` is an array of n whole numbers from 0 to `classes - 1`; return an array of shape
# (n, classes). `one_hot(np.array([2, 0]), 3)` is `[[0, 0, 1], [1, 0, 0]]`.
#
# <details><summary>Hint</summary>
#
# `np.eye(classes)` has a row for each class. An array of whole numbers can select rows.
#
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q1"]
def one_hot(labels, classes):
    # BEGIN SOLUTION
    return np.eye(classes)[labels]
    # END SOLUTION

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
def test_q1_small(one_hot):
    """three labels of four classes"""
    labels = np.array([2, 0, 1])
    found = array(result_of(one_hot, "one_hot", labels, 4), "the result of one_hot", dtype="any")
    if found.shape == (4, 3):
        raise CheckFailed("one_hot gives one column per label: turn it round, one row per label is needed.", {})
    if found.shape != (3, 4):
        raise CheckFailed(
            "one_hot gives shape {shape} for 3 labels and 4 classes: one row per label and one column per class are "
            "needed. Take the number of columns from `classes`.",
            {"shape": str(found.shape)},
        )
    if found.dtype.kind not in "iuf":
        raise CheckFailed("one_hot gives {kind} values: 0 and 1 as numbers are needed.", {"kind": str(found.dtype)})
    if not np.isin(found, (0, 1)).all():
        raise CheckFailed("one_hot gives other numbers than 0 and 1.", {})
    if (found.sum(axis=1) != 1).any():
        raise CheckFailed("a row of one_hot does not hold exactly one 1.", {})
    columns = found.argmax(axis=1)
    if (columns == (labels + 1) % 4).all() or (columns == (labels - 1) % 4).all():
        raise CheckFailed("one_hot puts the 1 one place off: the label 0 belongs to the first column.", {})
    if (columns != labels).any():
        raise CheckFailed("one_hot puts a 1 into the wrong column: the label is the number of the column.", {})

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q1_other_labels(one_hot):
    """many labels, not all classes among them"""
    labels = np.random.default_rng(5).integers(0, 7, 200)
    found = array(result_of(one_hot, "one_hot", labels, 12), "the result of one_hot", dtype="any")
    if found.shape != (200, 12):
        raise CheckFailed(
            "one_hot gives shape {shape} for 200 labels and 12 classes: a class without a label needs a column too.",
            {"shape": str(found.shape)},
        )
    if not is_close(found, true_one_hot(labels, 12), 1e-9):
        raise CheckFailed("one_hot is wrong for many labels: use its parameters, and no fixed numbers.", {})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: q2
# points: 3

# %% [markdown]
# ## Question 2: softmax (3 points)
#
# The layer computes a *score* for each digit, any number. Softmax turns the scores of an image into probabilities: raise $e$ to
# each score, then divide by the sum of the row,
#
# $$p_j = \frac{e^{s_j}}{\sum_k e^{s_k}}.$$
#
# Write `softmax(scores)` for an array of shape (n, classes). It must be right for scores such as 1000 and −1000 too, where
# $e^{1000}$ is more than a computer can hold. Subtracting the same number from all scores of a row changes nothing in the
# result.
#
# <details><summary>Hint</summary>
#
# Subtract the largest score of each row first. `keepdims=True` keeps the shape (n, 1), which NumPy can subtract.
#
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q2"]
def softmax(scores):
    # BEGIN SOLUTION
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
    # END SOLUTION

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
def test_q2_small(softmax):
    """small scores"""
    scores = np.array([[1.0, 2.0, 0.5, -1.0], [0.0, 0.0, 3.0, 0.0], [-2.0, 1.5, 1.0, 0.25]])
    found = array(result_of(softmax, "softmax", scores), "the result of softmax", shape=scores.shape)
    truth = np.array(
        [
            [0.22420782, 0.60946004, 0.13598892, 0.03034323],
            [0.04331716, 0.04331716, 0.87004851, 0.04331716],
            [0.01570137, 0.51995784, 0.31537037, 0.14897042],
        ]
    )
    if (np.abs(found.sum(axis=0) - 1) < 1e-6).all():
        raise CheckFailed("softmax gives columns that sum to 1: add up along the rows, axis=1.", {})
    if abs(found.sum() - 1) < 1e-6:
        raise CheckFailed("softmax divides by the sum of all rows together: each row has a sum of its own.", {})
    if is_close(found, scores / scores.sum(axis=1, keepdims=True), 1e-6):
        raise CheckFailed("softmax divides the scores themselves: raise e to them first, np.exp(scores).", {})
    if is_close(found, np.log(truth), 1e-6):
        raise CheckFailed("softmax gives the logarithm of the probabilities: leave it out here.", {})
    if (found > 0).all() and is_close(found / found.sum(axis=1, keepdims=True), truth, 1e-6) and not is_close(
        found, truth, 1e-6
    ):
        raise CheckFailed("softmax does not divide by the sum of the row.", {})
    if (np.abs(found.sum(axis=1) - 1) > 1e-6).any():
        raise CheckFailed("a row of softmax sums to {total:.4g}, not to 1.", {"total": float(found.sum(axis=1).max())})
    if not is_close(found, truth, 1e-6):
        raise CheckFailed("softmax gives rows that sum to 1, but other probabilities than e to the scores.", {})

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: false
""" # END TEST CONFIG
@check
def test_q2_large(softmax):
    """scores of 1000 and -1000"""
    scores = np.array([[1000.0, 999.0, -1000.0], [-1000.0, -1001.0, -1000.0]])
    found = array(result_of(softmax, "softmax", scores), "the result of softmax", shape=scores.shape, finite=False)
    if not np.isfinite(found).all():
        raise CheckFailed(
            "softmax gives NaN or infinity for scores of 1000 or -1000: subtract the largest score of each row before "
            "np.exp.",
            {},
        )
    truth = np.array(
        [
            [0.73105858, 0.26894142, 0.00000000],
            [0.42231880, 0.15536240, 0.42231880],
        ]
    )
    if not is_close(found, truth, 1e-6):
        raise CheckFailed("softmax is wrong for scores of 1000: subtract a number from the scores, do not cut them off.", {})

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q2_rows_of_their_own(softmax):
    """rows with very different scores"""
    numbers = np.random.default_rng(3)
    scores = numbers.normal(size=(50, 10)) + numbers.choice([-900.0, 0.0, 900.0], (50, 1))
    found = array(result_of(softmax, "softmax", scores), "the result of softmax", shape=(50, 10), finite=False)
    if not np.isfinite(found).all() or not is_close(found, true_softmax(scores), 1e-3):
        raise CheckFailed(
            "softmax is wrong where one row has much larger scores than another: subtract the maximum of each row, not "
            "that of the whole array.",
            {},
        )

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: q3
# points: 3

# %% [markdown]
# ## Question 3: the loss (3 points)
#
# How wrong are the probabilities? For each image take the probability of the *right* digit and its negative natural logarithm:
# 0 if the layer is certain, large if it thinks the right digit unlikely. The loss is the mean over the images,
#
# $$L = -\frac{1}{n}\sum_i \log p_{i, y_i}.$$
#
# Write `cross_entropy(probabilities, labels)` for probabilities of shape (n, classes) and n whole numbers as labels. It returns
# one number, and must be finite even where the right digit has probability 0: replace probabilities below `1e-7` by `1e-7`.
#
# <details><summary>Hint</summary>
#
# `probabilities[np.arange(n), labels]` picks one entry of each row. `np.clip` keeps numbers within limits.
#
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q3"]
def cross_entropy(probabilities, labels):
    # BEGIN SOLUTION
    right = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.clip(right, 1e-7, 1)).mean()
    # END SOLUTION

# %% [raw]
# # END SOLUTION

# %% [raw]
# # BEGIN TESTS

# %%
""" # BEGIN TEST CONFIG
points: 1.5
hidden: false
""" # END TEST CONFIG
@check
def test_q3_small(cross_entropy):
    """four images of three classes"""
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5], [0.05, 0.9, 0.05]])
    labels = np.array([0, 1, 0, 2])
    found = result_of(cross_entropy, "cross_entropy", probabilities, labels)
    if np.shape(found) == (4,):
        raise CheckFailed("cross_entropy gives one number per image: return their mean.", {})
    found = number(found, "the result of cross_entropy")
    truth = 1.3123818006
    right = np.array([0.7, 0.6, 0.25, 0.05])  # the probabilities of the labels
    for wrong, message in (
        (-truth, "cross_entropy has the wrong sign: the logarithm of a probability is negative, the loss is not."),
        (4 * truth, "cross_entropy is the sum over the images: take the mean."),
        (truth / 3, "cross_entropy divides by the number of all entries: divide by the number of images."),
        (truth / np.log(2), "cross_entropy uses the logarithm to base 2: use the natural one, np.log."),
        (truth / np.log(10), "cross_entropy uses the logarithm to base 10: use the natural one, np.log."),
        (-np.log(right.mean()), "cross_entropy is the logarithm of the mean: take the mean of the logarithms."),
        (-np.log(1 - right).mean(), "cross_entropy takes the logarithm of 1 - p: take that of p."),
        (-np.log(probabilities.max(axis=1)).mean(), "cross_entropy looks at the largest probability of each row: "
         "take the one of the label."),
        (-np.log(probabilities).mean(), "cross_entropy takes all probabilities: only the one of the label counts."),
        (-np.log(probabilities).sum(axis=1).mean(), "cross_entropy takes all probabilities: only the one of the "
         "label counts."),
        ((1 - right).mean(), "cross_entropy takes no logarithm."),
    ):
        if abs(found - wrong) < 1e-6:
            raise CheckFailed(message, {})
    if abs(found - truth) > 1e-6:
        raise CheckFailed("cross_entropy gives {found:.4g} for four images, and that is not the mean of -log p.", {"found": found})

# %%
""" # BEGIN TEST CONFIG
points: 1.5
hidden: true
""" # END TEST CONFIG
@check
def test_q3_certain_and_many(cross_entropy):
    """a probability of 0, and many images"""
    certain = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    found = result_of(cross_entropy, "cross_entropy", certain, np.array([0, 0, 1]))
    if np.shape(found) != () or not np.isfinite(np.asarray(found, dtype="float64")):
        raise CheckFailed(
            "cross_entropy is not finite where the right digit has probability 0: keep probabilities above 1e-7.", {}
        )
    least = (-np.log(1e-7) + np.log(2)) / 3
    if not least - 1e-3 <= float(found) <= 300:
        raise CheckFailed("cross_entropy is too small for a probability of 0: replace only those below 1e-7.", {})
    _, probabilities, labels = small_batch(11, rows=300)
    found = number(result_of(cross_entropy, "cross_entropy", probabilities, labels), "the result of cross_entropy")
    if abs(found - true_loss(probabilities, labels)) > 1e-5:
        raise CheckFailed("cross_entropy is wrong for 300 images: use its parameters, and change probabilities only below 1e-7.", {})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: q4
# points: 4

# %% [markdown]
# ## Question 4: the gradient (4 points)
#
# The scores of the layer are `images @ weights + bias`. How does the loss change with each weight? For softmax and
# cross-entropy together the answer is short. With the labels as vectors $Y$ and the probabilities $P$, for n images $X$,
#
# $$\frac{\partial L}{\partial W} = \frac{1}{n} X^T (P - Y), \qquad \frac{\partial L}{\partial b} = \frac{1}{n}\sum_i (P - Y)_i.$$
#
# Write `gradient(images, probabilities, labels)` that returns the pair `(dW, db)`: for images of shape (n, pixels) and
# probabilities of shape (n, classes), `dW` has shape (pixels, classes) and `db` shape (classes,).
#
# <details><summary>Hint</summary>
#
# Your `one_hot` gives $Y$; the number of classes is `probabilities.shape[1]`. `A.T` is the transpose, `@` the matrix product.
#
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q4"]
def gradient(images, probabilities, labels):
    # BEGIN SOLUTION
    error = (probabilities - one_hot(labels, probabilities.shape[1])) / len(images)
    return images.T @ error, error.sum(axis=0)
    # END SOLUTION

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
def test_q4_small(gradient):
    """three images of two pixels and three classes"""
    images = np.array([[1.0, 0.5], [0.0, 2.0], [0.25, 1.0]])
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    labels = np.array([0, 2, 1])
    weights = np.array(
        [
            [-0.14166667, 0.04166667, 0.10000000],
            [0.08333333, 0.35000000, -0.43333333],
        ]
    )
    bias = np.array([-0.03333333, 0.13333333, -0.10000000])
    found = result_of(gradient, "gradient", images, probabilities, labels)
    first, second = pair_of(found, "gradient", "dW", "db")
    first, second = array(first, "dW"), array(second, "db")
    if first.shape == (3,) and second.shape == (2, 3):
        raise CheckFailed("gradient returns its results in the wrong order: first dW, then db.", {})
    if first.shape == (3, 2):
        raise CheckFailed("dW is transposed: its shape is (pixels, classes), as that of the weights.", {})
    if first.shape != (2, 3):
        raise CheckFailed("dW has shape {shape}: (pixels, classes) is needed, here (2, 3).", {"shape": str(first.shape)})
    if second.shape == ():
        raise CheckFailed("db is one number: sum over the images only, axis=0, so that each class keeps its own.", {})
    if second.shape in ((3, 1),) or is_close(second.reshape(-1), np.zeros(second.size), 1e-9) and second.any():
        raise CheckFailed("db has one entry per image: sum over the images, axis=0.", {})
    if second.shape not in ((3,), (1, 3)):
        raise CheckFailed("db has shape {shape}: one number per class is needed, shape (10,).", {"shape": str(second.shape)})
    second = second.reshape(3)
    for wrong, message in (
        (-weights, "dW has the wrong sign: it is the probabilities minus the labels."),
        (3 * weights, "dW is the sum over the images: divide by their number."),
        (-3 * weights, "dW has the wrong sign and is the sum over the images, not the mean."),
        (weights * 3 / 2, "dW is divided by the number of pixels: divide by the number of images."),
        (images.T @ probabilities / 3, "dW leaves the labels out: subtract them as vectors from the probabilities."),
    ):
        if is_close(first, wrong, 1e-4):
            raise CheckFailed(message, {})
    if not is_close(first, weights, 1e-4):
        raise CheckFailed("dW is not the gradient of the loss: compare your line with the formula.", {})
    for wrong, message in (
        (np.zeros(3), "db is 0: the bias has a gradient of its own."),
        (-bias, "db has the wrong sign: it is the probabilities minus the labels."),
        (3 * bias, "db is the sum over the images: divide by their number."),
        (bias / 3, "db is divided by the number of images twice."),
        (weights.sum(axis=0), "db is the sum of dW: it does not depend on the images."),
    ):
        if is_close(second, wrong, 1e-4):
            raise CheckFailed(message, {})
    if not is_close(second, bias, 1e-4):
        raise CheckFailed("db is not the gradient of the loss: it is the mean of the rows of P - Y.", {})

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@check
def test_q4_finite_differences(gradient):
    """finite differences of the loss"""
    numbers = np.random.default_rng(23)
    images, labels = numbers.random((20, 5)), numbers.integers(0, 10, 20)
    weights, bias = numbers.normal(size=(5, 10)), numbers.normal(size=10)
    found = result_of(gradient, "gradient", images, true_softmax(images @ weights + bias), labels)
    first, second = pair_of(found, "gradient", "dW", "db")
    first, second = array(first, "dW", shape=(5, 10)), array(second, "db").reshape(-1)

    def loss(change, offset):
        return true_loss(true_softmax(images @ (weights + change) + bias + offset), labels)

    step = 1e-5
    for place in np.ndindex(5, 10):
        change = np.zeros((5, 10))
        change[place] = step
        slope = (loss(change, 0) - loss(-change, 0)) / (2 * step)
        if abs(first[place] - slope) > 1e-4 * max(1e-2, abs(slope)):
            raise CheckFailed("dW does not agree with the slope of the loss for another batch of images.", {})
    for place in range(10):
        offset = np.zeros(10)
        offset[place] = step
        slope = (loss(0, offset) - loss(0, -offset)) / (2 * step)
        if len(second) != 10 or abs(second[place] - slope) > 1e-4 * max(1e-2, abs(slope)):
            raise CheckFailed("db does not agree with the slope of the loss for another batch of images.", {})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [raw]
# # BEGIN QUESTION
# name: q5
# points: 4
# depends_on: [q2, q4]

# %% [markdown]
# ## Question 5: train (4 points)
#
# Now put it together. Write `train(images, labels, epochs, batch_size, learning_rate)` for ten classes. Begin with weights and
# a bias of zeros. In each epoch, go through the images in batches of `batch_size`, in a new random order; for each batch
# compute scores, probabilities and gradient, and take a step *against* the gradient:
# `weights = weights - learning_rate * dW`, and the same for the bias. Return the pair `(weights, bias)`.
#
# Then train on `x_train` and `train_labels`, with 5 epochs, batches of 128 and a learning rate of 0.5, into `weights` of shape
# (784, 10) and `bias` of shape (10,). Your layer should read more than 90 % of the test images; there is partial credit from
# 80 %.
#
# <details><summary>Hint</summary>
#
# `np.random.permutation(n)` is a random order. `order[start : start + batch_size]` holds the indices of one batch.
#
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q5"]
def train(images, labels, epochs, batch_size, learning_rate):
    # BEGIN SOLUTION
    weights = np.zeros((images.shape[1], 10))
    bias = np.zeros(10)
    random = np.random.default_rng(0)
    for _ in range(epochs):
        order = random.permutation(len(images))
        for start in range(0, len(images), batch_size):
            batch = order[start : start + batch_size]
            probabilities = softmax(images[batch] @ weights + bias)
            dW, db = gradient(images[batch], probabilities, labels[batch])
            weights -= learning_rate * dW
            bias -= learning_rate * db
    return weights, bias
    # END SOLUTION

# %% tags=["answer:q5"]
# BEGIN SOLUTION NO PROMPT
weights, bias = train(x_train, train_labels, 5, 128, 0.5)
# END SOLUTION
""" # BEGIN PROMPT
weights = ...
bias = ...
""" # END PROMPT

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
def test_q5_learns(train):
    """a small task"""
    numbers = np.random.default_rng(2)
    labels = np.arange(120) % 10
    images = 0.2 * numbers.random((120, 10))
    images[np.arange(120), labels] += 1
    found = result_of(train, "train", images, labels, 20, 16, 0.5)
    weights, bias = pair_of(found, "train", "weights", "bias")
    weights, bias = array(weights, "the weights of train", shape=(10, 10)), array(bias, "the bias of train").reshape(-1)
    if bias.shape != (10,):
        raise CheckFailed("the bias of train has {size} entries: one per digit is needed.", {"size": bias.size})
    if not np.any(weights):
        raise CheckFailed("train returns weights of zeros: does the loop run, and does it change the weights?", {})
    scores = images @ weights + bias
    loss = float(np.log(np.exp(scores - scores[np.arange(120), labels][:, None]).sum(axis=1)).mean())
    if loss > np.log(10) + 1e-6:
        raise CheckFailed(
            "train makes the loss larger, from {before:.3g} to {loss:.3g}: step against the gradient, with a minus.",
            {"before": float(np.log(10)), "loss": loss},
        )
    if not np.any(bias):
        raise CheckFailed("train never changes the bias: it takes a step too.", {})
    if loss > 1:
        raise CheckFailed(
            "train hardly lowers the loss, to {loss:.3g} after 20 epochs of a small task: does every batch take a step, "
            "and do the epochs go on from the weights of the last one?",
            {"loss": loss},
        )

# %%
""" # BEGIN TEST CONFIG
points: 0
hidden: false
""" # END TEST CONFIG
@check
def test_q5_shapes(weights, bias):
    """weights and bias"""
    if isinstance(present(weights, "weights"), tuple):
        raise CheckFailed("weights is a pair: write `weights, bias = train(...)`.", {})
    scores_of(np.zeros((1, 784)), weights, bias)
    if not np.any(weights):
        raise CheckFailed("weights holds zeros only, as before the training: call train.", {})

# %%
""" # BEGIN TEST CONFIG
points: 2
hidden: true
""" # END TEST CONFIG
@check
def test_q5_accuracy(weights, bias):
    """the accuracy on the test images"""
    _, _, images, labels = raw_data()
    scores = scores_of(images.reshape(-1, 784) / 255, weights, bias)
    if (scores == scores[:, :1]).all():
        raise CheckFailed("the layer gives every image the same score for all digits: is it trained?", {})
    reached = measure("test_accuracy", float((scores.argmax(axis=1) == labels).mean()))
    if reached < 0.90:
        raise CheckFailed(
            "The layer reads only {percent} % of the test images: train it as the task says.",
            {"percent": f"{100 * reached:.2f}"},
            credit=linear_credit(reached, zero_at=0.80, full_at=0.90),
        )

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q5_uses_its_parameters(train):
    """other settings"""
    numbers = np.random.default_rng(4)
    labels = numbers.integers(0, 10, 90)
    images = 0.3 * numbers.random((90, 12))
    images[np.arange(90), labels] += 1
    losses = []
    for epochs, rate in ((1, 0.05), (1, 0.5), (15, 0.5)):
        weights, bias = pair_of(
            result_of(train, "train", images, labels, epochs, 32, rate), "train", "weights", "bias"
        )
        scores = images @ array(weights, "the weights of train", shape=(12, 10)) + array(bias, "the bias of train").reshape(-1)
        losses.append(true_loss(true_softmax(scores), labels))
    if not losses[0] > losses[1] + 1e-3:
        raise CheckFailed("train does not use its parameter learning_rate.", {})
    if not losses[1] > losses[2] + 1e-3:
        raise CheckFailed("train does not use its parameter epochs.", {})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %% [markdown]
# How good is it? The share of test images that the layer reads correctly:

# %%
if weights is not ... and bias is not ...:
    print(f"{np.mean((x_test @ weights + bias).argmax(axis=1) == test_labels):.4f}")

# %% [raw]
# # BEGIN QUESTION
# name: q6
# points: 2

# %% [markdown]
# ## Question 6: look at the weights (2 points)
#
# Each digit has 784 weights, one per pixel: they form a picture. Set `templates`, shape (10, 28, 28), so that `templates[d]`
# is the picture of the weights that lead to digit d.
#
# <details><summary>Hint</summary>
#
# The weights of one digit are a *column* of `weights`. `reshape` does not move numbers between axes; the transpose does.
#
# </details>

# %% [raw]
# # BEGIN SOLUTION

# %% tags=["answer:q6"]
templates = weights.T.reshape(10, 28, 28)  # SOLUTION

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
def test_q6_shape(templates):
    """ten pictures"""
    found = present(templates, "templates")
    if np.shape(found) == (28, 28, 10):
        raise CheckFailed("templates has the digits last: move them to the front, shape (10, 28, 28).", {})
    array(found, "templates", shape=(10, 28, 28))

# %%
""" # BEGIN TEST CONFIG
points: 1
hidden: true
""" # END TEST CONFIG
@check
def test_q6_pictures(templates, weights):
    """the picture of each digit"""
    found = array(templates, "templates", shape=(10, 28, 28))
    own = array(weights, "weights", shape=(784, 10))
    if np.ptp(own) == 0:
        raise CheckFailed("templates cannot be judged: all weights are equal (question 5).", {})
    truth = own.T.reshape(10, 28, 28)
    if is_close(found, own.reshape(10, 28, 28), 1e-5):
        raise CheckFailed(
            "templates mixes the digits: reshape keeps the order of the numbers, and the weights of a digit are a column.", {}
        )
    if is_close(found, truth.transpose(0, 2, 1), 1e-5):
        raise CheckFailed("templates holds the pictures with rows and columns swapped.", {})
    if is_close(found, -truth, 1e-5):
        raise CheckFailed("templates has the sign of the weights inverted.", {})
    if not is_close(found, truth, 1e-5):
        raise CheckFailed("templates does not hold the weights of the digits as they are.", {})

# %% [raw]
# # END TESTS

# %% [raw]
# # END QUESTION

# %%
if np.shape(templates) == (10, 28, 28):
    sheet = np.block([list(row) for row in np.reshape(templates, (2, 5, 28, 28))])
    limit = np.abs(sheet).max()
    plt.figure(figsize=(8, 3.6))
    plt.imshow(sheet, cmap="RdBu_r", vmin=-limit, vmax=limit)
    plt.title("0 to 4, and 5 to 9 below: red counts for the digit, blue against it")
    plt.axis("off")
    plt.show()

# %% [raw]
# # BEGIN QUESTION
# name: q7
# manual: true
# points: 2

# %% [markdown]
# ## Question 7: say why (2 points)
#
# You have built every part of the layer; now explain it. Answer both parts in your own words, with three or four sentences
# each. Formulas are welcome, but not needed. A person reads and marks this answer; no check runs.
#
# 1. The gradient contains $P - Y$, the probabilities minus the labels as vectors. What do the ten numbers of one image say:
#    what is their sign, and when are they all close to 0? What does a step against the gradient therefore do to the weights
#    of the right digit and to those of the other digits?
# 2. Look at your pictures of question 6. The layer adds up pixels, each multiplied by one weight per digit. Describe an image
#    that people read easily, but that the layer is likely to get wrong however long it is trained, and say why more epochs do
#    not help.
#
# Double-click on the text below, and replace it with your answer.

# %% [raw]
# # BEGIN SOLUTION

# %% [markdown]
# 1. The ten numbers say how much probability the layer gives each digit too much. For the right digit that is $p - 1$, which
#    is negative; for each of the others it is $p$, which is positive; they sum to 0. All are close to 0 when the layer
#    is right and certain, and then the image changes nothing. This is the slope of the loss with respect to the scores:
#    $-\log p_y = -s_y + \log \sum_k e^{s_k}$, and its derivative with respect to $s_j$ is $p_j$, minus 1 if $j$ is the right
#    digit. A step against the gradient adds a share of the image to the weights of the right digit and subtracts shares of it
#    from the weights of the others. The larger the mistake, the larger the shares.
# 2. A score is a weighted sum of pixels: one picture per digit, and each pixel counts for or against the digit whatever the
#    other pixels are. A digit that is moved a few pixels to the side, tilted or much smaller meets weights that belong to
#    other places of the picture, and one with black and white exchanged meets each weight with the wrong sign, although people
#    still read them. The same holds for a digit with two common shapes, such as a 7 with and without a bar: one picture has to
#    serve for both. Training only searches for the best weights of this kind; no weights of this kind can look at combinations
#    of pixels, so more epochs do not help. A hidden layer can.

# %% [markdown]
# **Marking guide.** One point for each part, in steps of half a point; other words and examples are as good.
#
# | Part | Half a point for | Half a point for |
# |---|---|---|
# | 1 | the signs: negative for the right digit, positive for the others, close to 0 when right and certain | the step: the image is added to the weights of the right digit and subtracted from the others |
# | 2 | an image that follows from the sum, such as a moved, tilted or inverted digit, or one of two shapes | the reason: one weight per pixel and digit, or one picture per digit, whatever the training |
#
# No points for "the model is too simple" or "it needs more layers" alone: what is missing is the reason.

# %% [raw]
# # END SOLUTION

# %% [raw]
# # END QUESTION
