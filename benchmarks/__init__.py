"""Measured comparisons; not part of the installed package."""
