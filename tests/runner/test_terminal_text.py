"""Text that moves the cursor becomes what a terminal finally shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.runner.terminal_text import settle, settled


def shown(*pieces: str) -> str:
    """What is shown of text that arrives in pieces."""
    whole, rest = "", ""
    for piece in pieces:
        more, rest = settle(rest + piece)
        whole += more
    return whole + settled(rest)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\nlines", "plain\nlines"),
        ("10%\r20%\r100%\n", "100%\n"),
        ("longer line\rshort", "shortr line"),
        ("longer line\r\x1b[Kshort", "short"),
        ("longer line\x1b[2K\rshort", "short"),
        ("windows\r\nbreaks\r\n", "windows\nbreaks\n"),
        ("abc\b\bX", "aXc"),
        ("\b\b\bx", "x"),
        ("\x1b[1;32mgreen\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07", "green link"),
        ("bar   \rb\n", "bar\n"),
        ("kept   \n", "kept   \n"),
        ("\x1b", ""),
        ("end\x1b[3", "end"),
    ],
)
def test_the_end_state_is_shown(text: str, seen: str) -> None:
    assert shown(text) == seen
    assert shown(*text) == seen


def test_an_overwritten_line_ends_without_its_spaces_however_it_is_split() -> None:
    assert shown("\r ", "\n") == shown("\r \n") == "\n"


@given(st.lists(st.text(alphabet="ab\r\b\n\x1b[K0;m \0", max_size=8), max_size=8))
def test_pieces_make_no_difference(pieces: list[str]) -> None:
    assert shown(*pieces) == shown("".join(pieces))
    assert "\x1b" not in shown(*pieces)
