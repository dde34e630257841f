"""Sanitized HTML: known elements without styles or external resources.

The result cannot run code, load resources, link, cover parts of the page, or use its styles, classes or ids.
"""

from __future__ import annotations

import html
import re
from typing import Final

import nh3

from autograder.notebooks.images import KINDS, picture
from autograder.util.text import shown_plainly

_TEXT = "p br hr em strong b i u s del ins sub sup kbd code pre blockquote details summary div span ul ol li dl dt dd"
_TABLES = "table thead tbody tfoot tr th td caption"
_HEADINGS = "h3 h4 h5 h6"  # h1 and h2 are used by the page
_MATHS = (
    "math mrow mi mn mo mtext mspace mstyle mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd "
    "menclose mpadded mphantom"
)
_TAGS: Final = set(f"{_TEXT} {_TABLES} {_HEADINGS} {_MATHS} img".split())
_ATTRIBUTES: Final = {
    "img": {"src", "alt"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "math": {"display"},
    "mi": {"mathvariant"},
    "mo": {"stretchy", "fence", "separator", "form", "lspace", "rspace", "minsize", "maxsize"},
    "mspace": {"width"},
    "mfrac": {"linethickness"},
    "mtable": {"columnalign", "rowspacing", "columnspacing"},
    "menclose": {"notation"},
    "mover": {"accent"},
    "munder": {"accentunder"},
}
# Removed with their content, which is not meant for readers.
_DROPPED: Final = set("script style template noscript iframe object svg title textarea select".split())
_MATH_WORD = re.compile(r"[a-z -]{1,60}|[+-]?(?:[0-2](?:\.\d{1,6})?|\.\d{1,6})(?:em|ex)|0(?:px)?")
_NUMBER = re.compile(r"[1-9]\d{0,3}")
# The output format of nh3: attributes in double quotes, `<` and `>` in them as entities.
_IMG = re.compile(r"<img((?: [a-z]+=\"[^\">]*\")*)>")
_ATTRIBUTE = re.compile(r" ([a-z]+)=\"([^\"]*)\"")


def safe_html(text: str) -> str:
    """Return the safe part of HTML text.

    Unknown elements are replaced by their text. Images are kept if they are `data:` addresses of valid PNG, JPEG or GIF
    files, otherwise replaced by their description. Invisible characters are escaped.
    """
    cleaned = nh3.clean(
        text,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"data"},
        link_rel=None,
    )
    return shown_plainly(_IMG.sub(_image, cleaned))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img":
        return value
    if name in ("start", "colspan", "rowspan"):
        return value if _NUMBER.fullmatch(value) else None
    return value if _MATH_WORD.fullmatch(value) else None


def _image(match: re.Match[str]) -> str:
    attributes = dict(_ATTRIBUTE.findall(match[1]))
    described = attributes.get("alt", "")
    kind, _, data = html.unescape(attributes.get("src", "")).removeprefix("data:").partition(";base64,")
    shown = picture(kind, data) if kind in KINDS else None
    if shown is None:
        return f"<em>[image omitted{': ' if described else ''}{described}]</em>"
    return f'<img src="{shown.address}" alt="{described}" width="{shown.width}" height="{shown.height}">'
