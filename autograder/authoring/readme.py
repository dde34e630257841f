"""Write `assignment/README.md` and its translations.

They tell students how to start, work and hand in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_GITHUB = re.compile(r"https://github\.com/(?P<repository>[\w.-]+/[\w.-]+)/(?:tree|blob)/(?P<path>[^?#\s]+?)/?$")
_TEMPLATES = Path(__file__).parent


def has_readme(language: str) -> bool:
    """Say whether the kit has a page for students in a language."""
    return (_TEMPLATES / f"student_readme.{language}.md").is_file()


@dataclass(frozen=True)
class ListedLab:
    """A lab as students see it: name, title, questions, points, place to hand in."""

    name: str
    title: str
    questions: int
    points: float
    hand_in: str = ""


def colab_folder(published: str) -> str:
    """Return the Colab address of a folder on GitHub that holds the notebooks.

    Raises:
        ValueError: the address is not that of a folder on GitHub.
    """
    found = _GITHUB.match(published)
    if found is None:
        raise ValueError(
            f"{published!r} is not a folder on GitHub: Colab opens notebooks from addresses like "
            "https://github.com/OWNER/REPOSITORY/tree/main/assignment"
        )
    return f"https://colab.research.google.com/github/{found['repository']}/blob/{found['path']}"


def student_readme(labs: Sequence[ListedLab], *, published: str | None, language: str | None = None) -> bytes:
    """Write the text.

    Args:
        labs: the course's labs, at least one.
        published: the folder on GitHub that the notebooks can be opened from; None for no Colab badge.
        language: one that `has_readme` knows; None for English.
    """
    from jinja2 import Environment, StrictUndefined

    # Markdown, not HTML: nothing is escaped.
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, autoescape=False)  # noqa: S701
    name = "student_readme.md" if language is None else f"student_readme.{language}.md"
    template = environment.from_string((_TEMPLATES / name).read_text(encoding="utf-8"))
    text = template.render(labs=labs, folder=colab_folder(published) if published else None)
    return (text.rstrip() + "\n").encode()
