"""Write the pages and tables of a class; the only module that does.

A page is rewritten only if its inputs have changed: results, corrections, notebooks or the kit. Each page contains a
digest of its inputs.
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
from autograder.render.scores_csv import TO_REVIEW, scores_csv, to_review_csv
from autograder.report.student_code import read_code, starter_of
from autograder.results.folder import ResultsFolder, bytes_of, digest_of, is_anonymous
from autograder.results.grade import Row
from autograder.results.labels import question_names
from autograder.util.csv_tables import read_table, records
from autograder.util.files import write_whole

# Number of characters that contains a page's head.
_HEAD = 4000
_KIT = Path(__file__).parents[1]
_MAKERS = ("report", "render")


def write_feedback(folder: Path, row: Row, *, anonymous: bool) -> None:
    """Write a student's page unless it is up to date.

    Args:
        folder: the results folder.
        row: the submission.
        anonymous: whether to leave out its name.

    Raises:
        KitError: the file cannot be written.
    """
    files = ResultsFolder(folder).submission(row.identity)
    executed = bytes_of(files.executed)
    made_from = f"{row.grade!r} {digest_of(executed)} {anonymous} {design()}"
    mark = f"<!-- {digest_of(made_from)} -->\n"
    if not (bytes_of(files.feedback) or b"").endswith(mark.encode()):
        write_whole(files.feedback, feedback_html(row.grade, executed, anonymous=anonymous) + mark)


def write_report(folder: Path, grades: ClassGrades | None = None, *, anonymous: bool | None = None) -> tuple[Row, ...]:
    """Write scores.csv, report.html and the students' pages from the stored results.

    Args:
        folder: the results folder.
        grades: the return value of `read_class`, if already available.
        anonymous: whether students' pages leave out names; None keeps the setting of the latest run.

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
    _write_to_review(files, rows)
    write_class_report(files, rows)
    return rows


def _write_to_review(files: ResultsFolder, rows: Sequence[Row]) -> None:
    """Write to-review.csv, keeping what a person has entered there so far.

    A file that is no such table is left alone.
    """
    path, entered = files.to_review, {}
    if path.is_file():
        try:
            kept = records(read_table(path.read_bytes(), path.name), path.name, TO_REVIEW)
        except (OSError, UsageError):
            return
        entered = {
            (fields["submission"], fields["question"]): (fields["points"], fields["reason"]) for _, fields in kept
        }
    elif not any(row.grade.waiting for row in rows):
        return
    write_whole(path, to_review_csv(rows, entered))


def write_gradescope(folder: Path, rows: Iterable[Row]) -> None:
    """Write Gradescope's results.json next to the result of each submission.

    Raises:
        KitError: a file cannot be written.
    """
    for row in rows:
        write_whole(ResultsFolder(folder).submission(row.identity).gradescope, results_json(row.grade))


def write_class_report(files: ResultsFolder, rows: Sequence[Row]) -> None:
    """Update report.html and the pages of similar pairs.

    Args:
        files: the results folder.
        rows: the class, in the order of the table.
    """
    starters = _starters(files, rows)
    made_from = _digest(files, rows, starters)
    if _is_current(files, made_from):
        return
    # Imported here, because Matplotlib and copydetect are slow to import and not needed elsewhere.
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
    # Written last, so that it never links to a missing page.
    write_whole(files.report, report_html(report, f"{made_from} {len(pages)}"))


def _starters(files: ResultsFolder, rows: Sequence[Row]) -> dict[str, bytes]:
    """Return the student notebook of each lab, from the course or the results folder."""
    found = {}
    for lab in dict.fromkeys(row.grade.result.lab for row in rows if row.grade.result.lab is not None):
        if Path(lab).name != lab:  # a name from another autograder zip, which may contain a path
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
    """Return the graded notebooks by ID.

    Results of earlier versions of the kit have none.
    """
    found = {}
    for row in rows:
        path = files.submission(row.identity).executed
        if path.is_file() and (notebook := read_code(path.read_bytes())) is not None:
            found[row.identity] = notebook
    return found


def _digest(files: ResultsFolder, rows: Sequence[Row], starters: dict[str, bytes]) -> str:
    """Return a digest of the report's inputs.

    Notebooks are represented by size and time.
    """
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
