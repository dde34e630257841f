"""Remember which cells were run since the set-up cell, and which of them raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .lab import Question


@dataclass(frozen=True)
class Ran:
    """The last run of a cell.

    Its id if the front end sends one, its text, the name of the exception it raised.
    """

    identity: str | None
    source: str
    error: str | None

    def answers(self, question: Question) -> bool:
        """Whether this cell answers a question, by its id or by what it assigns."""
        if self.identity is not None and self.identity.startswith("answer-"):
            return _question_of(self.identity) == question.name
        return question.assigned_in(self.source)


class Watch:
    """The cells run so far, in the order of their last run."""

    def __init__(self, shell: Any, earlier: Iterable[Ran] = ()) -> None:
        self._shell = shell
        self._ran = {cell.identity or cell.source: cell for cell in earlier}
        shell.events.register("post_run_cell", self._note)

    def stop(self) -> None:
        """Stop watching."""
        self._shell.events.unregister("post_run_cell", self._note)

    def cells(self) -> list[Ran]:
        """Return the last run of every cell."""
        return list(self._ran.values())

    def answers(self, question: Question) -> list[Ran]:
        """Return the last run of each answer cell of a question.

        Without cell ids, only the very last one is sure to count; where a question has no variables to be known by,
        that is the cell that ran before its check.
        """
        found = [cell for cell in self._ran.values() if cell.answers(question)]
        known = [cell for cell in found if cell.identity is not None]
        return known or found[-1:] or ([] if question.variables else self._before_check(question))

    def _before_check(self, question: Question) -> list[Ran]:
        before: list[Ran] = []
        found: list[Ran] | None = None
        for cell in self._ran.values():
            if f'grader.check("{question.name}")' in cell.source:
                found = before
            before = [] if cell.identity is not None or "grader." in cell.source else [cell]
        return before if found is None else found

    def failed(self, question: Question) -> str | None:
        """Return the error an answer cell of this question raised when it last ran."""
        return next((cell.error for cell in self.answers(question) if cell.error), None)

    def _note(self, result: Any) -> None:
        source = getattr(result.info, "raw_cell", None) or ""
        identity = getattr(result.info, "cell_id", None)
        error = result.error_before_exec or result.error_in_exec
        key = identity or source
        self._ran.pop(key, None)
        self._ran[key] = Ran(identity, source, type(error).__name__ if error is not None else None)


def _question_of(identity: str) -> str:
    """Return the question of an answer cell's id, `answer-q1` or `answer-q1-2`."""
    name = identity.removeprefix("answer-")
    head, dash, tail = name.rpartition("-")
    return head if dash and tail.isdigit() else name
