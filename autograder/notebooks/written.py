"""Find the answers of a notebook that a person marks. Pure.

An answer is what stands in place of the text that was handed out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autograder.notebooks.notebook import Notebook, answer_cells, is_stub

MAX_ANSWER = 20_000
_FENCE = re.compile(r"`{3,}")


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
) -> WrittenAnswer:
    """Return a student's answer to a question that a person marks.

    Args:
        notebook: the notebook.
        question: the question's name.
        variables: the variables of its code cells.
        stubs: its code cells as handed out.
        written: what its text cells held when they were handed out, in every language.
        given: digests of all texts that were handed out; other texts right below the answer cell belong to the answer.
            Without any, none does.
    """
    texts = notebook.written.get(question, ())
    code = answer_cells(notebook, question, variables)
    shown = [text.strip() for text in texts if not _is_untouched(text, written)]
    if given:
        below = notebook.below_written.get(question, ())
        shown += [text.strip() for text in below if text.strip() and text_digest(text) not in given]
    shown += [_fenced(cell.source) for cell in code if not _is_gap(cell.source, stubs, written)]
    # A platform may drop the tags of cells, and then the handed out text tells the cell.
    found = bool(texts or code) or any(
        part.kind != "code" and part.source.strip() and _is_untouched(part.source, written) for part in notebook.parts
    )
    text = "\n\n".join(shown)
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


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _fenced(source: str) -> str:
    fence = "`" * (max((len(found) for found in _FENCE.findall(source)), default=2) + 1)
    return f"{fence}python\n{source.strip()}\n{fence}"
