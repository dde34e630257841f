"""Modules that the fork server imports, so that workers start quickly.

Nothing here may create a tensor, variable or built model: that would start TensorFlow's threads, whose locks would stay
locked in every child forked afterwards.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from autograder.sandbox import Preload

# Read by TensorFlow, Keras and Matplotlib during import.
_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "MPLBACKEND": "agg",
    "CUDA_VISIBLE_DEVICES": "-1",
    # One thread per worker for NumPy too: several that share a processor wait for each other most of the time.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
# Training is bitwise reproducible only with a fixed number of threads; one per worker gives the best throughput.
TENSORFLOW_THREADS = 1


def keras_preload(mnist: Path | None) -> Preload:
    """Preload TensorFlow, Keras, Matplotlib, otter and the tasks.

    Args:
        mnist: path of the verified npz file for student code and tests; None for labs without MNIST.
    """
    return Preload("autograder.grading.preload:load_keras", () if mnist is None else (str(mnist),))


def preload_for(mnist: Path | None, *, keras: bool) -> Preload:
    """Preload as `keras_preload`, or everything except TensorFlow and Keras."""
    return keras_preload(mnist) if keras else Preload("autograder.grading.preload:load_plain")


def load_plain() -> None:
    """Import what labs without Keras need. Called in the fork server."""
    os.environ.update(_ENVIRONMENT)
    _import_otter()
    import IPython.core.interactiveshell
    import matplotlib.pyplot
    import matplotlib_inline.backend_inline

    import autograder.checker.inspect
    import autograder.checker.main
    import autograder.runner.main

    del IPython, autograder, matplotlib, matplotlib_inline


def _import_otter() -> None:
    """Import otter without building jsonschema's parser of IRIs.

    Where that parser is installed, building it takes two seconds.
    """
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        import otter.test_files

        del otter
    finally:
        del sys.modules["rfc3987_syntax"]


def load_keras(npz: str | None = None) -> None:
    """Import everything; see `keras_preload`. Called in the fork server."""
    mnist = None if npz is None else Path(npz).read_bytes()  # first, so that a missing file is reported immediately
    os.environ.update(_ENVIRONMENT)
    _import_otter()
    import IPython.core.interactiveshell
    import keras
    import matplotlib.pyplot
    import matplotlib_inline.backend_inline
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(TENSORFLOW_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(TENSORFLOW_THREADS)
    # The tasks as well: workers may not be able to read their files.
    import autograder.checker.inspect
    import autograder.checker.main
    import autograder.runner.main

    del IPython, autograder, keras, matplotlib, matplotlib_inline
    if mnist is not None:
        _serve_mnist(mnist)


def _serve_mnist(mnist: bytes) -> None:
    """Provide MNIST to every worker: for `load_data`, and as arrays for the grader."""
    import numpy as np

    from autograder.datasets.keras_patch import serve_from_memory
    from autograder.handover import shared_arrays

    serve_from_memory(mnist)
    with np.load(io.BytesIO(mnist), allow_pickle=False) as file:
        shared_arrays.share({name: file[name] for name in file.files})
