"""What the set-up cell knows of its lab."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Question:
    """One question.

    `variables` are its answers, `stubs` the sources of its untouched answer cells, `checks` says of each public check
    what it looks at. A person marks it if `manual`; `written` is what its untouched text cells hold, in any language.
    """

    name: str
    title: str
    points: float
    variables: tuple[str, ...]
    stubs: tuple[str, ...]
    checks: tuple[str, ...] = ()
    manual: bool = False
    written: tuple[str, ...] = ()

    def assigned_in(self, source: str) -> bool:
        """Whether a cell assigns or defines an answer; it need not be valid Python."""
        try:
            return not set(self.variables).isdisjoint(_bound(ast.parse(source).body))
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            names = "|".join(map(re.escape, self.variables))
            pattern = rf"^[^#\n=(]*\b(?:{names})\b[^\n=(]*=(?!=)"
            return bool(names) and re.search(pattern, source, re.MULTILINE) is not None

    def is_untouched_text(self, text: str) -> bool:
        """Whether a text cell is blank or holds nothing but what it was handed out with."""
        return "".join(text.split()) in {"", *("".join(given.split()) for given in self.written)}

    def is_stub(self, source: str) -> bool:
        """Whether an answer cell holds nothing but what it was handed out with."""
        given = _statements("\n".join(self.stubs))
        found = _statements(source)
        if given is None or found is None:
            return source.strip() in {stub.strip() for stub in self.stubs}
        return set(found) <= set(given)


@dataclass(frozen=True)
class Lab:
    """The lab of a notebook.

    `imports` are the modules to load quietly, `digests` the SHA-256 of MNIST's arrays (empty where the lab does not
    use MNIST), `hand_in` says where students hand in, `requires` what pip installs where otter is missing.
    """

    name: str
    version: str
    questions: tuple[Question, ...]
    hand_in: str = ""
    imports: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    requires: str = "otter-grader"

    @property
    def points(self) -> float:
        """All points of the lab."""
        return sum(question.points for question in self.questions)

    def question(self, name: str) -> Question | None:
        """Return the question of this name."""
        return next((question for question in self.questions if question.name == name), None)


def read_lab(folder: Path) -> tuple[Lab, dict[str, str]]:
    """Read the lab and the catalog of the notebook's language from `lab.json`."""
    data: dict[str, Any] = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
    questions = tuple(
        Question(
            entry["name"],
            entry["title"],
            float(entry["points"]),
            tuple(entry["variables"]),
            tuple(entry["stubs"]),
            tuple(entry["checks"]),
            "written" in entry,
            tuple(entry.get("written", ())),
        )
        for entry in data["questions"]
    )
    lab = Lab(
        data["lab"],
        data["version"],
        questions,
        data["hand_in"],
        tuple(data["imports"]),
        data["digests"],
        data["requires"],
    )
    return lab, data["catalog"]


def _statements(source: str) -> list[str] | None:
    try:
        return [ast.dump(statement) for statement in ast.parse(source).body]
    except (SyntaxError, ValueError):
        return None


def _bound(statements: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that statements give a value, outside of functions and classes."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda):
            yield from _bound(ast.iter_child_nodes(node))
