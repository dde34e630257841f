"""Grade the known answers of a course and compare the points they lose."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.authoring.key import fork_server_for
from autograder.authoring.known_answers import (
    FOLDER,
    KnownAnswer,
    Training,
    differences,
    read_known_answers,
    read_training,
    submission_of,
)
from autograder.errors import SubmissionError, UsageError, WorkerError
from autograder.grading.grader import Grader
from autograder.grading.run_job import notebook_job
from autograder.handover.journal import HANDOVER
from autograder.labs.assignment import Assignment, load_assignment, needs_of
from autograder.labs.course import autograder_zip, lab_names
from autograder.notebooks.filling import fills_of
from autograder.notebooks.notebook import read_notebook
from autograder.results.result import Result
from autograder.sandbox.job_files import job_folder


@dataclass(frozen=True)
class Proof:
    """Outcome of a known answer: its result, and how that differs from the expected."""

    answer: KnownAnswer
    result: Result
    differences: tuple[str, ...]


def prove(
    root: Path, lab: str | None, *, jobs: int, done: Callable[[Proof], None] = lambda _: None
) -> tuple[Proof, ...]:
    """Grade the known answers of a course, or of one lab.

    Args:
        root: the folder of the course; its labs are built.
        lab: the lab; None for all.
        jobs: how many to grade at once.
        done: told of each, as soon as it is graded.

    Raises:
        UsageError: there are no known answers, or a lab is not built.
        MasterError: a file of a known answer cannot be read.
        WorkerError, DataError: the grader could not do its work.
    """
    answers = read_known_answers(root, lab)
    if not answers:
        where = f"solutions/{FOLDER}/{lab or 'LAB'}"
        raise UsageError(
            f"There are no known answers in {where}/right and {where}/wrong.",
            hint="autograder prove --new NOTEBOOK makes one from a notebook",
        )
    proofs: dict[str, Proof] = {}
    for name in dict.fromkeys(answer.lab for answer in answers):
        with _grader(root, name) as grader, ThreadPoolExecutor(jobs) as executor:
            own = [answer for answer in answers if answer.lab == name]
            training = None if all(answer.trains for answer in own) else _training(root, grader, name)

            def grade(answer: KnownAnswer, grader: Grader = grader, training: Training | None = training) -> Proof:
                proof = _prove(root, answer, grader, training)
                done(proof)
                return proof

            proofs.update(zip((answer.name for answer in own), executor.map(grade, own), strict=True))
    return tuple(proofs[answer.name] for answer in answers)


def new_known_answer(root: Path, notebook: Path) -> Path:
    """Write a known answer from a student's notebook as graded now; return its path.

    Raises:
        UsageError: it is no notebook of a lab of this course, or all its answers are those of the key.
    """
    try:
        read = read_notebook(notebook.read_bytes())
    except (OSError, SubmissionError) as error:
        raise UsageError(f"{notebook} cannot be read: {error}.") from error
    lab = read.assignment
    if lab not in lab_names(root):
        raise UsageError(f"{notebook} is not a notebook of a lab of this course ({', '.join(lab_names(root))}).")
    with _grader(root, lab) as grader:
        result = grader.grade(notebook.name, notebook.read_bytes)
    if result.status != "graded":
        raise UsageError(f"{notebook} could not be graded ({result.status}): {result.detail}")
    fills = fills_of(_student(root, lab), json.loads(notebook.read_bytes()))
    if not fills:
        raise UsageError(f"{notebook} answers nothing: every answer cell is still its stub.")
    lost = {
        question.name: " ".join(test.message for test in question.tests if not test.passed) or question.reason
        for question in result.questions
        if question.score < question.max_score and question.status != "to_review"
    }
    folder = root / "solutions" / FOLDER / lab / ("wrong" if lost else "right")
    path = folder / f"{notebook.stem}.toml"
    if path.exists():
        raise UsageError(f"{path} is there already.", hint=f"rename {notebook.name}, or delete that file")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(_as_toml(notebook.stem, fills, lost), encoding="utf-8")
    return path


def _as_toml(name: str, fills: dict[str, str], lost: dict[str, str]) -> str:
    lines = [f"title = {json.dumps(name.replace('_', ' '), ensure_ascii=False)}"]
    if lost:
        lines += [f"lost = {json.dumps(list(lost))}", "", "[says]"]
        lines += [f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in lost.items()]
    lines += ["", "[fill]", *(f"{name} = {_toml_text(code)}" for name, code in fills.items())]
    return "\n".join(lines) + "\n"


def _toml_text(code: str) -> str:
    if "\n" in code and "'''" not in code and "\r" not in code:
        return f"'''\n{code}\n'''"
    return json.dumps(code, ensure_ascii=False)


@contextmanager
def _grader(root: Path, lab: str) -> Iterator[Grader]:
    archive = autograder_zip(root, lab)
    if lab not in lab_names(root):
        folder = f"solutions/{FOLDER}/{lab}"
        raise UsageError(
            f"{folder} belongs to no lab: there is no solutions/{lab}.py or solutions/{lab}.ipynb, perhaps because the "
            f"lab was renamed or removed (labs of this course: {', '.join(lab_names(root)) or 'none'}).",
            hint=f"give {folder} the name of its lab, or delete it",
        )
    if not archive.exists():
        raise UsageError(f"The lab {lab} is not built.", hint="autograder build")
    needs = needs_of([archive])
    with fork_server_for(keras=needs.keras, pandas=needs.pandas) as server:
        yield Grader({lab: load_assignment(archive, server)}, server, lab)


def _training(root: Path, grader: Grader, lab: str) -> Training | None:
    """Run the key for its training; None where the lab has none."""
    if not needs_of([autograder_zip(root, lab)]).keras:
        return None
    assignment: Assignment = grader.assignments[lab]
    notebook = read_notebook((root / "dist" / f"{lab}-solution.ipynb").read_bytes())
    with job_folder() as folder:
        outcome = grader.isolation.run(notebook_job(notebook, assignment, folder))
        if outcome.end != "done":
            raise WorkerError(f"The answer key of {lab} could not be run: {outcome.detail}.", hint="autograder build")
        return read_training(folder / HANDOVER)


def _prove(root: Path, answer: KnownAnswer, grader: Grader, training: Training | None) -> Proof:
    solution = json.loads((root / "dist" / f"{answer.lab}-solution.ipynb").read_bytes())
    try:
        text = submission_of(answer.fills, _student(root, answer.lab), solution, None if answer.trains else training)
    except (KeyError, SyntaxError) as error:
        message = f"{answer.file}: [fill] names what is {error.args[0]}"
        raise UsageError(message, hint="name stubs of the student notebook there") from error
    result = grader.grade(answer.name, text.encode)
    return Proof(answer, result, tuple(differences(answer, result)))


def _student(root: Path, lab: str) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads((root / "assignment" / f"{lab}.ipynb").read_bytes())
    return notebook


def failed(proofs: Sequence[Proof]) -> tuple[Proof, ...]:
    """Return the proofs with differences."""
    return tuple(proof for proof in proofs if proof.differences)
