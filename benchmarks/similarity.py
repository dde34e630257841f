"""Measure how many copies, and how many false ones, the report finds.

    python -m benchmarks.similarity

Classes of made-up right answers (`styles/LAB.toml`, see `example_class`): to each, a fifteenth is added as plain copies
with other names, quotation marks and comments, and as many in which a sixth of the answers was changed, too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from autograder.labs.course import find_root
from autograder.report.content import LONGEST_CODE
from autograder.report.similarity import similar
from autograder.report.student_code import Starter, answer_code, own_cells, read_code, starter_of
from benchmarks.example_class import LABS, Fills, Lab, disguised, read_lab, right_answers

# Size of the class: how many classes.
_CLASSES = {12: 8, 30: 8, 60: 8, 150: 3}


def code_of(lab: Lab, starter: Starter, fills: Mapping[str, str]) -> str:
    """Return what the report compares of a notebook filled so."""
    notebook = read_code(json.dumps(lab.notebook(fills)).encode())
    assert notebook is not None  # noqa: S101 - a notebook of ours
    return answer_code(own_cells(notebook, starter), LONGEST_CODE)


def class_with_copies(lab: Lab, starter: Starter, size: int, seed: int) -> tuple[dict[str, str], dict[Any, str]]:
    """Code by ID, and the kind of each dependent pair: `copy` or `changed`."""
    rng = random.Random(seed)  # noqa: S311 - a class, not a secret
    fills: dict[str, Fills] = {f"s{number:03}": right_answers(rng, lab.name) for number in range(size)}
    kinds: dict[Any, str] = {}
    copies = max(1, size // 15)
    for number, original in enumerate(list(fills)[: 2 * copies]):
        copied = dict(fills[original])
        kind = "copy" if number < copies else "changed"
        if kind == "changed":
            own = right_answers(rng, lab.name)
            copied |= {gap: own[gap] for gap in rng.sample(sorted(own), len(own) // 6)}
        fills[f"{original}-{kind}"] = disguised(rng, copied)
        kinds[frozenset((original, f"{original}-{kind}"))] = kind
    return {identity: code_of(lab, starter, one) for identity, one in fills.items()}, kinds


def main() -> None:
    """Print a table."""
    root = find_root()
    print("lab           class  independent pairs  listed  copies found  changed found")
    for name in LABS:
        lab = read_lab(root, name)
        starter = starter_of(json.dumps(lab.student).encode())
        for size, classes in _CLASSES.items():
            pairs = dict.fromkeys(("independent", "copy", "changed"), 0)
            listed = dict(pairs)
            for seed in range(classes):
                codes, kinds = class_with_copies(lab, starter, size, seed)
                for pair in combinations(codes, 2):
                    pairs[kinds.get(frozenset(pair), "independent")] += 1
                for found in similar(codes).pairs:
                    listed[kinds.get(frozenset((found.first, found.second)), "independent")] += 1
            copy, changed = (f"{listed[kind]} of {pairs[kind]}" for kind in ("copy", "changed"))
            print(
                f"{name:14}{size:6}{pairs['independent']:19,}{listed['independent']:8}{copy:>14}{changed:>15}",
                flush=True,
            )


if __name__ == "__main__":
    main()
