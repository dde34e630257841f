"""Replacement for otter: `grader.check("q3")` hands over q3's answers."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Sequence
from typing import Any


class _HandedOver:
    """Return value of `grader.check`; marks are unknown in this process."""

    def __init__(self, question: str) -> None:
        self._question = question

    def __repr__(self) -> str:
        return f"{self._question}: handed over"


def install(questions: Sequence[str], hand_over: Callable[[str], None]) -> None:
    """Install a replacement for the module `otter` in this process.

    Args:
        questions: the names of the lab's questions.
        hand_over: called with the name of every question that the notebook checks.
    """

    class Notebook:
        """The methods of `otter.Notebook` that notebooks call; only checks have an effect."""

        _grading_mode = True  # as in `otter run`; the set-up cell then does nothing

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        @classmethod
        def init_grading_mode(cls, *_: Any, **__: Any) -> None:
            pass

        def check(self, question: str, *_: Any, **__: Any) -> _HandedOver:
            if question not in questions:
                raise FileNotFoundError(f"Test {question} does not exist")
            hand_over(question)
            return _HandedOver(question)

        def export(self, *_: Any, **__: Any) -> None:
            pass

        # As in stock otter, checking everything does nothing while a notebook is graded.
        check_all = to_pdf = add_plugin_files = run_plugin = export

    for name in [name for name in sys.modules if name == "otter" or name.startswith("otter.")]:
        del sys.modules[name]
    module = types.ModuleType("otter", "Replacement for otter-grader while a submission is run.")
    module.__dict__["Notebook"] = Notebook
    sys.modules["otter"] = module
