"""Content of the class report, computed from results and code. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.notebooks.notebook import Notebook
from autograder.report.numbers import LabNumbers, by_lab
from autograder.report.review import Flag, find_flags
from autograder.report.similarity import Pair, Similar, similar
from autograder.report.student_code import NO_STARTER, Starter, answer_code, own_cells
from autograder.results.grade import Row

# Limits on the pairs shown and on the characters of code compared per student.
MOST_PAIRS = 100
LONGEST_CODE = 40_000


@dataclass(frozen=True)
class LabSimilar:
    """Similar submissions of one lab.

    Args:
        lab: the lab.
        found: the similar submissions.
        uncompared: number of submissions without recorded code.
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
    """The content of a class report.

    Args:
        rows: the class.
        labs: statistics by lab.
        flags: submissions that a person should check, most urgent first.
        similar: similar submissions by lab.
        codes: the code that each student wrote, by ID, sanitized.
    """

    rows: tuple[Row, ...]
    labs: tuple[LabNumbers, ...]
    flags: tuple[Flag, ...]
    similar: tuple[LabSimilar, ...]
    codes: Mapping[str, str] = field(default_factory=dict)


def class_report(
    rows: Sequence[Row], notebooks: Mapping[str, Notebook], starters: Mapping[str, Starter]
) -> ClassReport:
    """Compute the content of the report.

    Args:
        rows: the class, in the order of the table of submissions.
        notebooks: the graded notebooks by ID, where available.
        starters: the student notebooks by lab, where known.
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
    flags = find_flags(rows, cells, starters)
    return ClassReport(tuple(rows), by_lab(rows), flags, tuple(found), codes)
