"""The question in CONTRIBUTING keeps the rules, and its tests judge as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.authoring.master import Master, read_master
from autograder.authoring.test_sources import prelude, read_tests
from autograder.authoring.validate import check_master
from autograder.datasets.mnist import load, npz_path

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = """# %% [raw]
# # ASSIGNMENT CONFIG
# name: example
# tests:
#   ok_format: false

# %%
import keras
import numpy as np

(train_images, train_labels), _ = keras.datasets.mnist.load_data()

"""


@pytest.fixture(scope="module")
def master() -> Master:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(# %% \[markdown\]\n.*?)```", text, re.DOTALL)
    found = read_master(HEAD + block, name="example", file="solutions/example.py")
    check_master(found)
    return found


@pytest.fixture(scope="module")
def tests(master: Master) -> list[Callable[..., None]]:
    """The public and the hidden test, bundled as in a test file."""
    (question,) = master.questions
    namespace: dict[str, Any] = {}
    functions = read_tests(master, question)
    exec("\n".join([prelude(master, question), *(test.function for test in functions)]), namespace)  # noqa: S102
    return [namespace[test.name] for test in functions]


def message(test: Callable[..., None], answer: Any) -> str:
    try:
        test(mean_digits=answer)
    except AssertionError as error:
        return str(error)
    return ""


def test_the_key_passes_and_mistakes_are_named(
    master: Master, tests: list[Callable[..., None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.datasets.mnist.get_file", lambda *_, **__: str(npz_path()))
    data = load()
    key: dict[str, Any] = {"np": np, "train_images": data.train_images, "train_labels": data.train_labels}
    exec(master.questions[0].answers[0].source, key)  # noqa: S102
    right = key["mean_digits"]
    public, hidden = tests
    assert [message(test, right) for test in tests] == ["", ""]
    assert "divided by 255" in message(hidden, right / 255)
    assert "average over the images" in message(hidden, right[::-1])
    assert "shape (28, 28)" in message(public, right[0])
    for test in tests:
        assert "three dots" in message(test, ...)
        assert "missing" in message(test, None)
        assert "NaN" in message(test, right * np.nan)
