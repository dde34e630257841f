"""Support files of a lab on their way to the processes that need them: in a job's payload, then in the folder there."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

KEY = "files"


def pack_support_files(files: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """Return the entry of a payload that holds the files."""
    return {KEY: {name: base64.b64encode(content).decode("ascii") for name, content in files.items()}} if files else {}


def is_support_path(name: str) -> bool:
    """Say whether a name is a path that stays below the folder it is written to."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def write_support_files(payload: Mapping[str, Any]) -> None:
    """Write the files of a payload to the working directory, where modules among them can be imported."""
    if payload.get(KEY) and "" not in sys.path:
        sys.path.insert(0, "")
    for name, packed in payload.get(KEY, {}).items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(packed))
