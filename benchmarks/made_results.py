"""Invented results of a class, for measuring the report.

They are realistic in size and kind, and quick to make.

The code is that of `example_class`; who earned what is drawn from a model in which students differ in ability and
questions in difficulty, with the messages that the checks of the lab's master raise. The same seed gives the same
results.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from autograder.notebooks.notebook import CodeCell, read_notebook
from autograder.results.result import Cost, QuestionResult, Result, TestResult
from benchmarks.example_class import LABS, SEED, Lab, Made, make_class, read_lab

# About what the pictures of an executed notebook take, in bytes.
_PICTURES = (130_000, 60_000, 40_000)
_DETAILS = {"unreadable": "the notebook is damaged", "timeout": "it was still running after 90 seconds"}


def write_results(root: Path, folder: Path, size: int, seed: int = SEED) -> None:
    """Write the results of a class of `size` students.

    The files are FOLDER/submissions/ID/{result.json,executed.ipynb,feedback.html}.

    Args:
        root: a course that has been built.
        folder: the results' folder.
        size: submissions.
        seed: of everything that is drawn.
    """
    labs = {lab: read_lab(root, lab) for lab in LABS}
    checks = {lab: _checks(root, lab) for lab in LABS}
    rng = random.Random(seed)  # noqa: S311 - a class, not a secret
    for made in make_class(labs, size, seed):
        home = folder / "submissions" / made.file
        home.mkdir(parents=True)
        result = _result(rng, made, labs[made.lab], checks[made.lab])
        (home / "result.json").write_text(result.to_json(), encoding="utf-8")
        (home / "feedback.html").write_text("<!doctype html><title>feedback</title>", encoding="utf-8")
        if result.status != "unreadable":
            (home / "executed.ipynb").write_text(_executed(rng, json.loads(made.text)), encoding="utf-8")


def _checks(root: Path, lab: str) -> dict[str, list[tuple[str, list[str]]]]:
    """Return tests by question: name, and the messages that it may raise."""
    code = "\n".join(
        line for line in (root / "solutions" / f"{lab}.py").read_text(encoding="utf-8").splitlines() if line[:1] != "#"
    )
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_q"):
            question = node.name.split("_")[1]
            texts = [_text(raised) for raised in ast.walk(node) if isinstance(raised, ast.Raise)]
            found.setdefault(question, []).append((node.name, [text for text in texts if text] or ["It is not right."]))
    return found


def _text(raised: ast.Raise) -> str:
    argument = raised.exc.args[0] if isinstance(raised.exc, ast.Call) and raised.exc.args else None
    if isinstance(argument, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in argument.values)
    return str(argument.value) if isinstance(argument, ast.Constant) else ""


def _result(rng: random.Random, made: Made, lab: Lab, tests: Mapping[str, Sequence[tuple[str, list[str]]]]) -> Result:
    status: Any = {"damaged": "unreadable", "endless": "timeout", "memory": "out_of_memory"}.get(made.kind, "graded")
    ability = rng.gauss(0.9, 1.0) + (1.5 if made.kind == "right" else 0.0)
    questions: tuple[QuestionResult, ...] = ()
    if status != "unreadable":
        given = {cell.source.strip() for cell in _code_cells(json.dumps(lab.student))}
        answered = {q for cell in _code_cells(made.text) if cell.source.strip() not in given for q in cell.answers}
        questions = tuple(
            _question(rng, name, tests[name], ability - 0.15 * place, answered=name in answered)
            for place, name in enumerate(lab.questions)
        )
    seconds = round(rng.lognormvariate(1.6, 0.7), 1)
    return Result(
        submission=made.file,
        sha256=hashlib.sha256(made.text.encode()).hexdigest(),
        lab=None if status == "unreadable" else made.lab,
        isolation="full",
        status=status,
        detail={"unreadable": "the notebook is damaged", "timeout": "it was still running after 90 seconds"}.get(
            status
        ),
        score=sum(question.score for question in questions),
        max_score=sum(question.max_score for question in questions),
        seconds=seconds,
        questions=questions,
        cost=Cost(round(seconds * rng.uniform(1.0, 1.8), 2), seconds, rng.randint(900, 2600)),
        measured={
            "train_accuracy": round(rng.gauss(0.989, 0.003), 4),
            "test_accuracy": round(rng.gauss(0.978, 0.003), 4),
        },
    )


def _code_cells(text: str) -> tuple[CodeCell, ...]:
    return read_notebook(text.encode()).cells


def _question(
    rng: random.Random, name: str, tests: Sequence[tuple[str, list[str]]], ability: float, *, answered: bool
) -> QuestionResult:
    if not answered:
        return QuestionResult(name, "not_attempted", 0.0, 2.0, (), "The answer has not been filled in.")
    done = []
    for place, (test, messages) in enumerate(tests):
        passed = ability + rng.gauss(0, 0.8) > 0
        # The first messages are the likely ones.
        message = "" if passed else messages[min(int(rng.expovariate(0.9)), len(messages) - 1)]
        done.append(TestResult(test, place > 0, passed, message, 2.0 / len(tests) * passed, 2.0 / len(tests)))
    score = sum(test.passed for test in done) * 2.0 / len(done)
    status: Any = "passed" if score == 2.0 else "partial" if score else "failed"
    return QuestionResult(name, status, score, 2.0, tuple(done))


def _executed(rng: random.Random, notebook: dict[str, Any]) -> str:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell, size in zip(cells[-3:], _PICTURES, strict=False):
        data = {"image/png": _picture(size)}
        cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    cells[0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": f"{rng.random()}\n"}]
    return json.dumps(notebook)


@cache
def _picture(size: int) -> str:
    return base64.b64encode(random.Random(size).randbytes(size)).decode("ascii")  # noqa: S311 - no secret
