"""Descriptions of test files, kept between runs in the cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder import __version__
from autograder.datasets.mnist import cache_file
from autograder.handover.protocol import DescribedQuestion, decode, encode
from autograder.util.atomic import write_atomically

# What the description of a test file depends on beside the file.
_LIBRARIES = ("otter-grader", "keras", "numpy")
_FORMAT = 1


def description_file(payload: Mapping[str, Any]) -> Path:
    """Where the description of these files is kept."""
    versions = [importlib.metadata.version(library) for library in _LIBRARIES]
    facts = [_FORMAT, __version__, sys.version, versions, payload]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    return cache_file().parent / "descriptions" / f"{digest[:32]}.json"


def read_description(path: Path) -> tuple[DescribedQuestion, ...] | None:
    """Return a description kept before; None where there is none."""
    try:
        return decode(path.read_bytes(), tuple[DescribedQuestion, ...])
    except (OSError, ValueError):
        return None


def keep_description(path: Path, questions: Sequence[DescribedQuestion]) -> None:
    """Keep a description; where that is not possible, it is made again."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, encode(questions))
