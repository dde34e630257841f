"""Where a course's labs lie: the project folder, its masters and its built autograders."""

from __future__ import annotations

from pathlib import Path

from autograder.errors import UsageError

_MASTERS = "solutions"
MASTER_KINDS = (".py", ".ipynb")


def find_root(start: Path | None = None) -> Path:
    """The nearest folder, from `start` (default: here) upwards, that holds `solutions/`.

    Raises:
        UsageError: there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / _MASTERS).is_dir():
            return folder
    raise UsageError(
        f"There is no folder {_MASTERS}/ here or above: this is not a course of the kit.",
        hint="change into the course's folder, or name an autograder with -a FILE.zip",
    )


def lab_names(root: Path) -> tuple[str, ...]:
    """The labs of a course: one master each."""
    return tuple(sorted({path.stem for kind in MASTER_KINDS for path in (root / _MASTERS).glob(f"*{kind}")}))


def autograder_zip(root: Path, lab: str) -> Path:
    """Where a lab's built autograder lies."""
    return root / "dist" / f"{lab}-autograder.zip"


def missing_builds(root: Path) -> tuple[str, ...]:
    """The labs that have not been built."""
    return tuple(lab for lab in lab_names(root) if not autograder_zip(root, lab).exists())
