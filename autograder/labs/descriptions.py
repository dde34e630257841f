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
from autograder.util.atomic import write_atomically

# What the description of a test file depends on beside the file.
_LIBRARIES = ("otter-grader", "keras", "numpy")
_FORMAT = 1
_KEYS = frozenset({"name", "all_or_nothing", "tests"})


def description_file(payload: Mapping[str, Any]) -> Path:
    """Where the description of these files is kept."""
    versions = [importlib.metadata.version(library) for library in _LIBRARIES]
    facts = [_FORMAT, __version__, sys.version, versions, payload]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    return cache_file().parent / "descriptions" / f"{digest[:32]}.json"


def read_description(path: Path) -> list[dict[str, Any]] | None:
    """A description kept before; None where there is none."""
    try:
        questions = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    sound = isinstance(questions, list) and all(isinstance(q, dict) and q.keys() == _KEYS for q in questions)
    return questions if sound else None


def keep_description(path: Path, questions: Sequence[Mapping[str, Any]]) -> None:
    """Keep a description; where that is not possible, it is made again."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(list(questions)).encode("utf-8", "surrogatepass"))
