"""Read a notebook's code cells, and identify its lab and the answers.

Only what grading needs is read: text of cells, tags of code cells, the name of the assignment, the language. Outputs
and unknown fields are ignored, so notebooks that are invalid elsewhere are graded anyway.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from autograder.errors import SubmissionError
from autograder.notebooks.document import cell_list, mapping, read_document, source_of, tags_of, text_or_none
from autograder.notebooks.images import KINDS, Picture, picture
from autograder.notebooks.source import assigned_names, parse_cell, statements

MAX_CODE = 10_000_000
# Later cells are not shown; this has no influence on marks.
MAX_TEXT = 300_000
MAX_PARTS = 3_000
MAX_ATTACHMENTS = 4_000_000

_ANSWER_TAG = "answer:"
_CHECK_CALL = re.compile(r"""\bgrader\s*\.\s*check\s*\(\s*(["'])(?P<question>[^"'\n]+)\1""")
_PLAINLY = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AugAssign, ast.With)
_IMPORTS_OTTER = re.compile(r"^\s*(import|from)\s+otter\b", re.MULTILINE)
# A notebook without an assignment name must contain at least this share of a lab's answers to be assigned to it: a
# given cell of one lab may assign an answer variable of another, so a few names are no evidence.
_ENOUGH = Fraction(1, 2)
# The lab's name in the set-up cell, which is kept if a platform drops the metadata.
_MAX_ANSWER_TAGS = 10  # of one cell; every one of them takes all text cells below it
_SET_UP = re.compile(r"""^grader = _set_up\(lab="(?P<lab>[^"\n]+)",""", re.MULTILINE)
_WRITTEN_IN = re.compile(r'^grader = _set_up\([^\n]*\blanguage="(?P<language>[A-Za-z_-]{2,12})"', re.MULTILINE)
_VERSION = re.compile(r'^grader = _set_up\([^\n]*\bversion="(?P<version>[0-9a-f]{8})"', re.MULTILINE)
_FENCE = re.compile(r"`{3,}")
_OTHER_KERNELS = {"ir": "R", "irkernel": "R", "xr": "R", "octave": "Octave", "sos": "SoS", "bash": "Bash"}


@dataclass(frozen=True)
class CodeCell:
    """A code cell that is not empty.

    Args:
        number: its number, counted from 1 as in Run All after a restart.
        source: its source.
        tags: its tags.
    """

    number: int
    source: str
    tags: frozenset[str] = frozenset()

    @property
    def answers(self) -> frozenset[str]:
        """The questions that this cell is tagged as an answer of."""
        return frozenset(tag.removeprefix(_ANSWER_TAG) for tag in self.tags if tag.startswith(_ANSWER_TAG))

    @property
    def checks(self) -> frozenset[str]:
        """The questions that this cell calls `grader.check` for."""
        return frozenset(match["question"] for match in _CHECK_CALL.finditer(self.source))


@dataclass(frozen=True)
class Part:
    """A cell as submitted, for display.

    Args:
        kind: its type.
        source: its source.
        number: number of a code cell that is run, or None.
        attachments: images of a text cell by name.
        tags: its tags.
    """

    kind: Literal["code", "markdown", "raw"]
    source: str
    number: int | None = None
    attachments: Mapping[str, Picture] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Notebook:
    """The parts of a notebook that grading uses.

    Args:
        cells: the code cells that are not empty.
        assignment: the assignment's name, as written by otter; None if missing.
        language: programming language.
        kernel: name of the kernel.
        parts: all cells in order, for display only.
        written_in: language of the texts, from the set-up cell.
        written: the sources of text cells that are tagged as answers, by question.
        version: version of the notebook that was handed out, from the set-up cell; None if unknown.
        above_written: the texts right above them, by question; also what stands in a code cell without code.
        below_written: the texts right below them.
    """

    cells: tuple[CodeCell, ...]
    assignment: str | None = None
    language: str = "python"
    kernel: str | None = None
    parts: tuple[Part, ...] = ()
    written_in: str = "en"
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: str | None = None
    above_written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    below_written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_notebook(data: bytes) -> Notebook:
    """Read a notebook of any format version.

    Raises:
        SubmissionError: it is damaged, not a notebook, in another language, or has no code.
    """
    document = read_document(data)
    cells = cell_list(document)
    metadata = mapping(document.get("metadata"))
    spec = mapping(metadata.get("kernelspec"))
    kernel = text_or_none(spec.get("name"))
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    language = _language(metadata, spec, kernel, code)
    sources = [(source_of(cell, position), tags_of(cell)) for position, cell in enumerate(code, start=1)]
    # Jupyter does not number empty cells either.
    filled = [(source, tags) for source, tags in sources if source.strip()]
    if sum(len(source) for source, _ in filled) > MAX_CODE:
        raise SubmissionError(
            f"the notebook contains more than {MAX_CODE // 1_000_000} million characters of code, probably data pasted "
            "into a cell: remove it and submit it again"
        )
    if not filled:
        raise SubmissionError("the notebook has no code cells: probably an empty or new notebook was submitted")
    written, above, below = _written(cells)
    return Notebook(
        cells=tuple(CodeCell(number, source, tags) for number, (source, tags) in enumerate(filled, start=1)),
        assignment=text_or_none(mapping(metadata.get("otter")).get("assignment_name")) or _named_in_set_up(filled),
        language=language,
        kernel=kernel,
        parts=_parts(cells, [source for source, _ in sources]),
        written_in=_written_in(filled),
        version=_version(filled),
        written=written,
        above_written=above,
        below_written=below,
    )


def _written(cells: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """Return, by question, texts tagged as its answer, and texts above and below.

    The latter end at the next cell with code or answer.
    """
    tagged: dict[str, list[str]] = {}
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    latest: list[str] = []
    texts: list[str] = []
    for cell in cells:
        questions = sorted(tag.removeprefix(_ANSWER_TAG) for tag in tags_of(cell) if tag.startswith(_ANSWER_TAG))
        questions = questions[:_MAX_ANSWER_TAGS]
        is_code = cell.get("cell_type") == "code"
        if questions:
            latest = [] if is_code else questions
            for question in latest:
                tagged.setdefault(question, []).append(_text_of(cell))
                above.setdefault(question, []).extend(texts)
            texts = []
        elif is_code and not _is_prose(_text_of(cell)):
            latest, texts = [], []
        else:
            text = fenced(_text_of(cell)) if is_code else _text_of(cell)
            for question in latest:
                below.setdefault(question, []).append(text)
            texts.append(text)
    return tuple({name: tuple(found) for name, found in group.items()} for group in (tagged, above, below))


def _is_prose(source: str) -> bool:
    """Return whether a code cell holds comments, strings or plain text, but no code."""
    if not source.strip() or source.lstrip().startswith(("%", "!", "?")):
        return False
    tree = parse_cell(source)
    return tree is None or all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for node in tree.body
    )


def fenced(source: str) -> str:
    """Return code as Markdown."""
    fence = "`" * (max((len(found) for found in _FENCE.findall(source)), default=2) + 1)
    return f"{fence}python\n{source.strip()}\n{fence}"


def _named_in_set_up(code: Sequence[tuple[str, frozenset[str]]]) -> str | None:
    """Return the lab that a set-up cell names."""
    found = (_SET_UP.search(source) for source, _ in code)
    return next((match["lab"] for match in found if match), None)


def _written_in(code: Sequence[tuple[str, frozenset[str]]]) -> str:
    """Return the language of texts named by a set-up cell; English by default."""
    found = (_WRITTEN_IN.search(source) for source, _ in code)
    return next((match["language"] for match in found if match), "en")


def _version(code: Sequence[tuple[str, frozenset[str]]]) -> str | None:
    """Return the version in the set-up cells; None if there is none or they differ."""
    found = {match["version"] for source, _ in code if (match := _VERSION.search(source))}
    return found.pop() if len(found) == 1 else None


def identify(notebook: Notebook, labs: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Return the lab that a notebook belongs to.

    The name in the notebook's metadata decides. If it is missing (Google Colab removes it), the answers decide:
    assigned answer variables, answer tags, `grader.check` calls.

    Args:
        notebook: the notebook.
        labs: the possible labs, with the answer variables of each question.

    Raises:
        SubmissionError: it belongs to another assignment, or to none.
    """
    expected = " or ".join(labs)
    if notebook.assignment is not None:
        if notebook.assignment not in labs:
            raise SubmissionError(
                f"this is a notebook of the assignment {notebook.assignment}, not of {expected}: submit the right one"
            )
        return notebook.assignment
    shares = {lab: _share(notebook, questions) for lab, questions in labs.items()}
    best = max(shares.values(), default=Fraction(0))
    winners = [lab for lab, share in shares.items() if share == best]
    if best < _ENOUGH:
        raise SubmissionError(
            f"the notebook does not name its assignment and contains hardly any answers of {expected}: "
            "submit the notebook of this lab, or grade it with --lab if it is the right one"
        )
    if len(winners) > 1:
        raise SubmissionError(
            f"the notebook does not name its assignment and could belong to {' or '.join(winners)}: "
            "choose one with --lab"
        )
    return winners[0]


def answer_cells(notebook: Notebook, question: str, variables: Sequence[str]) -> tuple[CodeCell, ...]:
    """Return the cells with a student's answer to a question, in notebook order.

    These are the cells tagged `answer:QUESTION`, even if duplicated or split, and cells without an answer tag that
    assign one of the variables outside functions. If there are none and the question has no variables, it is the cell
    before `grader.check("QUESTION")`.
    """
    names = frozenset(variables)
    found = tuple(
        cell
        for cell in notebook.cells
        if question in cell.answers or (not cell.answers and names & assigned_names(cell.source))
    )
    return found if found or names else _cell_before_check(notebook, question)


def is_stub(source: str, stubs: Sequence[str]) -> bool:
    """Return whether a cell contains nothing but stubs.

    True if each of its statements is a statement of one of the stubs: comments, spaces, order, and split or partly
    deleted stubs do not matter, and an empty cell is a stub. Text that is not Python must equal a stub.
    """
    body = statements(source)
    if body is None:
        return source.strip() in {stub.strip() for stub in stubs}
    known = {statement for stub in stubs for statement in statements(stub) or ()}
    return all(statement in known for statement in body)


def attempted(notebook: Notebook, question: str, variables: Sequence[str], stubs: Sequence[str]) -> bool:
    """Return whether an answer cell of the question contains more than its stub."""
    return any(not is_stub(cell.source, stubs) for cell in answer_cells(notebook, question, variables))


def _cell_before_check(notebook: Notebook, question: str) -> tuple[CodeCell, ...]:
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if question in cell.checks:
            return () if before.answers or before.checks else (before,)
    return ()


def _share(notebook: Notebook, questions: Mapping[str, Sequence[str]]) -> Fraction:
    """Return the share of a lab's answers that the notebook assigns, from 0 to 1.

    Considers the questions that the notebook names (tags, checks), or all if it names none; questions without variables
    are no evidence. A named question that the lab does not have counts against the lab.
    """
    named = {question for cell in notebook.cells for question in cell.answers | cell.checks}
    wanted = [question for question in questions if not named or question in named]
    telling = [question for question in wanted if questions[question]]
    foreign = len(named - questions.keys())
    if not telling:
        return Fraction(len(wanted) if named else 0, (len(wanted) + foreign) or 1)
    found = sum(_found(notebook, question, frozenset(questions[question])) for question in telling)
    return Fraction(found, len(telling) + foreign)


def _found(notebook: Notebook, question: str, variables: frozenset[str]) -> Fraction:
    """Return the share of a question's variables that are assigned.

    Considers its tagged cells, or cells without a tag if there are none.
    """
    tagged = [cell for cell in notebook.cells if question in cell.answers]
    cells = tagged or [cell for cell in notebook.cells if not cell.answers]
    assigned = frozenset[str]().union(*(assigned_names(cell.source) for cell in cells))
    return Fraction(len(variables & assigned), len(variables))


def _language(
    metadata: Mapping[str, Any], spec: Mapping[str, Any], kernel: str | None, code: Sequence[Mapping[str, Any]]
) -> str:
    """Return the language; `python` by default.

    Raises:
        SubmissionError: all metadata name another language than Python.
    """
    told = [spec.get("language"), mapping(metadata.get("language_info")).get("name")]
    told += [cell.get("language") for cell in code[:1]]
    names = [name for name in map(text_or_none, told) if name]
    if not names and kernel is not None:
        names = [_OTHER_KERNELS.get(kernel.lower(), "Julia" if kernel.lower().startswith("julia") else "python")]
    if not names or any(name.lower().startswith(("python", "ipython")) for name in names):
        return "python"
    if _looks_like_python(metadata, code):
        return "python"  # VS Code and Polyglot Notebooks change the label with the kernel
    raise SubmissionError(
        f"the notebook is written in {names[0]}, this lab in Python: choose a Python kernel and submit it again"
    )


def _looks_like_python(metadata: Mapping[str, Any], code: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the cells are Python code of a lab, whatever the kernel's name.

    Most of them must parse, and something must be Python only: in R, `x <- 1` parses as a comparison. In addition, the
    notebook must name its lab, import otter, have an answer tag or check a question.
    """
    sources = [source_of(cell, position) for position, cell in enumerate(code, start=1)]
    filled = [source for source in sources if source.strip()]
    trees = [tree for tree in map(parse_cell, filled) if tree is not None]
    if 2 * len(trees) <= len(filled) or not any(isinstance(node, _PLAINLY) for tree in trees for node in tree.body):
        return False
    if mapping(metadata.get("otter")).get("assignment_name"):
        return True
    tagged = any(tag.startswith(_ANSWER_TAG) for cell in code for tag in tags_of(cell))
    return tagged or any(_CHECK_CALL.search(source) or _IMPORTS_OTTER.search(source) for source in filled)


def _parts(cells: Sequence[Mapping[str, Any]], code: Sequence[str]) -> tuple[Part, ...]:
    """Return all cells in order; `code` contains the sources of the code cells."""
    parts: list[Part] = []
    sources = iter(code)
    number = text = pictures = 0
    for cell in cells:
        if cell.get("cell_type") == "code":
            source = next(sources)
            number += bool(source.strip())
            parts.append(Part("code", source, number if source.strip() else None))
        else:
            part = _text_part(cell, MAX_TEXT - text, MAX_ATTACHMENTS - pictures)
            text += len(part.source)
            pictures += sum(len(attached.base64) for attached in part.attachments.values())
            parts.append(part)
    return tuple(parts[:MAX_PARTS])


def _text_of(cell: Mapping[str, Any]) -> str:
    """Return the source of a text cell; empty if it is damaged."""
    try:
        return source_of(cell, 0)
    except SubmissionError:
        return ""


def _text_part(cell: Mapping[str, Any], room: int, picture_room: int) -> Part:
    source = _text_of(cell)[:room]
    level = cell.get("level")
    if cell.get("cell_type") == "heading" and type(level) is int:  # format 3
        source = f"{'#' * min(6, max(1, level))} {source}"
    attachments: dict[str, Picture] = {}
    for name, forms in mapping(cell.get("attachments")).items():
        found = next((p for kind in KINDS if (p := picture(kind, mapping(forms).get(kind)))), None)
        if found is not None and len(found.base64) <= picture_room:
            picture_room -= len(found.base64)
            attachments[name] = found
    kind: Literal["markdown", "raw"] = "markdown" if cell.get("cell_type") in ("markdown", "heading") else "raw"
    return Part(kind, source, attachments=attachments, tags=tags_of(cell))
