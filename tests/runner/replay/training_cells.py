"""Cells that train a small model, run with or without recorded trainings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import QUICK, Ran, run_cells

SETUP = """
import random
import keras, numpy as np, tensorflow as tf
from keras import layers
rng = np.random.default_rng(5)
x, y = rng.random((96, 8, 3)), rng.integers(0, 3, 96).astype('uint8')
W = dict(activation='relu')

def build(hidden=W, names=(None, None, None), kind=keras.Sequential):
    keras.utils.set_random_seed(11)
    return kind([keras.Input((8, 3)), layers.Flatten(name=names[0]), layers.Dense(16, name=names[1], **hidden),
                 layers.Dropout(0.2), layers.Dense(3, name=names[2], activation='softmax')])

def ready(optimizer='rmsprop', loss='sparse_categorical_crossentropy', metrics=('accuracy',), **options):
    model = build(**options)
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    return model
"""
REFERENCE = "model = ready()\nhistory = model.fit(x, y, epochs=3, batch_size=16)"


def run(
    fork_server: ForkServer,
    folder: Path,
    *cells: str,
    trainings: Mapping[str, str] | None = None,
    record: bool = False,
    limits: Limits = QUICK,
) -> Ran:
    """Run cells with trainings in reach, or as the trusted notebook that makes them."""
    folder.mkdir(exist_ok=True)
    return run_cells(fork_server, folder, SETUP, *cells, trainings=dict(trainings or {}), record=record, limits=limits)


def assert_same(left: Any, right: Any, where: str = "answer") -> None:
    """Equal in kind and value, arrays and floats bit for bit."""
    assert type(left) is type(right), where
    if isinstance(left, np.ndarray):
        assert (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes()), where
    elif isinstance(left, dict):
        assert list(left) == list(right), where
        for key in left:
            assert_same(left[key], right[key], f"{where}[{key!r}]")
    elif isinstance(left, (list, tuple)):
        assert len(left) == len(right), where
        for i, pair in enumerate(zip(left, right, strict=True)):
            assert_same(*pair, f"{where}[{i}]")
    else:
        assert left == right, where
