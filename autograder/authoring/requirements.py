"""What a student has to install: otter and the packages the labs import, with the ranges the kit is tested with."""

from __future__ import annotations

import re
from collections.abc import Iterable

_IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)

OTTER = "otter-grader>=7.0,<7.1"
_BY_MODULE = {
    "keras": "tensorflow>=2.20,<2.22",
    "tensorflow": "tensorflow>=2.20,<2.22",
    "matplotlib": "matplotlib>=3.8,<4",
    "numpy": "numpy>=1.26,<3",
}


def lab_requirements(text: str) -> tuple[str, ...]:
    """The packages a master imports, without otter (which adds itself to its autograders)."""
    modules = set(_IMPORT.findall(text))
    return tuple(sorted({line for module, line in _BY_MODULE.items() if module in modules}))


def requirements_file(texts: Iterable[str]) -> bytes:
    """`assignment/requirements.txt` for all labs together."""
    lines = sorted({OTTER, *(line for text in texts for line in lab_requirements(text))})
    header = (
        "# What the notebooks in this folder need: pip install -r requirements.txt\n"
        "# Generated from solutions/ by `autograder build`: do not edit.\n"
    )
    return (header + "\n".join(lines) + "\n").encode()
