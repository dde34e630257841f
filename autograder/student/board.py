"""A board to draw on in the notebook, which shows what is read from the drawing.

It needs anywidget, so nothing imports this module before a board is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from .words import _

SIDE = 112

# Receives the ink as an array of shape (112, 112), values 0 to 1, and returns the image that the network sees, values 0
# to 1, and its answer, one probability for each class.
Read = Callable[[Any], tuple[Any, Any]]


class Board(anywidget.AnyWidget):
    """A board to draw on, the image made from the drawing, and a bar for each class.

    Args:
        read: makes an image and probabilities from the ink.

    Raises:
        ValueError: `read` does not return an image and probabilities. It is tried here with an empty board, so what it
            raises itself is not first met at a stroke.
    """

    _esm = Path(__file__).with_name("board.js").read_text(encoding="utf-8")
    _css = Path(__file__).with_name("board.css").read_text(encoding="utf-8")
    labels = traitlets.Dict().tag(sync=True)
    reading = traitlets.Dict().tag(sync=True)

    def __init__(self, read: Read) -> None:
        self._blank = _reading(read, np.zeros((SIDE, SIDE)))
        self._read = read
        labels = {
            "draw": _("draw here"),
            "sees": _("what the network sees"),
            "answers": _("what it answers"),
            "clear": _("clear"),
        }
        super().__init__(labels=labels, reading=self._blank)
        # A message, not a trait: the ink would be sent back, and saved with the notebook where widgets are.
        self.on_msg(lambda widget, content, buffers: self.read_ink(buffers[0]))  # noqa: ARG005

    def read_ink(self, ink: bytes | memoryview) -> None:
        """Show what is read from a drawing, one byte of ink for each of its pixels."""
        try:
            self.reading = _reading(self._read, np.frombuffer(ink, np.uint8).reshape(SIDE, SIDE) / 255)
        except Exception as error:  # noqa: BLE001 - outside of a cell, nobody sees what is raised
            text = _(
                "The drawing could not be read ({error}). Run the cells above again, then this one.",
                error=f"{type(error).__name__}: {error}".partition("\n")[0],
            )
            self.reading = {**self._blank, "error": text}


def _reading(read: Read, drawing: Any) -> dict[str, Any]:
    image, probabilities = (np.asarray(value, dtype=float) for value in read(drawing))
    if image.ndim != 2 or probabilities.ndim != 1:
        raise ValueError(
            f"an image of shape (rows, columns) and a list of probabilities are needed, "
            f"not the shapes {image.shape} and {probabilities.shape}"
        )
    if not (np.isfinite(image).all() and np.isfinite(probabilities).all()):
        raise ValueError("the image or the answer holds nan or inf")
    return {
        "image": (255 * image.clip(0, 1)).astype(int).ravel().tolist(),
        "width": image.shape[1],
        "probabilities": (probabilities if drawing.any() else np.zeros_like(probabilities)).tolist(),
        "error": "",
    }
