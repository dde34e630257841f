"""Recordings of calls, sealed so that only an identical call can open them.

Submissions run with the recordings of their lab within reach. These contain the solution's trained weights, which must
not be usable by a notebook that has not arrived at the same call by itself. A recording is therefore encrypted with a
key derived from the digest of the call's inputs, and filed under another value derived from it; neither reveals the
digest. This is convergent encryption (J. R. Douceur, A. Adya, W. J. Bolosky, D. Simon, M. Theimer, Reclaiming space
from duplicate files in a serverless distributed file system, ICDCS 2002).
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
    """The effects of a call: arrays in named groups, and JSON data."""

    groups: Mapping[str, tuple[np.ndarray[Any, Any], ...]]
    plain: Mapping[str, Any]


def name_of(digest: bytes) -> str:
    """Return the file name of the recording with this digest."""
    return hashlib.sha256(_NAME + digest).hexdigest()


def seal(state: State, digest: bytes) -> bytes:
    """Create a recording that only `digest` can open."""
    header = {"plain": dict(state.plain), "groups": {name: len(arrays) for name, arrays in state.groups.items()}}
    arrays = {f"{name}-{i}": array for name, values in state.groups.items() for i, array in enumerate(values)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    plain = buffer.getvalue()
    return _masked(hashlib.sha256(plain).digest() + plain, digest)


def unseal(recording: bytes, digest: bytes) -> State:
    """Return the state of a recording.

    Raises:
        ValueError: the recording is damaged or belongs to another call.
    """
    content = _masked(recording, digest)
    plain = content[_CHECK_BYTES:]
    if hashlib.sha256(plain).digest() != content[:_CHECK_BYTES]:
        raise ValueError("the recording is damaged or belongs to another call")
    with np.load(io.BytesIO(plain), allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        groups = {name: tuple(file[f"{name}-{i}"] for i in range(count)) for name, count in header["groups"].items()}
        return State(groups, header["plain"])


def _masked(content: bytes, digest: bytes) -> bytes:
    stream = hashlib.shake_256(_MASK + digest).digest(len(content))
    return np.bitwise_xor(np.frombuffer(content, np.uint8), np.frombuffer(stream, np.uint8)).tobytes()
