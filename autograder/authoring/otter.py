"""Run `otter assign` on notebooks and return its output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autograder.authoring.bundle import Source, read_test
from autograder.authoring.master import ANSWER_TAG, Cell, Master, Question, TestCell
from autograder.authoring.requirements import OTTER
from autograder.authoring.student_notebook import WRITTEN_STUB
from autograder.errors import MasterError, WorkerError

_REQUIREMENTS = "requirements-for-autograder.txt"  # no name that a support file is likely to have
_BEGIN = re.compile(r"#\s+begin\s+(question|solution)\s*$", re.IGNORECASE | re.MULTILINE)
_SECONDS = 300.0  # otter needs about three; this only ends a child that hangs


@dataclass(frozen=True)
class OtterOutput:
    """Output of `otter assign`: two notebooks as JSON, and the zip's entries."""

    student: dict[str, Any]
    solution: dict[str, Any]
    archive: Mapping[str, bytes]


def run_otter_assign(
    masters: Sequence[Master],
    requirements: Mapping[str, Sequence[str]],
    files: Mapping[str, Mapping[str, bytes]] | None = None,
) -> tuple[dict[str, OtterOutput], tuple[MasterError, ...]]:
    """Run `otter assign --no-run-tests` on masters that keep the rules.

    Args:
        masters: the masters; what their tests share and import is left out of the notebooks.
        requirements: by lab, the lines of the requirements file that goes into its autograder.
        files: by lab, its support files.

    Returns:
        What otter made, by lab, and the faults of the masters that it refused.

    Raises:
        WorkerError: otter itself could not run.
    """
    with TemporaryDirectory(prefix="autograder-build-") as temporary:
        folder = Path(temporary)
        sent = {
            master.name: _prepare(
                folder / master.name, master, requirements[master.name], (files or {}).get(master.name, {})
            )
            for master in masters
        }
        _run_child(folder)
        made: dict[str, OtterOutput] = {}
        refused: list[MasterError] = []
        for master in masters:
            error = folder / master.name / "error.json"
            if error.exists():
                refused.append(_translate(json.loads(error.read_text(encoding="utf-8")), master, sent[master.name]))
            else:
                made[master.name] = _collect(folder / master.name, master)
        return made, tuple(refused)


def _prepare(folder: Path, master: Master, requirements: Sequence[str], files: Mapping[str, bytes]) -> list[Cell]:
    """Write the notebook and its files for otter; return its cells, in order."""
    source = folder / "in"
    source.mkdir(parents=True)
    tests = {id(test.cell): test for question in master.questions for test in question.tests}
    cells = _for_otter(master)
    notebook = {
        "cells": [_cell(_without_imports(cell, tests.get(id(cell)))) for cell in cells],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 4,  # without cell ids: they are given at the end, after the cells are final
    }
    settings: dict[str, Any] = {"files": sorted(files)}
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    if "requirements" not in master.config:
        # The packages that an autograder elsewhere must install; otter adds itself.
        (source / _REQUIREMENTS).write_text("\n".join(requirements) + "\n", encoding="utf-8")
        settings["requirements"] = _REQUIREMENTS
    _configure(notebook, {**master.config, **settings})
    (source / f"{master.name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return cells


def _for_otter(master: Master) -> list[Cell]:
    """Return the cells for otter.

    They lack what tests share, and written answers have a text to replace.

    Otter is not told that a person marks a question, because it would put comments for a PDF into the texts around it,
    which have other translations then. All else it does for such a question is to add that text to replace.
    """
    import yaml  # type: ignore[import-untyped]

    cells: list[Cell] = []
    questions, question = iter(master.questions), None
    for cell in master.cells:
        if cell in master.helpers:
            continue
        begins = _BEGIN.match(cell.source) if cell.kind == "raw" else None
        if begins and begins[1].lower() == "question":
            question = next(questions)
            if question.manual:
                config = {key: value for key, value in question.config.items() if key != "manual"}
                cell = replace(cell, source=f"# BEGIN QUESTION\n{yaml.safe_dump(config, sort_keys=False)}")
        elif begins and question is not None and question.manual and question.written and not question.prompts:
            cells += _prompt(question)
            question = None
        cells.append(cell)
    return cells


def _prompt(question: Question) -> list[Cell]:
    edges = (Cell("raw", f"# {edge} PROMPT") for edge in ("BEGIN", "END"))
    return [next(edges), Cell("markdown", WRITTEN_STUB, (f"{ANSWER_TAG}{question.name}",)), next(edges)]


def _without_imports(cell: Cell, test: TestCell | None) -> Cell:
    """Return a test cell as otter wants it: its configuration and one function."""
    if test is None:
        return cell
    configuration = cell.source.removesuffix(test.body)
    return replace(cell, source=configuration + read_test(Source(test.body, "", None)).function)


def _cell(cell: Cell) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    plain: dict[str, Any] = {"cell_type": cell.kind, "metadata": metadata, "source": cell.source}
    return {**plain, "outputs": [], "execution_count": None} if cell.kind == "code" else plain


def _configure(notebook: dict[str, Any], config: Mapping[str, Any]) -> None:
    """Replace the assignment configuration of a notebook."""
    import yaml

    for cell in notebook["cells"]:
        if cell["cell_type"] == "raw" and re.match(r"#\s+assignment\s+config", cell["source"], re.IGNORECASE):
            cell["source"] = f"# ASSIGNMENT CONFIG\n{yaml.safe_dump(dict(config), sort_keys=False)}"
            return


def _run_child(folder: Path) -> None:
    scratch = folder / ".scratch"
    scratch.mkdir()
    command = [sys.executable, "-P", str(Path(__file__).with_name("_assign.py")), str(folder)]
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise WorkerError(
            f"`otter assign` did not end within {_SECONDS:.0f} seconds: is the machine overloaded?",
            hint="autograder build, once the machine has less to do",
        ) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WorkerError(
            f"`otter assign` could not run ({last}): is otter-grader installed for {sys.executable}?",
            hint=f"pip install '{OTTER}'",
        )


def _collect(folder: Path, master: Master) -> OtterOutput:
    out, notebook = folder / "out", f"{master.name}.ipynb"
    (archive,) = (out / "autograder").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        entries = {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}
    return OtterOutput(
        student=json.loads((out / "student" / notebook).read_text(encoding="utf-8")),
        solution=json.loads((out / "autograder" / notebook).read_text(encoding="utf-8")),
        archive=entries,
    )


def _translate(error: Mapping[str, str], master: Master, sent: Sequence[Cell]) -> MasterError:
    """Find the question and line of the master for an error message of otter's.

    Otter names cell numbers of an intermediate notebook.
    """
    message = error["message"] or error["kind"]
    question = re.search(r'question "?(\w+)', message)
    number = re.search(r"cell number (\d+)", message)
    cell = sent[int(number.group(1)) - 1] if number and 0 < int(number.group(1)) <= len(sent) else None
    known = {found.name: found.line for found in master.questions}
    name = question.group(1) if question and question.group(1) in known else None
    line = cell.line if cell is not None else known.get(name or "", master.config_line)
    text = " ".join(message.split())
    return MasterError(f"otter refuses this master: {text[:400]}", file=master.file, question=name, line=line)
