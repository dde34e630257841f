"""What a `fit` left behind, sealed so that only the same fit can open it.

A submission runs with the recordings of its lab in reach. They hold the solution's trained weights, which must tell
nothing to a notebook that has not got as far by itself: so a recording is masked with a stream made from the digest of
the fit's inputs, and filed under another value made from it. Neither leads back to the digest.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

_NAME, _MASK, _CHECK_BYTES = b"name:", b"mask:", 32


@dataclass(frozen=True)
class FitState:
    """What training changes.

    `model`, `optimizer` and `metrics` are the values of all variables of each, in Keras's order; `history` holds the
    metrics by epoch as `History` has them, `params` and `epoch` its other two attributes.
    """

    model: tuple[np.ndarray[Any, Any], ...]
    optimizer: tuple[np.ndarray[Any, Any], ...]
    metrics: tuple[np.ndarray[Any, Any], ...]
    history: dict[str, list[float]]
    params: dict[str, Any]
    epoch: list[int]


def name_of(digest: bytes) -> str:
    """The name a recording of the fit with these inputs is filed under."""
    return hashlib.sha256(_NAME + digest).hexdigest()


def seal(state: FitState, digest: bytes) -> bytes:
    """The recording that only `digest` opens."""
    header = {"history": state.history, "params": state.params, "epoch": state.epoch}
    groups = {"model": state.model, "optimizer": state.optimizer, "metrics": state.metrics}
    arrays = {f"{group}-{i}": array for group, values in groups.items() for i, array in enumerate(values)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    plain = buffer.getvalue()
    return _masked(hashlib.sha256(plain).digest() + plain, digest)


def unseal(recording: bytes, digest: bytes) -> FitState:
    """What `seal` was given.

    Raises:
        ValueError: the recording is damaged or belongs to another fit.
    """
    content = _masked(recording, digest)
    plain = content[_CHECK_BYTES:]
    if hashlib.sha256(plain).digest() != content[:_CHECK_BYTES]:
        raise ValueError("not the recording of this fit")
    with np.load(io.BytesIO(plain), allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())

        def group(name: str) -> tuple[np.ndarray[Any, Any], ...]:
            count = sum(key.startswith(f"{name}-") for key in file.files)
            return tuple(file[f"{name}-{i}"] for i in range(count))

        return FitState(group("model"), group("optimizer"), group("metrics"), **header)


def _masked(content: bytes, digest: bytes) -> bytes:
    stream = hashlib.shake_256(_MASK + digest).digest(len(content))
    return np.bitwise_xor(np.frombuffer(content, np.uint8), np.frombuffer(stream, np.uint8)).tobytes()
