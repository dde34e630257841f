"""Known answers: small TOML files that say how a student filled the gaps, and what that must cost.

Most cases reuse one trained model: a cell in front of the notebook makes `fit` take over the weights and the history
that the solution's training gave, instead of repeating it. Cases with `training = "real"` train.
"""

from __future__ import annotations

import base64
import io
import json
import tomllib
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.handover.encode import ANSWERS
from autograder.notebooks.filling import fill_gaps

FOLDER = Path(__file__).resolve().parents[2] / "solutions" / "known"


@dataclass(frozen=True)
class Case:
    """One known answer.

    `lost` are the questions that must lose points, `says` what their messages must name, `points` what some questions
    must earn exactly; `public` are questions whose public tests must catch it already; `rare` cases are left to
    `make prove`.
    """

    name: str
    lab: str
    right: bool
    trains: bool
    rare: bool
    fills: Mapping[str, str]
    lost: frozenset[str]
    says: Mapping[str, str]
    points: Mapping[str, float]
    public: frozenset[str]


@dataclass(frozen=True)
class Training:
    """What a real training of the solution left: the model's weights and the history of its fit."""

    weights: tuple[np.ndarray[Any, Any], ...]
    metrics: Mapping[str, list[float]]


def all_cases() -> list[Case]:
    """Every case, right ones first, sorted by file."""
    files = sorted(FOLDER.glob("*/right/*.toml")) + sorted(FOLDER.glob("*/wrong/*.toml"))
    return [_read(path) for path in files]


def _read(path: Path) -> Case:
    entry = tomllib.loads(path.read_text(encoding="utf-8"))
    lab, outcome = path.parts[-3], path.parts[-2]
    assert entry["training"] in ("reused", "real"), f"{path}: training is reused or real"
    return Case(
        name=f"{lab}-{outcome}-{path.stem}",
        lab=lab,
        right=outcome == "right",
        trains=entry["training"] == "real",
        rare=entry.get("rare", False),
        fills=entry.get("fill", {}),
        lost=frozenset(entry.get("lost", ())),
        says=entry.get("says", {}),
        points=entry.get("points", {}),
        public=frozenset(entry.get("public", ())),
    )


# Answers from which no other answer is computed: one that is wrong there spoils nothing else.
INDEPENDENT = {
    "mnist_dense": frozenset(
        "n_train n_test image_shape flatten_params hidden_params output_params total_params predictions "
        "predicted_labels first_digit first_confidence test_loss test_acc overfitting_gap mistakes".split()
    ),
    "single_layer": frozenset("linear_params linear_test_acc accuracy_cost templates best_images".split()),
}


def pack(cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    """Distribute cases over as few submissions as possible, so that each still shows what it shows alone.

    Right answers go together where they fill different gaps. Wrong ones do where they also cost different questions and
    fill only gaps from which nothing else is computed. A case that trains stays alone.
    """
    packs: list[list[Case]] = []
    for case in cases:
        fitting = next((pack for pack in packs if all(_fit_together(case, other) for other in pack)), None)
        if fitting is None:
            packs.append([case])
        else:
            fitting.append(case)
    return [tuple(pack) for pack in packs]


def _fit_together(one: Case, other: Case) -> bool:
    if (one.lab, one.right) != (other.lab, other.right) or one.trains or other.trains:
        return False
    independent = INDEPENDENT.get(one.lab, frozenset()) >= one.fills.keys() | other.fills.keys()
    return not (one.fills.keys() & other.fills.keys() or one.lost & other.lost) and (one.right or independent)


def read_training(outbox: Path, question: str, model: str, history: str) -> Training:
    """The training that a run of the solution handed over."""
    lines = [json.loads(line) for line in (outbox / ANSWERS).read_text(encoding="utf-8").splitlines()]
    values = next(line["values"] for line in lines if line["question"] == question)
    weights = tuple(np.load(outbox / name, allow_pickle=False) for name in values[model]["weights"])
    return Training(weights, values[history]["history"])


def notebook_of(
    cases: Sequence[Case], student: Mapping[str, Any], solution: Mapping[str, Any], training: Training
) -> str:
    """The submission that cases stand for together, as notebook text."""
    notebook = fill_gaps(student, solution, dict(ChainMap(*(dict(case.fills) for case in cases))))
    if not any(case.trains for case in cases):
        cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        notebook["cells"].insert(0, {**cell, "source": _reuse(training)})
    return json.dumps(notebook)


def _reuse(training: Training) -> str:
    buffer = io.BytesIO()
    np.savez(buffer, *training.weights)
    packed = base64.b64encode(buffer.getvalue()).decode("ascii")
    return _REUSE.replace("WEIGHTS", repr(packed)).replace("METRICS", repr(dict(training.metrics)))


_REUSE = """
def _reuse_training():
    import base64
    import io
    import math

    import keras
    import numpy as np

    packed = np.load(io.BytesIO(base64.b64decode(WEIGHTS)))
    recorded = METRICS

    def metric_name(metric):
        if isinstance(metric, str):
            return metric
        return metric["config"]["name"] if isinstance(metric["config"], dict) else metric["config"]

    def metrics_of(model):
        metrics = model.get_compile_config().get("metrics") or []
        flat = [metrics] if isinstance(metrics, str) or "class_name" in metrics else metrics
        flat = list(flat.values()) if isinstance(flat, dict) else flat
        return [metric for part in flat for metric in (part if isinstance(part, list) else [part])]

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose=1, validation_split=0.0, **options):
        if not self.built:
            self(x[:1])
        self.set_weights([packed[name] for name in packed.files])
        history = keras.callbacks.History()
        batched = batch_size is None and y is None
        steps = len(x) if batched else math.ceil(len(x) * (1 - validation_split) / (batch_size or 32))
        history.params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        history.epoch = list(range(epochs))
        column = {"loss": recorded["loss"]}
        for metric in metrics_of(self):
            column[metric_name(metric)] = recorded["accuracy"]
        history.history = {name: (values * epochs)[-epochs:] for name, values in column.items()}
        history.set_model(self)
        return history

    keras.Model.fit = fit


_reuse_training()
del _reuse_training
"""
