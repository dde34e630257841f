"""Locations in a course: its root folder, masters and built autograders."""

from __future__ import annotations

from pathlib import Path

from autograder.errors import UsageError

_MASTERS = "solutions"
MASTER_KINDS = (".py", ".ipynb")


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder from `start` upwards that contains `solutions/`.

    Args:
        start: the folder to start from; by default the working directory.

    Raises:
        UsageError: there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / _MASTERS).is_dir():
            return folder
    raise UsageError(
        f"There is no folder {_MASTERS}/ in the working directory or above: this is not a course of the kit.",
        hint="change to the course's folder, or name an autograder zip with -a FILE.zip",
    )


def lab_names(root: Path) -> tuple[str, ...]:
    """Return the names of a course's labs, one per master."""
    return tuple(sorted({path.stem for kind in MASTER_KINDS for path in (root / _MASTERS).glob(f"*{kind}")}))


def autograder_zip(root: Path, lab: str) -> Path:
    """Return the path of a lab's built autograder zip, which need not exist."""
    return root / "dist" / f"{lab}-autograder.zip"


def missing_builds(root: Path) -> tuple[str, ...]:
    """Return the labs that have not been built."""
    return tuple(lab for lab in lab_names(root) if not autograder_zip(root, lab).exists())
