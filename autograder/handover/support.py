"""Files of a lab or a student, in a job's payload and its working directory."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

# What the runner imports while or after student code runs, and what Python imports as it starts.
_MODULES_OF_THE_GRADER = frozenset(
    "autograder otter lab_kit_student IPython ipykernel traitlets keras tensorflow numpy pandas matplotlib "
    "matplotlib_inline msgspec sitecustomize usercustomize".split()
)


def pack_support_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the files in base64, as a payload holds them."""
    return {name: base64.b64encode(content).decode("ascii") for name, content in files.items()}


def is_support_path(name: str) -> bool:
    """Say whether a name is a path that stays below the folder it is written to."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def is_module_of_the_grader(name: str) -> bool:
    """Return whether a file could be imported instead of a module the runner needs."""
    return PurePosixPath(name).parts[0].split(".")[0] in _MODULES_OF_THE_GRADER


def write_support_files(files: Mapping[str, str]) -> None:
    """Write the files of a payload to the working directory and make it importable."""
    if files and "" not in sys.path:
        sys.path.insert(0, "")
    write_files(files)


def write_files(files: Mapping[str, str]) -> None:
    """Write the files of a payload to the working directory."""
    for name, packed in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(packed))
