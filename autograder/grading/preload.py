"""Modules that the fork server imports, so that workers start quickly.

Nothing here may create a tensor, variable or built model: that would start TensorFlow's threads, whose locks would stay
locked in every child forked afterwards.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import sys
from pathlib import Path
from typing import Any

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


def preload_for(mnist: Path | None, *, keras: bool, pandas: bool = False) -> Preload:
    """Preload as `keras_preload`, or without Keras only what other labs need.

    Args:
        mnist: as for `keras_preload`.
        keras: whether to import TensorFlow and Keras, which import pandas themselves.
        pandas: whether to import pandas.
    """
    if keras:
        return keras_preload(mnist)
    return Preload("autograder.grading.preload:load_plain", ("pandas",) if pandas else ())


def load_plain(*modules: str) -> None:
    """Import what labs without Keras need. Called in the fork server.

    Args:
        modules: names of other modules to import, if they are installed.
    """
    os.environ.update(_ENVIRONMENT)
    _import_otter()
    import IPython.core.interactiveshell
    import matplotlib.pyplot
    import matplotlib_inline.backend_inline

    import autograder.checker.inspect
    import autograder.checker.main
    import autograder.runner.main

    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    del IPython, autograder, matplotlib, matplotlib_inline


def _import_otter() -> None:
    """Import the part of otter that reads test files.

    The rest takes two seconds; it is imported when a test file uses it.
    """
    otter = _unexecuted("otter")
    otter.test_files = _unexecuted("otter.test_files")
    part = importlib.import_module("otter.test_files.exception_test")
    otter.test_files.ExceptionTestFile, otter.test_files.test_case = part.ExceptionTestFile, part.test_case


def _unexecuted(name: str) -> Any:
    """Add a package to `sys.modules` without running its `__init__.py`.

    That runs when an attribute is used that the package lacks.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    loader, package = spec.loader, importlib.util.module_from_spec(spec)

    def complete(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        if vars(package).pop("__getattr__", None) is not None:
            loader.exec_module(package)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = complete
    sys.modules[name] = package
    return package


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
