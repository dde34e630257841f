"""JSON messages with file descriptors, from a container to its supervisor."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from typing import Any

_MAX_BYTES, _MAX_DESCRIPTORS = 1 << 16, 4


def channel() -> tuple[socket.socket, socket.socket]:
    """Create a pair of connected sockets that preserve message boundaries."""
    kind = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM) if hasattr(socket, "AF_UNIX") else socket.SOCK_DGRAM
    try:
        return socket.socketpair(socket.AF_UNIX, kind)
    except OSError:
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # macOS has no SOCK_SEQPACKET


def send_message(connection: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message; ignore a supervisor that has died."""
    with contextlib.suppress(OSError):
        socket.send_fds(connection, [json.dumps(message).encode()[:_MAX_BYTES]], list(descriptors))


def receive_message(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Receive one pending message and its descriptors.

    None if the other end is closed.
    """
    try:
        body, descriptors, _, _ = socket.recv_fds(connection, _MAX_BYTES, _MAX_DESCRIPTORS)
    except OSError:
        return None
    if not body:
        return None
    message: dict[str, Any] = json.loads(body)
    return message, descriptors
