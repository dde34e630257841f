"""Translate a lab: extract its texts, check a catalog, apply it to a notebook.

A lab's catalog is `solutions/locale/LANGUAGE/NAME.po`. It holds the text cells of the master and the messages of its
tests, each under its English text. The check library and the student package have catalogs of their own, which come
with the kit: `autograder/locale/LANGUAGE/LC_MESSAGES/DOMAIN.po`.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po, write_po
from jinja2 import nodes

from autograder.authoring.master import HELPERS_TAG, Master
from autograder.authoring.setup_cell import TEXTS as SETUP_TEXTS
from autograder.authoring.setup_cell import SetUp
from autograder.authoring.stubs import QuestionStubs
from autograder.authoring.student_notebook import TEXTS, WRITTEN_STUB, with_student_cells
from autograder.authoring.validate import check_description
from autograder.errors import MasterError, raise_faults
from autograder.handover.outputs import LEFT_OUT
from autograder.render import feedback
from autograder.render.html import TEMPLATES, environment
from autograder.results import labels
from autograder.util.translations import LOCALE

_KIT = Path(__file__).resolve().parents[1]
# The modules of the kit whose texts reach students, by the name of their catalog.
DOMAINS: dict[str, tuple[Path, ...]] = {
    "checks": tuple(sorted((_KIT / "checks").glob("*.py"))),
    "student": tuple(sorted((_KIT / "student").glob("*.py"))),
    "feedback": (
        *(_KIT / "grading" / name for name in ("executed.py", "marking.py", "prerequisites.py", "unanswered.py")),
        *(_KIT / "render" / name for name in ("feedback.py", "notebook_view.py")),
        _KIT / "results" / "labels.py",
        _KIT / "util" / "text.py",
    ),
}
_FEEDBACK_TEMPLATE = "feedback.html"
# Functions that put the text of their first argument into a language.
_MARKS = ("_", "ngettext", "words")
_FEWEST_WORDS = 3
# What a translation must hold just as its original does: placeholders of messages; code and formulas of text cells.
_PLACEHOLDER = re.compile(r"\{\w*\}")
# "## Question 2: Normalise (2 points)", in any language; Chinese has wide colons and brackets.
_HEADING = re.compile(r"#+ [^\n]*?\d+\s*[:\uff1a]\s*(?P<title>[^\n]*?)\s*[(\uff08]\d[^\n]*[)\uff09]\s*(?:\n|\Z)")
# The first line of a folded cell, which is all that students see of it: "# @title How it works {display-mode: "form"}"
_TITLE = re.compile(r"\A# ?@title (?P<title>[^\n{]*[^\n{ ])")
# A line break between Chinese characters would be shown as a space.
_WIDE = r"[\u2e80-\u9fff\u3000-\u303f\uff00-\uffef“”]"
_WIDE_BREAK = re.compile(rf"(?<={_WIDE})\n *(?={_WIDE})")
_FIXED = re.compile(r"```.*?```|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)", re.DOTALL)


def lab_texts(master: Master) -> tuple[str, ...]:
    """Return the texts of a master that students read.

    Text cells and titles of folded cells come first, then what its public tests look at, then the messages of its
    tests.
    """
    kept = {id(cell) for question in master.questions for cell in question.written}
    texts = [_text_of(cell.kind, cell.source) for cell in master.cells if id(cell) not in kept]
    cells = [text for text in [*texts, master.instructions] if text.strip()]
    sources = [cell.source for cell in master.cells if HELPERS_TAG in cell.tags]
    sources += [test.body for question in master.questions for test in question.tests]
    public = [test for question in master.questions for test in question.tests if not test.config.get("hidden", False)]
    cells += filter(None, map(check_description, public))
    return tuple(dict.fromkeys([*cells, *(text for source in sources for text in messages_in(source))]))


def _text_of(kind: str, source: str) -> str:
    """Return what is translated of a cell: a text, or the title of a folded code cell."""
    if kind == "markdown":
        return source
    title = _TITLE.match(source)
    return title["title"] if title else ""


def translated_source(kind: str, source: str, texts: Mapping[str, str]) -> str:
    """Return the source of a cell in another language."""
    if kind == "markdown":
        return _WIDE_BREAK.sub("", texts.get(source, source))
    title = _TITLE.match(source)
    if title is None or title["title"] not in texts:
        return source
    return f"{source[: title.start('title')]}{texts[title['title']]}{source[title.end('title') :]}"


@cache
def kit_texts(domain: str) -> tuple[str, ...]:
    """Return the texts of one of the kit's own packages that students read."""
    find = messages_in if domain == "checks" else marked_in
    found = [text for path in DOMAINS[domain] for text in find(path.read_text(encoding="utf-8"))]
    if domain == "student":
        found += [*SETUP_TEXTS, *TEXTS]
    if domain == "feedback":
        found += [*marked_in_template(_FEEDBACK_TEMPLATE), *labels.TEXTS, *feedback.TEXTS, LEFT_OUT]
    return tuple(dict.fromkeys(found))


def messages_in(source: str) -> list[str]:
    """Return the messages of tests: every string that is a sentence and no docstring."""
    tree = ast.parse(source)
    # A string that is a statement of its own is a docstring.
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    # The constant parts of an f-string are no templates.
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = [
        (node.lineno, node.col_offset, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | parts
    ]
    return [text for _, _, text in sorted(found) if _is_sentence(text)]


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= _FEWEST_WORDS and text.rstrip().endswith((".", "!", "?"))


def marked_in(source: str) -> list[str]:
    """Return the texts marked for translation by `_(…)` and `ngettext(…)`.

    Of the latter, the singular stands for both forms.
    """
    found = [
        (node.lineno, node.col_offset, argument.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MARKS
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant)
    ]
    return [str(text) for _, _, text in sorted(found)]


def marked_in_template(name: str) -> list[str]:
    """Return the texts of a page's template that are marked for translation by `_(…)`."""
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    calls = environment().parse(source).find_all(nodes.Call)
    return [
        str(argument.value)
        for call in calls
        if isinstance(call.node, nodes.Name) and call.node.name in _MARKS
        for argument in call.args[:1]
        if isinstance(argument, nodes.Const)
    ]


@dataclass(frozen=True)
class Translation:
    """Texts of a lab in another language, by English text, and the catalog's faults.

    A text whose entry is missing, fuzzy or faulty is not in `texts`: it stays English.
    """

    file: str
    texts: Mapping[str, str]
    faults: tuple[str, ...] = ()


def read_catalog(data: bytes, texts: Sequence[str], *, file: str) -> Translation:
    """Read a catalog and compare it with the texts it is for.

    Args:
        data: the .po file.
        texts: the texts as they are now.
        file: how errors name the file.

    Raises:
        MasterError: it is no gettext catalog.
    """
    entries = {str(entry.id): entry for entry in _parse(data, file) if entry.id}
    found: dict[str, str] = {}
    faults: list[str] = []
    for text in texts:
        entry = entries.pop(text, None)
        if entry is None or not entry.string:
            faults.append(f"{_short(text)} has no translation")
        elif entry.fuzzy:
            faults.append(f"the translation of {_short(text)} is marked fuzzy")
        elif difference := _difference(text, str(entry.string)):
            faults.append(f"the translation of {_short(text)} {difference}")
        else:
            found[text] = str(entry.string)
    faults += [f"{_short(text)} is not a text of the lab any more" for text in entries]
    return Translation(file, found, tuple(faults))


def check_translations(translations: Iterable[Translation]) -> None:
    """Refuse catalogs that do not fit the texts.

    Raises:
        MasterError: the first faults, each with its catalog.
    """
    raise_faults(
        [
            MasterError(f"{fault}: run `autograder build --update-translations`, then complete the file", file=one.file)
            for one in translations
            for fault in one.faults
        ]
    )


def updated_catalog(data: bytes | None, texts: Sequence[str], *, language: str, file: str) -> bytes:
    """Update a catalog: new texts empty, changed ones fuzzy, old ones removed."""
    fresh = _empty(language)
    for text in texts:
        fresh.add(text)
    if data is not None:
        old = _parse(data, file)
        for entry in old:
            # Babel looks for code as in "100 % of" and would call the entry a format.
            entry.flags.discard("python-format")
        old.update(fresh, no_fuzzy_matching=False, update_header_comment=False, keep_user_comments=True)
        old.obsolete.clear()
        fresh = old
    for entry in fresh:
        entry.flags.discard("python-format")
    return _written(fresh)


@cache
def kit_catalog(language: str) -> Mapping[str, str]:
    """Return the translations of what notebooks carry of the kit.

    Empty for unknown languages.
    """
    found: dict[str, str] = {}
    for domain in ("checks", "student"):
        path = kit_catalog_path(language, domain)
        if path.is_file():
            found |= read_catalog(path.read_bytes(), kit_texts(domain), file=path.name).texts
    return found


def kit_translations(root: Path) -> list[Translation]:
    """Return the kit's own catalogs if the course is the kit's.

    Other courses cannot complete them.
    """
    return [
        read_catalog(path.read_bytes(), kit_texts(path.stem), file=path.relative_to(root).as_posix())
        for path in _kit_catalogs(root)
    ]


def updated_kit_catalogs(root: Path) -> dict[Path, bytes]:
    """Return the kit's own catalogs with its present texts, as `kit_translations`."""
    return {
        path: updated_catalog(
            path.read_bytes(), kit_texts(path.stem), language=path.parts[-3], file=path.relative_to(root).as_posix()
        )
        for path in _kit_catalogs(root)
    }


def _kit_catalogs(root: Path) -> list[Path]:
    if root.resolve() != _KIT.parent:
        return []
    return [path for path in sorted((root / "autograder/locale").glob("*/LC_MESSAGES/*.po")) if path.stem in DOMAINS]


def kit_catalog_path(language: str, domain: str) -> Path:
    """Return where the kit's catalog for a language and one of its packages lies."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def translated_notebook(
    notebook: Mapping[str, Any], contents: SetUp, catalog: Mapping[str, str], *, language: str, instructions: str
) -> dict[str, Any]:
    """Return a normalised student notebook in another language.

    Cells, ids, tags and checks stay the same; texts are translated.
    """
    texts = {WRITTEN_STUB: kit_catalog(language).get(WRITTEN_STUB, WRITTEN_STUB), **catalog}
    cells = [
        {**cell, "source": translated_source(cell["cell_type"], cell["source"], texts)} for cell in notebook["cells"]
    ]
    metadata = {**notebook["metadata"]}
    metadata["autograder"] = {**metadata.get("autograder", {}), "language": language}
    titles = _titles(catalog)
    questions = tuple({**entry, "title": titles.get(entry["title"], entry["title"])} for entry in contents.questions)
    # Messages of hidden tests stay out: students can unpack the set-up cell.
    shown = {text for source in contents.tests.values() for text in messages_in(source)} | set(kit_texts("student"))
    shown |= {what for entry in contents.questions for what in entry["checks"]}
    messages = {text: found for text, found in {**catalog, **kit_catalog(language)}.items() if text in shown}
    translated = replace(contents, questions=questions, language=language, catalog=messages)
    return with_student_cells(
        {**notebook, "cells": cells, "metadata": metadata},
        translated,
        instructions=catalog.get(instructions, instructions),
    )


def _titles(catalog: Mapping[str, str]) -> dict[str, str]:
    """Return translated titles of questions, by English title, from headings."""
    headings = ((_HEADING.match(text), _HEADING.match(found)) for text, found in catalog.items())
    return {english["title"]: other["title"] for english, other in headings if english and other}


def _parse(data: bytes, file: str) -> Catalog:
    try:
        return read_po(io.BytesIO(data), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise MasterError(f"this is not a gettext catalog: {error}", file=file) from error


def _empty(language: str) -> Catalog:
    # A fixed date, so that the file changes only with its texts.
    date = datetime(2026, 1, 1, tzinfo=UTC)
    catalog = Catalog(locale=language, fuzzy=False, creation_date=date, revision_date=date, header_comment="")
    catalog.project, catalog.version = "MNIST Lab Kit", "1"
    return catalog


def _written(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_po(
        stream, catalog, width=0, omit_header=False, include_previous=True, include_lineno=False, sort_output=False
    )
    return stream.getvalue()


def _difference(original: str, translation: str) -> str | None:
    """Name the placeholder, code or formula in which a translation differs."""
    pattern = _FIXED if "\n" in original else _PLACEHOLDER
    wanted, found = set(pattern.findall(original)), set(pattern.findall(translation))
    for what, missing in (("lacks", wanted - found), ("adds", found - wanted)):
        if missing:
            return f"{what} {_short(min(missing))}"
    return None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line[:57]}…"' if len(line) > 58 else f'"{line}"'


def grading_messages(translation: Translation, language: str) -> dict[str, str]:
    """Return the translated messages of a lab's tests, for the autograder zip."""
    messages = {text: found for text, found in translation.texts.items() if "\n" not in text}
    checks = set(kit_texts("checks"))
    return messages | {text: found for text, found in kit_catalog(language).items() if text in checks}


def with_translated_prompts(stubs: QuestionStubs, catalogs: Mapping[str, Mapping[str, str]]) -> QuestionStubs:
    """Return a question's stubs with the texts to replace in every language."""
    found: dict[str, None] = dict.fromkeys(stubs.written)
    for language, catalog in catalogs.items():
        texts = {**kit_catalog(language), **catalog}
        found |= {texts.get(text, text): None for text in stubs.written}
    return replace(stubs, written=tuple(found))


def lab_translations(root: Path, master: Master) -> dict[str, Translation]:
    """Return a lab's translations by language (`solutions/locale/LANGUAGE/NAME.po`).

    Raises:
        MasterError: a file is no gettext catalog.
    """
    texts = lab_texts(master)
    return {
        path.parent.name: read_catalog(path.read_bytes(), texts, file=path.relative_to(root).as_posix())
        for path in sorted((root / "solutions" / "locale").glob(f"*/{master.name}.po"))
    }
