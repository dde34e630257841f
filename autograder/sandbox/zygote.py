"""The warm process: imports everything once, then forks a supervisor for every job it is handed.

`warm.py` starts `main` with the arguments CONTROL_FD RUN_FOLDER [MNIST_NPZ]. It never makes a tensor, variable or built
model: that would start TensorFlow's threads, and every child forked afterwards would hang.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import socket
import sys
from pathlib import Path

from autograder.sandbox import wire
from autograder.sandbox.supervisor import supervise
from autograder.scratch import remove_if_dead

# TensorFlow, Keras and Matplotlib read these while they are imported.
_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "MPLBACKEND": "agg",
    "CUDA_VISIBLE_DEVICES": "-1",
}
_MAX_THREADS_AT_FORK = 2
_PATIENCE = 2.0  # seconds the kernel may take between closing a dead grader's socket and letting go of its lock
# Bitwise the same training everywhere needs one fixed number; one a worker gives the best throughput for a class.
TENSORFLOW_THREADS = 1


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    folder = Path(sys.argv[2])
    npz = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    # Workers are another user where root grades: with the grader's own umask they might be kept from what they need.
    os.umask(0o022)
    try:
        try:
            _warm_up(npz)
            failure = None
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear it
            failure = f"{type(error).__name__}: {error}"
        wire.send(control, {"ready": failure is None, "detail": failure})
        if failure is None:
            _serve(control)
    except OSError:
        pass  # the grader went away while this process was starting
    _clear_away(folder)


def _serve(control: socket.socket) -> None:
    """Fork a supervisor for every job until the grader hangs up."""
    # Supervisors are never waited for, so let the kernel reap them; each restores the default for itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        _fork_supervisor(control, descriptors[0])


def _clear_away(folder: Path) -> None:
    """Where the grader is gone, killed perhaps, nothing of it may stay behind."""
    with contextlib.suppress(ChildProcessError):
        os.wait()  # as SIGCHLD is ignored, this returns only when the last supervisor has ended its worker
    remove_if_dead(folder, patience=_PATIENCE)


def _warm_up(npz: Path | None) -> None:
    mnist = None if npz is None else npz.read_bytes()  # first, so that a missing file is told at once
    os.environ.update(_ENVIRONMENT)
    import IPython.core.interactiveshell
    import keras
    import matplotlib.pyplot
    import matplotlib_inline.backend_inline
    import otter.test_files
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(TENSORFLOW_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(TENSORFLOW_THREADS)
    # The rooms too: a worker may not be able to read where they lie.
    from autograder.checker import inspector
    from autograder.checker import room as checker
    from autograder.runner import room as runner

    del inspector, checker, runner
    del IPython, keras, matplotlib, matplotlib_inline, otter
    if mnist is not None:
        _serve_mnist(mnist)


def _serve_mnist(mnist: bytes) -> None:
    """Let every worker have MNIST: for `load_data`, and unpacked for the grader's own use."""
    import numpy as np

    from autograder.answers import known
    from autograder.keras_mnist import serve_from_memory

    serve_from_memory(mnist)
    with np.load(io.BytesIO(mnist), allow_pickle=False) as file:
        known.share({name: file[name] for name in file.files})


def _fork_supervisor(control: socket.socket, descriptor: int) -> None:
    connection = socket.socket(fileno=descriptor)
    threads = _thread_count()
    if threads > _MAX_THREADS_AT_FORK:
        wire.send(
            connection,
            {"end": "refused", "detail": f"{threads} threads in the warm process", "seconds": 0.0, "peak_mb": 0},
        )
        connection.close()
        return
    if os.fork() == 0:
        try:
            control.close()
            supervise(connection)
        finally:
            os._exit(0)
    connection.close()


def _thread_count() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 1
