"""Every attack is stopped, and succeeds if the layers that stop it are off."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.handover.journal import read_run_log
from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.sandbox import Job
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import LAYERS
from tests.attacks.attack import Attack
from tests.attacks.catalogue import ATTACKS
from tests.attacks.victim import Victim, fill, victim
from tests.fixtures.builders import Ran

by_name = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "_"))


@pytest.fixture(scope="module")
def target() -> Iterator[Victim]:
    """One victim for all attacks."""
    with victim() as prepared:
        yield prepared


@pytest.fixture
def folder() -> Iterator[Path]:
    """A job's folder where an unprivileged user can reach it, as the grader's own are."""
    made = Path(tempfile.mkdtemp(prefix="attack-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def launch(fork_server: ForkServer, attack: Attack, target: Victim, folder: Path, without: frozenset[str]) -> Ran:
    """Run an attack in a worker."""
    fill(target.folder)
    target.datagrams()
    known = {**target.as_data(), "grader_home": os.environ.get("HOME", "")}
    cells = [f"V = {known!r}\nanswer = False", attack.source]
    payload = {
        "cells": [{"number": number, "source": source} for number, source in enumerate(cells, start=1)],
        "handover": {"q1": ["answer"]},
        "seed": 1,
    }
    outcome = fork_server.run(Job(RUN_NOTEBOOK, payload, folder, attack.limits, without=without))
    return Ran(outcome, read_run_log(folder), folder)


@by_name
def test_the_sandbox_stops_it(attack: Attack, fork_server: ForkServer, target: Victim, folder: Path) -> None:
    assert fork_server.level == "full"
    ran = launch(fork_server, attack, target, folder, frozenset())
    assert not attack.succeeded(ran, target), ran


@by_name
def test_it_bites(attack: Attack, fork_server: ForkServer, target: Victim, folder: Path) -> None:
    ran = launch(fork_server, attack, target, folder, attack.stopped_by)
    assert attack.succeeded(ran, target), ran


def test_they_cover_every_layer() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert set(LAYERS) == {layer for attack in ATTACKS for layer in attack.stopped_by}
