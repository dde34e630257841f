"""A made-up class with varied work on both labs, graded by the kit.

The same seed gives the same class.

    python -m benchmarks.example_class FOLDER [--size 60] [--seed 2026] [--write-only]

writes FOLDER/class and grades it into FOLDER/results; the same command resumes an interrupted run. Right answers are
written in randomly chosen common styles (`styles/LAB.toml`); mistakes are known wrong answers (`solutions/known`). Some
submissions are copies, run forever, contain typed-in results or train on the test images. `FOLDER/kinds.csv` lists the
kind of each submission.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import random
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autograder.authoring.known_answers import KnownAnswer, read_known_answers
from autograder.cli.commands import ClassOptions, GradingOptions, grade_class
from autograder.labs.course import find_root
from autograder.notebooks.filling import fill_stubs

SEED = 2026
SIZE = 60
SECONDS = 240.0
LABS = ("mnist_dense", "single_layer")

Fills = dict[str, str]
Notebook = dict[str, Any]

_FIRST = (
    "ada amara anil aylin bela bruno chen clara dora emil esra fay felix gita goran hana hugo ida ines ivan jana "
    "jonas kai kavya lea liam lin luis maja marek mei milan mina nadia nils noor olga omar pia priya rafa rosa sami "
    "sara selin tara theo tim uma vera viktor wanda yara yusuf zoe"
).split()
_LAST = (
    "aalto abe adler baker banerjee costa demir eriksen fischer garcia haddad ito jansen keller lopez meyer nowak "
    "okafor patel quist rossi sato tanaka urban varga weber xu yilmaz zhang"
).split()


@dataclass(frozen=True)
class Made:
    """A made-up submission: the file's name, its lab, its mistake, its text."""

    file: str
    lab: str
    kind: str
    text: str


@dataclass(frozen=True)
class Lab:
    """Student notebook and solution as JSON, usual answers, known wrong answers."""

    name: str
    student: Mapping[str, Any]
    solution: Mapping[str, Any]
    styles: Mapping[str, Sequence[str]]
    wrong: Sequence[KnownAnswer]

    @property
    def questions(self) -> list[str]:
        """The questions, in order."""
        tags = (tag for cell in self.student["cells"] for tag in cell.get("metadata", {}).get("tags", ()))
        return list(dict.fromkeys(tag.removeprefix("answer:") for tag in tags if tag.startswith("answer:")))

    def notebook(self, fills: Mapping[str, str], questions: Sequence[str] | None = None) -> Notebook:
        """Return the student notebook with answers to `questions`, or to all for None."""
        return fill_stubs(self.student, self.solution, fills, questions=questions)


@cache
def styles_of(lab: str) -> dict[str, list[str]]:
    """Return common styles of right answers for each stub of a lab."""
    text = (Path(__file__).parent / "styles" / f"{lab}.toml").read_text(encoding="utf-8")
    return {gap: list(ways) for gap, ways in tomllib.loads(text).items()}


def read_lab(root: Path, lab: str) -> Lab:
    """Return a lab of a course that has been built."""

    def load(path: Path) -> dict[str, Any]:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return notebook

    return Lab(
        lab,
        load(root / "assignment" / f"{lab}.ipynb"),
        load(root / "dist" / f"{lab}-solution.ipynb"),
        styles_of(lab),
        [case for case in read_known_answers(root, lab) if not case.right and not case.trains and not case.rare],
    )


def right_answers(rng: random.Random, lab: str) -> Fills:
    """Choose a style for every stub; the most common one is twice as likely."""
    return {gap: rng.choices(ways, [2.0] + [1.0] * (len(ways) - 1))[0] for gap, ways in styles_of(lab).items()}


def mistaken(rng: random.Random, lab: Lab, count: int) -> tuple[Fills, list[str]]:
    """Right answers except for `count` known mistakes, and the mistakes' names."""
    fills = right_answers(rng, lab.name)
    names: list[str] = []
    touched: set[str] = set()
    for case in rng.sample(list(lab.wrong), len(lab.wrong)):
        if len(names) == count:
            break
        if not touched & case.fills.keys():
            fills |= case.fills
            touched |= case.fills.keys()
            names.append(case.name.rsplit("-", 1)[-1])
    return fills, names


def disguised(rng: random.Random, fills: Mapping[str, str]) -> Fills:
    """Return equivalent code with other local names, layout and comments."""
    kept = {gap for gaps in map(styles_of, LABS) for gap in gaps} | {"test_loss", "test_acc"}
    named = re.findall(r"^(\w+)\s*=(?!=)", "\n".join(fills.values()), flags=re.MULTILINE)
    mine = {name: f"my_{name}" for name in named if name not in kept}
    return {gap: _in_other_words(rng, code, mine) for gap, code in fills.items()}


def _in_other_words(rng: random.Random, code: str, names: Mapping[str, str]) -> str:
    commented = [rng.random() < 0.15 for _ in code.splitlines()]
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    lines = ast.unparse(tree).replace("'", '"').splitlines()
    marks = [*commented, *[False] * len(lines)]
    told = ("  # checked" if mark and line.strip() else "" for line, mark in zip(lines, marks, strict=False))
    return "\n".join(line + more for line, more in zip(lines, told, strict=True))


def make_class(labs: Mapping[str, Lab], size: int = SIZE, seed: int = SEED) -> list[Made]:
    """Return the submissions by name, three quarters of them of `mnist_dense`."""
    rng = random.Random(seed)  # noqa: S311 - a class, not a secret
    names = rng.sample([f"{first}_{last}" for first in _FIRST for last in _LAST], size)
    made: list[Made] = []
    right: dict[str, list[Fills]] = {lab: [] for lab in labs}
    for number, name in enumerate(names):
        lab = labs[LABS[1] if number % 4 == 3 else LABS[0]]
        kind, text = _one(rng, lab, number, right[lab.name])
        made.append(Made(f"{name}.ipynb", lab.name, kind, text))
    return sorted(made, key=lambda one: one.file)


# Of 60; a larger class repeats it. Places that are not named hand in right work or some mistakes.
_SPECIAL: dict[int, str] = {
    6: "half", 9: "endless", 13: "copy", 17: "half", 20: "empty", 22: "raises", 24: "typed in", 26: "half", 29: "copy",
    33: "tests trained on", 34: "half", 36: "endless", 38: "changed copy", 41: "raises", 43: "copy", 46: "memory",
    48: "half", 50: "damaged", 52: "typed in", 54: "same", 57: "half", 58: "copy",
}  # fmt: skip


def _one(rng: random.Random, lab: Lab, number: int, right: list[Fills]) -> tuple[str, str]:
    kind = _SPECIAL.get(number % SIZE, "right" if number % 5 in (0, 3) else "mistakes")
    if kind in ("copy", "changed copy", "same") and not right:
        kind = "right"
    if kind in _KINDS:
        return kind, json.dumps(_KINDS[kind](rng, lab))
    if kind == "damaged":
        return kind, json.dumps(lab.notebook(right_answers(rng, lab.name)))[: rng.randint(3000, 9000)]
    if kind == "mistakes":
        fills, names = mistaken(rng, lab, rng.choices((1, 2, 3, 4), (4, 3, 2, 1))[0])
        return f"mistakes: {' '.join(names)}", json.dumps(lab.notebook(fills))
    if kind == "right":
        right.append(right_answers(rng, lab.name))
        return kind, json.dumps(lab.notebook(right[-1]))
    return kind, json.dumps(lab.notebook(_copied(rng, lab, kind, rng.choice(right[:6]))))


def _copied(rng: random.Random, lab: Lab, kind: str, fills: Fills) -> Fills:
    if kind == "same":
        return fills
    own = right_answers(rng, lab.name)
    changed = rng.sample(sorted(own), len(own) // 6) if kind == "changed copy" else []
    return disguised(rng, {**fills, **{gap: own[gap] for gap in changed}})


def _half(rng: random.Random, lab: Lab) -> Notebook:
    done = lab.questions[: rng.randint(2, len(lab.questions) - 2)]
    fills, _ = mistaken(rng, lab, rng.randint(0, 1))
    whole = lab.notebook(fills)
    empty = lab.notebook({}, questions=())
    for cell, stub in zip(whole["cells"], empty["cells"], strict=True):
        tags = cell.get("metadata", {}).get("tags", ())
        if any(tag.startswith("answer:") and tag.removeprefix("answer:") not in done for tag in tags):
            cell["source"] = stub["source"]
    return whole


def _with(rng: random.Random, lab: Lab, dense: Fills, single: Fills) -> Notebook:
    return lab.notebook({**right_answers(rng, lab.name), **(dense if lab.name == LABS[0] else single)})


_KINDS: dict[str, Callable[[random.Random, Lab], Notebook]] = {
    "half": _half,
    "empty": lambda _, lab: lab.notebook({}, questions=()),
    "endless": lambda rng, lab: _with(
        rng,
        lab,
        {"steps_per_epoch": "steps_per_epoch = 0\nwhile steps_per_epoch * 128 != 60000:\n    steps_per_epoch += 1"},
        {"accuracy_cost": "accuracy_cost = 1\nwhile accuracy_cost != dense_test_acc:\n    accuracy_cost -= 0.001"},
    ),
    "memory": lambda rng, lab: _with(
        rng,
        lab,
        {"mistakes": "copies = [x_train.astype('float64').copy() for _ in range(60)]\nmistakes = ..."},
        {"best_images": "copies = [x_train.astype('float64').copy() for _ in range(60)]\nbest_images = ..."},
    ),
    "raises": lambda rng, lab: _with(
        rng,
        lab,
        {"predictions": "predictions = modle.predict(x_test)"},
        {"templates": "templates = linear_model.weights.T.reshape(10, 28, 28)"},
    ),
    "typed in": lambda rng, lab: _with(
        rng,
        lab,
        {"test_loss": "test_loss = model.evaluate(x_test, test_labels)[0]", "test_acc": "test_acc = 0.9806"},
        {"linear_test_acc": "linear_test_acc = 0.926"},
    ),
    "tests trained on": lambda rng, lab: _with(
        rng,
        lab,
        {
            "history": "history = model.fit(x_train, train_labels, epochs=5, batch_size=128)\n"
            "model.fit(x_test, test_labels, epochs=8, batch_size=128, verbose=0)"
        },
        {
            "linear_history": "linear_history = linear_model.fit(x_train, train_labels, epochs=10, batch_size=128)\n"
            "linear_model.fit(x_test, test_labels, epochs=20, verbose=0)"
        },
    ),
}


def write_class(made: Sequence[Made], folder: Path) -> None:
    """Write FOLDER/class and FOLDER/kinds.csv."""
    (folder / "class").mkdir(parents=True)
    for one in made:
        (folder / "class" / one.file).write_text(one.text, encoding="utf-8")
    with (folder / "kinds.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "lab", "kind"])
        writer.writerows([one.file, one.lab, one.kind] for one in made)


def main() -> int:
    """Write the class and grade it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.example_class", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write-only", action="store_true", help="do not grade")
    options = parser.parse_args()
    root = find_root()
    if not (options.folder / "class").exists():
        write_class(make_class({lab: read_lab(root, lab) for lab in LABS}, options.size, options.seed), options.folder)
    if options.write_only:
        return 0
    grading = GradingOptions(seconds=SECONDS)
    return grade_class([options.folder / "class"], options.folder / "results", grading, ClassOptions(), as_json=False)


if __name__ == "__main__":
    raise SystemExit(main())
