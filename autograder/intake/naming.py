"""Names of submissions, for display and for folders."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count

MAX_ID_LENGTH = 80

_DIGESTED = re.compile(r"-[0-9a-f]{10}$")


def readable_name(name: str) -> str:
    """Replace bytes of a name that are not UTF-8 by the replacement character."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def numbered(names: Iterable[str]) -> list[str]:
    """Make names unique: the second `ada.ipynb` becomes `ada.ipynb (2)`."""
    taken: set[str] = set()
    out: list[str] = []
    for name in names:
        candidates = (name if i == 1 else f"{name} ({i})" for i in count(1))
        taken.add(unique := next(c for c in candidates if c not in taken))
        out.append(unique)
    return out


def folder_names(names: Sequence[str]) -> list[str]:
    """Return a unique and stable folder name for each submission.

    Names that need changes end in a digest of the original name, and so do names that already look like that, so that
    no name can collide with another submission's folder.
    """
    plain = [plain_name(name) for name in names]
    times = Counter(slug.casefold() for slug in plain)
    return [
        slug
        if slug == name and times[slug.casefold()] == 1 and not _DIGESTED.search(slug)
        else f"{slug}-{_digest(name)}"
        for slug, name in zip(plain, names, strict=True)
    ]


def ascii_letters(name: str) -> str:
    """Return the ASCII characters of a name, without accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")


def plain_name(name: str) -> str:
    """Reduce a name to characters that every file system supports; may be ambiguous."""
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", ascii_letters(name)).strip("-.")
    return slug[:MAX_ID_LENGTH] or "submission"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
