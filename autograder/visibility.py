"""When Gradescope shows a check to students: the words of its page "Autograder Specifications"."""

from __future__ import annotations

from typing import Literal, get_args

Visibility = Literal["visible", "after_due_date", "after_published", "hidden"]
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)
