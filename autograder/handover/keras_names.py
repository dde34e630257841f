"""Keras classes and functions that a student's model may name.

Others are rejected.

Deny by default: a configuration is data, but Keras would import any module it names.
"""

from __future__ import annotations

LAYERS = frozenset(
    "InputLayer Dense Flatten Reshape Permute Identity Activation ReLU LeakyReLU ELU PReLU Softmax "
    "Dropout GaussianNoise GaussianDropout SpatialDropout2D BatchNormalization LayerNormalization "
    "Rescaling Normalization Conv2D SeparableConv2D DepthwiseConv2D MaxPooling2D AveragePooling2D "
    "GlobalMaxPooling2D GlobalAveragePooling2D ZeroPadding2D Add Concatenate Average Multiply "
    "ActivityRegularization".split()
)
OPTIMIZERS = frozenset("SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb Muon".split())
SCHEDULES = frozenset(
    "ExponentialDecay PiecewiseConstantDecay PolynomialDecay InverseTimeDecay CosineDecay CosineDecayRestarts".split()
)
LOSSES = frozenset(
    "SparseCategoricalCrossentropy CategoricalCrossentropy BinaryCrossentropy "
    "CategoricalFocalCrossentropy BinaryFocalCrossentropy MeanSquaredError MeanAbsoluteError "
    "MeanSquaredLogarithmicError MeanAbsolutePercentageError Huber LogCosh Hinge SquaredHinge "
    "CategoricalHinge KLDivergence Poisson CosineSimilarity".split()
)
METRICS = LOSSES - {"Huber", "LogCosh"} | frozenset(
    "Accuracy SparseCategoricalAccuracy CategoricalAccuracy BinaryAccuracy TopKCategoricalAccuracy "
    "SparseTopKCategoricalAccuracy Mean Precision Recall AUC".split()
)
INITIALIZERS = frozenset(
    "Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling GlorotNormal "
    "GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Orthogonal Identity".split()
)
REGULARIZERS = frozenset("L1 L2 L1L2 OrthogonalRegularizer".split())
CONSTRAINTS = frozenset("MaxNorm MinMaxNorm NonNeg UnitNorm".split())

CLASSES: dict[str, frozenset[str]] = {
    "keras": frozenset({"Sequential", "DTypePolicy"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.layers": LAYERS,
    "keras.optimizers": OPTIMIZERS,
    "keras.optimizers.schedules": SCHEDULES,
    "keras.losses": LOSSES,
    "keras.metrics": METRICS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    # What calling keras.activations.relu(x) or keras.ops.reshape(x) on a symbolic tensor leaves in a functional model.
    "keras.src.activations.activations": frozenset({"ReLU"}),
    "keras.src.ops.nn": frozenset("Relu Sigmoid Softmax LogSoftmax Tanh Elu Selu Gelu Softplus LeakyRelu".split()),
    "keras.src.ops.numpy": frozenset(
        "Reshape Ravel Transpose TrueDivide Divide Multiply Add Subtract Tanh Squeeze".split()
    ),
}
# Wrappers of Keras's own serialization that hold no class.
MARKERS = frozenset({"__tuple__", "__keras_tensor__", "__ellipsis__"})

ACTIVATIONS = frozenset(
    "relu relu6 leaky_relu elu selu celu gelu silu swish mish sigmoid hard_sigmoid tanh hard_tanh softmax "
    "log_softmax softplus softsign exponential linear".split()
)
# TensorFlow's own functions arrive under the names of their implementations.
_TENSORFLOW_NAMES = {
    "softmax_v2": "softmax",
    "log_softmax_v2": "log_softmax",
    "leaky_relu": "leaky_relu",
    "swish": "silu",
}
_LOSS_FUNCTIONS = frozenset(
    "sparse_categorical_crossentropy categorical_crossentropy binary_crossentropy mean_squared_error "
    "mean_absolute_error huber log_cosh hinge squared_hinge categorical_hinge kl_divergence poisson "
    "cosine_similarity".split()
)
_METRIC_FUNCTIONS = frozenset(
    "sparse_categorical_accuracy categorical_accuracy binary_accuracy sparse_top_k_categorical_accuracy".split()
)


def activation_name(function: str) -> str | None:
    """Return Keras's name of a serialized activation; None if it is unknown."""
    name = _TENSORFLOW_NAMES.get(function, function)
    return name if name in ACTIVATIONS else None


def compile_function_name(function: str) -> str | None:
    """Return Keras's name of a serialized loss or metric; None if it is unknown."""
    return function if function in _LOSS_FUNCTIONS | _METRIC_FUNCTIONS else None
