"""Hand in: save, prove, show what is packed, write the zip."""

from __future__ import annotations

import json
import secrets
import time
import urllib.parse
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from .cards import Card, note_card
from .hosts import current_host, notebook_paths
from .lab import Lab, Question
from .saving import Saved, read_saved, save_and_prove
from .watch import Ran, Watch
from .words import _, listed, ngettext


@dataclass(frozen=True)
class Contents:
    """Content of a saved notebook: questions answered and open, cells with errors."""

    answered: tuple[str, ...]
    open: tuple[str, ...]
    raised: tuple[str, ...]


def hand_in(
    lab: Lab,
    watch: Watch,
    shell: Any,
    *,
    notebook: str | None,
    target: str | None,
    show: Callable[..., Any],
) -> None:
    """Hand in the notebook this kernel belongs to, or say what to do first.

    Args:
        lab: the lab.
        watch: the cells that were run.
        shell: IPython's shell.
        notebook: the notebook's file, where the student names it.
        target: the zip; None for one beside the notebook.
        show: displays a card; `show(card, display_id=True)` returns a handle whose `update` replaces it.
    """
    host = current_host(shell)
    if host == "colab":
        show(_on_colab(lab, watch))
        return
    mark, begun = secrets.token_hex(6), time.time()
    handle = show(
        note_card("open", _("Saving the notebook …"), [_("Mark of this hand-in: {mark}", mark=mark)]), display_id=True
    )

    def paths() -> list[Path]:
        return [Path(notebook)] if notebook else notebook_paths(shell)

    if host == "jupyter":
        saved = save_and_prove(mark, paths, begun)
        problem = None if saved else _not_saved()
    else:
        saved, problem = _compare(lab, watch, paths())
    handle.update(_pack(lab, saved, target, mark, proved=host == "jupyter") if saved else problem)


def saved_contents(lab: Lab, shell: Any) -> Contents | None:
    """Read the notebook as it was last saved; None if no file of it is found."""
    found = []
    for path in notebook_paths(shell):
        saved = read_saved(path)
        document = _parsed(saved) if saved else None
        if saved is not None and document is not None and is_notebook_of(lab, document):
            found.append((saved.time, document))
    return contents_of(lab, max(found, key=lambda one: one[0])[1]) if found else None


def contents_of(lab: Lab, document: dict[str, Any]) -> Contents:
    """Read what a notebook holds for each question."""
    answered: list[str] = []
    waiting: list[str] = []
    raised: list[str] = []
    cells = _cells(document)
    for question in lab.questions:
        found = _answer_cells(cells, question)
        stubs = [_is_untouched(question, cell) for cell in found]
        (waiting if all(stubs) else answered).append(question.name)
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    owners = {id(cell): question.name for question in lab.questions for cell in _answer_cells(cells, question)}
    for number, cell in enumerate(code, start=1):
        errors = [output for output in cell.get("outputs", []) if output.get("output_type") == "error"]
        if errors:
            where = owners.get(id(cell)) or _("code cell {number}", number=number)
            raised.append(f"{where} ({errors[-1].get('ename', '?')})")
    return Contents(tuple(answered), tuple(waiting), tuple(raised))


def differences(lab: Lab, ran: Sequence[Ran], document: dict[str, Any]) -> list[str]:
    """Return the questions whose answer cells ran with other content than the file's."""
    cells = _cells(document)
    by_id = {cell.get("id"): _source(cell).strip() for cell in cells}
    everything = set(by_id.values()) | {_source(cell).strip() for cell in cells}
    found = []
    for question in lab.questions:
        mine = [cell for cell in ran if cell.answers(question)]
        last = [cell for cell in mine if cell.identity] or mine[-1:]
        for cell in last:
            held = by_id.get(cell.identity) if cell.identity in by_id else None
            same = cell.source.strip() == held if held is not None else cell.source.strip() in everything
            if not same and question.name not in found:
                found.append(question.name)
    return found


def is_notebook_of(lab: Lab, document: dict[str, Any]) -> bool:
    """Whether a notebook belongs to this lab, by its metadata or its set-up cell."""
    otter = document.get("metadata", {}).get("otter", {})
    if isinstance(otter, dict) and otter.get("assignment_name"):
        return bool(otter["assignment_name"] == lab.name)
    return any(f'lab="{lab.name}"' in _source(cell) for cell in _cells(document))


def write_zip(saved: Saved, target: Path) -> None:
    """Write the zip: the notebook as read, and otter's note of the zip's name.

    It holds no log and no PDF.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(saved.path.name, saved.content)
        archive.writestr("__zip_filename__", target.name)


def _compare(lab: Lab, watch: Watch, paths: list[Path]) -> tuple[Saved | None, Card | None]:
    """Choose the file that holds the answers as they were run.

    For hosts that cannot save the notebook by themselves.
    """
    save = _("Save the notebook (Ctrl+S, on a Mac ⌘S), then run this cell again.")
    candidates: list[tuple[Saved, list[str]]] = []
    for path in paths:
        saved = read_saved(path)
        document = _parsed(saved) if saved else None
        if saved is not None and document is not None and is_notebook_of(lab, document):
            candidates.append((saved, differences(lab, watch.cells(), document)))
    if not candidates:
        lines = [
            _("No saved notebook of the lab {lab} was found in {folder}.", lab=lab.name, folder=Path.cwd()),
            _("{save} If it lies elsewhere: `grader.export('PATH/OF/THE/NOTEBOOK.ipynb')`.", save=save),
        ]
        return None, note_card("failed", _("Nothing was packed"), lines)
    candidates.sort(key=lambda candidate: candidate[0].time, reverse=True)
    for saved, different in candidates:
        if not different:
            return saved, None
    saved, different = candidates[0]
    lines = [
        _(
            "{file}, saved at {time}, does not hold what you ran last: it differs in {names}.",
            file=saved.path.name,
            time=_clock(saved.time),
            names=listed(different),
        ),
        save,
    ]
    return None, note_card("failed", _("Nothing was packed: the notebook is not saved"), lines)


def _not_saved() -> Card:
    lines = [
        _("The notebook could not be saved from here, so what you see may not be what is in the file."),
        _(
            "If a message asks whether to overwrite or reload the file, answer it. Save with Ctrl+S (on a Mac ⌘S), "
            "then run this cell again. If that does not help, hand in the notebook itself: File → Download."
        ),
    ]
    return note_card("failed", _("Nothing was packed: the notebook is not saved"), lines)


def _pack(lab: Lab, saved: Saved, target: str | None, mark: str, *, proved: bool) -> Card:
    document = _parsed(saved) or {}
    if not is_notebook_of(lab, document):
        line = _("{file} is not a notebook of the lab {lab}.", file=saved.path.name, lab=lab.name)
        return note_card("failed", _("Nothing was packed"), [line])
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    path = Path(target) if target else saved.path.with_name(f"{saved.path.stem}_{stamp}.zip")
    try:
        write_zip(saved, path)
    except OSError as error:
        line = _(
            "{path} cannot be written ({reason}). Choose another place: `grader.export(export_path='FILE.zip')`.",
            path=path,
            reason=error.strerror,
        )
        return note_card("failed", _("Nothing was packed"), [line])
    contents = contents_of(lab, document)
    when = _("{time}, just now (verified by the mark {mark})", time=_clock(saved.time), mark=mark)
    if not proved:
        when = _("{time}; it holds the answers as you ran them", time=_clock(saved.time))
    rows = [(_("Notebook"), saved.path.name), (_("Saved"), when), *_answered_rows(contents, len(lab.questions))]
    if manual := [question.name for question in lab.questions if question.manual]:
        words = {True: _("answered"), False: _("not answered yet")}
        told = _(", ").join(f"{name} ({words[name in contents.answered]})" for name in manual)
        rows.append((_("Marked by a person"), told))
    lines = [_("Where to hand in: {where}", where=lab.hand_in)] if lab.hand_in else [_("Hand in this zip file.")]
    if contents.open or contents.raised:
        lines.append(_("You can go on working and run this cell again: each run makes a new zip file."))
    link = _link(path, saved.path)
    title = _("Packed: {file}", file=path.name)
    return note_card("partial" if contents.open or contents.raised else "passed", title, lines, rows, link)


def _answered_rows(contents: Contents, questions: int) -> list[tuple[str, str]]:
    number = len(contents.answered)
    rows = [
        (
            _("Answered"),
            ngettext("{answered} of {number} question", "{answered} of {number} questions", questions, answered=number),
        )
    ]
    if contents.open:
        rows.append((_("Not answered"), listed(list(contents.open))))
    if contents.raised:
        rows.append((_("Cells with an error"), ", ".join(contents.raised)))
    return rows


def _on_colab(lab: Lab, watch: Watch) -> Card:
    answered: list[str] = []
    waiting: list[str] = []
    raised: list[str] = []
    tested = [question for question in lab.questions if not question.manual]
    for question in tested:
        cells = watch.answers(question)
        done = any(not question.is_stub(cell.source) for cell in cells)
        (answered if done else waiting).append(question.name)
        error = watch.failed(question)
        if error:
            raised.append(f"{question.name} ({error})")
    rows = _answered_rows(Contents(tuple(answered), tuple(waiting), tuple(raised)), len(tested))
    if manual := [question.name for question in lab.questions if question.manual]:
        told = _("{names}: look yourself whether your answer is there", names=listed(manual))
        rows.append((_("Marked by a person"), told))
    lines = [
        _("1. Choose File → Save (Ctrl+S)."),
        _("2. Choose File → Download → Download .ipynb."),
        _("3. Hand in the downloaded file."),
    ]
    if lab.hand_in:
        lines[-1] = _("3. Hand in the downloaded file: {where}", where=lab.hand_in)
    return note_card("open", _("Hand in from Colab"), lines, rows)


def _link(path: Path, notebook: Path) -> str:
    """Return a download link, if the front end can reach the file."""
    if path.parent.resolve() != notebook.parent.resolve():
        return escape(str(path))
    return (
        f'<a href="{escape(urllib.parse.quote(path.name))}" download>{escape(_("Download {file}", file=path.name))}</a>'
    )


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")


def _parsed(saved: Saved) -> dict[str, Any] | None:
    try:
        document = json.loads(saved.content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _cells(document: dict[str, Any]) -> list[dict[str, Any]]:
    cells = document.get("cells", [])
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _is_untouched(question: Question, cell: dict[str, Any]) -> bool:
    if question.manual and (cell.get("cell_type") != "code" or not question.stubs):
        return question.is_untouched_text(_source(cell))
    return question.is_stub(_source(cell))


def _answer_cells(cells: Sequence[dict[str, Any]], question: Question) -> list[dict[str, Any]]:
    """Return the answer cells of a question: by tag, else by what they assign."""
    tag = f"answer:{question.name}"
    tagged = [cell for cell in cells if tag in cell.get("metadata", {}).get("tags", [])]
    return tagged or [c for c in cells if c.get("cell_type") == "code" and question.assigned_in(_source(c))]
