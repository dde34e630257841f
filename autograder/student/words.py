"""Look up the texts students read in the catalog of the notebook's language."""

from __future__ import annotations

from collections.abc import Mapping

_catalog: dict[str, str] = {}


def use_catalog(catalog: Mapping[str, str]) -> None:
    """Set the catalog of translations, by English text.

    Texts that it lacks stay English.
    """
    _catalog.clear()
    _catalog.update(catalog)


def _(text: str, /, **values: object) -> str:
    """Return a text in the notebook's language, with its `{placeholders}` filled in."""
    found = _catalog.get(text, text)
    return found.format(**values) if values else found


def ngettext(one: str, many: str, number: float, /, **values: object) -> str:
    """Return the form of a text for a number, which is its placeholder `{number}`."""
    found = _catalog.get(one) or (one if number == 1 else many)
    return found.format(number=plain(number), **values)


def plain(number: float) -> str:
    """Write a number of points without needless zeros."""
    return f"{round(float(number), 2):g}"


def points_of(earned: float, possible: float) -> str:
    """Write earned points out of possible ones."""
    return ngettext("{earned} of {number} point", "{earned} of {number} points", possible, earned=plain(earned))


def listed(items: list[str]) -> str:
    """Join names into `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return _("{several} and {last}", several=_(", ").join(items[:-1]), last=items[-1])
