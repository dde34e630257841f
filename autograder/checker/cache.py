"""Cache MNIST and model outputs within the checker process.

Tests are written for notebooks, where values may change between tests, so each of them loads MNIST and computes the
model's outputs again. In the checker, neither changes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.handover import shared_arrays as known
from autograder.handover.equality import same_bytes

_MOST_REMEMBERED = 12
_ROWS_LOOKED_AT = 64


def install() -> None:
    """Install the cache in this process."""
    if "keras" not in sys.modules:
        return
    _share_mnist()
    _remember_outputs()


def _share_mnist() -> None:
    """Make `load_data` return the read-only arrays that were unpacked before the fork."""
    from keras.src.datasets import mnist

    if not known.shared():
        return  # labs without MNIST

    def load(source: Any, **_: Any) -> contextlib.nullcontext[Mapping[str, np.ndarray[Any, Any]]]:
        del source  # a new object at every call, but always with the same content
        return contextlib.nullcontext(known.shared())

    mnist.np = types.SimpleNamespace(load=load)


def _remember_outputs() -> None:
    """Make a model return its earlier output when called on the same array again."""
    import keras

    remembered: OrderedDict[bytes, tuple[Any, np.ndarray[Any, Any], Any]] = OrderedDict()
    owner = next(kind for kind in keras.Model.__mro__ if "__call__" in vars(kind))
    original: Callable[..., Any] = owner.__call__

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 1 or not _is_plain_call(self, args[0]):
            return original(self, *args, **kwargs)
        key = _fingerprint(self, args[0])
        if key not in remembered or not same_bytes(remembered[key][1], args[0]):
            # The model is kept so that its id is not reused; the array is kept for a full comparison.
            remembered[key] = (self, args[0].copy(), original(self, args[0]))
            if len(remembered) > _MOST_REMEMBERED:
                remembered.popitem(last=False)
        return remembered[key][2]

    owner.__call__ = call


def _is_plain_call(model: Any, array: Any) -> bool:
    import keras

    return (
        isinstance(model, keras.Model) and type(array) is np.ndarray and array.dtype.kind in "biuf" and array.ndim > 0
    )


def _fingerprint(model: Any, array: np.ndarray[Any, Any]) -> bytes:
    """Hash the model's current settings and weights, and some rows of the input."""
    digest = hashlib.sha256(f"{id(model)} {array.dtype.str} {array.shape} {model.get_config()!r}".encode())
    for variable in model.variables:
        digest.update(np.ascontiguousarray(variable).data)
    digest.update(np.ascontiguousarray(array[:: 1 + len(array) // _ROWS_LOOKED_AT]).data)
    return digest.digest()
