"""Seed a worker's random number generators, which were forked with a state."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and, where it is loaded, Keras's generators."""
    random.seed(seed)
    np.random.seed(seed)
    keras: Any = sys.modules.get("keras")
    if keras is not None:
        keras.utils.set_random_seed(seed)
