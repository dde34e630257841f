"""The figures of the labs: complete, drawn once, whatever the answers are."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from IPython.display import Image as Shown
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from autograder.authoring.master import read_master
from tests.conftest import REPOSITORY

_DRAWING = re.compile(r"def show\(|\b(draw|plot)_\w+\(")
_IMAGES = 60


@dataclass
class Drawn:
    """What the cells of a lab have drawn."""

    figures: list[Figure] = field(default_factory=list)
    renderings: list[Figure] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    left_open: int = 0


def draw_lab(lab: str, **answers: Any) -> Drawn:
    """Run the cells of a master that draw, with made-up data."""
    drawn = Drawn()
    save, render = Figure.savefig, Figure.draw

    def noted_save(figure: Figure, *arguments: Any, **options: Any) -> None:
        drawn.figures.append(figure)
        save(figure, *arguments, **options)

    def noted_render(figure: Figure, *arguments: Any) -> None:
        drawn.renderings.append(figure)
        render(figure, *arguments)

    plt.close("all")
    file = REPOSITORY / "solutions" / f"{lab}.py"
    master = read_master(file.read_text(encoding="utf-8"), name=lab, file=file.name)
    namespace = {"np": np, "plt": plt, "display": drawn.shown.append, **_answers(), **answers}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", noted_save)
        patch.setattr(Figure, "draw", noted_render)
        for cell in master.cells:
            if cell.kind == "code" and cell not in master.helpers and _DRAWING.search(cell.source):
                exec(cell.source, namespace)  # noqa: S102 - code of this repository
                drawn.left_open += len(plt.get_fignums())
                plt.close("all")
    return drawn


@cache
def draw_rightly(lab: str) -> Drawn:
    """What the cells of a lab draw from right answers."""
    return draw_lab(lab)


def _answers() -> dict[str, Any]:
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (_IMAGES, 28, 28), dtype=np.uint8), np.arange(_IMAGES) % 10
    predictions = random.dirichlet(np.full(10, 0.1), _IMAGES)

    series = {"loss": np.geomspace(0.6, 0.04, 10).tolist(), "accuracy": np.linspace(0.84, 0.9875, 10).tolist()}
    return {
        "train_images": images,
        "train_labels": labels,
        "test_images": images,
        "test_labels": labels,
        "x_test": images / 255,
        "history": SimpleNamespace(history=series),
        "predictions": predictions,
        "predicted_labels": predictions.argmax(axis=1),
        "mistakes": np.flatnonzero(predictions.argmax(axis=1) != labels),
        "linear_history": SimpleNamespace(history=series),
        "linear_model": lambda _: predictions,
        "linear_test_acc": 0.9231,
        "templates": random.normal(size=(10, 28, 28)),
        "best_images": np.arange(50, 60),
    }


@pytest.mark.parametrize("lab", ["mnist_dense", "single_layer"])
def test_nothing_in_a_figure_is_cut_off_or_covers_a_caption(lab: str) -> None:
    drawn = draw_rightly(lab)
    assert len(drawn.figures) == 5
    for figure in drawn.figures:
        needed, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(needed.x0, needed.y0, width - needed.x1, height - needed.y1) >= 0, needed
        for axis in figure.axes:
            boxes = [text.get_window_extent() for text in axis.texts]
            assert [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])] == []


@pytest.mark.parametrize("lab", ["mnist_dense", "single_layer"])
def test_each_figure_is_drawn_once_and_shown_in_its_size(lab: str) -> None:
    drawn = draw_rightly(lab)
    assert drawn.renderings == drawn.figures
    assert drawn.left_open == 0
    sizes = [Image.open(io.BytesIO(picture.data)).size for picture in drawn.shown]
    assert sizes == [figure.canvas.get_width_height() for figure in drawn.figures]


@pytest.mark.parametrize(
    ("lab", "answers", "complete"),
    [
        ("mnist_dense", {"predictions": np.zeros(10)}, 3),
        ("mnist_dense", {"predicted_labels": "7"}, 2),
        ("mnist_dense", {"mistakes": 212}, 4),
        ("mnist_dense", {"history": ...}, 4),
        ("mnist_dense", {"history": SimpleNamespace(history={"loss": 0.1})}, 4),
        ("single_layer", {"templates": np.zeros((10, 784))}, 4),
        ("single_layer", {"best_images": np.full(10, 60_000)}, 4),
        ("single_layer", {"linear_model": lambda _: np.zeros((_IMAGES, 3))}, 4),
    ],
)
def test_wrong_answers_leave_a_hint_and_no_unfinished_figure(
    lab: str,
    answers: dict[str, Any],
    complete: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drawn = draw_lab(lab, **answers)
    assert (len(drawn.shown), drawn.left_open) == (complete, 0)
    assert len(re.findall("run grader.check|Answer the question", capsys.readouterr().out)) == 5 - complete
