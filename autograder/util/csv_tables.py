"""CSV files of platforms and spreadsheets, rewritten in their original style.

Pure.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.errors import UsageError
from autograder.util.text import clean_line

_BOM = "\ufeff"
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """The content and format of a CSV file.

    Args:
        rows: the fields of each row, the header first.
        lines: for each row, the line of the file on which it ends.
        separator: the character between fields.
        newline: the line terminator.
        bom: whether the file starts with a byte order mark.
    """

    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str = ","
    newline: str = "\n"
    bom: bool = False

    def with_rows(self, rows: Sequence[Sequence[str]]) -> Table:
        """Return a table in the same format with other rows."""
        return replace(self, rows=tuple(map(tuple, rows)), lines=())

    def text(self) -> str:
        """Return the file's text, quoting fields where needed."""
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self.separator, lineterminator=self.newline).writerows(self.rows)
        return (_BOM if self.bom else "") + buffer.getvalue()


def read_table(data: bytes, name: str) -> Table:
    """Read a CSV file in UTF-8, separated by commas, semicolons or tabs.

    Args:
        data: the file's content.
        name: its name, for messages.

    Raises:
        UsageError: it is not such a file.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(
            f"{name} is not a CSV file in UTF-8.",
            hint='save it from the spreadsheet as "CSV UTF-8", or download it again',
        ) from None
    bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    separator = max(_SEPARATORS, key=lambda one: len(next(csv.reader(io.StringIO(text), delimiter=one), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if row:
                rows.append(tuple(row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: this is not CSV: {error}.") from None
    if not rows:
        raise UsageError(f"{name} is empty.")
    return Table(tuple(rows), tuple(lines), separator, "\r\n" if "\r\n" in text else "\n", bom)


def records(table: Table, name: str, columns: Sequence[str]) -> list[tuple[int, Mapping[str, str]]]:
    """Return the rows below the header as fields by column, with their line numbers.

    Column names are in lower case; blanks around names and fields are removed; empty rows are left out.

    Args:
        table: the table.
        name: the file's name, for messages.
        columns: the required columns, in lower case.

    Raises:
        UsageError: a column is missing, or a row is longer than the header.
    """
    header = [field.strip().casefold() for field in table.rows[0]]
    missing = [column for column in columns if column not in header]
    if missing:
        raise UsageError(
            f"{name} has no column `{missing[0]}`. Its first line is: {clean_line(', '.join(header))}.",
            hint=f"start the file with the line {','.join(columns)}",
        )
    found: list[tuple[int, Mapping[str, str]]] = []
    for line, row in zip(table.lines[1:], table.rows[1:], strict=True):
        if len(row) > len(header) and any(field.strip() for field in row[len(header) :]):
            raise UsageError(f'{name}, line {line}: more fields than columns. Put fields with commas in "quotes".')
        fields = [field.strip() for field in row]
        if any(fields):
            found.append((line, dict(zip(header, fields + [""] * len(header), strict=False))))
    return found


def number(text: str, separator: str = ",") -> float | None:
    """Parse a number; with `;` as separator it may have a decimal comma.

    Returns:
        the number, or None for text that is not a finite number below 1e9.
    """
    plain = text.replace(",", ".") if separator == ";" and text.count(",") == 1 and "." not in text else text
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # also excludes infinity and NaN


def ending_digits(text: str) -> str:
    """Return the digits at the end of a text such as "Participant 301", if any."""
    match = re.search(r"\d+$", text)
    return match[0] if match else ""


def number_text(value: float) -> str:
    """Format a number for a gradebook: at most two decimals, no exponent."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
