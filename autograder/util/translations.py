"""Texts of the kit in the language of a student's notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[1] / "locale"

# Returns a text in a language, with its `{placeholders}` filled in.
Translate = Callable[..., str]


@dataclass(frozen=True)
class Words:
    """The texts of one language, by English text; what it lacks stays English.

    Args:
        tag: the language as HTML names it.
        catalog: the translations.
    """

    tag: str = "en"
    catalog: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: str, /, **values: object) -> str:
        """Return a text in this language, with its `{placeholders}` filled in."""
        found = self.catalog.get(text, text)
        return found.format(**values) if values else found


ENGLISH = Words()
_TAGS = {"zh": "zh-CN"}


@cache
def words_of(language: str) -> Words:
    """Return the words of the feedback page in a language; English if it is unknown."""
    path = LOCALE / language / "LC_MESSAGES" / "feedback.po"
    # The language is what a notebook claims: it must not name a file elsewhere.
    if not language.replace("_", "").isalnum() or not path.is_file():
        return ENGLISH
    from babel.messages.pofile import read_po  # slow to import, and English needs no catalog

    with path.open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id and entry.string and not entry.fuzzy]
    tag = _TAGS.get(language, language.replace("_", "-"))
    return Words(tag, {str(entry.id): str(entry.string) for entry in entries})
