"""Parse the bytes of a notebook into cells: any format version, no field trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autograder.errors import SubmissionError

# More consecutive zero bytes than occur in any text encoding.
_PADDING = 4
_ZEROS = (
    "part of the file consists of zero bytes, so it was not saved or copied completely, for example after a crash: "
    "open the notebook, save it and submit it again"
)


def read_document(data: bytes) -> dict[str, Any]:
    """Return the notebook's JSON object.

    Raises:
        SubmissionError: it is damaged or not a notebook.
    """
    return _parse(_decode(data), padded=b"\0" * _PADDING in data)


def cell_list(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells, from format 4 or from the worksheets of earlier formats."""
    sheets = document.get("worksheets")
    holders = [document, *(sheets if isinstance(sheets, list) else [])]
    lists = [mapping(holder).get("cells") for holder in holders]
    cells = [cell for part in lists if isinstance(part, list) for cell in part if isinstance(cell, dict)]
    if not cells and not any(isinstance(part, list) for part in lists):
        raise SubmissionError("the file is JSON but not a notebook (no cells): submit the .ipynb file saved by Jupyter")
    return cells


def source_of(cell: Mapping[str, Any], position: int) -> str:
    """Return the text of a cell.

    Args:
        cell: the cell.
        position: number of the code cell, for messages.

    Raises:
        SubmissionError: its source is not text.
    """
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if source is None:
        return ""
    if not isinstance(source, str):
        raise SubmissionError(f"code cell {position} of the notebook contains no text: open it in Jupyter and save it")
    return writable(source)


def tags_of(cell: Mapping[str, Any]) -> frozenset[str]:
    """Return the tags of a cell."""
    tags = mapping(cell.get("metadata")).get("tags")
    return frozenset(writable(tag) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset()


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a mapping, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: object) -> str | None:
    """Return non-empty text without surrounding blanks, or None."""
    return writable(value).strip() or None if isinstance(value, str) else None


def writable(text: str) -> str:
    r"""Replace lone surrogates (`\ud800`), which JSON can contain but files cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _decode(data: bytes) -> str:
    if not data.strip(b"\0 \t\r\n"):
        raise SubmissionError(
            "the file is empty, probably because an upload failed: save the notebook and submit it again"
        )
    if data.startswith(b"\0" * _PADDING):
        raise SubmissionError(_ZEROS)
    try:
        # After a crash or with a full disk, unwritten parts of a file are zero bytes.
        return data.decode(json.detect_encoding(data)).removeprefix("\ufeff").rstrip("\0")
    except UnicodeDecodeError as error:
        raise SubmissionError(_not_json(data, f"byte {error.start} is not text")) from None


def _parse(text: str, *, padded: bool) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if padded:
            raise SubmissionError(_ZEROS) from None
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        if not text.rstrip().endswith("}"):
            where += "; the file is truncated, for example by an interrupted upload"
        raise SubmissionError(_not_json(text.encode("utf-8", "replace"), where)) from None
    except (RecursionError, ValueError) as error:
        raise SubmissionError(f"the notebook is not readable as JSON: {error}") from None
    if not isinstance(document, dict):
        raise SubmissionError("the file is JSON but not a notebook: submit the .ipynb file saved by Jupyter")
    return document


def _not_json(data: bytes, where: str) -> str:
    start = data.lstrip()[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "the file is a web page, not a notebook: download the notebook itself (File > Download) and submit it"
    if start.startswith(b"%pdf"):
        return "the file is a PDF with the wrong extension, not a notebook: submit the .ipynb file"
    if start.startswith(b"version https://git-lfs"):
        return "the file is a Git LFS pointer, not the notebook itself: run `git lfs pull` and submit the notebook"
    if start.startswith(b"bplist"):
        return (
            "the file is a property list of macOS, such as an iCloud placeholder, not a notebook: open it and save it"
        )
    if start.startswith(b"pk\x03\x04"):
        return "the file is a zip with the wrong extension, not a notebook: rename it to end in .zip"
    if b"\n<<<<<<< " in data:
        return (
            "the notebook contains unresolved merge conflicts (<<<<<<<): resolve them, open it in Jupyter and save it"
        )
    return f"the notebook is damaged: it is not valid JSON ({where}): open it in Jupyter, save it and submit it again"
