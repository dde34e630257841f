"""The mistakes of a class: what the checks said; messages that differ only in what was found count as one. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.render.words import Reason, clean_line, reasons
from autograder.results import QuestionResult

# Between quotation marks stands what was found; an apostrophe inside a word is none.
_QUOTED = re.compile(r"""(?<!\w)(["'`]).{0,400}?\1(?!\w)""", re.DOTALL)
_NUMBER = re.compile(r"(?<!\w)[-+]?\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?")
_SEVERAL = re.compile(r"#(?:,\s*#)+,?")
_TELLING = frozenset({"partial", "failed", "error"})


@dataclass(frozen=True)
class Mistake:
    """One kind of mistake in a question.

    Args:
        text: the message, in the form most submissions got.
        hidden: whether a hidden check said so.
        submissions: the IDs of the submissions behind it, each once.
    """

    text: str
    hidden: bool
    submissions: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many submissions made it."""
        return len(self.submissions)


def mistakes(answers: Iterable[tuple[str, QuestionResult]]) -> tuple[Mistake, ...]:
    """The mistakes in one question, most frequent first.

    Args:
        answers: for each submission its ID and its result of the question.
    """
    texts: dict[str, Counter[Reason]] = {}
    behind: dict[str, dict[str, None]] = {}
    for identity, question in answers:
        for reason in _told(question):
            kind = kind_of(reason.text)
            texts.setdefault(kind, Counter())[reason] += 1
            behind.setdefault(kind, {})[identity] = None
    found = [
        Mistake(usual.text, usual.hidden, tuple(behind[kind]))
        for kind, counts in texts.items()
        for usual, _ in counts.most_common(1)
    ]
    return tuple(sorted(found, key=lambda mistake: (-mistake.count, mistake.text)))


def kind_of(message: str) -> str:
    """The message without what was found: numbers and quoted values replaced; equal mistakes have equal kinds."""
    without = _NUMBER.sub("#", _QUOTED.sub("'…'", clean_line(message, 2000)))
    return _SEVERAL.sub("#", without)


def _told(question: QuestionResult) -> Sequence[Reason]:
    """What was said about the question; what was never answered or builds on something missing is no mistake."""
    if question.status not in _TELLING:
        return ()
    told = reasons(question)
    # After a cell that raised, its checks only find what is missing because of it.
    return told[:1] if question.status == "error" else told
