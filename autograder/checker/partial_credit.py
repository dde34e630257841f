"""What a test may say beyond pass or fail: a share of its points, its message as a template, numbers it has measured.

All are plain Python that stock otter runs without knowing of them: attributes of the AssertionError a test raises,
and a dict in the test file's namespace. Answers cannot set any of them: they come as plain data into a process that
runs no student code.
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
    """The share of its points that a failing test gives, from 0 to 1; 0 where it says none, or says no number."""
    share = getattr(error, SHARE, 0.0)
    return min(1.0, max(0.0, float(share))) if _is_finite(share) else 0.0


def template_of(error: AssertionError) -> tuple[str, dict[str, Any]]:
    """The template of a failure's message and what its names stand for; empty where the test gives none.

    Only what gives the message itself is told, so nothing else can be said with it.
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
    """What the tests of a file have measured, from their namespace: finite numbers under plain names, the first 20."""
    noted = namespace.get(MEASURED)
    if not isinstance(noted, dict):
        return {}
    sound = [(name, float(value)) for name, value in noted.items() if _is_name(name) and _is_finite(value)]
    return {name: round(value, 6) for name, value in sound[:_MOST_MEASURED]}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isidentifier() and len(value) <= _LONGEST_NAME


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
