"""Known answers of a lab: how a student filled the stubs, and what that must cost.

Each is a file `solutions/known/LAB/right/NAME.toml` or `wrong/NAME.toml`:

title = "argmax over the wrong axis"
training = "reused"          # the default: `fit` reuses the weights of the key's training; "real" trains
lost = ["q7"]                # exactly the questions that lose points
public = ["q7"]              # optional: questions whose public checks must catch it already
rare = true                  # optional: only `autograder prove` grades it, not the tests of the kit

[points]                     # optional: what a question earns, exactly
q7 = 1.0

[says]                       # what one of the question's messages must contain
q7 = "axis"

[fill]                       # code by the name of the stub; a lone `...` by its question; else the key's code
predicted_labels = "predicted_labels = predictions.argmax(axis=0)"
"""

from __future__ import annotations

import base64
import io
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.errors import MasterError, known_names
from autograder.handover.encode import ANSWERS
from autograder.notebooks.filling import fill_stubs
from autograder.results.result import QuestionResult, Result

FOLDER = "known"
_TRAININGS = ("reused", "real")
_TABLES = ("points", "says", "fill")
_KEYS = frozenset({"title", "training", "lost", "public", "rare", *_TABLES})


@dataclass(frozen=True)
class KnownAnswer:
    """One known answer.

    `lost` are the questions that must lose points, `says` what their messages must contain, `points` what some
    questions must earn exactly, `public` the questions whose public checks must catch it already.
    """

    name: str
    lab: str
    file: str
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
    """Result of the key's training: the model's weights and the history of its fit."""

    weights: tuple[np.ndarray[Any, Any], ...]
    metrics: Mapping[str, list[float]]


def read_known_answers(root: Path, lab: str | None = None) -> list[KnownAnswer]:
    """Return the known answers of a course or lab, right ones first, by file.

    Raises:
        MasterError: a file cannot be read, or says what it cannot.
    """
    folder = root / "solutions" / FOLDER
    files = [*sorted(folder.glob("*/right/*.toml")), *sorted(folder.glob("*/wrong/*.toml"))]
    return [_read(path, root) for path in files if lab in (None, path.parts[-3])]


def _read(path: Path, root: Path) -> KnownAnswer:
    file = path.relative_to(root).as_posix()
    try:
        entry = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault(file, f"this is not TOML: {error}") from error
    for key in sorted(set(entry) - _KEYS):
        raise _fault(file, f"unknown key `{key}`: {known_names(key, _KEYS)}")
    for table in _TABLES:
        if not isinstance(entry.get(table, {}), dict):
            raise _fault(file, f"`{table}` must be a table: write `[{table}]` on a line of its own")
    _check_questions(entry, file)
    if entry.get("training", "reused") not in _TRAININGS:
        raise _fault(file, f'`training` is {entry["training"]!r}: write "reused" or "real"')
    right = path.parts[-2] == "right"
    if right and entry.get("lost"):
        raise _fault(file, "a right answer loses nothing: remove `lost`, or move the file to wrong/")
    if not right and not entry.get("lost"):
        raise _fault(file, 'a wrong answer says what it loses: add a line such as `lost = ["q1"]`')
    return KnownAnswer(
        name=f"{path.parts[-3]}-{path.parts[-2]}-{path.stem}",
        lab=path.parts[-3],
        file=file,
        right=right,
        trains=entry.get("training") == "real",
        rare=bool(entry.get("rare", False)),
        fills=entry.get("fill", {}),
        lost=frozenset(entry.get("lost", ())),
        says=entry.get("says", {}),
        points=entry.get("points", {}),
        public=frozenset(entry.get("public", ())),
    )


def _check_questions(entry: Mapping[str, Any], file: str) -> None:
    for key in ("lost", "public"):
        names = entry.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _fault(file, f'`{key}` is {names!r}: write a list of questions, such as `{key} = ["q1"]`')
    lost = entry.get("lost", [])
    for key, names in (("public", entry.get("public", [])), ("[says]", entry.get("says", {}))):
        for name in names:
            if name not in lost:
                raise _fault(file, f"{key} names {name}, which `lost` does not: add it there, or remove it here")


def _fault(file: str, message: str) -> MasterError:
    return MasterError(message, file=file, hint="correct it, then: autograder prove")


def read_training(handover: Path) -> Training | None:
    """Return the training that a run of the key handed over; None without one."""
    for line in (handover / ANSWERS).read_text(encoding="utf-8").splitlines():
        values = json.loads(line)["values"].values()
        model = next((value for value in values if value.get("kind") == "model"), None)
        history = next((value for value in values if value.get("kind") == "history"), None)
        if model and history:
            weights = tuple(np.load(handover / name, allow_pickle=False) for name in model["weights"])
            return Training(weights, history["history"])
    return None


def submission_of(
    fills: Mapping[str, str],
    student: Mapping[str, Any],
    solution: Mapping[str, Any],
    training: Training | None = None,
) -> str:
    """Return the submission that known answers stand for, as notebook text.

    Args:
        fills: the code of the answers, by stub.
        student: the student notebook.
        solution: the answer key, which gives all other answers.
        training: what `fit` gives instead of training; None to train.

    Raises:
        KeyError: there is no such stub.
    """
    notebook = fill_stubs(student, solution, fills)
    if training is not None:
        cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        notebook["cells"].insert(0, {**cell, "source": _reuse(training)})
    return json.dumps(notebook)


def differences(answer: KnownAnswer, result: Result) -> Iterator[str]:
    """Yield how a result differs from what a known answer says."""
    if result.status != "graded":
        yield f"it was not graded ({result.status}): {result.detail}"
        return
    questions = {question.name: question for question in result.questions}
    lost = {name for name, question in questions.items() if _loses(question)}
    for name in sorted(lost - answer.lost):
        yield f"{name} loses {_lost_points(questions[name])}, and should not: {_said(questions[name])}"
    for name in sorted((answer.lost | answer.points.keys()) - questions.keys()):
        yield f"there is no question {name}"
    for name in sorted((answer.lost - lost) & questions.keys()):
        yield f"{name} should lose points"
    for name, points in sorted(answer.points.items()):
        if name in questions and not math.isclose(questions[name].score, points, abs_tol=1e-6):
            yield f"{name} earns {questions[name].score:g}, and should earn {points:g}"
    yield from _wrong_messages(answer, {name: questions[name] for name in lost})


def _wrong_messages(answer: KnownAnswer, lost: Mapping[str, QuestionResult]) -> Iterator[str]:
    for name, text in sorted(answer.says.items()):
        if name in lost and text.lower() not in _said(lost[name]).lower():
            yield f"{name} should say `{text}`, and says: {_said(lost[name])}"
    for name in sorted(answer.public & lost.keys()):
        if not any(not test.passed and not test.hidden for test in lost[name].tests):
            yield f"the public checks of {name} should catch it"


def _loses(question: QuestionResult) -> bool:
    return question.status != "to_review" and question.score < question.max_score


def _lost_points(question: QuestionResult) -> str:
    lost = question.max_score - question.score
    return f"{lost:g} point{'' if lost == 1 else 's'}"


def _said(question: QuestionResult) -> str:
    messages = [test.message for test in question.tests if not test.passed]
    return " ".join(filter(None, [*messages, question.reason])) or question.status


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
