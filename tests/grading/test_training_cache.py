"""Recorded trainings are made once by the solution and change no mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.grading.training_cache import TrainingCache
from autograder.handover.journal import HANDOVER
from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import read_notebook
from autograder.sandbox import Job, Limits, Outcome
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import notebook_json
from tests.fixtures.commands import Command

TRAIN = """
import keras, numpy as np
keras.utils.set_random_seed(3)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation='softmax')])
model.compile(loss='sparse_categorical_crossentropy')
model.fit(np.eye(4).repeat(8, axis=0), np.arange(32) % 2, epochs=EPOCHS, verbose=0)
"""
LAB = Assignment("tiny", (), {}, Limits(60, 4096), 1, explains_hidden=True, digest="")


class Counting:
    """The real isolation, counting its jobs."""

    level = "none"

    def __init__(self, inner: ForkServer) -> None:
        self.inner = inner
        self.jobs = 0

    def run(self, job: Job) -> Outcome:
        """Count and pass on."""
        self.jobs += 1
        return self.inner.run(job)


class Place:
    """A solution, a cache folder, and what was reported."""

    def __init__(self, folder: Path, fork_server: ForkServer) -> None:
        self.solution = folder / "tiny-solution.ipynb"
        self.cache = folder / "cache"
        self.isolation = Counting(fork_server)
        self.told: list[str] = []
        self.write(TRAIN.replace("EPOCHS", "1"))

    def write(self, *cells: str) -> None:
        """Write the solution."""
        self.solution.write_bytes(notebook_json(*cells))

    def trainings(self) -> TrainingCache:
        """As a new run of the command has them."""
        return TrainingCache({"tiny": self.solution}, self.isolation, self.told.append, self.cache)


@pytest.fixture
def place(tmp_path: Path, fork_server: ForkServer) -> Place:
    """A fresh one."""
    return Place(tmp_path, fork_server)


def test_a_solution_is_run_once_for_all_and_kept(place: Place) -> None:
    trainings = place.trainings()
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(trainings.of, [LAB] * 4))
    assert len(found[0]) == 1
    assert found == [found[0]] * 4
    assert place.trainings().of(LAB) == found[0]
    assert place.isolation.jobs == 1
    assert len(place.told) == 1
    assert "tiny" in place.told[0]


def test_any_change_of_the_outcome_makes_new_recordings(place: Place) -> None:
    first = place.trainings().of(LAB)
    other_seed = place.trainings().of(replace(LAB, seed=2))
    place.write(TRAIN.replace("EPOCHS", "2"))
    other_epochs = place.trainings().of(LAB)
    assert len({*first, *other_seed, *other_epochs}) == 3
    assert place.isolation.jobs == 3


def test_a_damaged_cache_is_made_again(place: Place) -> None:
    first = place.trainings().of(LAB)
    (file,) = place.cache.glob("*.json")
    for content in (b"{", b"[]", b'{"a": 1}'):
        file.write_bytes(content)
        assert place.trainings().of(LAB) == first


def test_without_a_solution_there_is_nothing_to_take_over(place: Place) -> None:
    place.solution.unlink()
    assert place.trainings().of(LAB) == {}
    assert place.trainings().of(replace(LAB, name="other")) == {}
    assert place.isolation.jobs == 0


def test_a_solution_that_dies_is_reported_and_not_kept(place: Place) -> None:
    place.write(TRAIN.replace("EPOCHS", "1"), "import os; os._exit(3)")
    assert place.trainings().of(LAB) == {}
    assert "every submission trains" in place.told[-1]
    assert not list(place.cache.glob("*"))


def test_a_cache_that_cannot_be_written_costs_time_only(place: Place) -> None:
    place.cache.write_text("a file where the folder should be", encoding="utf-8")
    assert len(place.trainings().of(LAB)) == 1
    assert "trained again" in place.told[-1]


@pytest.mark.slow
@pytest.mark.parametrize("lab", ["mnist_dense", "single_layer"])
def test_every_answer_of_the_solution_is_the_same_bit_for_bit(
    lab: str,
    course: Path,
    assignments: dict[str, Assignment],
    trainings: dict[str, Mapping[str, str]],
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """The whole hand-over of the real notebook on the real MNIST is the same."""
    solution = course / "dist" / f"{lab}-solution.ipynb"
    assignment = assignments[lab]
    handed_over: list[dict[str, bytes]] = []
    for taken in (trainings[lab], {}):
        folder = tmp_path / f"run-{len(taken)}"
        folder.mkdir()
        payload: dict[str, Any] = {
            "cells": [{"number": c.number, "source": c.source} for c in read_notebook(solution.read_bytes()).cells],
            "handover": {question.name: list(question.handover) for question in assignment.questions},
            "seed": assignment.seed,
            "trainings": dict(taken),
        }
        assert fork_server.run(Job(RUN_NOTEBOOK, payload, folder, assignment.limits)).end == "done"
        handed_over.append({file.name: file.read_bytes() for file in (folder / HANDOVER).iterdir()})
    assert handed_over[0].keys() == handed_over[1].keys()
    assert [name for name in handed_over[0] if handed_over[0][name] != handed_over[1][name]] == []


@pytest.mark.slow
def test_a_reused_training_changes_no_result_and_retrain_switches_it_off(
    course: Path, autograder_here: Command
) -> None:
    def check(*options: str) -> dict[str, Any]:
        done = autograder_here("check", "dist/single_layer-solution.ipynb", "--json", *options, cwd=course)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    reused, trained = check(), check("--retrain")
    assert [fit["reused"] for fit in reused["fits"]] == [True]
    assert [fit["reused"] for fit in trained["fits"]] == [False]
    for result in (reused, trained):
        for name in ("seconds", "fits", "cost"):
            del result[name]
    assert reused == trained
