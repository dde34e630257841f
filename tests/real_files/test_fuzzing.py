"""Mutated files give one row or one sentence each: no traceback, no hang.

The seed is fixed, so that a failure can be repeated. `make prove` tries ten times as many.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import SubmissionError, UsageError
from autograder.gradebook.corrections import Known, combined, read_overrides
from autograder.gradebook.extensions import read_extensions
from autograder.gradebook.submission_times import read_times
from autograder.grading.grader import Grader
from autograder.grading.unanswered import why_unanswered
from autograder.intake.submissions import read_submission, take_in
from autograder.labs.assignment import Question, Test, load_assignment
from autograder.notebooks.notebook import answer_cells, identify, read_notebook
from autograder.platforms.canvas import assignment_column, fill_canvas
from autograder.platforms.moodle import fill_moodle
from autograder.sandbox.client import ForkServer
from autograder.util.csv_tables import read_table
from tests.fixtures.faults import FAULTS, SMALL_LAB
from tests.platforms.samples import (
    canvas_files,
    canvas_gradebook,
    csv_bytes,
    gradescope_files,
    moodle_files,
    moodle_worksheet,
    notebook,
    zipped,
)

SEED = 20261125
SECONDS = 5.0  # for one input; the slowest takes a tenth of a second
FEW, MANY = 100, 1000
how_many = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=[pytest.mark.rare, pytest.mark.slow])])

QUESTION = Question("q1", 2.0, False, (Test("t", False, 2.0, ("a",), ()),), ("a",), stubs=("a = ...",))
KNOWN = Known({"ada.ipynb": "ada"}, {"ada": {"q1": 2, "q2": 3}})
_NASTY = [
    b"\0" * 8,
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\r",
    b"\n",
    b"{" * 50,
    b"[" * 2000,
    b"\\ud800",
    b"1e999",
    b",",
]
_NAMES = ["../{}", "/{}", "C:\\{}", "__MACOSX/._{}", "{}/", "{}.icloud", ".{}", "{} (1)", "a/{}", "{}.zip", "\u202e{}"]
_VALUES: list[Any] = [None, True, -1, 1e308, "", "\ud800", "x" * 5000, [], {}, [[]], {"cells": []}, ["a", 1], 0]


def changed_bytes(data: bytes, chance: random.Random) -> bytes:
    """The content with some bytes changed, removed, doubled, inserted or cut off."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(out) + 1)
        end = min(len(out), start + chance.randint(1, 40))
        kind = chance.randrange(5)
        if kind == 0 and start < len(out):
            out[start] = chance.randrange(256)
        elif kind == 1:
            del out[start:end]
        elif kind == 2:
            out[start:start] = out[start:end]
        elif kind == 3:
            out[start:start] = chance.choice(_NASTY)
        elif chance.random() < 0.3:
            del out[start:]
    return bytes(out)


def changed_document(data: bytes, chance: random.Random) -> bytes:
    """The same notebook with values of other kinds somewhere in its JSON."""
    document = json.loads(data)
    for _ in range(chance.randint(1, 3)):
        place: Any = document
        while isinstance(place, dict | list) and place:
            key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
            inside = place[key]
            if not isinstance(inside, dict | list) or not inside or chance.random() < 0.25:
                place[key] = deepcopy(chance.choice(_VALUES))
                break
            place = inside
    return json.dumps(document).encode()


def changed_names(files: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    """The same files, some with another name or other bytes."""
    out: dict[str, bytes] = {}
    for name, data in files.items():
        kind = chance.randrange(4)
        if kind == 0:
            name = changed_bytes(name.encode(), chance).decode("utf-8", "replace") or "x"
        elif kind == 1:
            data = changed_bytes(data, chance)
        elif kind == 2 and chance.random() < 0.3:
            name = chance.choice(_NAMES).format(name)
        out[name[:200].replace("\0", "0") or "x"] = data
    return out


def notebooks(chance: random.Random) -> bytes:
    base = chance.choice(
        [notebook(1, 2), (FAULTS / "F15/lab.ipynb").read_bytes(), (FAULTS / "F06/lab.ipynb").read_bytes()]
    )
    return changed_document(base, chance) if chance.random() < 0.5 else changed_bytes(base, chance)


def try_all(count: int, one: Callable[[random.Random], None]) -> None:
    for number in range(count):
        start = time.monotonic()
        one(random.Random(SEED + number))  # noqa: S311 - a fixed seed, so that failures can be repeated
        assert time.monotonic() - start < SECONDS, f"seed {SEED + number} takes too long"


def one_sentence(error: Exception) -> None:
    """What is said is short, on one line, and no error of Python's own."""
    text = str(error)
    assert text.strip()
    assert "\n" not in text
    assert len(text) < 1000
    assert "Traceback" not in text


@how_many
def test_mutated_notebooks(count: int) -> None:
    read = 0

    def one(chance: random.Random) -> None:
        nonlocal read
        try:
            found = read_notebook(notebooks(chance))
            identify(found, {"tiny": {"q1": ["a"], "q2": ["b"]}})
        except SubmissionError as error:
            one_sentence(error)
            return
        answer_cells(found, "q1", ["a"])
        assert why_unanswered(found, QUESTION, {}).endswith(".")
        read += 1

    try_all(count, one)
    assert count / 10 < read < count, "both kinds are among them: what can still be read and what cannot"


@how_many
def test_mutated_zips(count: int, tmp_path: Path) -> None:
    downloads = [canvas_files(), moodle_files(), gradescope_files()]
    bases = [*map(zipped, downloads), (FAULTS / "F08/moodle_mac.zip").read_bytes()]
    readable = 0

    def one(chance: random.Random) -> None:
        nonlocal readable
        path = tmp_path / "class.zip"
        if chance.random() < 0.5:
            path.write_bytes(changed_bytes(chance.choice(bases), chance))
        else:
            path.write_bytes(zipped(changed_names(chance.choice(downloads), chance)))
        submissions = take_in([path]).submissions
        assert submissions
        assert len({submission.id.casefold() for submission in submissions}) == len(submissions)
        for submission in submissions:
            try:
                read_submission(submission)
                readable += 1
            except SubmissionError as error:
                one_sentence(error)

    try_all(count, one)
    assert readable > count


@how_many
def test_mutated_tables(count: int) -> None:
    corrections = [["submission", "question", "points", "reason"], ["ada.ipynb", "q1", "1,5", "half right"]]
    times = [["submission", "time"], ["ada.ipynb", "2026-10-05 8:15 PM Europe/Berlin"]]
    extensions = [["student", "due"], ["ada.ipynb", "2 days"]]
    bases = [csv_bytes(rows) for rows in (canvas_gradebook(), moodle_worksheet(), corrections, times, extensions)]
    good = 0

    def one(chance: random.Random) -> None:
        nonlocal good
        kind = chance.randrange(len(bases))
        data = changed_bytes(bases[kind], chance)
        try:
            if kind == 0:
                table = read_table(data, "t.csv")
                filled, _ = fill_canvas(table, [], assignment_column(table, None, ["Tiny Lab"]))
                assert read_table(filled.text().encode(), "t.csv").rows == filled.rows
            elif kind == 1:
                table, _ = fill_moodle(read_table(data, "t.csv"), [])
                assert read_table(table.text().encode(), "t.csv").rows == table.rows
            elif kind == 2:
                combined({}, read_overrides(data, "t.csv", KNOWN))
            elif kind == 3:
                read_times(data, "t.csv", KNOWN.identities, {}, None)
            else:
                read_extensions(data, "t.csv", {"ada.ipynb": ["ada"]})
        except UsageError as error:
            one_sentence(error)
            return
        good += 1

    try_all(count, one)
    assert count / 20 < good < count


@pytest.mark.slow
def test_a_handful_of_mutated_notebooks_through_the_whole_grader(fork_server: ForkServer) -> None:
    lab = load_assignment(SMALL_LAB, fork_server)
    grader = Grader({lab.name: lab}, fork_server, assume=lab.name)
    for number in range(8):
        data = notebooks(random.Random(SEED + number))  # noqa: S311 - as above
        result = grader.grade("x.ipynb", lambda data=data: data)  # type: ignore[misc]
        assert result.status in ("graded", "unreadable")
