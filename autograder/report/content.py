"""Everything the class report says, worked out from the results and the code. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.notebooks.notebook import Notebook
from autograder.report.numbers import LabNumbers, by_lab
from autograder.report.review import Look, needs_a_look
from autograder.report.similarity import Pair, Similar, similar
from autograder.report.student_code import NO_STARTER, Starter, answer_code, own_cells
from autograder.results.grade import Row

# More pairs than anybody will look at, and more code of one student's than any answer needs.
MOST_PAIRS = 100
LONGEST_CODE = 40_000


@dataclass(frozen=True)
class LabSimilar:
    """Similar submissions of one lab, and of all similar pairs those to show.

    `uncompared` are submissions that could not be compared, because there is no record of their code.
    """

    lab: str
    found: Similar
    uncompared: int

    @property
    def shown(self) -> tuple[Pair, ...]:
        """The most similar pairs."""
        return self.found.pairs[:MOST_PAIRS]


@dataclass(frozen=True)
class ClassReport:
    """What there is to say about a class; `codes` is what each student wrote, by ID, made harmless to show."""

    rows: tuple[Row, ...]
    labs: tuple[LabNumbers, ...]
    looks: tuple[Look, ...]
    similar: tuple[LabSimilar, ...]
    codes: Mapping[str, str] = field(default_factory=dict)


def class_report(
    rows: Sequence[Row], notebooks: Mapping[str, Notebook], starters: Mapping[str, Starter]
) -> ClassReport:
    """Work out the report.

    Args:
        rows: the class, in the order of the table of submissions.
        notebooks: by ID the notebook as it was graded, where there is one.
        starters: by lab the notebook it hands out, where it is known.
    """
    cells = {
        row.identity: own_cells(notebooks[row.identity], starters.get(row.grade.result.lab or "", NO_STARTER))
        for row in rows
        if row.identity in notebooks
    }
    codes = {identity: answer_code(own, LONGEST_CODE) for identity, own in cells.items()}
    found = []
    for lab in sorted({row.grade.result.lab for row in rows if row.grade.result.lab is not None}):
        ours = [row.identity for row in rows if row.grade.result.lab == lab]
        of_lab = {identity: codes[identity] for identity in ours if identity in codes}
        found.append(LabSimilar(lab, similar(of_lab), len(ours) - len(of_lab)))
    looks = needs_a_look(rows, cells, starters)
    return ClassReport(tuple(rows), by_lab(rows), looks, tuple(found), codes)
