"""Python code in colours, as HTML whose classes feedback.css knows."""

from __future__ import annotations

import html
from functools import cache, lru_cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from autograder.render.words import shown_plainly

# A cell nobody reads to its end is shown in part, and without colours: those take a second for each megabyte.
_MAX_SHOWN = 60_000
_MAX_COLOURED = 20_000
_REMEMBERED = 1024


@lru_cache(maxsize=_REMEMBERED)
def coloured(source: str) -> str:
    """Code as HTML to be put in a `pre`: harmless, unseen characters written out, cut where it is very long."""
    text = shown_plainly(source[:_MAX_SHOWN].rstrip())
    if len(source) > _MAX_SHOWN:
        text += f"\n… ({len(source) - _MAX_SHOWN} characters more)"
    if len(text) > _MAX_COLOURED or text.lstrip().startswith("%%"):
        return html.escape(text)
    lexer, formatter = _tools()
    return str(highlight(text, lexer, formatter)).rstrip("\n")


@cache
def _tools() -> tuple[PythonLexer, HtmlFormatter]:
    return PythonLexer(stripnl=False), HtmlFormatter(nowrap=True, classprefix="py-")
