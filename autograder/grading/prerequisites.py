"""What a question builds on and did not get: variables its tests need, and questions its master names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.handover.protocol import VariableState
from autograder.labs.assignment import Question
from autograder.results.result import QuestionResult


@dataclass(frozen=True)
class Hindrance:
    """Something a question builds on that is missing or unusable; `variable` is None for a whole question."""

    variable: str | None
    reason: str


def missing_variables(
    question: Question, states: Mapping[str, VariableState], owners: Mapping[str, str]
) -> list[Hindrance]:
    """What the question's tests need from elsewhere and did not get, in the order they take it.

    Args:
        question: the question.
        states: what became of its variables; a missing one has no entry.
        owners: the question that each answer variable belongs to.
    """
    needed = dict.fromkeys(name for test in question.tests for name in test.required if name not in question.variables)
    hindrances = []
    for name in needed:
        found = states.get(name)
        if found is None:
            what = "is missing"
        elif found.state == "present":
            continue
        else:
            what = "is still a gap" if found.state == "gap" else f"cannot be used ({found.reason})"
        owner = f" ({owners[name]})" if owners.get(name, question.name) != question.name else ""
        hindrances.append(Hindrance(name, f"it builds on {name}{owner}, which {what}"))
    return hindrances


def missing_prerequisites(
    prerequisites: Sequence[Question],
    results: Mapping[str, QuestionResult],
    states: Mapping[str, Mapping[str, VariableState]],
    lacks: Mapping[str, str],
) -> list[Hindrance]:
    """Which of the questions that another one names as its prerequisites gave it nothing to build on.

    A base that is only wrong hinders nothing: it has some points, or all its variables are there.

    Args:
        prerequisites: the questions named.
        results: their results, by name.
        states: what became of the variables of each, by its name.
        lacks: what the status of each means for questions that depend on it, by its name; empty where it says nothing.
    """
    hindrances = []
    for base in prerequisites:
        result = results[base.name]
        found = [states[base.name].get(name) for name in base.variables]
        present = [state is not None and state.state == "present" for state in found]
        if result.score > 0 or (present and all(present)):
            continue
        nothing_usable = present and not any(present)
        if what := lacks[base.name] or ("which gives nothing that can be used" if nothing_usable else ""):
            title = f" ({base.title[0].lower()}{base.title[1:]})" if base.title else ""
            hindrances.append(Hindrance(None, f"it builds on {base.name}{title}, {what}"))
    return hindrances
