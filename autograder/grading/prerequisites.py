"""What a question builds on and did not get: variables its tests need, and questions its master names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.labs.assignment import Question
from autograder.results.result import QuestionResult


@dataclass(frozen=True)
class Hindrance:
    """Something a question builds on that is missing or unusable; `variable` is None for a whole question."""

    variable: str | None
    reason: str


def missing_variables(question: Question, states: Mapping[str, str], owners: Mapping[str, str]) -> list[Hindrance]:
    """What the question's tests need from elsewhere and did not get, in the order they take it.

    Args:
        question: the question.
        states: what became of its variables: `present`, `gap` or `unusable: REASON`; a missing one has no entry.
        owners: the question that each answer variable belongs to.
    """
    needed = dict.fromkeys(name for test in question.tests for name in test.required if name not in question.variables)
    hindrances = []
    for name in needed:
        state = states.get(name, "missing")
        if state == "present":
            continue
        owner = f" ({owners[name]})" if owners.get(name, question.name) != question.name else ""
        what = {"missing": "is missing", "gap": "is still a gap"}.get(
            state, f"cannot be used ({state.removeprefix('unusable: ')})"
        )
        hindrances.append(Hindrance(name, f"it builds on {name}{owner}, which {what}"))
    return hindrances


def missing_prerequisites(
    prerequisites: Sequence[Question], results: Mapping[str, QuestionResult], states: Mapping[str, Mapping[str, str]]
) -> list[Hindrance]:
    """Which of the questions that another one names as its prerequisites gave it nothing to build on.

    A base that is only wrong hinders nothing: it has some points, or all its variables are there.

    Args:
        prerequisites: the questions named.
        results: their results, by name.
        states: what became of the variables of each, by its name.
    """
    hindrances = []
    for base in prerequisites:
        result = results[base.name]
        present = [states[base.name].get(name) == "present" for name in base.variables]
        if result.score > 0 or (present and all(present)):
            continue
        if what := _what_is_missing(result, nothing_usable=bool(present) and not any(present)):
            title = f" ({base.title[0].lower()}{base.title[1:]})" if base.title else ""
            hindrances.append(Hindrance(None, f"it builds on {base.name}{title}, {what}"))
    return hindrances


def _what_is_missing(result: QuestionResult, *, nothing_usable: bool) -> str | None:
    if result.status == "not_attempted":
        return "which has not been attempted"
    if result.status == "error":
        return "whose cell raised an error" if " raised " in result.reason else "whose cell did not end"
    if result.status == "skipped":
        return f"which was skipped: {result.reason[:1].lower()}{result.reason[1:].rstrip('.')}"
    return "which gives nothing that can be used" if nothing_usable else None
