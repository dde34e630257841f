"""Figures: what passes, and the messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.figure import Figure

from autograder.checks.core import CheckFailed
from autograder.checks.figures import axes, bars, labelled, line

X, Y = [1.0, 2.0, 3.0], [4.0, 6.0, 5.0]


def drawn(draw: Callable[[Any], Any] = lambda _: None) -> Any:
    """A figure with one pair of axes, drawn on."""
    figure = Figure()
    draw(figure.subplots())
    return figure


def fails(says: str, check: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    with pytest.raises(CheckFailed, match=says):
        check(*arguments, **named)


def test_figures_and_axes_are_both_taken() -> None:
    figure = drawn()
    assert axes(figure, "f") is axes(figure.axes[0], "f") is figure.axes[0]
    two = Figure()
    second = two.subplots(1, 2)[1]
    assert axes(two, "f", 1) is second


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "f is missing"),
        (..., "f is still"),
        (Figure(), "f is a figure with 0 axes, but 1 are needed"),
        (drawn().axes[0].plot(X, Y), "f is a list, not a figure"),
        ((Figure(), 1), "f is a tuple, not a figure"),
        ("plot", "f is a str, not a figure"),
    ],
)
def test_what_is_no_figure_is_named(value: Any, says: str) -> None:
    fails(says, labelled, value, "f")


def test_labels_are_asked_for_one_by_one() -> None:
    figure = drawn(lambda ax: ax.set_xlabel(" "))
    fails("x axis of f has no label", labelled, figure, "f")
    figure.axes[0].set_xlabel("month")
    fails("y axis of f has no label", labelled, figure, "f")
    labelled(figure, "f", y=False)
    figure.axes[0].set_ylabel("rain")
    labelled(figure, "f")
    fails("f has no title", labelled, figure, "f", title=True)
    figure.axes[0].set_title("Rain")
    labelled(figure, "f", title=True)


def test_labels_may_stand_anywhere() -> None:
    whole = drawn()
    whole.supxlabel("month")
    whole.supylabel("rain")
    whole.suptitle("Rain")
    labelled(whole, "f", title=True)
    for side in ("left", "right"):
        figure = drawn()
        figure.axes[0].set_title("Rain", loc=side)
        labelled(figure.axes[0], "f", x=False, y=False, title=True)


def test_a_line_may_be_drawn_from_either_end() -> None:
    line(drawn(lambda ax: ax.plot(X[::-1], Y[::-1])), "f", X, Y)
    fails("No line of f", line, drawn(lambda ax: ax.plot(X, Y[::-1])), "f", X, Y)
    fails("No line of f", line, drawn(lambda ax: ax.plot(Y[::-1])), "f", None, Y)


def test_a_line_is_found_among_others() -> None:
    figure = drawn(lambda ax: (ax.plot([0, 9], [0, 9]), ax.plot(X, Y)))
    line(figure, "f", X, Y)
    line(figure, "f", None, Y)
    line(drawn(lambda ax: ax.plot(["a", "b", "c"], Y)), "f", None, Y)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda ax: ax.scatter(X, Y), "f shows no line"),
        (lambda ax: ax.plot(Y, X), "x and y swapped"),
        (lambda ax: ax.plot(X[:2], Y[:2]), "line of f has 2 points, but 3 are needed"),
        (lambda ax: ax.plot(Y), "No line of f shows the right values"),
        (lambda ax: ax.plot(X, [4.0, 6.0, float("nan")]), "No line of f shows the right values"),
        (lambda ax: (ax.plot(X, X), ax.plot([1], [1])), "No line of f shows the right values"),
    ],
)
def test_a_wrong_line_is_explained(draw: Callable[[Any], Any], says: str) -> None:
    fails(says, line, drawn(draw), "f", X, Y)


def test_bars_are_compared_from_left_to_right() -> None:
    bars(drawn(lambda ax: ax.bar(X, Y)), "f", Y)
    bars(drawn(lambda ax: ax.bar(["a", "b", "c"], Y)), "f", Y)
    bars(drawn(lambda ax: ax.bar(X[::-1], Y[::-1])), "f", Y)
    fails("f shows no bars", bars, drawn(lambda ax: ax.plot(X, Y)), "f", Y)
    fails("f shows 2 bars, but 3 are needed", bars, drawn(lambda ax: ax.bar(X[:2], Y[:2])), "f", Y)
    fails("in the wrong order", bars, drawn(lambda ax: ax.bar(X, Y[::-1])), "f", Y)
    fails("do not have the right heights", bars, drawn(lambda ax: ax.bar(X, X)), "f", Y)
