"""Tasks in the sandbox, by the names of their entry points.

The grading parent imports none of them.
"""

from __future__ import annotations

from autograder.sandbox import Task

RUN_NOTEBOOK = Task(
    entry="autograder.runner.main:enter",
    outputs={
        ".": r"journal\.jsonl|outputs\.jsonl|worker\.log",
        "handover": r"answers\.jsonl|[0-9]{4}\.npy|[0-9a-f]{64}\.fit",
    },
    untrusted=True,
)
RUN_TESTS = Task(entry="autograder.checker.main:enter", outputs={".": r"verdicts\.jsonl|worker\.log"})
INSPECT_TESTS = Task(entry="autograder.checker.inspect:enter", outputs={".": r"description\.json|worker\.log"})
