"""Formatting text, and sanitizing text from students' objects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.util.translations import ENGLISH, Translate

MAX_NAME = 160
MAX_MESSAGE = 1500
# Control characters move the cursor and bidirectional marks reorder text; both can mislead readers (Boucher and
# Anderson, "Trojan Source", 2021). The joiners U+200C and U+200D are kept: several scripts and most emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
# Terminal escape sequences such as colours.
_ANSI = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")


def text_of(value: object, limit: int) -> str:
    """Return at most `limit` characters of `str(value)`; empty if it raises.

    Lone surrogates, which UTF-8 cannot encode, become question marks.
    """
    try:
        text = str(value)[:limit]
    except BaseException:  # noqa: BLE001 - a student's object may raise anything when converted to text
        return ""
    return text.encode("utf-8", "replace").decode("utf-8")


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """Remove colours, escape invisible characters and truncate long text.

    Line breaks and tabs are kept.
    """
    surplus = len(text) - limit
    # Truncate first: a message may have megabytes.
    shown = shown_plainly(text[: limit * 2]).strip()
    if surplus <= 0 and len(shown) <= limit * 2:
        return shown
    return f"{shown[:limit].rstrip()} … ({max(surplus, len(shown) - limit)} more characters)"


def shown_plainly(text: str) -> str:
    """Remove colours and escape invisible characters in text of any length."""
    return _UNSEEN.sub(_written_out, _ANSI.sub("", text.replace("\r\n", "\n")))


def clean_line(text: str, limit: int = MAX_NAME) -> str:
    """Clean text as by `clean`, with line breaks and tabs escaped."""
    return clean(text.strip().replace("\n", "\\n").replace("\t", "\\t"), limit)


def points(value: float) -> str:
    """Format points without trailing zeros: 2, 1.5, 0.33."""
    return f"{round(value, 2) + 0.0:g}"


def counted(number: int, noun: str) -> str:
    """Format a count and its noun: 1 submission, 2 submissions."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def seconds(value: float, _: Translate = ENGLISH) -> str:
    """Format a duration: 0.4 s, 21 s, 2 min 5 s, 3 h 20 min, 2 d 3 h."""
    if value < 10:
        return _("{seconds} s", seconds=f"{value:.1f}")
    whole = round(value)
    if whole < 60:
        return _("{seconds} s", seconds=whole)
    if whole >= 86400:
        return _("{days} d {hours} h", days=whole // 86400, hours=whole % 86400 // 3600)
    if whole >= 3600:
        return _("{hours} h {minutes} min", hours=whole // 3600, minutes=whole % 3600 // 60)
    return _("{minutes} min {seconds} s", minutes=whole // 60, seconds=whole % 60)


def whole_seconds(value: float) -> str:
    """Format a duration that is still growing: 0 s, 21 s, 2 min 5 s."""
    return seconds(int(value)) if value >= 10 else f"{int(value)} s"


def percent(score: float, max_score: float) -> float:
    """Return a score as a percentage from 0 to 100; 0 if no points can be earned."""
    return min(100.0, max(0.0, 100.0 * score / max_score)) if max_score > 0 else 0.0


def duration(seconds: float, _: Translate = ENGLISH) -> str:
    """Format a duration in words: 2 days 3 hours, 4 hours 10 minutes, 1 minute."""
    days, minutes = divmod(max(1, round(seconds / 60)), 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        (days, _("{number} day", number=days) if days == 1 else _("{number} days", number=days)),
        (hours, _("{number} hour", number=hours) if hours == 1 else _("{number} hours", number=hours)),
        (
            0 if days else minutes,
            _("{number} minute", number=minutes) if minutes == 1 else _("{number} minutes", number=minutes),
        ),
    ]
    return " ".join(words for count, words in parts if count)


def first_few(texts: Sequence[str], most: int = 5) -> str:
    """Join the first of many texts on one line, sanitized."""
    return ", ".join(map(clean_line, texts[:most])) + (", …" if len(texts) > most else "")


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
