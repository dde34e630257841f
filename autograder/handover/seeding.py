"""Seed every random number generator of a worker, which was forked with its parent's state."""

from __future__ import annotations

import random

import keras
import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and Keras's generators."""
    random.seed(seed)
    np.random.seed(seed)
    keras.utils.set_random_seed(seed)
