"""Symbols and terminal colours of statuses, and fitting text into columns."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from autograder.results.result import QuestionStatus, SubmissionStatus

QUESTION_SYMBOLS: dict[QuestionStatus, str] = {
    "passed": "✓",
    "partial": "~",
    "failed": "✗",
    "to_review": "?",
    "not_attempted": "-",
    "error": "!",
    "skipped": "-",
    "grader_error": "✗",
}
QUESTION_STYLES: dict[QuestionStatus, str] = {
    "passed": "green",
    "partial": "yellow",
    "failed": "red",
    "to_review": "cyan",
    "not_attempted": "dim",
    "error": "red",
    "skipped": "yellow",
    "grader_error": "bold red",
}
SUBMISSION_SYMBOLS: dict[SubmissionStatus, str] = {
    "graded": "✓",
    "timeout": "!",
    "out_of_memory": "!",
    "crashed": "!",
    "unreadable": "✗",
    "grader_error": "✗",
}
SUBMISSION_STYLES: dict[SubmissionStatus, str] = {
    "graded": "green",
    "timeout": "yellow",
    "out_of_memory": "yellow",
    "crashed": "yellow",
    "unreadable": "red",
    "grader_error": "bold red",
}


@lru_cache(maxsize=512)
def fitted(text: str, cells: int, *, fill: bool = False) -> str:
    """Fit text into a number of columns by leaving out its middle.

    The middle is left out because file names often differ at their ends.

    Args:
        text: one line.
        cells: columns; a wide character takes two.
        fill: whether to pad with spaces.
    """
    if cell_len(text) > cells:
        last = max(0, cells // 2 - 1)
        end = next(text[i:] for i in range(len(text) + 1) if cell_len(text[i:]) <= last)
        end = end.lstrip("\u200d\ufe0f")  # joiners of a removed character
        start = set_cell_size(text, max(0, cells - 1 - cell_len(end))).rstrip()
        text = f"{start}…{end}"
    return set_cell_size(text, cells) if fill else text


def shortened(text: str, cells: int) -> str:
    """Truncate text to a number of columns, at the end of a word if possible."""
    if cell_len(text) <= cells:
        return text
    cut = set_cell_size(text, cells - 2)
    half = len(cut) // 2
    return cut[: cut.rfind(" ", half) if " " in cut[half:] else None].rstrip() + " …"
