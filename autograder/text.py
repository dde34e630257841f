"""Texts that come from students' objects: made safe to keep before anything else is done with them."""

from __future__ import annotations


def text_of(value: object, limit: int) -> str:
    r"""What `str(value)` says, at most `limit` characters, empty where even that raises.

    Halves of characters (`\ud800`), which no UTF-8 file can hold, become question marks.
    """
    try:
        text = str(value)[:limit]
    except BaseException:  # noqa: BLE001 - an object of a student's may raise anything when it is printed
        return ""
    return text.encode("utf-8", "replace").decode("utf-8")
