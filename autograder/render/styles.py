"""Statuses as symbols and colours of a terminal, always beside their words, and text that fits into columns."""

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
    """Text of at most so many columns, what is too much left out in the middle: file names differ at their ends.

    Args:
        text: one line.
        cells: columns; a wide character takes two.
        fill: add spaces up to them.
    """
    if cell_len(text) > cells:
        last = max(0, cells // 2 - 1)
        end = next(text[i:] for i in range(len(text) + 1) if cell_len(text[i:]) <= last)
        end = end.lstrip("\u200d\ufe0f")  # what joined the first character to one that is gone
        start = set_cell_size(text, max(0, cells - 1 - cell_len(end))).rstrip()
        text = f"{start}…{end}"
    return set_cell_size(text, cells) if fill else text


def shortened(text: str, cells: int) -> str:
    """Text of at most so many columns, cut at a word's end where there is one."""
    if cell_len(text) <= cells:
        return text
    cut = set_cell_size(text, cells - 2)
    half = len(cut) // 2
    return cut[: cut.rfind(" ", half) if " " in cut[half:] else None].rstrip() + " …"
