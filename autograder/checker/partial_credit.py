"""Partial credit, message templates and measurements of tests.

These are plain Python, ignored by stock otter: attributes of the AssertionError that a test raises, and a dict in the
test file's namespace (see CONTRIBUTING.md). Answers cannot set any of them, because they arrive as plain data in a
process without student code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from autograder.util.text import text_of

SHARE = "share_of_points"
TEMPLATE = "message_id"
VALUES = "values"
MEASURED = "MEASURED"
_MOST_MEASURED = 20
_LONGEST_NAME = 40
_LONGEST_VALUE = 500


def share_of(error: AssertionError) -> float:
    """Return the share of its points that a failing test gives, from 0 to 1.

    0 if the error has no share, or an invalid one.
    """
    share = getattr(error, SHARE, 0.0)
    return min(1.0, max(0.0, float(share))) if _is_finite(share) else 0.0


def template_of(error: AssertionError) -> tuple[str, dict[str, Any]]:
    """Return the template of a failure's message and its values.

    Empty if there is none.

    The template is ignored unless it produces the message itself.
    """
    template, values = getattr(error, TEMPLATE, ""), getattr(error, VALUES, None)
    if not isinstance(template, str) or not isinstance(values, dict):
        return "", {}
    sound = {
        str(name): value for name, value in values.items() if isinstance(value, bool | int | str) or _is_finite(value)
    }
    try:
        if template.format(**sound) != str(error):
            return "", {}
    except (LookupError, ValueError, AttributeError):
        return "", {}
    return template, {
        name: text_of(value, _LONGEST_VALUE) if isinstance(value, str) else value for name, value in sound.items()
    }


def measured_in(namespace: Mapping[str, Any]) -> dict[str, float]:
    """Return the first 20 finite numbers that tests measured, by name."""
    noted = namespace.get(MEASURED)
    if not isinstance(noted, dict):
        return {}
    sound = [(name, float(value)) for name, value in noted.items() if _is_name(name) and _is_finite(value)]
    return {name: round(value, 6) for name, value in sound[:_MOST_MEASURED]}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isidentifier() and len(value) <= _LONGEST_NAME


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
