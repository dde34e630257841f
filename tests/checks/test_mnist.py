"""The data set in a check, and its normalisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.checks.core import CheckDefective, CheckFailed, check
from autograder.checks.mnist import normalised, raw_data

RAW = np.random.default_rng(1).integers(0, 256, (600, 4, 4)).astype("uint8")
RAW[:, 0, 0], RAW[:, 0, 1] = 255, 0


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_divided_once_is_right(kind: str) -> None:
    assert normalised((RAW / 255).astype(kind), "x", RAW).dtype == kind
    normalised(RAW.astype(kind) / 255, "x", RAW)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "missing"),
        (..., "three dots"),
        ("x", "text"),
        (RAW, "still holds whole numbers"),
        (RAW // 255, "integer division"),
        (RAW.astype("float32"), "Changing the dtype is not enough"),
        (RAW / 255 / 255, "normalised twice"),
        (RAW / 256, "number of grey levels"),
        (RAW / 100, "wrong constant, about 100"),
        (RAW / 254, "number of grey levels|wrong constant"),
        ((RAW / 255).astype("float16"), "float16"),
        ((RAW / 255 - 0.5) / 0.3, "runs from"),
        (RAW[::-1] / 255, "changed or moved"),
        (RAW / np.linalg.norm(RAW.reshape(600, -1), axis=1).reshape(-1, 1, 1), "changed or moved"),
        ((RAW / 255).reshape(600, 16), r"shape \(600, 16\)"),
        ((RAW / 255)[1:], r"shape \(599, 4, 4\)"),
        (RAW / 255 * np.nan, "division went wrong"),
        (np.where(RAW > 9, np.inf, RAW / 255), "division went wrong"),
        (np.zeros(RAW.shape), "division went wrong"),
        (-(RAW / 255), "division went wrong"),
        (np.full(RAW.shape, 0.5), "changed or moved"),
        (RAW / 255 + 1e-4, "runs from"),
    ],
)
def test_everything_else_is_named(value: Any, says: str) -> None:
    with pytest.raises(CheckFailed, match=says):
        normalised(value, "x", RAW)


def test_a_failed_download_is_not_the_students_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keras finds an empty cache, and every address on the internet is out of reach."""
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    @check
    def test_it(answer: int) -> None:
        assert len(raw_data()) == answer

    raw_data.cache_clear()
    with pytest.raises(CheckDefective, match=r"MNIST could not be loaded .*says nothing about your answer") as caught:
        test_it(answer=4)
    assert caught.value.grader_error
