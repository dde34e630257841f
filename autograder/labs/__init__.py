"""Definitions of labs, their location in a course, and the lateness policy."""
