"""Most common mistakes of a class. Pure.

Messages that differ only in numbers or quoted values, or in the language of the notebook, count as the same mistake.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autograder.results.result import NOT_CHECKED, QuestionResult, Result

# Excludes apostrophes inside words, as in "isn't".
_QUOTED = re.compile(r"""(?<!\w)'[^'\n]*'(?!\w)|"[^"\n]*"|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’""")  # noqa: RUF001 - quotation marks
# Digits that are part of a name are kept: float32 and uint8 are different values.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:[.,]\d+)*(?:e[-+]?\d+)?|nan\b|inf\b)", re.IGNORECASE)
_NUMBERS_IN_BRACKETS = re.compile(r"[(\[]#(?:,?\s*#)*,?[)\]]")
# Questions that were not attempted, or skipped because of another one, contain no mistake.
_NO_MISTAKE = frozenset({"passed", "not_attempted", "skipped", "to_review", "grader_error"})
_Key = tuple[str | None, str, str]  # lab, question, pattern of the message


@dataclass(frozen=True)
class Mistake:
    """A mistake shared by several submissions.

    Args:
        question: the question.
        message: its most frequent message; sanitized, not escaped.
        count: number of submissions.
        submissions: their names, in the order of the results.
        lab: the lab of the question.
    """

    question: str
    message: str
    count: int
    submissions: tuple[str, ...]
    lab: str | None = None


def common_mistakes(results: Sequence[Result], most: int) -> tuple[Mistake, ...]:
    """Return the most common mistakes, most frequent first.

    Each counts once per submission.

    Excludes questions that were not attempted or skipped, and submissions with a grader error.

    Args:
        results: the results of a class.
        most: the largest number of mistakes to return.
    """
    wordings: dict[_Key, Counter[str]] = {}
    submissions: dict[_Key, dict[str, None]] = {}
    for result in results:
        for question in result.questions if result.status != "grader_error" else ():
            for message in _messages(question):
                key = (result.lab, question.name, pattern(message))
                wordings.setdefault(key, Counter())[message] += 1
                submissions.setdefault(key, {})[result.submission] = None
    # Sorting is stable: ties keep the order of the results and of their questions.
    ranked = sorted(submissions, key=lambda key: -len(submissions[key]))[:most]
    return tuple(
        Mistake(question, wordings[key].most_common(1)[0][0], len(submissions[key]), tuple(submissions[key]), lab)
        for key in ranked
        for lab, question, _ in [key]
    )


def distinct(mistakes: Sequence[Mistake]) -> tuple[Mistake, ...]:
    """Leave out mistakes of students who all made a more frequent one in the question.

    These are usually the same mistake in other words, found by a public and a hidden check.
    """
    kept: list[Mistake] = []
    for mistake in mistakes:
        same_question = (other for other in kept if (other.lab, other.question) == (mistake.lab, mistake.question))
        if not any(set(mistake.submissions) <= set(other.submissions) for other in same_question):
            kept.append(mistake)
    return tuple(kept)


def _messages(question: QuestionResult) -> Iterator[str]:
    from autograder.results.labels import reasons  # not above: what is in `render` shows mistakes

    said = question.reason.strip() or any(test.message.strip() for test in question.tests if not test.passed)
    if said and question.status not in _NO_MISTAKE:
        for reason in reasons(question):
            if reason.message_id != NOT_CHECKED:
                yield reason.english


def pattern(message: str) -> str:
    """Return a message without the parts that may differ between submissions."""
    numbers_gone = _NUMBER.sub("#", _QUOTED.sub("'#'", message))
    return " ".join(_NUMBERS_IN_BRACKETS.sub("(#)", numbers_gone).split())
