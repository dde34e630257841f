"""The files of the class report: report.html, and for every similar pair a page similar/….html beside it.

They are made anew only when something they are made from has changed: the results, the corrections, the notebooks, the
kit. report.html says in its head what it was made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from autograder.errors import UsageError
from autograder.grades import Row
from autograder.labs import find_root
from autograder.notebooks import Notebook
from autograder.report.handed_in import read_code, starter_of

_SIMILAR = "similar"
_STARTERS = "starters"
_EXECUTED = "executed.ipynb"
_SUBMISSIONS = "submissions"
# Enough of a page to hold its head.
_HEAD = 4000
_KIT = Path(__file__).parents[1]
_MAKERS = ("report", "render")

Write = Callable[[Path, str], None]


def write_class_report(page: Path, rows: Sequence[Row], write: Write) -> None:
    """Bring report.html and the pages of similar pairs up to date.

    Args:
        page: report.html in the results' folder.
        rows: the class, in the order of the table.
        write: writes a text file whole or not at all.
    """
    folder = page.parent
    starters = _starters(folder, rows, write)
    made_from = _digest(folder, rows, starters)
    if _is_current(page, made_from):
        return
    # Here, because all this draws on Matplotlib and copydetect, which nothing else needs.
    from autograder.render.report import report_html
    from autograder.render.similar import page_name, similar_html
    from autograder.report.content import class_report

    report = class_report(rows, _notebooks(folder, rows), {lab: starter_of(data) for lab, data in starters.items()})
    by_identity = {row.identity: row for row in rows}
    pages = {
        page_name(pair): similar_html(pair, by_identity, report.codes)
        for similar in report.similar
        for pair in similar.shown
    }
    for name, text in pages.items():
        _write_if_new(folder / _SIMILAR / name, text, write)
    for path in (folder / _SIMILAR).glob("*.html"):
        if path.name not in pages:
            path.unlink(missing_ok=True)
    # Last, so that a report that is there never links to a page that is not.
    write(page, report_html(report, f"{made_from} {len(pages)}"))


def _starters(folder: Path, rows: Sequence[Row], write: Write) -> dict[str, bytes]:
    """By lab the notebook it hands out: the course's if there is one here, else the copy kept with the results."""
    found = {}
    for lab in dict.fromkeys(row.grade.result.lab for row in rows if row.grade.result.lab is not None):
        if Path(lab).name != lab:  # a name of somebody else's autograder
            continue
        copy = folder / _STARTERS / f"{lab}.ipynb"
        for path in (*_course_notebook(lab), copy):
            if path.is_file():
                found[lab] = path.read_bytes()
                if path != copy:
                    _write_if_new(copy, found[lab].decode("utf-8", "replace"), write)
                break
    return found


def _course_notebook(lab: str) -> Iterator[Path]:
    try:
        yield find_root() / "assignment" / f"{lab}.ipynb"
    except UsageError:
        return


def _notebooks(folder: Path, rows: Sequence[Row]) -> dict[str, Notebook]:
    """By ID the notebooks as they were graded; of earlier versions of the kit there are none."""
    found = {}
    for row in rows:
        path = folder / _SUBMISSIONS / row.identity / _EXECUTED
        if path.is_file() and (notebook := read_code(path.read_bytes())) is not None:
            found[row.identity] = notebook
    return found


def _digest(folder: Path, rows: Sequence[Row], starters: dict[str, bytes]) -> str:
    """What the report is made from; of notebooks, which may be large, size and time stand for the content."""
    digest = hashlib.sha256()
    for path in sorted(path for maker in _MAKERS for path in (_KIT / maker).rglob("*") if path.suffix != ".pyc"):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    for lab, data in sorted(starters.items()):
        digest.update(lab.encode() + data)
    for row in rows:
        digest.update(repr(row).encode("utf-8", "replace"))
        path = folder / _SUBMISSIONS / row.identity / _EXECUTED
        if path.is_file():
            found = path.stat()
            digest.update(f"{found.st_size} {found.st_mtime_ns}".encode())
    return digest.hexdigest()


def _is_current(page: Path, made_from: str) -> bool:
    try:
        with page.open(encoding="utf-8") as file:
            head = file.read(_HEAD)
    except (OSError, UnicodeDecodeError):
        return False
    pages = len(list((page.parent / _SIMILAR).glob("*.html")))
    return f'content="{made_from} {pages}"' in head


def _write_if_new(path: Path, text: str, write: Write) -> None:
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    write(path, text)
