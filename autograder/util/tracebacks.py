"""Messages of errors that contain a stack trace themselves, as TensorFlow's do."""

from __future__ import annotations

import re

_MARK = "(most recent call last)"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"\n]*)", line \d+')
_NODE = re.compile(r"\s*\[\[\{\{node [^\n]*|\s*\[Op:[^\]\n]*\]")
_INTRODUCTION = re.compile(r"^(Graph execution error:|Detected at node .*|.*\(most recent call last\):)\s*$")


def without_frames(text: str) -> str:
    """Return a message that begins with the error's last line.

    Frames of code that students did not write are left out.

    A text without a stack trace stays as it is.
    """
    if _MARK not in text:
        return text
    said: list[str] = []
    in_frame = False
    for line in _NODE.sub("", text).splitlines():
        if _FRAME.match(line):
            in_frame = True
        elif in_frame and line.startswith("    "):
            continue  # the frame's line of code
        elif not line.strip():
            in_frame = False
        elif not _INTRODUCTION.match(line):
            in_frame = False
            said.append(line.rstrip())
    return "\n".join(dict.fromkeys(said)) or text
