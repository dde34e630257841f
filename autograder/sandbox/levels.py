"""From what a machine offers and what the user asks for to the layers that are put around every worker. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.errors import IsolationError
from autograder.sandbox.layers import ALWAYS, LAYERS, Level
from autograder.sandbox.probe import Found


@dataclass(frozen=True)
class Isolated:
    """The layers in force, and the level as every result records it."""

    level: str
    layers: frozenset[str]


def choose(level: Level, found: Iterable[Found]) -> Isolated:
    """The layers for a level.

    `full`: all of them. `basic`: those the machine has; the record names those it has not. `none`: a process of its
    own without the grader's files and variables, under limits.

    Raises:
        IsolationError: `full` was asked for and a layer is missing.
    """
    if level == "none":
        return Isolated("none", ALWAYS)
    needed = [layer for layer in found if layer.needed]
    missing = [layer for layer in needed if layer.problem]
    layers = frozenset(layer.name for layer in needed if not layer.problem)
    if not missing:
        return Isolated("full", layers)
    names = ", ".join(layer.name for layer in missing)
    if level == "basic":
        return Isolated(f"basic (without {names})", layers)
    first = missing[0]
    raise IsolationError(
        f"This machine cannot isolate submissions fully. Missing: {names} ({first.name}: {first.problem}). "
        "With `--isolation basic` the other layers are used, and every result says which are missing.",
        hint=LAYERS[first.name].remedy,
    )
