"""What a class gets wrong most often: messages that differ only in numbers or quoted values are one mistake. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autograder.results.result import NOT_CHECKED, QuestionResult, Result

# Not an apostrophe inside a word: "isn't" opens no quotation.
_QUOTED = re.compile(r"""(?<!\w)'[^'\n]*'(?!\w)|"[^"\n]*"|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’""")  # noqa: RUF001 - as typed
# Digits that are part of a name stay: float32 and uint8 are different finds.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:[.,]\d+)*(?:e[-+]?\d+)?|nan\b|inf\b)", re.IGNORECASE)
_NUMBERS_IN_BRACKETS = re.compile(r"[(\[]#(?:,?\s*#)*,?[)\]]")
# What follows from another fault, or was never tried, is no mistake of its own.
_NO_MISTAKE = frozenset({"passed", "not_attempted", "skipped", "to_review", "grader_error"})
_Key = tuple[str | None, str, str]  # lab, question, pattern of the message


@dataclass(frozen=True)
class Mistake:
    """One mistake that several submissions share.

    Args:
        question: where it was made.
        message: what the tests say of it, in its most frequent wording; cleaned, not escaped.
        count: how many submissions made it.
        submissions: their names, in the order of the results.
        lab: the lab of the question, as a class may hold several.
    """

    question: str
    message: str
    count: int
    submissions: tuple[str, ...]
    lab: str | None = None


def common_mistakes(results: Sequence[Result], most: int) -> tuple[Mistake, ...]:
    """The mistakes made most often, at most `most`, the most frequent first; a submission counts once for each.

    Left out are questions never attempted or skipped for what they build on, and submissions the grader failed on.
    """
    wordings: dict[_Key, Counter[str]] = {}
    submissions: dict[_Key, dict[str, None]] = {}
    for result in results:
        for question in result.questions if result.status != "grader_error" else ():
            for message in _messages(question):
                key = (result.lab, question.name, pattern(message))
                wordings.setdefault(key, Counter())[message] += 1
                submissions.setdefault(key, {})[result.submission] = None
    # Sorting keeps the order of equals: that of the results and of their questions.
    ranked = sorted(submissions, key=lambda key: -len(submissions[key]))[:most]
    return tuple(
        Mistake(question, wordings[key].most_common(1)[0][0], len(submissions[key]), tuple(submissions[key]), lab)
        for key in ranked
        for lab, question, _ in [key]
    )


def distinct(mistakes: Sequence[Mistake]) -> tuple[Mistake, ...]:
    """Mistakes without those made only by people who made a more frequent one in the same question: mostly the same
    in other words, as when a public and a hidden check find it."""
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
                yield reason.text


def pattern(message: str) -> str:
    """The message without what may differ from one submission to the next."""
    numbers_gone = _NUMBER.sub("#", _QUOTED.sub("'#'", message))
    return " ".join(_NUMBERS_IN_BRACKETS.sub("(#)", numbers_gone).split())
