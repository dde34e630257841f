"""JSON messages over a stream socket: eight bytes of length, then UTF-8 text."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_HEADER = struct.Struct("!Q")


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message; raises OSError when the other side is gone."""
    body = json.dumps(message).encode()
    connection.sendall(_HEADER.pack(len(body)) + body)


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Receive one message, or None when the other side closed before a whole one had come."""
    header = _read_exactly(connection, _HEADER.size)
    body = None if header is None else _read_exactly(connection, _HEADER.unpack(header)[0])
    if body is None:
        return None
    message: dict[str, Any] = json.loads(body)
    return message


def _read_exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
