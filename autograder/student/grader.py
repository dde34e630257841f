"""The `grader` of a student notebook.

Otter's, with feedback for students and a hand-in that proves what it packs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import otter
from IPython.display import display

from .cards import Card, check_card, note_card, table_card
from .handin import hand_in, saved_contents
from .judge import Judgement, by_a_person, judge
from .lab import Lab, Question
from .watch import Ran, Watch
from .words import _, listed


class Grader(otter.Notebook):  # type: ignore[misc]
    """`otter.Notebook` for one lab, independent of the notebook's name and folder.

    Args:
        lab: the lab.
        folder: where the set-up cell was unpacked; `tests/` in it holds the public checks. Deleted with this object.
        shell: IPython's shell.
        earlier: the cells that were run before, where the set-up cell is run again.
    """

    def __init__(self, lab: Lab, folder: TemporaryDirectory[str], shell: Any, earlier: Sequence[Ran] = ()) -> None:
        self._lab = lab
        self._folder = folder
        self._shell = shell
        self._watch = Watch(shell, earlier)
        super().__init__(tests_dir=str(Path(folder.name, "tests")))

    def retire(self) -> list[Ran]:
        """Stop watching cells, for a set-up cell that is run again.

        Returns the cells that were run so far.
        """
        self._watch.stop()
        return self._watch.cells()

    def check(self, question: str, global_env: Mapping[str, Any] | None = None) -> Card:
        """Run the public checks of a question and show what they found."""
        found = self._lab.question(question)
        if found is None:
            names = listed([known.name for known in self._lab.questions])
            title = _("There is no question {name} here.", name=question)
            return note_card("failed", title, [_("Known: {names}.", names=names)])
        return check_card(self._judge(found, global_env))

    def check_all(self) -> Card:
        """Run all public checks and show the points so far."""
        return table_card(self._lab, [self._judge(question, None) for question in self._lab.questions])

    def export(
        self, nb_path: str | None = None, export_path: str | None = None, pdf: bool = False, **otter_options: Any
    ) -> None:
        """Save the notebook, show what it holds, and write the zip to hand in.

        Args:
            nb_path: the notebook's file, where it cannot be found out.
            export_path: the zip; default: beside the notebook, named after it and the time.
            pdf: not used, as all other options of otter: nothing but the notebook is handed in.
            otter_options: see `pdf`.
        """
        del pdf, otter_options
        hand_in(self._lab, self._watch, self._shell, notebook=nb_path, target=export_path, show=display)

    def drawing_board(self, read: Callable[[Any], tuple[Any, Any]]) -> Any:
        """Return a widget to draw on, which shows what is read from the drawing.

        It is None where the package anywidget is missing. The set-up cell of a lab holds the board if one of the
        lab's cells calls this method.

        Args:
            read: receives the ink, an array of shape (112, 112) with values from 0 to 1, and returns the image that
                the network sees, shape (28, 28) with values from 0 to 1, and its probabilities for the ten digits.
        """
        try:
            from .board import Board
        except ImportError:
            return None
        return Board(read)

    def _judge(self, question: Question, variables: Mapping[str, Any] | None) -> Judgement:
        if question.manual:
            # The kernel does not know the text of a notebook; its file does.
            saved = saved_contents(self._lab, self._shell)
            return by_a_person(question, None if saved is None else question.name in saved.answered)
        answers = self._watch.answers(question)
        return judge(
            question,
            Path(self._folder.name, "tests", f"{question.name}.py"),
            self._shell.user_ns if variables is None else variables,
            error=self._watch.failed(question),
            # A question without variables that has seen no answer is not answered: there is nothing else to tell it by.
            stub=all(question.is_stub(cell.source) for cell in answers) if answers else not question.variables,
        )

    def _resolve_nb_path(self, nb_path: str | None, fail_silently: bool = False) -> str | None:  # noqa: ARG002
        # otter would read whatever notebook it finds in the folder, and stop if there are two.
        return nb_path

    def _log_event(self, *_: Any, **__: Any) -> None:
        # otter would write 15 kB per check into .OTTER_LOG, where the answers of others can end up in a hand-in.
        return None
