"""Reuse of the solution's training where a submission trains identically."""
