"""Version of the kit, its code and the libraries that affect marks."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from functools import cache
from pathlib import Path

from autograder import __version__

_LIBRARIES = ("tensorflow", "keras", "numpy", "otter-grader")
# The packages that affect marks; rendering and building of labs do not.
_DECIDE_MARKS = "checker checks datasets errors.py grading handover labs notebooks runner sandbox util".split()


@cache
def kit_version() -> str:
    """Return, for example, `0.1.0+3f2a… python 3.11 tensorflow 2.21.0 …`.

    The part after the plus sign is a digest of the code.
    """
    home = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        name = path.relative_to(home)
        if name.parts[0] in _DECIDE_MARKS:
            digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes())
    libraries = " ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{__version__}+{digest.hexdigest()[:12]} python {python} {libraries}"


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
