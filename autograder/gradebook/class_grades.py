"""Grades of a class: results with corrections and late deductions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.gradebook.corrections import Overrides
from autograder.gradebook.counting import Counted, count
from autograder.gradebook.files import read_overrides, read_record
from autograder.gradebook.record import Record
from autograder.results.folder import results_of_latest_run
from autograder.results.grade import Row


@dataclass(frozen=True)
class ClassGrades:
    """Grades of the latest run, sorted by submission, and their other inputs."""

    counted: Counted
    record: Record
    overrides: Overrides

    @property
    def rows(self) -> tuple[Row, ...]:
        """The submissions."""
        return self.counted.rows


def read_class(folder: Path) -> ClassGrades:
    """Read the grades of the latest run from its results folder.

    Raises:
        KitError: there is no readable result, or the record or the corrections are damaged.
    """
    record, overrides = read_record(folder), read_overrides(folder)
    return ClassGrades(count(results_of_latest_run(folder), record, overrides), record, overrides)
