"""Markdown of notebooks as safe HTML, with formulas as MathML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from autograder.notebooks.images import Picture
from autograder.render.safe_html import safe_html

# Text of a lab is the same in every submission, so rendering is cached.
_REMEMBERED, _MAX_REMEMBERED = 1024, 8_000
# Longer text is slow to parse and shown as source.
_MAX_MARKDOWN = 30_000
_MAX_FORMULA = 2_000
_LEVELS_DOWN = 2
_DELIMITERS = re.compile(r"^\s*\$\$?(.*?)\$\$?\s*$", re.DOTALL)
# Invisible operators, which latex2mathml inserts for screen readers.
_INVISIBLE = re.compile("&#x0206[1-4];|[\u2061-\u2064]")


@dataclass(frozen=True)
class Rendered:
    """Safe HTML, and the plain text of its last heading, if any."""

    html: str
    heading: str = ""


def rendered(source: str, attachments: Mapping[str, Picture] | None = None) -> Rendered:
    """Render Markdown with demoted headings, links as text, and no external images.

    Args:
        source: the Markdown.
        attachments: images that it may show, by name.
    """
    if attachments or len(source) > _MAX_REMEMBERED:
        return _rendered(source, attachments or {})
    return _remembered(source)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(source: str) -> Rendered:
    return _rendered(source, {})


@lru_cache(maxsize=_REMEMBERED)
def mathml(formula: str, *, block: bool) -> str:
    """Convert a LaTeX formula to MathML, or to its source if that fails.

    Not sanitized.
    """
    as_written = f"<code>{html.escape(formula)}</code>"
    if len(formula) > _MAX_FORMULA:
        return as_written
    try:
        return _INVISIBLE.sub("", convert(formula, display="block" if block else "inline"))
    except Exception:  # noqa: BLE001 - a student's formula may be invalid in any way
        return as_written


def latex(text: str) -> str:
    """Render an output of type text/latex as safe HTML."""
    inner = _DELIMITERS.match(text)
    return safe_html(mathml(inner[1].replace("\\displaystyle", "").strip() if inner else text, block=True))


def _rendered(source: str, attachments: Mapping[str, Picture]) -> Rendered:
    as_written = f"<pre>{html.escape(source)}</pre>"
    if len(source) > _MAX_MARKDOWN:
        return Rendered(safe_html(as_written))
    try:
        tokens = _parser().parse(source)
        heading = _last_heading(tokens)
        made = _parser().renderer.render(tokens, _parser().options, {"attachments": attachments})
    except RecursionError:
        return Rendered(safe_html(as_written))
    return Rendered(safe_html(made), heading)


def _last_heading(tokens: Sequence[Token]) -> str:
    """Return the text of the last heading; demote all headings in place."""
    found = ""
    for index, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + _LEVELS_DOWN)}"
        if token.type == "heading_open":
            inside = tokens[index + 1].children or ()
            found = "".join(child.content for child in inside if not child.type.startswith("html"))
    return " ".join(found.split())


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_labels=False, double_inline=True)
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _image(_: Any, tokens: Sequence[Token], index: int, __: Any, env: Mapping[str, Any]) -> str:
    token = tokens[index]
    address = str(token.attrs.get("src", ""))
    attached = env["attachments"].get(address.removeprefix("attachment:")) if "attachment:" in address else None
    shown = attached.address if attached else address
    return f'<img src="{html.escape(shown)}" alt="{html.escape(token.content)}">'


def _link_close(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Append the address to the link text instead of linking to it.

    Readers may trust links on a grader's page, so a student's links are not clickable.
    """
    opened = next((token for token in reversed(tokens[:index]) if token.type == "link_open"), None)
    address = str(opened.attrs.get("href", "")) if opened is not None else ""
    text = "".join(token.content for token in tokens[index - 1 : index])
    return f" ({html.escape(address)})" if ":" in address and text != address else ""


def _inline_math(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return mathml(tokens[index].content, block=False)


def _block_math(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<p>{mathml(tokens[index].content.strip(), block=True)}</p>"


_RULES: dict[str, Any] = {
    "image": _image,
    "link_open": lambda *_: "",
    "link_close": _link_close,
    "math_inline": _inline_math,
    "math_inline_double": lambda *arguments: mathml(arguments[1][arguments[2]].content.strip(), block=True),
    "math_block": _block_math,
}
