"""Choose the sandbox layers for an isolation level. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.errors import IsolationError
from autograder.sandbox.layers import ALWAYS, LAYERS, Level
from autograder.sandbox.probe import Found


@dataclass(frozen=True)
class Isolated:
    """The layers in force and the level as recorded in results."""

    level: str
    layers: frozenset[str]


def choose(level: Level, found: Iterable[Found]) -> Isolated:
    """Choose the layers for a level.

    `full` requires all layers; `basic` uses those that the machine supports and names the others in the level; `none`
    is a separate process without the grader's files and variables, under limits.

    Args:
        level: the requested level.
        found: the layers of this machine, from `probe`.

    Raises:
        IsolationError: `full` was requested and a layer is missing.
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
        f"This machine does not support full isolation. Missing: {names} ({first.name}: {first.problem}). "
        "`--isolation basic` uses the other layers, and every result records which are missing.",
        hint=LAYERS[first.name].remedy,
    )
