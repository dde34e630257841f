"""Where people read: standard output and error, in colour and in width as their terminal and their settings want it.

rich sees to NO_COLOR, FORCE_COLOR, TERM=dumb and COLUMNS.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

# Longer lines are hard to read, however wide the screen.
MAX_WIDTH = 120
_PLAIN = str.maketrans("✓✗·×–…→“”‘’━─", "+x-x-.>\"\"''=-")  # noqa: RUF001 - what the kit itself writes


def console(*, err: bool = False) -> Console:
    """A console for standard output, or error. What its encoding lacks is written in other characters."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A student's file name must not stop a grader who works in an old locale.
        stream.reconfigure(errors="autograder")
    return Console(stderr=err, markup=False, emoji=False, highlight=False)


def redraws(*, err: bool = True) -> bool:
    """Whether a terminal is there that can draw over what it has shown; a log file or FORCE_COLOR makes none."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and console(err=err).is_interactive


def show(*shown: RenderableType, err: bool = False) -> None:
    """Print tables and texts, no wider than is good to read; without the spaces that fill up lines."""
    out = console(err=err)
    for renderable in shown:
        with out.capture() as captured:
            out.print(renderable, width=min(out.width, MAX_WIDTH))
        _write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()), err=err)


def show_whole(*lines: RenderableType) -> None:
    """Print lines that stay in one piece, as paths must: where they are too long, the terminal breaks them."""
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True)


def say(sentence: str | Text, *, err: bool = False) -> None:
    """Print a sentence: broken between words on a terminal, in one piece in a log or for another program."""
    from rich.text import Text

    out = console(err=err)
    text = Text(sentence) if isinstance(sentence, str) else sentence
    with out.capture() as captured:
        if out.is_terminal:
            out.print(text, width=min(out.width, MAX_WIDTH))
        else:
            out.print(text, soft_wrap=True)
    _write(captured.get(), err=err)


def _write(text: str, *, err: bool) -> None:
    """Through the stream, not the console: while a progress display runs, the stream leads past it."""
    stream = sys.stderr if err else sys.stdout
    stream.write(text)
    stream.flush()


def say_error(message: str, hint: str | None) -> None:
    """Say what went wrong, and the command or step that helps."""
    from rich.text import Text

    end = "" if message.endswith((".", "!", "?", "…", "`")) else "."
    say(Text.assemble(("Error: ", "bold red"), f"{message}{end}"), err=True)
    if hint:
        say(Text.assemble(("  Try: ", "bold"), hint), err=True)


def show_json(document: Any, *, indent: int | None = 2) -> None:
    """Print JSON to standard output; in pure ASCII where its encoding is not UTF-8."""
    utf = (sys.stdout.encoding or "").casefold().startswith("utf")
    sys.stdout.write(json.dumps(document, indent=indent, ensure_ascii=not utf) + "\n")


def _in_plainer_characters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(character if character.isascii() else "?" for character in characters), error.end


codecs.register_error("autograder", _in_plainer_characters)
