"""Missing prerequisites of a question: variables and other questions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.handover.protocol import VariableState
from autograder.labs.assignment import Question
from autograder.results.result import QuestionResult
from autograder.util.translations import ENGLISH, Translate


@dataclass(frozen=True)
class MissingPrerequisite:
    """A missing or unusable prerequisite; `variable` is None for a whole question."""

    variable: str | None
    reason: str


def missing_variables(
    question: Question, states: Mapping[str, VariableState], owners: Mapping[str, str], _: Translate = ENGLISH
) -> list[MissingPrerequisite]:
    """Return the missing variables of other questions that a question's tests take.

    Args:
        question: the question.
        states: the state of its variables; missing ones have no entry.
        owners: the question that each answer variable belongs to.
        _: puts the reasons into a language.
    """
    needed = dict.fromkeys(name for test in question.tests for name in test.required if name not in question.variables)
    missing = []
    for name in needed:
        found = states.get(name)
        if found is None:
            why = _("which is missing")
        elif found.state == "present":
            continue
        elif found.state == "stub":
            why = _("which has not been filled in")
        else:
            why = _("which cannot be used ({reason})", reason=found.reason)
        owner = f" ({owners[name]})" if owners.get(name, question.name) != question.name else ""
        missing.append(MissingPrerequisite(name, _("it depends on {needed}, {why}", needed=f"{name}{owner}", why=why)))
    return missing


def missing_prerequisites(
    prerequisites: Sequence[Question],
    results: Mapping[str, QuestionResult],
    states: Mapping[str, Mapping[str, VariableState]],
    lacks: Mapping[str, str],
    _: Translate = ENGLISH,
) -> list[MissingPrerequisite]:
    """Return the questions named as prerequisites that provide nothing usable.

    A wrong prerequisite is not missing: it has some points, or all its variables exist.

    Args:
        prerequisites: the questions named.
        results: their results, by name.
        states: the states of their variables, by name.
        lacks: what the status of each means for questions that depend on it, by name; may be empty.
        _: puts the reasons into a language.
    """
    missing = []
    for base in prerequisites:
        result = results[base.name]
        found = [states[base.name].get(name) for name in base.variables]
        present = [state is not None and state.state == "present" for state in found]
        if result.score > 0 or (present and all(present)):
            continue
        nothing_usable = present and not any(present)
        if why := lacks[base.name] or (_("which provides no usable value") if nothing_usable else ""):
            # The titles of questions are known in English only.
            title = f" ({base.title[0].lower()}{base.title[1:]})" if base.title and _ is ENGLISH else ""
            needed = f"{base.name}{title}"
            missing.append(MissingPrerequisite(None, _("it depends on {needed}, {why}", needed=needed, why=why)))
    return missing
