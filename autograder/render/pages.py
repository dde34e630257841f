"""Write the pages and tables of a class into its results folder; the only module that does.

A page is written again only when something it is made from has changed: the results, the corrections, the notebooks,
the kit. Each page says what it was made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from autograder.errors import UsageError
from autograder.gradebook.class_grades import ClassGrades, read_class
from autograder.labs.course import find_root
from autograder.notebooks.notebook import Notebook
from autograder.platforms.gradescope import results_json
from autograder.render.feedback import design, feedback_html
from autograder.render.scores_csv import scores_csv
from autograder.report.student_code import read_code, starter_of
from autograder.results.folder import ResultsFolder, bytes_of, digest_of, is_anonymous
from autograder.results.grade import Row
from autograder.results.labels import question_names
from autograder.util.files import write_whole

# Enough of a page to hold its head.
_HEAD = 4000
_KIT = Path(__file__).parents[1]
_MAKERS = ("report", "render")


def write_feedback(folder: Path, row: Row, *, anonymous: bool) -> None:
    """Write a student's page from the stored notebook and a grade, unless the page is already made from these."""
    files = ResultsFolder(folder).submission(row.identity)
    executed = bytes_of(files.executed)
    made_from = f"{row.grade!r} {digest_of(executed)} {anonymous} {design()}"
    mark = f"<!-- {digest_of(made_from)} -->\n"
    if not (bytes_of(files.feedback) or b"").endswith(mark.encode()):
        write_whole(files.feedback, feedback_html(row.grade, executed, anonymous=anonymous) + mark)


def write_report(folder: Path, grades: ClassGrades | None = None, *, anonymous: bool | None = None) -> tuple[Row, ...]:
    """Write scores.csv, report.html and the students' pages from the results of the latest run.

    Args:
        folder: the results folder.
        grades: what `read_class` returned, if it was called already.
        anonymous: whether students' pages leave out names; None: as in the latest run.

    Returns:
        The rows of the class, sorted by submission.

    Raises:
        KitError: there is no readable result, or the files cannot be written.
    """
    grades = grades or read_class(folder)
    files, rows = ResultsFolder(folder), grades.rows
    questions = question_names([row.grade.result for row in rows], ())
    nameless = is_anonymous(folder) if anonymous is None else anonymous
    for row in rows:
        write_feedback(folder, row, anonymous=nameless)
    write_whole(files.scores, scores_csv(rows, questions, grades.counted.handed))
    write_class_report(files, rows)
    return rows


def write_gradescope(folder: Path, rows: Iterable[Row]) -> None:
    """Write Gradescope's results.json beside the result of each submission.

    Raises:
        KitError: a file cannot be written.
    """
    for row in rows:
        write_whole(ResultsFolder(folder).submission(row.identity).gradescope, results_json(row.grade))


def write_class_report(files: ResultsFolder, rows: Sequence[Row]) -> None:
    """Bring report.html and the pages of similar pairs up to date; rows are in the order of the table."""
    starters = _starters(files, rows)
    made_from = _digest(files, rows, starters)
    if _is_current(files, made_from):
        return
    # Here, because all this draws on Matplotlib and copydetect, which nothing else needs.
    from autograder.render.report import report_html
    from autograder.render.similar_pages import page_name, similar_html
    from autograder.report.content import class_report

    report = class_report(rows, _notebooks(files, rows), {lab: starter_of(data) for lab, data in starters.items()})
    by_identity = {row.identity: row for row in rows}
    pages = {
        page_name(pair): similar_html(pair, by_identity, report.codes)
        for similar in report.similar
        for pair in similar.shown
    }
    for name, text in pages.items():
        _write_if_new(files.similar / name, text)
    for path in files.similar.glob("*.html"):
        if path.name not in pages:
            path.unlink(missing_ok=True)
    # Last, so that a report that is there never links to a page that is not.
    write_whole(files.report, report_html(report, f"{made_from} {len(pages)}"))


def _starters(files: ResultsFolder, rows: Sequence[Row]) -> dict[str, bytes]:
    """By lab the notebook it hands out: the course's if there is one here, else the copy kept with the results."""
    found = {}
    for lab in dict.fromkeys(row.grade.result.lab for row in rows if row.grade.result.lab is not None):
        if Path(lab).name != lab:  # a name of somebody else's autograder
            continue
        copy = files.starters / f"{lab}.ipynb"
        for path in (*_course_notebook(lab), copy):
            if path.is_file():
                found[lab] = path.read_bytes()
                if path != copy:
                    _write_if_new(copy, found[lab].decode("utf-8", "replace"))
                break
    return found


def _course_notebook(lab: str) -> Iterator[Path]:
    try:
        yield find_root() / "assignment" / f"{lab}.ipynb"
    except UsageError:
        return


def _notebooks(files: ResultsFolder, rows: Sequence[Row]) -> dict[str, Notebook]:
    """By ID the notebooks as they were graded; of earlier versions of the kit there are none."""
    found = {}
    for row in rows:
        path = files.submission(row.identity).executed
        if path.is_file() and (notebook := read_code(path.read_bytes())) is not None:
            found[row.identity] = notebook
    return found


def _digest(files: ResultsFolder, rows: Sequence[Row], starters: dict[str, bytes]) -> str:
    """What the report is made from; of notebooks, which may be large, size and time stand for the content."""
    digest = hashlib.sha256()
    for path in sorted(path for maker in _MAKERS for path in (_KIT / maker).rglob("*") if path.suffix != ".pyc"):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    for lab, data in sorted(starters.items()):
        digest.update(lab.encode() + data)
    for row in rows:
        digest.update(repr(row).encode("utf-8", "replace"))
        path = files.submission(row.identity).executed
        if path.is_file():
            found = path.stat()
            digest.update(f"{found.st_size} {found.st_mtime_ns}".encode())
    return digest.hexdigest()


def _is_current(files: ResultsFolder, made_from: str) -> bool:
    try:
        with files.report.open(encoding="utf-8") as file:
            head = file.read(_HEAD)
    except (OSError, UnicodeDecodeError):
        return False
    pages = len(list(files.similar.glob("*.html")))
    return f'content="{made_from} {pages}"' in head


def _write_if_new(path: Path, text: str) -> None:
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    write_whole(path, text)
