"""Training in graded notebooks: from the lab's seed, reused if recorded.

A notebook continues identically whether a fit was run or reused. Bit for bit equal are the variables of the model, of
the optimizer (including iterations) and of the metrics, the `History` that is returned and stored as `model.history`,
and all random generators, which a fit leaves unchanged. Different are the printed progress, the duration, and
`model.train_function`, which exists only after real training (Keras creates it when needed).
"""

from __future__ import annotations

import base64
import contextlib
import functools
import inspect
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.runner.replay.inference import put_back, recalling
from autograder.runner.replay.inputs import digest_of, surroundings
from autograder.runner.replay.sealing import State, name_of, seal, unseal

# Gives bitwise the same training as Keras's default of 1 with fewer calls from Python into the graph.
STEPS_PER_EXECUTION = 32
# Keras unrolls the steps of `predict` in the graph, so that a larger number costs more time than it saves.
_STEPS_OF_PREDICT = 4
_EVERY_BATCH = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


@dataclass(frozen=True)
class FitSettings:
    """How `fit` behaves in this process.

    Args:
        seed: the seed of every training.
        trainings: sealed recordings in base64, by name; empty to always train.
        keep: called with name and content of every fit that can be recorded; only for trusted notebooks.
        tell: called after every fit with whether it was reused, and its seconds.
        own_work: a context for work of the grader inside a fit.
    """

    seed: int
    trainings: Mapping[str, str]
    keep: Callable[[str, bytes], None] | None
    tell: Callable[[bool, float], None]
    own_work: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext


def install(settings: FitSettings) -> None:
    """Replace Keras's `compile`, `fit`, `evaluate` and `predict` in this process."""
    where = surroundings()
    recall = functools.partial(
        recalling, where=where, trainings=settings.trainings, keep=settings.keep, own_work=settings.own_work
    )
    _replace("fit", lambda original: _graded_fit(original, settings, where))
    _replace("compile", _faster_compile)
    _replace("evaluate", lambda original: recall("evaluate", original))
    _replace("predict", lambda original: recall("predict", _faster_predict(original)))


def _replace(name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    import keras

    owner = next(kind for kind in keras.Model.__mro__ if name in vars(kind))
    setattr(owner, name, made(getattr(owner, name)))


def _faster_compile(original: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def compile(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: A001 - Keras's name
        with contextlib.suppress(TypeError):  # Keras reports invalid calls itself
            given = signature.bind(self, *args, **kwargs).arguments
            if "steps_per_execution" not in given and not given.get("run_eagerly"):
                kwargs["steps_per_execution"] = STEPS_PER_EXECUTION
        return original(self, *args, **kwargs)

    return compile


def _faster_predict(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def predict(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = getattr(self, "steps_per_execution", None)
        if given != STEPS_PER_EXECUTION:
            return original(self, *args, **kwargs)
        self.steps_per_execution = _STEPS_OF_PREDICT
        try:
            return original(self, *args, **kwargs)
        finally:
            self.steps_per_execution = given

    return predict


def _graded_fit(original: Callable[..., Any], settings: FitSettings, where: str) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.monotonic()
        digest = None
        with (
            settings.own_work(),
            contextlib.suppress(Exception),
        ):  # calls that cannot be analysed are left to Keras, which reports what is wrong
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            if settings.trainings or settings.keep:
                digest = digest_of(self, bound.arguments, settings.seed, where)
        with _seeded(settings.seed):
            with settings.own_work():
                history = None if digest is None else _reused_history(self, bound.arguments, digest, settings.trainings)
            reused = history is not None
            if history is None:
                _step_singly_if_watched(self, kwargs.get("callbacks"))
                history = original(self, *args, **kwargs)
        if settings.keep is not None and digest is not None:
            settings.keep(name_of(digest), seal(_state_of(self, history), digest))
        settings.tell(reused, time.monotonic() - start)
        return history

    return fit


def _reused_history(model: Any, arguments: Mapping[str, Any], digest: bytes, trainings: Mapping[str, str]) -> Any:
    """Return the history of a recorded fit after restoring its state.

    None if not recorded.
    """
    packed = trainings.get(name_of(digest))
    if packed is None:
        return None
    x, y, batch_size = arguments["x"], arguments["y"], int(arguments["batch_size"] or 32)
    try:
        state = unseal(base64.b64decode(packed), digest)
        # Keras creates the variables of optimizer and metrics when it first sees a batch.
        model._symbolic_build(data_batch=(x[:batch_size], y[:batch_size]))
    except Exception:  # noqa: BLE001 - whatever the reason, real training is always correct
        return None
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    arrays = [array for group in ("model", "optimizer", "metrics") for array in state.groups[group]]
    if not put_back(variables, arrays):
        return None
    return _history(model, state.plain, arguments["verbose"])


def _history(model: Any, recorded: Mapping[str, Any], verbose: Any) -> Any:
    import keras

    history = keras.callbacks.History()
    history.set_model(model)
    history.set_params({"verbose": verbose, **recorded["params"]})
    history.epoch = recorded["epoch"]
    history.history = recorded["history"]
    model.stop_training = False
    model.history = history
    return history


def _state_of(model: Any, history: Any) -> State:
    variables = {"model": model.variables, "optimizer": model.optimizer.variables, "metrics": model.metrics_variables}
    return State(
        groups={name: tuple(np.asarray(variable) for variable in group) for name, group in variables.items()},
        plain={
            "history": {name: [float(value) for value in column] for name, column in history.history.items()},
            "params": {name: value for name, value in history.params.items() if name != "verbose"},
            "epoch": list(history.epoch),
        },
    )


def _step_singly_if_watched(model: Any, callbacks: Any) -> None:
    """Run steps one by one for a callback that observes batches."""
    import keras

    watched = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    base = keras.callbacks.Callback
    if any(
        isinstance(callback, base) and getattr(type(callback), name) is not getattr(base, name)
        for callback in watched
        for name in _EVERY_BATCH
    ):
        model.steps_per_execution = 1
        model.train_function = None


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed all random generators, and restore their states afterwards."""
    import keras
    from keras.src.backend.common import global_state
    from tensorflow.python.eager import context

    names = ("global_random_seed", "global_seed_generator")
    of_keras = {name: global_state.get_global_attribute(name) for name in names}
    of_python, of_numpy = random.getstate(), np.random.get_state()
    tensorflow = context.context()
    global_seed = tensorflow._seed  # TensorFlow has no public access to its generator
    drawn = tensorflow._rng.getstate() if global_seed is not None else None
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        for name, value in of_keras.items():
            global_state.set_global_attribute(name, value)
        context.set_global_seed(global_seed)
        if drawn is not None:
            tensorflow._rng.setstate(drawn)
