"""What a call left behind in the solution's own run, sealed so that only the same call can open it.

A submission runs with the trainings of its lab in reach. They hold the solution's trained weights, which must tell
nothing to a notebook that has not got as far by itself: so a recording is masked with a stream made from the digest of
the call's inputs, and filed under another value made from it. Neither leads back to the digest.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_NAME, _MASK, _CHECK_BYTES = b"name:", b"mask:", 32


@dataclass(frozen=True)
class State:
    """What a call changed or gave: arrays in named groups, and plain data that has a JSON form."""

    groups: Mapping[str, tuple[np.ndarray[Any, Any], ...]]
    plain: Mapping[str, Any]


def name_of(digest: bytes) -> str:
    """The name a recording of the fit with these inputs is filed under."""
    return hashlib.sha256(_NAME + digest).hexdigest()


def seal(state: State, digest: bytes) -> bytes:
    """The recording that only `digest` opens."""
    header = {"plain": dict(state.plain), "groups": {name: len(arrays) for name, arrays in state.groups.items()}}
    arrays = {f"{name}-{i}": array for name, values in state.groups.items() for i, array in enumerate(values)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    plain = buffer.getvalue()
    return _masked(hashlib.sha256(plain).digest() + plain, digest)


def unseal(recording: bytes, digest: bytes) -> State:
    """What `seal` was given.

    Raises:
        ValueError: the recording is damaged or belongs to another call.
    """
    content = _masked(recording, digest)
    plain = content[_CHECK_BYTES:]
    if hashlib.sha256(plain).digest() != content[:_CHECK_BYTES]:
        raise ValueError("not the recording of this call")
    with np.load(io.BytesIO(plain), allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        groups = {name: tuple(file[f"{name}-{i}"] for i in range(count)) for name, count in header["groups"].items()}
        return State(groups, header["plain"])


def _masked(content: bytes, digest: bytes) -> bytes:
    stream = hashlib.shake_256(_MASK + digest).digest(len(content))
    return np.bitwise_xor(np.frombuffer(content, np.uint8), np.frombuffer(stream, np.uint8)).tobytes()
