"""Syntax-highlighted Python code as HTML, styled by feedback.css."""

from __future__ import annotations

import html
from functools import cache, lru_cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from autograder.util.text import shown_plainly

# Longer cells are truncated, or not highlighted.
_MAX_SHOWN = 60_000
_MAX_COLOURED = 20_000
# Code given with a lab is the same in every submission, so highlighting is cached.
_REMEMBERED, _MAX_REMEMBERED = 1024, 5_000


def coloured(source: str) -> str:
    """Highlight code as safe HTML for a `pre` element; very long code is truncated."""
    if len(source) > _MAX_COLOURED or source.lstrip().startswith("%%"):
        return plain(source)
    return _remembered(source) if len(source) <= _MAX_REMEMBERED else _in_colours(source)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(source: str) -> str:
    return _in_colours(source)


def _in_colours(source: str) -> str:
    lexer, formatter = _tools()
    return str(highlight(shown_plainly(source.rstrip()), lexer, formatter)).rstrip("\n")


def plain(source: str, limit: int = _MAX_SHOWN) -> str:
    """Escape code without highlighting it, truncated to `limit` characters."""
    limit = min(limit, _MAX_SHOWN)
    text = html.escape(shown_plainly(source[:limit].rstrip()))
    return text if len(source) <= limit else f"{text}\n… ({len(source) - limit} more characters)"


@cache
def _tools() -> tuple[PythonLexer, HtmlFormatter]:
    return PythonLexer(stripnl=False), HtmlFormatter(nowrap=True, classprefix="py-")
