"""Files stored with the results: DIR/handed-in.json and DIR/overrides.json."""

from __future__ import annotations

from pathlib import Path

from autograder.errors import KitError
from autograder.gradebook import corrections
from autograder.gradebook.corrections import Overrides
from autograder.gradebook.record import Record
from autograder.results.folder import ResultsFolder
from autograder.util.files import write_whole


def write_record(folder: Path, record: Record) -> None:
    """Store the record of a run with its results."""
    write_whole(ResultsFolder(folder).record, record.to_json())


def read_record(folder: Path) -> Record:
    """Read the record of the latest run; empty if there is none.

    Raises:
        KitError: the file is damaged.
    """
    path = ResultsFolder(folder).record
    try:
        return Record.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError) as error:
        raise KitError(
            f"{path} is damaged: {error}", hint="delete it and run `autograder grade` again, which recreates it"
        ) from error


def write_overrides(folder: Path, overrides: Overrides) -> None:
    """Store corrections, replacing all earlier ones."""
    write_whole(ResultsFolder(folder).overrides, corrections.to_json(overrides))


def read_overrides(folder: Path) -> Overrides:
    """Read the stored corrections.

    Raises:
        KitError: the file is damaged.
    """
    path = ResultsFolder(folder).overrides
    try:
        return corrections.from_json(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(f"{path} cannot be read: {error}") from error
