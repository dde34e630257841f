"""An attack: lines of a notebook, the layers that stop it, a sign of success."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from autograder.sandbox import Limits
from tests.attacks.victim import Victim
from tests.fixtures.builders import Ran

NAMESPACES = frozenset({"user", "net", "ipc", "uts", "pid", "mount"})
# Bounds for what would otherwise end the machine when a layer is off.
SMALL = Limits(
    seconds=20,
    cpu_seconds=60,
    memory_mb=900,
    processes=48,
    open_files=64,
    file_mb=64,
    scratch_mb=32,
    scratch_files=500,
    output_mb=32,
)


def said_so(ran: Ran, _: Victim) -> bool:
    """The notebook came to its end and says that it got through."""
    return (
        ran.outcome.end == "done"
        and "q1" in ran.handed_over.questions
        and ran.handed_over.values("q1").get("answer") is True
    )


@dataclass(frozen=True)
class Attack:
    """One promise put to the test.

    Args:
        name: what is attacked.
        source: a cell that knows the victim as `V` and sets `answer = True` if it got through.
        stopped_by: the layers that stop it; with all of them off, and all others on, it must get through.
        succeeded: whether it did, where the notebook itself cannot tell.
        limits: what the worker may use.
    """

    name: str
    source: str
    stopped_by: frozenset[str]
    succeeded: Callable[[Ran, Victim], bool] = said_so
    limits: Limits = field(default=SMALL)
