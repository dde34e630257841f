"""Writes generated files, or says which of them are not what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder.errors import BuildDriftError
from autograder.util.atomic import write_atomically
from autograder.util.text import counted


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write a file, whole or not at all; False where it already holds this content and is left as it is."""
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True


def check_current(root: Path, generated: Mapping[str, bytes], unlisted: list[str]) -> None:
    """Compare generated content with the files under `root`.

    `dist/` is not committed, so its files may be missing; those that are there must be current.

    Args:
        root: the project's folder.
        generated: content by path relative to `root`, with `/`.
        unlisted: files in generated folders that no master makes.

    Raises:
        BuildDriftError: naming every file that is missing, different or unlisted.
    """
    faults = []
    for name, content in sorted(generated.items()):
        path = root / name
        if path.is_file():
            if path.read_bytes() != content:
                faults.append(f"{name} is not what its master gives")
        elif not name.startswith("dist/"):
            faults.append(f"{name} is missing")
    faults += [f"{name} has no master in solutions/: delete it" for name in unlisted]
    if faults:
        raise BuildDriftError(
            "\n  ".join([f"{counted(len(faults), 'file')} not as the masters make them:", *faults])
            + "\nA master or the kit has changed since the last build, or a generated file was edited by hand.",
            hint="autograder build",
        )
