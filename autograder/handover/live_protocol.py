"""Messages of a live channel, by which a checker calls into a notebook.

Two pipes lead to the runner and back. A runner names the question that waits (`CHECK`), the checker calls (`CALL`), the
runner replies (`REPLY`), and the grader ends the check (`END`). Pipes, unlike sockets, cannot carry descriptors. Every
message begins with its kind, check, number and lengths; everything that a runner sends is untrusted.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.handover.errors import CannotCrossError

CHECK, CALL, REPLY, END = 1, 2, 3, 4
_HEADER = struct.Struct("!8sBIIQQ")  # mark, kind, check, number, bytes of text, bytes of arrays
_MARK = b"\x93live\r\n\x1a"
_PIPE_BYTES = 1 << 20  # the largest size that unprivileged users may set (pipe(7))
_PIECE = 1 << 22
_MAX_QUESTION = 1 << 12
_MAX_ARRAYS = 10_000
_MAX_DIMENSIONS = 32
_NUMBERS = "biufcSUMm"
_SLOWEST = 20_000_000  # bytes per second, the lowest accepted speed of a message
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)


class BrokenChannelError(Exception):
    """The other side is gone, silent, or sent no valid message.

    The text completes "the notebook …".
    """


@dataclass(frozen=True)
class LiveLimits:
    """Limits on the calls of one check.

    Args:
        call_seconds: how long one call may take.
        grace_seconds: how long to wait for a reply after that.
        calls: number of calls.
        message_bytes: size of one message.
        text_bytes: size of its text, which takes up to 25 times as much memory when it is parsed.
        check_bytes: size of all messages together.
        references: number of the student's objects held at once.
    """

    call_seconds: float = 5.0
    grace_seconds: float = 1.0
    calls: int = 100_000
    message_bytes: int = 1 << 30
    text_bytes: int = 32 << 20
    check_bytes: int = 8 << 30
    references: int = 100_000


LIMITS = LiveLimits()


@dataclass(frozen=True)
class Message:
    """One message: `body` is JSON data, `arrays` what it refers to by number."""

    kind: int
    check: int
    number: int
    body: Mapping[str, Any]
    arrays: Sequence[np.ndarray[Any, Any]] = ()


@dataclass
class ArrayStore:
    """The arrays of a message under construction."""

    arrays: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def save(self, array: np.ndarray[Any, Any]) -> str:
        """Keep an array; return the name to refer to it by."""
        if len(self.arrays) >= _MAX_ARRAYS:
            raise CannotCrossError(f"it holds more than {_MAX_ARRAYS} arrays")
        self.arrays.append(np.ascontiguousarray(array).reshape(array.shape))
        return str(len(self.arrays) - 1)


def load_from(arrays: Sequence[np.ndarray[Any, Any]], name: Any) -> np.ndarray[Any, Any]:
    """Return the array of a message by its name.

    Raises:
        CannotCrossError: there is none.
    """
    if type(name) is not str or not name.isdecimal() or int(name) >= len(arrays):
        raise CannotCrossError("it is damaged")
    return arrays[int(name)]


class Wire:
    """One end of a channel.

    Args:
        reading, writing: descriptors of the two pipes.
        limits: how large messages may be.
        waits: whether to wait indefinitely; otherwise, writing and reading have a deadline.
    """

    def __init__(self, reading: int, writing: int, limits: LiveLimits = LIMITS, *, waits: bool = False) -> None:
        self._reading = reading
        self._writing = writing
        self._limits = limits
        self._waits = waits
        self.bytes_used = 0
        self.half_written = False
        if not waits:
            os.set_blocking(writing, False)

    def send(self, message: Message) -> None:
        """Send one message.

        Raises:
            BrokenChannelError: the other side does not accept it.
            CannotCrossError: it is too large; nothing was sent.
        """
        shapes = [{"dtype": array.dtype.str, "shape": list(array.shape)} for array in message.arrays]
        text = json.dumps({**message.body, "arrays": shapes}).encode("ascii")
        size = sum(array.nbytes for array in message.arrays)
        if len(text) > self._limits.text_bytes or size > self._limits.message_bytes:
            raise CannotCrossError("it is too large to be sent in a call")
        self._spend(len(text) + size)
        deadline = self._deadline()
        self.half_written = True
        self._write(_HEADER.pack(_MARK, message.kind, message.check, message.number, len(text), size) + text, deadline)
        for array in message.arrays:
            if array.nbytes:
                self._write(array.reshape(-1).view(np.uint8).data, deadline)
        self.half_written = False

    def receive(self, seconds: float | None = None) -> Message:
        """Receive one message, whose first byte must come within `seconds`.

        Raises:
            BrokenChannelError: no message arrives in time, or it is not valid.
        """
        limit = None if seconds is None else time.monotonic() + seconds
        mark, kind, check, number, text, size = _HEADER.unpack(self._read(_HEADER.size, limit))
        if mark != _MARK:
            raise BrokenChannelError("sent something that is not an answer")
        if text > self._limits.text_bytes or size > self._limits.message_bytes:
            raise BrokenChannelError("sent an answer that is too large")
        self._spend(text + size)
        deadline = self._deadline()
        raw, data = self._read(text, deadline), self._read(size, deadline)
        try:
            body = json.loads(bytes(raw))
            arrays = _cut(body.pop("arrays"), data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
            raise BrokenChannelError("sent an answer that is damaged") from error
        return Message(kind, check, number, body, arrays)

    def next_question(self, left: int) -> tuple[int, str] | None:
        """Wait for the next check, skipping what precedes it; None at the end.

        Args:
            left: how many other bytes to skip at most.
        """
        window = bytearray()
        with contextlib.suppress(BrokenChannelError, ValueError, KeyError, TypeError, RecursionError):
            while left > 0:
                window += self._read(_HEADER.size - len(window), None)
                place = window.find(_MARK)
                if place != 0:
                    skipped = place if place > 0 else len(window) - len(_MARK) + 1
                    del window[:skipped]
                    left -= skipped
                    continue
                _, kind, check, _, text, size = _HEADER.unpack(window)
                window.clear()
                if kind == CHECK and text <= _MAX_QUESTION and size == 0:
                    question = json.loads(bytes(self._read(text, self._deadline())))["question"]
                    if type(question) is str:
                        return check, question
                left -= self._pass_over(min(text + size, left)) + _HEADER.size
        return None

    def _pass_over(self, size: int) -> int:
        left = size
        while left > 0:
            left -= len(self._read(min(left, _PIECE), None))
        return size

    def _spend(self, size: int) -> None:
        self.bytes_used += size
        if not self._waits and self.bytes_used > self._limits.check_bytes:
            raise BrokenChannelError(f"exchanged more than {self._limits.check_bytes:,} bytes in one check")

    def _deadline(self) -> float | None:
        """Return the deadline of the first byte; further bytes have a little more time."""
        return None if self._waits else time.monotonic() + self._limits.call_seconds

    def _write(self, data: bytes | memoryview, deadline: float | None) -> None:
        view, done = memoryview(data), 0
        while done < len(view):
            try:
                done += os.write(self._writing, view[done : done + _PIECE])
            except BlockingIOError:
                _wait(self._writing, select.POLLOUT, deadline, done)
            except OSError as error:
                raise BrokenChannelError("has ended") from error

    def _read(self, size: int, deadline: float | None) -> memoryview:
        # Not a bytearray, whose zeros take memory at once: here, only bytes that have arrived do.
        view, done = np.empty(size, np.uint8).data, 0
        while done < size:
            if deadline is not None:
                _wait(self._reading, select.POLLIN, deadline, done)
            try:
                got = os.readv(self._reading, [view[done : done + _PIECE]])
            except OSError as error:
                raise BrokenChannelError("has ended") from error
            if got == 0:
                raise BrokenChannelError("has ended")
            done += got
        return view


def _wait(descriptor: int, event: int, deadline: float | None, done: int) -> None:
    poller = select.poll()
    poller.register(descriptor, event)
    left = None if deadline is None else max(0.0, (deadline + done / _SLOWEST - time.monotonic()) * 1000)
    if not poller.poll(left):
        raise BrokenChannelError("did not answer in time")


def _cut(shapes: Any, data: memoryview) -> list[np.ndarray[Any, Any]]:
    """Return the arrays that are concatenated in `data`, as writable arrays."""
    arrays, place = [], 0
    if len(shapes) > _MAX_ARRAYS:
        raise ValueError("too many arrays")
    for entry in shapes:
        dtype, shape = np.dtype(str(entry["dtype"])[:20]), entry["shape"]
        if dtype.kind not in _NUMBERS or len(shape) > _MAX_DIMENSIONS:
            raise ValueError("not an array of numbers")
        if not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("not a shape")
        size = dtype.itemsize
        for length in shape:
            size *= length
        if place + size > len(data):
            raise ValueError("the array is longer than the message")
        part = np.frombuffer(data[place : place + size], np.uint8)
        arrays.append(part.view(dtype).reshape(shape) if size else np.zeros(shape, dtype))
        place += size
    if place != len(data):
        raise ValueError("the message is longer than its arrays")
    return arrays


def open_channel() -> tuple[tuple[int, int], tuple[int, int]]:
    """Make a channel: descriptors to read and write, for grader and runner."""
    there_read, here_write = os.pipe()
    here_read, there_write = os.pipe()
    for descriptor in (here_write, there_write):
        with contextlib.suppress(OSError):  # smaller pipes are only slower
            fcntl.fcntl(descriptor, _SET_PIPE_SIZE, _PIPE_BYTES)
    return (here_read, here_write), (there_read, there_write)


def close(*descriptors: int) -> None:
    """Close descriptors that may be closed already."""
    for descriptor in descriptors:
        try:
            os.close(descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise


# Special methods that a stand-in has if the class of the student's object defines them, in addition to attributes,
# texts and `==`.
CAPABILITIES = tuple(
    f"__{name}__"
    for name in (
        "call len iter next getitem setitem delitem contains bool hash enter exit lt le gt ge float int index complex "
        "abs neg pos invert round reversed add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
    ).split()
)
# Special attributes that a test can read; other names with a leading underscore do not exist for it.
SPECIAL_ATTRIBUTES = frozenset(
    f"__{name}__" for name in "name qualname doc module class annotations defaults kwdefaults bases dict".split()
)
ENVIRONMENT = "env"
