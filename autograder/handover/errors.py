"""Errors of handing over answers, with messages for the student."""

from __future__ import annotations


class CannotCrossError(Exception):
    """A value that cannot be represented as plain data, or invalid plain data."""
