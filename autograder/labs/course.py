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


def newer_sources(root: Path, lab: str) -> tuple[str, ...]:
    """Return the files of a lab's master that were changed after its zip was built."""
    built = autograder_zip(root, lab)
    if not built.is_file():
        return ()
    sources = [root / _MASTERS / f"{lab}{kind}" for kind in (*MASTER_KINDS, ".toml")]
    support = root / _MASTERS / "files" / lab
    sources += sorted(path for path in support.rglob("*") if path.is_file())
    when = built.stat().st_mtime
    return tuple(
        path.relative_to(root).as_posix() for path in sources if path.is_file() and path.stat().st_mtime > when
    )
