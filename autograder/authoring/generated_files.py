"""Write generated files, or report which of them are outdated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder.errors import BuildDriftError
from autograder.util.atomic import write_atomically
from autograder.util.text import counted


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write a file atomically unless it has this content.

    Return whether it was written.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True


def check_current(root: Path, generated: Mapping[str, bytes], unlisted: list[str]) -> None:
    """Compare generated content with the files under `root`.

    `dist/` is not committed, so its files may be missing; existing ones must be current.

    Args:
        root: the project's folder.
        generated: content by path relative to `root`, with `/`.
        unlisted: files in generated folders without a master.

    Raises:
        BuildDriftError: a file is missing, different or unlisted; the message names all of them.
    """
    faults = []
    for name, content in sorted(generated.items()):
        path = root / name
        if path.is_file():
            if path.read_bytes() != content:
                faults.append(f"{name} differs from what its master produces")
        elif not name.startswith("dist/"):
            faults.append(f"{name} is missing")
    faults += [f"{name} has no master in solutions/: delete it" for name in unlisted]
    if faults:
        raise BuildDriftError(
            "\n  ".join([f"{counted(len(faults), 'file')} not current:", *faults])
            + "\nA master or the kit has changed since the last build, or a generated file was edited.",
            hint="autograder build",
        )
