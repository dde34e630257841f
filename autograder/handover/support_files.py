"""The files of an autograder zip that a notebook and its tests find in their working directory."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path


def encode_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """Encode files for a job's payload."""
    return {name: base64.b64encode(content).decode("ascii") for name, content in files.items()}


def put_files(encoded: Mapping[str, str]) -> None:
    """Write the files of a payload into the working directory, whose modules can then be imported."""
    for name, content in encoded.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))
    if encoded and "" not in sys.path:
        sys.path.insert(0, "")
