"""A reader that trusts replies, in its own process, and a forged reply's harm.

It speaks the protocol of `handover.live_protocol` and checks nothing: neither marks, kinds, numbers, lengths, shapes
and names, nor how long an answer takes.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import json
import os
import random
import resource
import select
import signal
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover.live_protocol import CALL, LiveLimits
from tests.live.notebook import running

_HEADER = struct.Struct("!8sBIIQQ")
_MARK = b"\x93live\r\n\x1a"
_PATIENT = LiveLimits(call_seconds=60, text_bytes=1 << 40, message_bytes=1 << 40)
_MEMORY = 1 << 29


def outcome(source: str, seconds: float) -> str:
    """What becomes of the reader that calls `f()` of a notebook.

    Returns:
        "took VALUE", "ran out of memory", "waits" after so many seconds, or "ended by …" the error or signal.
    """
    with running(source, "f", limits=_PATIENT) as (channel, check):
        reading, writing = os.pipe()
        reader = os.fork()
        if reader == 0:
            _be_the_reader(channel, check, writing)
        os.close(writing)
        ready, _, _ = select.select([reading], [], [], seconds)
        told = os.read(reading, 1_000).decode() if ready else "waits"
        os.kill(reader, signal.SIGKILL)
        _, status = os.waitpid(reader, 0)
        os.close(reading)
    return told or f"ended by {signal.Signals(os.WTERMSIG(status)).name}"


def _be_the_reader(channel: tuple[int, int], check: int, told: int) -> None:
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        said = f"took {_ask(channel, check)!r}"[:100]
    except MemoryError:
        said = "ran out of memory"
    except BaseException as error:  # noqa: BLE001 - this is what ends it
        said = f"ended by {type(error).__name__}"
    os.write(told, said.encode())
    os._exit(0)


def _ask(channel: tuple[int, int], check: int) -> Any:
    """Collect the answers, then call `f()`."""
    body, _ = _exchange(channel, check, 1, {"operation": "values"})
    f = {"kind": "reference", "id": body["values"]["f"]["id"]}
    body, data = _exchange(channel, check, 2, {"operation": "call", "arguments": [f], "keywords": {}})
    arrays = []
    for entry in body.get("arrays", ()):
        array = np.empty(entry["shape"], entry["dtype"])
        ctypes.memmove(array.ctypes.data, data[: array.nbytes], array.nbytes)
        arrays.append(array)
    arguments: list[Any] = []
    for place, described in body.get("changed", {}).items():
        arguments[int(place)] = _value(described, arrays, arguments)
    for name, text in body.get("printed", ()):
        getattr(sys, name).write(text)
    if "random" in body:
        random.setstate(body["random"])
    if "raised" in body:
        raise getattr(__import__("builtins"), body["raised"]["class"]["name"])
    return _value(body["result"], arrays, arguments)


def _exchange(channel: tuple[int, int], check: int, number: int, order: Mapping[str, Any]) -> tuple[Any, bytes]:
    text = json.dumps({**order, "arrays": []}).encode()
    os.write(channel[1], _HEADER.pack(_MARK, CALL, check, number, len(text), 0) + text)
    _, _, _, _, length, size = _HEADER.unpack(_read(channel[0], _HEADER.size))
    return json.loads(_read(channel[0], length)), _read(channel[0], size)


def _read(descriptor: int, size: int) -> bytes:
    data, done = bytearray(size), 0
    while done < size and (part := os.read(descriptor, size - done)):
        data[done : done + len(part)] = part
        done += len(part)
    return bytes(data[:done])


def _value(described: Any, arrays: Sequence[Any], arguments: Sequence[Any]) -> Any:
    kind = described["kind"]
    if kind == "list":
        return [_value(item, arrays, arguments) for item in described["items"]]
    if kind == "array":
        return arrays[int(described["file"])]
    if kind == "argument":
        return arguments[described["place"]]
    if kind == "library":
        return importlib.import_module(described["module"])
    return None if kind == "none" else described["value"]
