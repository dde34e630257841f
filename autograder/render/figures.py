"""Reproducible figures as inline SVG in the colours of the page, by Matplotlib.

Matplotlib is imported only when a figure is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup, escape

from autograder.report.numbers import BINS, QuestionNumbers
from autograder.results.labels import QUESTION_LABELS
from autograder.util.text import clean_line

_WIDTH = 5.4  # inches of 72 units; fits a phone with readable text
_TEXT = 10.5
# Unique placeholder colours, each replaced by a variable of the page's style sheet.
_INK, _QUIET, _LINE, _BAR, _ON_BAR = "#010101", "#010102", "#010103", "#010104", "#010105"
_STATUS = {status: f"#0102{place:02}" for place, status in enumerate(QUESTION_LABELS)}
_ON_STATUS = {status: f"#0103{place:02}" for place, status in enumerate(QUESTION_LABELS)}
_VARIABLES = {
    _INK: "text",
    _QUIET: "quiet",
    _LINE: "line",
    _BAR: "bar",
    _ON_BAR: "card",
    **{colour: f"s-{status}" for status, colour in _STATUS.items()},
    **{colour: f"on-{status}" for status, colour in _ON_STATUS.items()},
}
# Parts of Matplotlib's output that a page does not need, and fonts, which are inherited from the page.
_SURPLUS = re.compile(
    r"""^.*?<svg[^>]*>|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->| id="[^"]*\""""
    r"""|font-family: [^;"]*; """,
    re.DOTALL,
)
# Narrower segments of a bar, in percent, are not labelled.
_ROOM = 6.0


def score_histogram(bins: Sequence[int], name: str, beside: int = 0) -> Markup:
    """Draw how many submissions scored in each range of ten percent.

    Args:
        bins: the numbers of submissions.
        name: prefix that makes the identifiers in the figure unique.
        beside: number of questions in the figure beside it, to match its height.
    """
    with _settings(name):
        figure = _histogram(bins, max(2.2, _height(beside) + 0.25))
    ranges = ", ".join(f"{place * 10} to {place * 10 + 10} %: {count}" for place, count in enumerate(bins) if count)
    return _svg(figure, name, "Distribution of scores", f"Number of submissions by score. {ranges or 'None'}.")


def status_bars(questions: Sequence[QuestionNumbers], name: str) -> Markup:
    """Draw a bar per question, divided by status."""
    with _settings(name):
        figure = _bars(questions)
    return _svg(figure, name, "Status of each question", _told(questions))


def _height(questions: int) -> float:
    """Return the height in inches."""
    return 0.45 + 0.32 * questions


def _histogram(bins: Sequence[int], height: float) -> Any:
    figure, axes = _canvas(height)
    axes.bar(range(BINS), bins, width=0.9, align="edge", color=_BAR, clip_on=False)
    for place, count in enumerate(bins):
        if count:
            axes.annotate(
                f"{count}", (place + 0.45, count), (0, 2), textcoords="offset points", ha="center", color=_INK
            )
    axes.set_xlim(-0.05, BINS - 0.05)
    axes.set_ylim(0, max(*bins, 1) * 1.12)
    axes.set_xticks([place - 0.05 for place in range(BINS + 1)], [f"{place * 10}" for place in range(BINS + 1)])
    axes.set_xlabel("percent of the points", color=_QUIET)
    axes.spines["bottom"].set_visible(True)
    return figure


def _bars(questions: Sequence[QuestionNumbers]) -> Any:
    figure, axes = _canvas(_height(len(questions)))
    for row, question in enumerate(questions):
        left = 0.0
        for status in QUESTION_LABELS:
            share = 100 * question.counts.get(status, 0) / question.count
            if not share:
                continue
            axes.barh(row, share, 0.74, left, color=_STATUS[status], edgecolor=_ON_BAR, linewidth=1, clip_on=False)
            if share >= _ROOM:
                count = str(question.counts[status])
                axes.text(left + share / 2, row, count, ha="center", va="center_baseline", color=_ON_STATUS[status])
            left += share
    axes.set_xlim(0, 100)
    axes.set_ylim(len(questions) - 0.5, -0.5)
    axes.set_yticks(range(len(questions)), [clean_line(question.name, 12) for question in questions], color=_INK)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    return figure


@contextmanager
def _settings(name: str) -> Iterator[None]:
    """Keep text as text, so that it can be searched and read aloud.

    `$` is not a formula.
    """
    import matplotlib as mpl

    settings = {"svg.hashsalt": name, "svg.fonttype": "none", "font.size": _TEXT, "text.parse_math": False}
    with mpl.rc_context(settings):
        yield


def _told(questions: Sequence[QuestionNumbers]) -> str:
    parts = (
        f"{clean_line(question.name)}: "
        + ", ".join(f"{question.counts[s]} {word}" for s, word in QUESTION_LABELS.items() if question.counts.get(s))
        for question in questions
    )
    return "; ".join(parts) + "."


def _canvas(height: float) -> tuple[Any, Any]:
    """Create a figure of `height` inches without frame, ticks and background."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set(visible=False, color=_LINE)
    axes.tick_params(length=0, labelcolor=_QUIET, labelsize=_TEXT)
    axes.set_yticks([])
    return figure, axes


def _svg(figure: Any, name: str, title: str, description: str) -> Markup:
    """Return the figure as an inline element with texts for screen readers."""
    buffer = io.StringIO()
    with _settings(name):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # Identifiers are unused, and must not occur twice in a page.
    body = _SURPLUS.sub("", buffer.getvalue()).replace("<g/>", "")
    body = re.sub("#0[0-9a-f]{5}", lambda match: _variable(match[0]), body)
    width, height = (72 * inches for inches in figure.get_size_inches())
    head = (
        f'<svg class="picture" role="img" aria-labelledby="{name}-title {name}-text" '
        f'viewBox="0 0 {width:g} {height:g}"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-text">{escape(description)}</desc>'
    )
    return Markup(head + re.sub(r"\s*\n\s*", "\n", body).strip())  # noqa: S704 - Matplotlib escapes all text


def _variable(colour: str) -> str:
    return f"var(--{_VARIABLES[colour]})" if colour in _VARIABLES else colour
