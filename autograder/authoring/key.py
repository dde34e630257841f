"""Prove a lab: its key earns every point, the untouched notebook none.

The key and the untouched notebook go through the grader as submissions do. Failures are reported as faults of the
master, with the line of the test or of the solution. `dist/` holds the executed key with its outputs.
"""

from __future__ import annotations

import ast
import copy
import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autograder.authoring.master import Cell, Master, Question, TestCell
from autograder.authoring.normalize import dump_notebook
from autograder.authoring.support import FOLDER
from autograder.authoring.test_sources import line_that_sets, names_set, set_in_notebook
from autograder.authoring.validate import test_function
from autograder.datasets import mnist
from autograder.errors import AssignmentError, IsolationError, MasterError
from autograder.grading.fingerprint import kit_version
from autograder.grading.grader import Grader
from autograder.grading.preload import preload_for
from autograder.grading.training_cache import TrainingCache
from autograder.labs.assignment import Assignment, load_assignment
from autograder.results.result import ANSWER_UNUSABLE, CellError, QuestionResult, Result
from autograder.sandbox.client import ForkServer

_PROVED = "proved"
_PRINTED = "autograder-answers "
# Numbers up to this size and short texts stand in tests for other reasons.
_LARGEST_COMMON = 10


@dataclass(frozen=True)
class Candidate:
    """A generated lab: master, autograder zip, student notebook, key without outputs."""

    master: Master
    archive: bytes
    student: bytes
    key: bytes
    keras: bool
    pandas: bool

    @property
    def digest(self) -> str:
        """All that a proof depends on."""
        digest = hashlib.sha256(kit_version().encode())
        for part in (self.archive, self.student, self.key):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()


def kept_key(candidate: Candidate, file: Path, *, proved: bool) -> bytes | None:
    """Return the executed key of an earlier build if it is still this lab's key.

    Args:
        candidate: the lab.
        file: where the key lies.
        proved: whether it must have been proved with the very same tests, notebook and kit.
    """
    try:
        content = file.read_bytes()
        found = json.loads(content)
        current = found["metadata"]["autograder"].get(_PROVED) == candidate.digest
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    same = without_outputs(content) == candidate.key
    return content if same and (current or not proved) else None


def without_outputs(content: bytes) -> bytes:
    """Return a key as it was before it ran; what is not a notebook stays as it is."""
    try:
        notebook = _load(content)
        notebook["metadata"]["autograder"].pop(_PROVED, None)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
    except (ValueError, KeyError, TypeError, AttributeError):
        return content
    return dump_notebook(notebook)


def _load(content: bytes) -> dict[str, Any]:
    """Read a notebook, with the source of each cell as one text."""
    notebook: dict[str, Any] = json.loads(content)
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def prove_keys(candidates: Sequence[Candidate]) -> tuple[dict[str, bytes], tuple[MasterError, ...]]:
    """Run the keys and the untouched notebooks of labs.

    Returns:
        The executed keys of the labs that are proved, and the faults of the others: a key that does not earn every
        point, an untouched notebook that earns some, tests that cannot be loaded.

    Raises:
        WorkerError, DataError: the grader could not do its work.
    """
    executed: dict[str, bytes] = {}
    faults: list[MasterError] = []
    for keras in (False, True):
        group = [candidate for candidate in candidates if candidate.keras == keras]
        if not group:
            continue
        with (
            TemporaryDirectory(prefix="autograder-key-") as temporary,
            fork_server_for(keras=keras, pandas=any(candidate.pandas for candidate in group)) as server,
        ):
            for candidate in group:
                try:
                    found = _prove(candidate, server, Path(temporary))
                except AssignmentError as error:
                    faults.append(_loading_fault(candidate.master, error))
                    continue
                faults += found.faults
                if not found.faults:
                    executed[candidate.master.name] = found.executed
    return executed, tuple(faults)


def _loading_fault(master: Master, error: AssignmentError) -> MasterError:
    """Return the fault of a test file that cannot be loaded, with its line."""
    question = next((one for one in master.questions if error.test_file == f"tests/{one.name}.py"), None)
    message = f"the tests cannot be loaded: {error.reason}"
    if question is None:
        return MasterError(message, file=master.file)
    for cell in (*master.helpers, *(test.cell for test in question.tests)):
        line = _line_with(cell, error.statement) if error.statement else None
        if line is not None:
            name = None if cell in master.helpers else question.name
            return MasterError(message, file=master.file, question=name, line=cell.line_of(line))
    return _at(master, question, question.line, message)


def fork_server_for(*, keras: bool, pandas: bool) -> ForkServer:
    """Start a fork server with all isolation layers that this machine has."""
    preload = preload_for(mnist.npz_path() if keras else None, keras=keras, pandas=pandas)
    try:
        return ForkServer(preload, "full")
    except IsolationError:
        return ForkServer(preload, "basic")


@dataclass(frozen=True)
class _Proof:
    faults: tuple[MasterError, ...]
    executed: bytes


def _prove(candidate: Candidate, server: ForkServer, folder: Path) -> _Proof:
    master = candidate.master
    archive = folder / f"{master.name}-autograder.zip"
    archive.write_bytes(candidate.archive)
    key = folder / f"{master.name}-solution.ipynb"
    key.write_bytes(candidate.key)
    lab = load_assignment(archive, server)
    solution = _load(candidate.key)
    cache = TrainingCache({lab.name: key} if candidate.keras else {}, server, lambda _: None)
    told = replace(lab, test_files={file: _public(text) for file, text in lab.test_files.items()})
    grader = Grader({lab.name: told}, server, lab.name, cache.of)
    graded = grader.graded("key.ipynb", lambda: json.dumps(_with_probe(solution, lab)).encode())
    # Every test counts here, so that none that passes stays unseen.
    counted = Grader({lab.name: _each_test_counts(lab)}, server, lab.name)
    untouched = counted.grade("untouched.ipynb", lambda: candidate.student)
    ran = json.loads(graded.executed) if graded.executed else {"cells": []}
    faults = [
        *key_faults(master, graded.result, solution),
        *untouched_faults(master, untouched),
        *literal_faults(master, _answers_of(ran)),
    ]
    return _Proof(tuple(faults), dump_notebook(_with_outputs(solution, ran, candidate.digest)))


def _public(test_file: str) -> str:
    """Return a test file whose tests are all public, so every message is shown."""
    return re.sub(r"^(@test_case\(.*)\bhidden=True\b", r"\1hidden=False", test_file, flags=re.MULTILINE)


def _each_test_counts(lab: Assignment) -> Assignment:
    questions = tuple(
        replace(
            question,
            all_or_nothing=False,
            max_score=float(len(question.tests)),
            tests=tuple(replace(test, points=1.0) for test in question.tests),
        )
        for question in lab.questions
    )
    return replace(lab, questions=questions)


def key_faults(master: Master, result: Result, solution: Mapping[str, Any]) -> Iterator[MasterError]:
    """Yield what keeps the key from earning every point.

    Args:
        master: the lab.
        result: the result of the key, with the messages of all tests.
        solution: the key as a notebook.
    """
    if result.status != "graded":
        yield _cut_short(master, result)
        return
    faults, raised = _raised(master, result, solution)
    refused = _refused(master, result)
    yield from (*faults, *refused)
    for question, found in _questions(master, result):
        lost = found.max_score - found.score
        if found.status == "to_review" or lost <= 0 or question in raised:
            continue
        if found.status in ("skipped", "error", "not_attempted"):
            if not raised and not refused:  # else it lacks what another cell should have set
                yield _at(master, question, question.line, f"the answer key earns nothing here: {found.reason}")
            continue
        for test in found.tests:
            if not test.passed and test.message_id != ANSWER_UNUSABLE:
                yield _at_test(
                    master,
                    question,
                    test.name,
                    f"the answer key does not pass the test {test.name}: {test.message.rstrip('.')}. Correct the "
                    "test, or the solution",
                )


def _cut_short(master: Master, result: Result) -> MasterError:
    """Return the fault of an unfinished key, at the first unanswered question."""
    message = f"the answer key could not be graded: {result.detail}"
    if result.status == "timeout":
        message += f"; if it needs more time, raise `seconds` under [limits] in solutions/{master.name}.toml"
    reached = (question for question, found in _questions(master, result) if found.status in ("error", "skipped"))
    question = next(reached, None)
    if question is None:
        return MasterError(message, file=master.file)
    return _at(master, question, question.line, f"{message}. Look at this question and the code before it")


def _raised(
    master: Master, result: Result, solution: Mapping[str, Any]
) -> tuple[list[MasterError], list[Question | None]]:
    """Return the faults of cells that raise, and their questions.

    The question of given code is None.

    A NameError that only follows from an earlier error is no fault of its own.
    """
    faults: list[MasterError] = []
    raised: list[Question | None] = []
    unset: set[str] = set()
    for error in result.errors:
        cell, line = _place(master, solution, error)
        question = _question_of(master, cell)
        raised.append(question)
        follows = error.name == "NameError" and any(f"'{name}'" in error.message for name in unset)
        unset |= names_set(cell) if cell else set()
        if not follows:
            what = "a given cell" if question is None else "the solution"
            message = f"{what} raises {error.name}: {error.message}".rstrip(": .") + _next_step(master, error)
            name = question.name if question else None
            faults.append(MasterError(message, file=master.file, question=name, line=line))
    return faults, raised


def _refused(master: Master, result: Result) -> list[MasterError]:
    """Return the answers that do not reach the tests, with their lines."""
    faults: dict[str, MasterError] = {}
    for question, found in _questions(master, result):
        for test in found.tests:
            name = str(test.values.get("name", ""))
            if test.message_id == ANSWER_UNUSABLE and name not in faults:
                lines = (cell.line_of(line_that_sets(cell, name)) for cell in question.answers)
                line = next((line for line in lines if line is not None), question.line)
                message = (
                    f"the answer `{name}` of the key does not reach the test {test.name}: {test.values.get('reason')}. "
                    "Give the answer, or a part of it that the test needs, as another kind of value (the table in "
                    "docs/live-answers.md)"
                )
                faults[name] = _at(master, question, line, message)
    return list(faults.values())


def _next_step(master: Master, error: CellError) -> str:
    """Return what helps against an error of the key, as the end of a sentence."""
    if error.name == "FileNotFoundError":
        return f": put the file into solutions/{FOLDER}/{master.name}/, which is handed out with the notebook"
    if error.name == "ModuleNotFoundError":
        return (
            f": install it where labs are built, or put the module into solutions/{FOLDER}/{master.name}/, which is "
            "handed out with the notebook"
        )
    named = re.search(r"name '(\w+)' is not defined", error.message) if error.name == "NameError" else None
    near = difflib.get_close_matches(named.group(1), set_in_notebook(master), n=1) if named else []
    return f": is `{near[0]}` meant?" if near else ""


def untouched_faults(master: Master, result: Result) -> Iterator[MasterError]:
    """Yield the tests that pass on the notebook as it is handed out."""
    for question, found in _questions(master, result):
        for test in found.tests:
            if test.passed:
                yield _at_test(
                    master,
                    question,
                    test.name,
                    f"the test {test.name} passes on the untouched notebook, where the answers are still `...`: let it "
                    "fail there, for example with `present(answer, name)` from autograder.checks.values",
                )


def literal_faults(master: Master, answers: Mapping[str, Any]) -> Iterator[MasterError]:
    """Yield the public tests in which students can read an answer.

    Args:
        master: the lab.
        answers: the numbers and texts that the key gives, by name.
    """
    for question in master.questions:
        for test in question.tests:
            if test.config.get("hidden", False):
                continue
            function = test_function(test)
            for name, value in answers.items():
                node = _literal(function, name, value)
                if node is not None:
                    line = None if test.body_line is None else test.body_line + node.lineno - 1
                    yield _at(
                        master,
                        question,
                        line,
                        f"the public test {function.name} holds the answer {name} = {value!r}, and students can read "
                        "it: compute it from the data there, or make the test hidden",
                    )


def _literal(function: ast.FunctionDef, name: str, value: Any) -> ast.expr | None:
    """Return the constant in a test that gives an answer away.

    A distinctive value counts anywhere, any other beside the answer's name.
    """
    telling = isinstance(value, (int, float)) and abs(value) > _LARGEST_COMMON
    for node in ast.walk(function):
        if telling and _is_constant(node, value):
            return node  # type: ignore[return-value]
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            named = any(isinstance(part, ast.Name) and part.id == name for side in sides for part in ast.walk(side))
            constant = next((side for side in sides if _is_constant(side, value)), None)
            if named and constant is not None:
                return constant
    return None


def _is_constant(node: ast.AST, value: Any) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, str) and node.value == value


def _questions(master: Master, result: Result) -> Iterator[tuple[Question, QuestionResult]]:
    by_name = {question.name: question for question in master.questions}
    return ((by_name[found.name], found) for found in result.questions if found.name in by_name)


def _at_test(master: Master, question: Question, name: str, message: str) -> MasterError:
    """Return a fault at the line of a test, or else of its question."""
    cell = _test_cell(question, name)
    return _at(master, question, cell.body_line if cell else question.line, message)


def _test_cell(question: Question, name: str) -> TestCell | None:
    return next((test for test in question.tests if test_function(test).name == name), None)


def _at(master: Master, question: Question, line: int | None, message: str) -> MasterError:
    return MasterError(message, file=master.file, question=question.name, line=line)


def _place(master: Master, solution: Mapping[str, Any], error: CellError) -> tuple[Cell | None, int | None]:
    """Return the master's cell and line of an error that a cell of the key raised."""
    sources = [cell["source"] for cell in solution["cells"] if cell["cell_type"] == "code"]
    numbered = [source for source in sources if source.strip()]
    if not 0 < error.cell <= len(numbered):
        return None, None
    lines = numbered[error.cell - 1].split("\n")
    wanted = lines[error.line - 1].strip() if error.line and error.line <= len(lines) else lines[0].strip()
    tests = {id(test.cell) for question in master.questions for test in question.tests}
    for cell in master.cells:
        if cell.kind == "code" and id(cell) not in tests and (line := _line_with(cell, wanted)):
            return cell, cell.line_of(line)
    return None, None


def _question_of(master: Master, cell: Cell | None) -> Question | None:
    """Return the question that a cell answers."""
    return next((one for one in master.questions if any(answer is cell for answer in one.answers)), None)


def _line_with(cell: Cell, wanted: str) -> int | None:
    """Return the line of a cell that holds a statement.

    In the master, a comment or a mark may follow it.
    """
    lines = [line.strip() for line in cell.source.split("\n")]
    return next(
        (number for number, line in enumerate(lines, start=1) if line == wanted or line.startswith(f"{wanted}  #")),
        None,
    )


def _with_probe(solution: Mapping[str, Any], lab: Assignment) -> dict[str, Any]:
    """Return a key with a last cell that prints its plain numbers and texts."""
    names = sorted({name for question in lab.questions for name in question.variables})
    probed = copy.deepcopy(dict(solution))
    source = _PROBE.replace("NAMES", repr(names)).replace("MARK", repr(_PRINTED))
    probed["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    )
    return probed


_PROBE = """
def _print_answers():
    import json

    found = {}
    for name in NAMES:
        value = globals().get(name)
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            value = value.item()
        if type(value) in (int, float, str):
            found[name] = value
    print(MARK + json.dumps(found))


_print_answers()
"""


def _answers_of(ran: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the last cell of an executed key has printed."""
    for output in ran["cells"][-1].get("outputs", ()) if ran["cells"] else ():
        text = "".join(output.get("text", ""))
        if text.startswith(_PRINTED):
            try:
                answers: dict[str, Any] = json.loads(text.removeprefix(_PRINTED))
            except ValueError:
                return {}
            return answers
    return {}


def _with_outputs(solution: Mapping[str, Any], ran: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """Return a key with the outputs of its run.

    Cells are matched in order; empty ones have no outputs.
    """
    executed = copy.deepcopy(dict(solution))
    executed["metadata"]["autograder"][_PROVED] = digest
    outputs = iter([cell for cell in ran["cells"] if cell["cell_type"] == "code" and str(cell["source"]).strip()])
    for cell in executed["cells"]:
        if cell["cell_type"] == "code" and cell["source"].strip():
            run = next(outputs, None)
            if run is not None:
                cell["outputs"], cell["execution_count"] = run["outputs"], run["execution_count"]
    return executed
