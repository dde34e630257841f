"""What the fork server imports before it forks, so that workers start within a fraction of a second.

Nothing here makes a tensor, variable or built model: that would start TensorFlow's threads, and every child forked
afterwards would hang.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from autograder.sandbox import Preload

# TensorFlow, Keras and Matplotlib read these while they are imported.
_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "MPLBACKEND": "agg",
    "CUDA_VISIBLE_DEVICES": "-1",
}
# Training is bitwise the same everywhere only with a fixed number of threads; one per worker gives a class the best
# throughput.
TENSORFLOW_THREADS = 1


def keras_preload(mnist: Path | None) -> Preload:
    """Preload TensorFlow, Keras, Matplotlib, otter and the tasks.

    Args:
        mnist: path of the verified npz to serve to student code and tests, or None for labs that need no MNIST.
    """
    return Preload("autograder.grading.preload:load_keras", () if mnist is None else (str(mnist),))


def preload_for(mnist: Path | None, *, keras: bool) -> Preload:
    """Preload what labs need: with `keras` all of `keras_preload`, else everything but TensorFlow and Keras."""
    return keras_preload(mnist) if keras else Preload("autograder.grading.preload:load_plain")


def load_plain() -> None:
    """Import what a lab without Keras needs, in the fork server."""
    os.environ.update(_ENVIRONMENT)
    import IPython.core.interactiveshell
    import matplotlib.pyplot
    import matplotlib_inline.backend_inline
    import otter.test_files

    import autograder.checker.inspect
    import autograder.checker.main
    import autograder.runner.main

    del IPython, autograder, matplotlib, matplotlib_inline, otter


def load_keras(npz: str | None = None) -> None:
    """Import everything, in the fork server; see `keras_preload`."""
    mnist = None if npz is None else Path(npz).read_bytes()  # first, so that a missing file is reported at once
    os.environ.update(_ENVIRONMENT)
    # Where JupyterLab is installed, jsonschema imports this parser of IRIs for otter, which takes two seconds.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import IPython.core.interactiveshell
    import keras
    import matplotlib.pyplot
    import matplotlib_inline.backend_inline
    import otter.test_files
    import tensorflow as tf

    del sys.modules["rfc3987_syntax"]
    tf.config.threading.set_intra_op_parallelism_threads(TENSORFLOW_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(TENSORFLOW_THREADS)
    # The tasks too: a worker may not be able to read where they lie.
    import autograder.checker.inspect
    import autograder.checker.main
    import autograder.runner.main

    del IPython, autograder, keras, matplotlib, matplotlib_inline, otter
    if mnist is not None:
        _serve_mnist(mnist)


def _serve_mnist(mnist: bytes) -> None:
    """Let every worker have MNIST: for `load_data`, and unpacked for the grader's own use."""
    import numpy as np

    from autograder.datasets.keras_patch import serve_from_memory
    from autograder.handover import shared_arrays

    serve_from_memory(mnist)
    with np.load(io.BytesIO(mnist), allow_pickle=False) as file:
        shared_arrays.share({name: file[name] for name in file.files})
