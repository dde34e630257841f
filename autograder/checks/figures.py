"""Figures that students draw with Matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.checks.core import CheckFailed
from autograder.checks.values import is_close, present


def axes(value: Any, name: str, position: int = 0) -> Any:
    """Return the axes of a figure; axes are returned as they are.

    Args:
        value: the answer, a figure or axes.
        name: what it is called.
        position: which axes of a figure, counted from 0.
    """
    present(value, name)
    if hasattr(value, "get_xlabel"):
        return value
    if not hasattr(value, "get_axes"):
        raise CheckFailed(
            "{name} is a {kind}, not a figure: begin with `fig, ax = plt.subplots()`, draw with `ax`, and set {name} "
            "to `fig`.",
            {"name": name, "kind": type(value).__name__},
        )
    found = list(value.get_axes())
    if position >= len(found):
        raise CheckFailed(
            "{name} is a figure with {found} axes, but {needed} are needed: make them with `plt.subplots`.",
            {"name": name, "found": len(found), "needed": position + 1},
        )
    return found[position]


def labelled(value: Any, name: str, *, x: bool = True, y: bool = True, title: bool = False) -> None:
    """Fail if axes lack a label that they must have.

    Args:
        value: the answer, a figure or axes.
        name: what it is called.
        x: whether the x axis must have a label.
        y: whether the y axis must have a label.
        title: whether the axes must have a title.
    """
    drawn = axes(value, name)
    figure = drawn.figure  # labels and titles of the whole figure count as well
    if x and not _has_text(drawn.get_xlabel(), figure.get_supxlabel()):
        raise CheckFailed("The x axis of {name} has no label: add `ax.set_xlabel(...)`.", {"name": name})
    if y and not _has_text(drawn.get_ylabel(), figure.get_supylabel()):
        raise CheckFailed("The y axis of {name} has no label: add `ax.set_ylabel(...)`.", {"name": name})
    if title and not _has_text(*map(drawn.get_title, ("center", "left", "right")), figure.get_suptitle()):
        raise CheckFailed("{name} has no title: add `ax.set_title(...)`.", {"name": name})


def line(value: Any, name: str, x: Sequence[float] | None, y: Sequence[float], tolerance: float = 1e-6) -> None:
    """Fail if no line of a figure shows these values.

    Args:
        value: the answer, a figure or axes.
        name: what it is called.
        x: the values along the x axis; None for any.
        y: the values along the y axis.
        tolerance: the largest difference that counts as the same, relative to the largest value if that is below 1.
    """
    lines = [(_numbers(one.get_xdata(orig=False)), _numbers(one.get_ydata(orig=False))) for one in _lines(value, name)]
    if any((x is None or is_close(xs, x, tolerance)) and is_close(ys, y, tolerance) for xs, ys in lines):
        return
    if x is not None and any(is_close(xs[::-1], x, tolerance) and is_close(ys[::-1], y, tolerance) for xs, ys in lines):
        return  # the same line, drawn from its other end
    if x is not None and any(is_close(xs, y, tolerance) and is_close(ys, x, tolerance) for xs, ys in lines):
        raise CheckFailed("{name} has x and y swapped: `ax.plot` takes the x values first.", {"name": name})
    if any(len(ys) != len(y) for _, ys in lines) and len(lines) == 1:
        raise CheckFailed(
            "The line of {name} has {found} points, but {needed} are needed: look at which data are drawn.",
            {"name": name, "found": len(lines[0][1]), "needed": len(y)},
        )
    raise CheckFailed("No line of {name} shows the right values: look at what `ax.plot` gets.", {"name": name})


def bars(value: Any, name: str, heights: Sequence[float], tolerance: float = 1e-6) -> None:
    """Fail if the bars of a figure do not have these heights, in this order.

    Args:
        value: the answer, a figure or axes.
        name: what it is called.
        heights: the heights of the bars, from left to right.
        tolerance: as for `line`.
    """
    patches = [one for one in axes(value, name).patches if hasattr(one, "get_height")]
    if not patches:
        raise CheckFailed("{name} shows no bars: draw them with `ax.bar`.", {"name": name})
    found = [float(one.get_height()) for one in sorted(patches, key=lambda one: float(one.get_x()))]
    if len(found) != len(heights):
        raise CheckFailed(
            "{name} shows {found} bars, but {needed} are needed: look at which data are drawn.",
            {"name": name, "found": len(found), "needed": len(heights)},
        )
    if is_close(found, heights, tolerance):
        return
    if is_close(sorted(found), sorted(heights), tolerance):
        raise CheckFailed("The bars of {name} are in the wrong order.", {"name": name})
    raise CheckFailed("The bars of {name} do not have the right heights: look at what `ax.bar` gets.", {"name": name})


def _has_text(*texts: Any) -> bool:
    return any(str(text).strip() for text in texts)


def _lines(value: Any, name: str) -> list[Any]:
    lines = list(axes(value, name).get_lines())
    if not lines:
        raise CheckFailed("{name} shows no line: draw it with `ax.plot`.", {"name": name})
    return lines


def _numbers(values: Any) -> Any:
    return np.asarray(values, dtype="float64")
