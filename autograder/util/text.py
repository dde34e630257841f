"""Texts that come from students' objects: made safe to keep before anything else is done with them."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_NAME = 160
MAX_MESSAGE = 1500
# Control characters move the cursor, bidirectional marks turn text round, and both can fake what a reader sees. The
# joiners U+200C and U+200D stay: several scripts and most emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
# A colour code says nothing once it cannot colour.
_ANSI = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")


def text_of(value: object, limit: int) -> str:
    r"""What `str(value)` says, at most `limit` characters, empty where even that raises.

    Halves of characters (`\ud800`), which no UTF-8 file can hold, become question marks.
    """
    try:
        text = str(value)[:limit]
    except BaseException:  # noqa: BLE001 - an object of a student's may raise anything when it is printed
        return ""
    return text.encode("utf-8", "replace").decode("utf-8")


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """Text that shows what is there: colours dropped, unseen characters written out, long text cut.

    Line breaks and tabs stay.
    """
    surplus = len(text) - limit
    # Cut first: a message may be megabytes long.
    shown = shown_plainly(text[: limit * 2]).strip()
    if surplus <= 0 and len(shown) <= limit * 2:
        return shown
    return f"{shown[:limit].rstrip()} … ({max(surplus, len(shown) - limit)} characters more)"


def shown_plainly(text: str) -> str:
    """Text of any length with colours dropped and unseen characters written out; blanks and breaks stay."""
    return _UNSEEN.sub(_written_out, _ANSI.sub("", text.replace("\r\n", "\n")))


def clean_line(text: str, limit: int = MAX_NAME) -> str:
    r"""The same on one line: a break is written `\n`."""
    return clean(text.strip().replace("\n", "\\n").replace("\t", "\\t"), limit)


def points(value: float) -> str:
    """Points without needless digits: 2, 1.5, 0.33."""
    return f"{round(value, 2) + 0.0:g}"


def counted(number: int, noun: str) -> str:
    """A number of things: 1 submission, 2 submissions."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    """A duration people can read: 0.4 s, 21 s, 2 min 5 s, 3 h 20 min, 2 d 3 h."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    for size, unit, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {part}"
    return f"{whole // 60} min {whole % 60} s"


def percent(score: float, max_score: float) -> float:
    """The share of the points from 0 to 100; 0 where there are none to earn."""
    return min(100.0, max(0.0, 100.0 * score / max_score)) if max_score > 0 else 0.0


def duration(seconds: float) -> str:
    """How long, in days and hours or hours and minutes: 2 days 3 hours, 4 hours 10 minutes, 1 minute."""
    days, minutes = divmod(max(1, round(seconds / 60)), 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(days, "day"), (hours, "hour"), (0 if days else minutes, "minute")]
    return " ".join(counted(count, word) for count, word in parts if count)


def first_few(texts: Sequence[str], most: int = 5) -> str:
    """The first of many texts on one line, made harmless."""
    return ", ".join(map(clean_line, texts[:most])) + (", …" if len(texts) > most else "")


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
