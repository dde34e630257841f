"""Console output that respects the terminal's width, colours and encoding.

rich handles NO_COLOR, FORCE_COLOR, TERM=dumb and COLUMNS.
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

# Longer lines are hard to read, even on wide screens.
MAX_WIDTH = 120
_PLAIN = str.maketrans("✓✗·×–…→“”‘’━─", "+x-x-.>\"\"''=-")  # noqa: RUF001 - characters of the kit's own texts


def console(*, err: bool = False) -> Console:
    """Create a console for standard output or error.

    Characters that the encoding lacks are replaced.
    """
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A student's file name must not cause an error in a legacy locale.
        stream.reconfigure(errors="autograder")
    return Console(stderr=err, markup=False, emoji=False, highlight=False)


def redraws(*, err: bool = True) -> bool:
    """Return whether the stream is a terminal that supports redrawing."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and console(err=err).is_interactive


def show(*shown: RenderableType, err: bool = False) -> None:
    """Print tables and texts of limited width, without trailing spaces."""
    out = console(err=err)
    for renderable in shown:
        with out.capture() as captured:
            out.print(renderable, width=min(out.width, MAX_WIDTH))
        _write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()), err=err)


def show_whole(*lines: RenderableType) -> None:
    """Print lines without wrapping them, as needed for paths."""
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True)


def say(sentence: str | Text, *, err: bool = False) -> None:
    """Print a sentence, wrapped on a terminal and as one line elsewhere."""
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
    """Write to the stream, because a progress display may redirect the console."""
    stream = sys.stderr if err else sys.stdout
    stream.write(text)
    stream.flush()


def say_error(message: str, hint: str | None) -> None:
    """Print an error and a hint."""
    from rich.text import Text

    end = "" if message.endswith((".", "!", "?", "…", "`")) else "."
    say(Text.assemble(("Error: ", "bold red"), f"{message}{end}"), err=True)
    if hint:
        say(Text.assemble(("  Try: ", "bold"), hint), err=True)


def show_json(document: Any, *, indent: int | None = 2) -> None:
    """Print JSON to standard output, in ASCII unless its encoding is UTF-8."""
    utf = (sys.stdout.encoding or "").casefold().startswith("utf")
    sys.stdout.write(json.dumps(document, indent=indent, ensure_ascii=not utf) + "\n")


def _in_plainer_characters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(character if character.isascii() else "?" for character in characters), error.end


codecs.register_error("autograder", _in_plainer_characters)
