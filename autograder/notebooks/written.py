"""Find the answers of a notebook that a person marks. Pure.

An answer is what stands in place of the text that was handed out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

from autograder.notebooks.notebook import Notebook, Part, answer_cells, fenced, is_stub

MAX_ANSWER = 20_000
_MAX_GAPS = 10  # untouched texts without a tag; around each of them, texts are read


@dataclass(frozen=True)
class WrittenAnswer:
    """The answer to a question that a person marks.

    Args:
        text: its cells as Markdown, code in fences; at most 20,000 characters.
        found: whether the notebook has a cell for it.
        given: whether such a cell holds more than what was handed out.
    """

    text: str
    found: bool
    given: bool


def text_digest(text: str) -> str:
    """Return a short digest of a text, whatever its line breaks."""
    return hashlib.sha256(_squeezed(text).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def written_answer(
    notebook: Notebook,
    question: str,
    variables: Sequence[str],
    stubs: Sequence[str],
    written: Sequence[str],
    given: Collection[str] = (),
    *,
    same_version: bool = True,
) -> WrittenAnswer:
    """Return a student's answer to a question that a person marks.

    Args:
        notebook: the notebook.
        question: the question's name.
        variables: the variables of its code cells.
        stubs: its code cells as handed out.
        written: what its text cells held when they were handed out, in every language.
        given: digests of all texts that were handed out; other texts right above or below the answer cell belong to the
            answer, and so does a question that was written into. Without any, none does.
        same_version: whether the notebook is of the version that these digests describe; in another version, what
            stands above an answer may be its question.
    """
    texts = notebook.written.get(question, ())
    code = answer_cells(notebook, question, variables)
    shown = [text.strip() for text in texts if not _is_untouched(text, written)]
    if given:
        around = [(notebook.above_written.get(question, ()), notebook.below_written.get(question, ()))]
        if not (texts or code):
            around = _around_gaps(notebook.parts, written)
        for above, below in around:
            own = list(takewhile(lambda text: text_digest(text) not in given, reversed(above))) if same_version else []
            own = [*reversed(own), *(text for text in below if text_digest(text) not in given)]
            shown += [text.strip() for text in own if text.strip()]
    shown += [fenced(cell.source) for cell in code if not _is_gap(cell.source, stubs, written)]
    # A platform may drop the tags of cells, and then the handed out text tells the cell.
    found = bool(texts or code) or any(_is_gap_of(part, written) for part in notebook.parts)
    text = "\n\n".join(dict.fromkeys(shown))
    if len(text) > MAX_ANSWER:
        text = f"{text[:MAX_ANSWER]} … ({len(text) - MAX_ANSWER} more characters)"
    return WrittenAnswer(text, found, bool(shown))


def _is_gap(source: str, stubs: Sequence[str], written: Sequence[str]) -> bool:
    """Return whether a code cell holds no answer.

    Where no code was handed out, a comment is an answer.
    """
    return is_stub(source, stubs) if stubs else _is_untouched(source, written)


def _is_untouched(text: str, written: Sequence[str]) -> bool:
    """Return whether a text is blank or what was handed out, whatever its line breaks."""
    return _squeezed(text) in {"", *map(_squeezed, written)}


def _around_gaps(parts: Sequence[Part], written: Sequence[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the texts above and below each of those that were handed out as gaps."""
    found = []
    for place in [place for place, part in enumerate(parts) if _is_gap_of(part, written)][:_MAX_GAPS]:
        above = takewhile(_is_text, reversed(parts[:place]))
        below = takewhile(_is_text, parts[place + 1 :])
        found.append((tuple(part.source for part in above)[::-1], tuple(part.source for part in below)))
    return found


def _is_text(part: Part) -> bool:
    return part.kind != "code"


def _is_gap_of(part: Part, written: Sequence[str]) -> bool:
    return part.kind != "code" and bool(part.source.strip()) and _is_untouched(part.source, written)


def _squeezed(text: str) -> str:
    return "".join(text.split())
