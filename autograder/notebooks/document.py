"""The bytes of a notebook as cells: any format version, and no field believed to be what it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autograder.errors import SubmissionError

# More zero bytes in a row than any encoding of a letter has.
_PADDING = 4
_ZEROS = (
    "part of the file is zero bytes: it was not saved or copied completely, as after a crash or a full disk: open the "
    "notebook again, save it and hand in again"
)


def read_document(data: bytes) -> dict[str, Any]:
    """The notebook's JSON object.

    Raises:
        SubmissionError: it is damaged, or something else.
    """
    return _parse(_decode(data), padded=b"\0" * _PADDING in data)


def cell_list(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells, whether they lie as in format 4 or in the worksheets of format 3 and before."""
    sheets = document.get("worksheets")
    holders = [document, *(sheets if isinstance(sheets, list) else [])]
    lists = [mapping(holder).get("cells") for holder in holders]
    cells = [cell for part in lists if isinstance(part, list) for cell in part if isinstance(cell, dict)]
    if not cells and not any(isinstance(part, list) for part in lists):
        raise SubmissionError("the file is JSON but not a notebook (no cells): hand in the .ipynb file Jupyter wrote")
    return cells


def source_of(cell: Mapping[str, Any], position: int) -> str:
    """The text of a cell; `position` counts code cells, for the message.

    Raises:
        SubmissionError: it holds something else.
    """
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if source is None:
        return ""
    if not isinstance(source, str):
        raise SubmissionError(f"code cell {position} of the notebook holds no text: open it in Jupyter and save it")
    return writable(source)


def tags_of(cell: Mapping[str, Any]) -> frozenset[str]:
    """The tags of a cell."""
    tags = mapping(cell.get("metadata")).get("tags")
    return frozenset(writable(tag) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset()


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: object) -> str | None:
    """The value without blanks around it if it is text and not empty."""
    return writable(value).strip() or None if isinstance(value, str) else None


def writable(text: str) -> str:
    r"""JSON can smuggle in halves of a character (`\ud800`) that no file can store."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _decode(data: bytes) -> str:
    if not data.strip(b"\0 \t\r\n"):
        raise SubmissionError("the file is empty: probably an upload that failed; save the notebook and hand in again")
    if data.startswith(b"\0" * _PADDING):
        raise SubmissionError(_ZEROS)
    try:
        # A crash or a full disk leaves zero bytes for what was never written.
        return data.decode(json.detect_encoding(data)).removeprefix("\ufeff").rstrip("\0")
    except UnicodeDecodeError as error:
        raise SubmissionError(_not_json(data, f"byte {error.start} is no text")) from None


def _parse(text: str, *, padded: bool) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if padded:
            raise SubmissionError(_ZEROS) from None
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        if not text.rstrip().endswith("}"):
            where += "; the file ends too early, as after a broken upload"
        raise SubmissionError(_not_json(text.encode("utf-8", "replace"), where)) from None
    except (RecursionError, ValueError) as error:
        raise SubmissionError(f"the notebook is not readable as JSON: {error}") from None
    if not isinstance(document, dict):
        raise SubmissionError("the file is JSON but not a notebook: hand in the .ipynb file Jupyter wrote")
    return document


def _not_json(data: bytes, where: str) -> str:
    start = data.lstrip()[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "the file is a web page, not a notebook: download the notebook itself (File > Download) and hand it in"
    if start.startswith(b"%pdf"):
        return "the file is a PDF with the wrong ending, not a notebook: hand in the .ipynb file"
    if start.startswith(b"version https://git-lfs"):
        return "the file is a Git LFS pointer, not the notebook itself: get it with `git lfs pull` and hand in that"
    if start.startswith(b"bplist"):
        return (
            "the file is a property list of macOS, such as a placeholder of iCloud, not a notebook: open it and save it"
        )
    if start.startswith(b"pk\x03\x04"):
        return "the file is a zip with the wrong ending, not a notebook: let its name end in .zip"
    if b"\n<<<<<<< " in data:
        return "the notebook holds unresolved merge conflicts (<<<<<<<): resolve them, open it in Jupyter and save it"
    return f"the notebook is damaged: it is not valid JSON ({where}): open it in Jupyter, save it and hand in again"
