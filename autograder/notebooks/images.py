"""Validation of images in submissions: known types and limited size."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

MAX_BYTES = 2_000_000
_MAX_SIDE = 5_000
_MAX_PIXELS = 16_000_000
_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
KINDS = tuple(_SIGNATURES)
# Start-of-frame markers, which contain a JPEG's size (ITU-T T.81, table B.1).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Picture:
    """A valid image: MIME type, size in pixels, and base64 data on one line."""

    kind: str
    width: int
    height: int
    base64: str

    @property
    def address(self) -> str:
        """The image as a `data:` address."""
        return f"data:{self.kind};base64,{self.base64}"


def picture(kind: str, text: object) -> Picture | None:
    """Validate an image in base64.

    None if it is not an image of that type or too large.
    """
    if kind not in _SIGNATURES or not isinstance(text, str) or len(text) > MAX_BYTES * 3 // 2:
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) > MAX_BYTES or not data.startswith(_SIGNATURES[kind]):
        return None
    try:
        width, height = _SIZES[kind](data)
    except (struct.error, IndexError):
        return None
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE and width * height <= _MAX_PIXELS):
        return None
    return Picture(kind, width, height, base64.b64encode(data).decode("ascii"))


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return (width, height) if data[12:16] == b"IHDR" else (0, 0)


def _gif_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length
    return 0, 0


_SIZES = {"image/png": _png_size, "image/jpeg": _jpeg_size, "image/gif": _gif_size}
