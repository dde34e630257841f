"""Why an answer cannot be handed over or taken in; the texts are for the student."""

from __future__ import annotations


class CannotCrossError(Exception):
    """A value that has no form as plain data, or whose plain form is not acceptable."""
