"""Reduce text with cursor movements, such as progress bars, to its final state."""

from __future__ import annotations

import re

# Colours, cursor movements, window titles (ECMA-48). Erasing to the end of a line is handled separately: otherwise the
# end of a longer line would remain visible after a shorter one.
_ERASE = re.compile(r"\x1b\[([02]?)K")
_OTHER = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*|\][^\x07\x1b\n]{0,2000}\x1b?)?\Z")
_ERASED = "\x1b"  # represents an erasure after all other escapes were removed
_MARK = "\0erase\0"
_MOVES = re.compile(rf"(\r|\x08+|{_ERASED})")


def settle(text: str) -> tuple[str, str]:
    """Split text into final lines and the last, possibly unfinished line.

    Returns:
        Whole lines as a terminal would show them, without colours; and the rest, to be prepended to later text.
        `settled` makes the rest final.
    """
    unfinished = _UNFINISHED.search(text)
    held_back = unfinished.group() if unfinished else ""
    plain = _OTHER.sub("", _ERASE.sub(_marked, text[: len(text) - len(held_back)]))
    plain = plain.replace(_ERASED, "").replace(_MARK, _ERASED)
    *lines, last = plain.split("\n")
    whole = "".join(f"{_shown(line)[0].rstrip(' ') if _MOVES.search(line) else line}\n" for line in lines)
    shown, at = _shown(last)
    # A form that can be continued: whether the cursor has moved, the line, then the cursor position.
    moved = "\r" if _MOVES.search(last) else ""
    back = "\r" if at == 0 and shown else "\b" * (len(shown) - at)
    return whole, f"{moved}{shown}{back}{held_back}"


def settled(rest: str) -> str:
    """Return the last line of `settle` if nothing follows."""
    return rest.partition("\x1b")[0].strip("\r\b")


def _marked(erasure: re.Match[str]) -> str:
    """Replace an erasure by a mark; erasing a whole line (2) also moves to its start."""
    return f"\r{_MARK}" if erasure[1] == "2" else _MARK


def _shown(line: str) -> tuple[str, int]:
    """Return the visible text of a line and the cursor's position."""
    if not _MOVES.search(line):
        return line, len(line)
    shown, at = "", 0
    for part in _MOVES.split(line):
        if part == "\r":
            at = 0
        elif part.startswith("\b"):
            at = max(0, at - len(part))
        elif part == _ERASED:
            shown = shown[:at]
        else:
            shown = shown[:at] + part + shown[at + len(part) :]
            at += len(part)
    return shown, at
