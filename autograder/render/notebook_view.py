"""The executed notebook prepared for the page, with all content as safe HTML."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from autograder.grading.executed import KEY
from autograder.handover.outputs import NOTE
from autograder.notebooks.images import KINDS, picture
from autograder.render.code import coloured, plain
from autograder.render.markdown import latex, rendered
from autograder.render.safe_html import safe_html
from autograder.util.text import clean, clean_line, shown_plainly
from autograder.util.translations import ENGLISH, Translate

# Characters of code per line on a phone.
_NARROW = 34
# The number of a question before its title, and its points behind it; Chinese has wide colons and brackets.
_BESIDE = re.compile(
    r"^(?:question|exercise|task|q|\u95ee\u9898)\s*\d+\s*[:\uff1a.\u2013-]\s*"
    r"|\s*[(\uff08][\d.]+ (?:points?|\u5206)[)\uff09]$",
    re.IGNORECASE,
)
# The packed text of the set-up cell, 30,000 characters. It has no blanks, so that it can hide no code.
_PACKED = re.compile(r'(^grader = _set_up\([^\n]*packed=""")\n(?:[!-~]+\n)+(""")', re.MULTILINE)
# Characters of code per notebook; highlighting takes a second per megabyte.
_MAX_COLOURED, _MAX_CODE = 200_000, 1_000_000
_MAX_HTML = 40_000
# Scrollable elements must be focusable by keyboard.
_BROAD = ("<table", "<pre", 'display="block"')


@dataclass(frozen=True)
class Shown:
    """An output as safe HTML; `broad` if it may need scrolling."""

    kind: Literal["stdout", "stderr", "html", "picture", "error", "grader"]
    html: str
    broad: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell as safe HTML.

    Args:
        anchor: its identifier in the page.
        kind: its type.
        html: its code or text.
        broad: whether it may need scrolling.
        number: number of a code cell in the order of execution, or None.
        ran: whether it was run.
        outputs: its outputs.
        answers: questions whose last answer cell it is.
    """

    anchor: str
    kind: Literal["code", "markdown", "raw"]
    html: str
    broad: bool
    number: int | None = None
    ran: bool = False
    outputs: tuple[Shown, ...] = ()
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Location of a question in the notebook.

    Args:
        answer: anchor of its last answer cell.
        reading: anchor of the text with the nearest heading.
        heading: that heading.
    """

    answer: str
    reading: str
    heading: str

    @property
    def topic(self) -> str:
        """The heading without the question's number and points."""
        return _BESIDE.sub("", self.heading) or self.heading


@dataclass(frozen=True)
class NotebookView:
    """All cells, and the locations of the questions."""

    cells: tuple[Cell, ...]
    places: Mapping[str, Place]

    @property
    def last_run(self) -> int | None:
        """The number of the last cell that was started."""
        return max((cell.number for cell in self.cells if cell.ran and cell.number), default=None)


def notebook_view(executed: bytes | None, words: Translate = ENGLISH) -> NotebookView | None:
    """Prepare a notebook composed by `grading.executed`; None if it cannot be read."""
    try:
        document = json.loads(executed or b"")
        cells = document["cells"]
        answered = _last_answers(cells)
        return _view(cells, answered, words)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _view(
    cells: Sequence[Mapping[str, Any]], answered: Mapping[int, tuple[str, ...]], words: Translate
) -> NotebookView:
    made: list[Cell] = []
    code = 0
    places: dict[str, Place] = {}
    reading, heading = "notebook", ""
    for position, cell in enumerate(cells):
        anchor = f"part-{position + 1}"
        if cell["cell_type"] == "code":
            anchor = _code_anchor(cell, anchor)
            code += len(cell["source"])
            made.append(_code_cell(cell, anchor, answered.get(position, ()), words, before=code))
            places |= {question: Place(anchor, reading, heading) for question in made[-1].answers}
            continue
        text, found = _text_cell(cell, anchor)
        made.append(replace(text, answers=answered.get(position, ())))
        if found and not made[-1].answers:
            reading, heading = anchor, clean_line(found)
        places |= {question: Place(anchor, reading, heading) for question in made[-1].answers}
    return NotebookView(tuple(made), places)


def _last_answers(cells: Sequence[Mapping[str, Any]]) -> dict[int, tuple[str, ...]]:
    """Return, by position, the questions whose last answer cell is there."""
    last = {
        question: position
        for position, cell in enumerate(cells)
        for question in cell["metadata"].get(KEY, {}).get("answers", ())
    }
    return {at: tuple(question for question in last if last[question] == at) for at in set(last.values())}


def _code_anchor(cell: Mapping[str, Any], otherwise: str) -> str:
    number = cell["metadata"][KEY]["number"]
    return otherwise if number is None else f"cell-{int(number)}"


def _code_cell(
    cell: Mapping[str, Any], anchor: str, answers: tuple[str, ...], words: Translate, *, before: int
) -> Cell:
    """Prepare a code cell; `before` is the amount of code up to its end."""
    source = _PACKED.sub(r"\1…\2", cell["source"])
    return Cell(
        anchor=anchor,
        kind="code",
        html=coloured(source) if before < _MAX_COLOURED else plain(source, max(0, _MAX_CODE - before)),
        broad=_is_broad(source),
        number=cell["metadata"][KEY]["number"],
        ran=cell["execution_count"] is not None,
        outputs=tuple(_outputs(cell["outputs"], words)),
        answers=answers,
    )


def _text_cell(cell: Mapping[str, Any], anchor: str) -> tuple[Cell, str]:
    """Prepare a text cell; return it and its last heading."""
    if cell["cell_type"] == "raw":
        return Cell(anchor, "raw", html.escape(shown_plainly(cell["source"])), _is_broad(cell["source"])), ""
    attached = {
        name: found
        for name, forms in cell.get("attachments", {}).items()
        for kind in KINDS
        if (found := picture(kind, forms.get(kind))) is not None
    }
    text = rendered(cell["source"], attached)
    return Cell(anchor, "markdown", text.html, is_broad_html(text.html)), text.heading


def _outputs(outputs: Sequence[Mapping[str, Any]], words: Translate) -> Iterator[Shown]:
    for output in outputs:
        if NOTE in output.get("metadata", {}):
            yield Shown("grader", html.escape(words(str(output["data"]["text/plain"]))))
        elif output["output_type"] == "stream":
            yield _plain(str(output["text"]), "stderr" if output["name"] == "stderr" else "stdout")
        elif output["output_type"] == "error":
            yield Shown("error", _error(output))
        else:
            yield from _display(output["data"], words)


def _display(data: Mapping[str, Any], words: Translate) -> Iterator[Shown]:
    """Yield the richest representation of an output."""
    for kind in KINDS:
        found = picture(kind, data.get(kind))
        if found is not None:
            described = clean_line(str(data.get("text/plain", "")), 80) or words("image")
            alt = html.escape(words("Output of the cell: {description}", description=described), quote=True)
            size = f'width="{found.width}" height="{found.height}"'
            yield Shown("picture", f'<img src="{found.address}" alt="{alt}" {size}>')
            return
    for kind, make in _FORMS.items():
        made = make(data[kind]) if len(data.get(kind, "")) in range(1, _MAX_HTML) else ""
        if made.strip():
            yield Shown("html", made, is_broad_html(made))
            return
    if "text/plain" in data:
        yield _plain(data["text/plain"], "stdout")


_FORMS = {"text/html": safe_html, "text/markdown": lambda text: rendered(text).html, "text/latex": latex}


def _plain(text: str, kind: Literal["stdout", "stderr"]) -> Shown:
    plain = shown_plainly(text).rstrip("\n")
    return Shown(kind, html.escape(plain), _is_broad(plain) or plain.count("\n") > 24)


def _error(output: Mapping[str, Any]) -> str:
    where = html.escape(clean_line(str(output["traceback"][0]), 300)) if output.get("traceback") else ""
    name = html.escape(clean_line(str(output["ename"])))
    message = html.escape(clean(str(output["evalue"])))
    return f"<strong>{name}</strong>{': ' if message else ''}{message}<span>{where}</span>"


def is_broad_html(text: str) -> bool:
    """Return whether safe HTML may need scrolling, and must then be focusable."""
    return any(sign in text for sign in _BROAD)


def _is_broad(text: str) -> bool:
    return any(len(line) > _NARROW for line in text.split("\n"))
