"""Read a master: its cells with their lines, its questions and its tests.

Reading is strict about structure (blocks opened and closed, configurations that parse), because every later message
names a line. `validate` checks what stands in that structure.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from autograder.errors import MasterError, notebook_line

HELPERS_TAG = "test-helpers"
ANSWER_TAG = "answer:"

CellKind = Literal["markdown", "code", "raw"]

_CONFIG_LINE = re.compile(r"#\s+assignment\s+config\s*$", re.IGNORECASE)
_BLOCK_LINE = re.compile(r"#\s+(begin|end)\s+(question|prompt|solution|tests)\s*$", re.IGNORECASE)
_TEST_CONFIG_BEGIN = re.compile(r'"""\s*#\s*BEGIN\s*TEST\s*CONFIG\s*$', re.IGNORECASE)
_TEST_CONFIG_END = re.compile(r'"""\s*#\s*END\s*TEST\s*CONFIG\s*$', re.IGNORECASE)
_MARKER = re.compile(r"#\s*%%(\s|$)")
_MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """One cell of a master.

    `line` is where its source begins in the file, counted from 1 (None: unknown).
    """

    kind: CellKind
    source: str
    tags: tuple[str, ...] = ()
    line: int | None = None

    @property
    def answers(self) -> str | None:
        """The question this cell answers, from its tag `answer:QUESTION`."""
        return next((tag.removeprefix(ANSWER_TAG) for tag in self.tags if tag.startswith(ANSWER_TAG)), None)

    def line_of(self, number: int | None) -> int | None:
        """Return the master's line of line `number` (from 1) of this cell."""
        return None if self.line is None or number is None else self.line + number - 1


@dataclass(frozen=True)
class TestCell:
    """One test cell: its configuration as written, and imports and one function."""

    __test__ = False  # not a pytest class

    cell: Cell
    config: dict[str, Any]
    body: str
    body_line: int | None


@dataclass(frozen=True)
class Question:
    """One question block; `line` is that of its BEGIN QUESTION.

    A question that a person marks (`manual: true`) may also have text cells: `written` is the model answer, `prompts`
    is what students find in its place.
    """

    name: str
    config: dict[str, Any]
    line: int | None
    answers: tuple[Cell, ...] = ()
    tests: tuple[TestCell, ...] = ()
    written: tuple[Cell, ...] = ()
    prompts: tuple[Cell, ...] = ()

    @property
    def manual(self) -> bool:
        """Whether a person marks it."""
        return bool(self.config.get("manual", False))


@dataclass(frozen=True)
class Master:
    """A master; errors name `file`, and `config` is its assignment configuration."""

    name: str
    file: str
    cells: tuple[Cell, ...]
    config: dict[str, Any]
    config_line: int | None
    questions: tuple[Question, ...]

    @property
    def helpers(self) -> tuple[Cell, ...]:
        """Cells tagged `test-helpers`, with code that tests share (at most one if sound)."""
        return tuple(cell for cell in self.cells if HELPERS_TAG in cell.tags)

    @property
    def instructions(self) -> str:
        """The author's own words on handing in."""
        export = self.config.get("export_cell")
        return str(export.get("instructions", "")) if isinstance(export, dict) else ""

    @property
    def title(self) -> str:
        """The first top heading of the text, or the name where there is none."""
        for cell in self.cells:
            if cell.kind == "markdown" and (heading := re.search(r"^#\s+(.+?)\s*$", cell.source, re.MULTILINE)):
                return heading.group(1)
        return self.name


def read_master(text: str, *, name: str, file: str) -> Master:
    """Read a master: a notebook if `file` ends in `.ipynb`, else percent format.

    Args:
        text: the file's text.
        name: the lab's name (the file's stem).
        file: how errors name the file.

    Raises:
        MasterError: blocks do not match, or a configuration cannot be read.
    """
    cells = read_notebook_cells(text, file) if file.endswith(".ipynb") else read_cells(text)
    configs = [cell for cell in cells if cell.kind == "raw" and _CONFIG_LINE.match(_first_line(cell))]
    if not configs:
        raise MasterError(
            "there is no assignment configuration: begin the master with a raw cell (`# %% [raw]` in percent format) "
            "whose first line is `# ASSIGNMENT CONFIG` (there, `# # ASSIGNMENT CONFIG`)",
            file=file,
            line=cells[0].line if file.endswith(".ipynb") and cells else 1,
        )
    if len(configs) > 1:
        raise MasterError(
            "a second ASSIGNMENT CONFIG cell: one master is one assignment, keep the first one",
            file=file,
            line=configs[1].line,
        )
    config = _yaml_mapping(configs[0], configs[0].source, file, None)
    cells, questions = _Blocks(file).read(cells)
    return Master(name, file, cells, config, configs[0].line, questions)


def read_cells(text: str) -> tuple[Cell, ...]:
    """Return the cells of a text in percent format, with the lines of their sources."""
    import jupytext  # takes a second to import: only builds pay for it

    notebook = jupytext.reads(text, fmt="py:percent")
    lines = _source_lines(text, [str(cell.source) for cell in notebook.cells])
    return tuple(
        Cell(cell.cell_type, str(cell.source), tuple(cell.metadata.get("tags", ())), line)
        for cell, line in zip(notebook.cells, lines, strict=True)
    )


def read_notebook_cells(text: str, file: str) -> tuple[Cell, ...]:
    """Return the cells of a notebook; their lines are those of `errors.notebook_line`.

    Raises:
        MasterError: the text is not a notebook.
    """
    try:
        entries = json.loads(text)["cells"]
        return tuple(
            Cell(
                entry["cell_type"],
                entry["source"] if isinstance(entry["source"], str) else "".join(entry["source"]),
                tuple(entry.get("metadata", {}).get("tags", ())),
                notebook_line(number, 1),
            )
            for number, entry in enumerate(entries, start=1)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MasterError(
            "this is not a notebook of format 4: save it again in JupyterLab, or write the master as a .py file in "
            "percent format",
            file=file,
        ) from error


def parse_python(source: str) -> ast.Module:
    """Parse a cell's Python; lines for IPython (`%pip …`, `!ls`) count as `pass`.

    Raises:
        SyntaxError: with the line counted from the beginning of `source`.
    """
    if source.startswith("%%"):
        return ast.Module(body=[], type_ignores=[])
    return ast.parse(_MAGIC.sub(r"\1pass", source))


def _first_line(cell: Cell) -> str:
    return cell.source.split("\n", 1)[0].strip()


def _source_lines(text: str, sources: list[str]) -> list[int | None]:
    """Find where each source begins: below the cell markers, in order."""
    marked = [number for number, line in enumerate(text.splitlines(), start=1) if _MARKER.match(line)]
    if len(marked) != len(sources):  # a marker inside a string, say: better no line than a wrong one
        return [None] * len(sources)
    return [number + 1 for number in marked]


def _yaml_mapping(cell: Cell, text: str, file: str, question: str | None) -> dict[str, Any]:
    """Read a configuration; a fault is reported at the line where YAML found it."""
    import yaml  # type: ignore[import-untyped]

    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = cell.line_of(mark.line + 1) if mark is not None and cell.source == text else cell.line
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise MasterError(
            f"this configuration cannot be read ({problem}): write `key: value`, one a line",
            file=file,
            question=question,
            line=line,
        ) from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise MasterError(
            "this configuration is not a list of `key: value` lines", file=file, question=question, line=cell.line
        )
    return config


@dataclass
class _Blocks:
    """Walks the cells once and keeps the blocks that are open."""

    file: str
    stack: list[tuple[str, Cell]] = field(default_factory=list)
    current: Question | None = None
    done: list[Question] = field(default_factory=list)

    def read(self, cells: tuple[Cell, ...]) -> tuple[tuple[Cell, ...], tuple[Question, ...]]:
        """Return the cells, with each answer cell tagged, and the questions they make."""
        tagged = []
        for cell in cells:
            if cell.kind == "raw" and _first_line(cell).startswith("#"):
                self._boundary(cell)
            elif self.stack:
                cell = self._with_tag(cell)
                self._inside(cell)
            elif cell.answers is not None:
                raise self._fault(cell, f"a cell tagged answer:{cell.answers} stands outside every question")
            tagged.append(cell)
        if self.stack:
            kind, cell = self.stack[-1]
            raise self._fault(cell, f"BEGIN {kind.upper()} is never closed: add a raw cell `# # END {kind.upper()}`")
        return tuple(tagged), tuple(self.done)

    def _with_tag(self, cell: Cell) -> Cell:
        """Tag an answer cell with its question, where its author has not."""
        block, question = self.stack[-1][0], self.current
        if cell.answers is not None or question is None:
            return cell
        text = question.manual and cell.kind == "markdown" and block in ("prompt", "solution")
        if not text and not (block == "solution" and cell.kind == "code"):
            return cell
        return replace(cell, tags=(*cell.tags, f"{ANSWER_TAG}{question.name}"))

    def _fault(self, cell: Cell, message: str) -> MasterError:
        return MasterError(
            message, file=self.file, question=self.current.name if self.current else None, line=cell.line
        )

    def _boundary(self, cell: Cell) -> None:
        first = _first_line(cell)
        if _CONFIG_LINE.match(first):
            return
        found = _BLOCK_LINE.match(first)
        if found is None:
            raise self._fault(
                cell, f"`{first}` is no line otter knows: BEGIN or END of QUESTION, SOLUTION or TESTS is meant?"
            )
        edge, kind = found.group(1).lower(), found.group(2).lower()
        if kind == "prompt" and not (self.current is not None and self.current.manual):
            raise self._fault(
                cell,
                "PROMPT cells are not used here, only in questions with `manual: true`: write the prompt inside the "
                'answer cell, between `""" # BEGIN PROMPT` and `""" # END PROMPT`',
            )
        if kind == "prompt" and self.current is not None and (self.current.written or self.current.answers):
            raise self._fault(cell, "PROMPT cells stand before the solution: move them above BEGIN SOLUTION")
        if edge == "begin":
            self._begin(kind, cell)
        else:
            self._end(kind, cell)

    def _begin(self, kind: str, cell: Cell) -> None:
        open_kinds = [opened for opened, _ in self.stack]
        if open_kinds == ([] if kind == "question" else ["question"]):
            self.stack.append((kind, cell))
            if kind == "question":
                self._begin_question(cell)
        elif not open_kinds:
            raise self._fault(cell, f"BEGIN {kind.upper()} outside a question: put BEGIN QUESTION before it")
        else:
            raise self._fault(
                cell, f"BEGIN {kind.upper()} inside {open_kinds[-1].upper()}: END {open_kinds[-1].upper()} is missing"
            )

    def _begin_question(self, cell: Cell) -> None:
        config = _yaml_mapping(cell, cell.source, self.file, None)
        name = config.get("name")
        if not isinstance(name, str) or not name.isidentifier():
            raise self._fault(cell, f"this question's name is {name!r}: give it one like `name: q1`")
        if any(question.name == name for question in self.done):
            raise self._fault(cell, f"there are two questions named {name}: rename one")
        self.current = Question(name, config, cell.line)

    def _end(self, kind: str, cell: Cell) -> None:
        if not self.stack:
            raise self._fault(cell, f"END {kind.upper()} without a BEGIN {kind.upper()} before it")
        opened, _ = self.stack[-1]
        if opened != kind:
            raise self._fault(
                cell, f"END {kind.upper()} while {opened.upper()} is open: END {opened.upper()} is missing"
            )
        self.stack.pop()
        if kind == "question" and self.current is not None:
            self.done.append(self.current)
            self.current = None

    def _inside(self, cell: Cell) -> None:
        question, block = self.current, self.stack[-1][0]
        assert question is not None  # noqa: S101 - a block is only ever open within a question
        if block == "tests":
            self.current = replace(question, tests=(*question.tests, self._test(cell)))
        elif block == "prompt":
            if cell.kind != "markdown":
                raise self._fault(cell, "a code cell inside PROMPT: a prompt is the text that students replace")
            self.current = replace(question, prompts=(*question.prompts, cell))
        elif cell.answers is not None and block != "solution":
            raise self._fault(cell, "an answer cell must stand between BEGIN SOLUTION and END SOLUTION")
        elif block == "solution" and (cell.kind == "code" or (question.manual and cell.kind == "markdown")):
            if cell.answers != question.name:
                raise self._fault(
                    cell,
                    f"this solution cell has the tag answer:{cell.answers}: remove it, or write answer:{question.name}",
                )
            if cell.kind == "code":
                self.current = replace(question, answers=(*question.answers, cell))
            else:
                self.current = replace(question, written=(*question.written, cell))

    def _test(self, cell: Cell) -> TestCell:
        if cell.kind != "code":
            raise self._fault(cell, f"a {cell.kind} cell inside TESTS: only test cells belong there")
        lines = cell.source.split("\n")
        ends = [number for number, line in enumerate(lines) if _TEST_CONFIG_END.match(line)]
        if not _TEST_CONFIG_BEGIN.match(lines[0]) or not ends:
            raise self._fault(
                cell,
                'a test cell begins with its configuration: a line `""" # BEGIN TEST CONFIG`, then `points:` and '
                '`hidden:`, then `""" # END TEST CONFIG`',
            )
        name = self.current.name if self.current else None
        config = _yaml_mapping(cell, "\n".join(lines[1 : ends[0]]), self.file, name)
        return TestCell(cell, config, "\n".join(lines[ends[0] + 1 :]), cell.line_of(ends[0] + 2))
