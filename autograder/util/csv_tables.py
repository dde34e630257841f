"""A CSV file as a platform or a spreadsheet wrote it: its separator, line ends and byte order mark are kept. Pure."""

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
    """Rows of fields, the lines of the file they end on, and how the file is written."""

    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str = ","
    newline: str = "\n"
    bom: bool = False

    def with_rows(self, rows: Sequence[Sequence[str]]) -> Table:
        """The same file with other rows."""
        return replace(self, rows=tuple(map(tuple, rows)), lines=())

    def text(self) -> str:
        """The file's text; a field is quoted where it must be."""
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self.separator, lineterminator=self.newline).writerows(self.rows)
        return (_BOM if self.bom else "") + buffer.getvalue()


def read_table(data: bytes, name: str) -> Table:
    """Read a CSV file in UTF-8; commas, semicolons or tabs part the fields.

    Raises:
        UsageError: it is no such file.
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
    """The rows below the header, each with its line, as fields by column; blanks around names and fields are dropped.

    Raises:
        UsageError: a column is missing, or a row is longer than the header.
    """
    header = [field.strip().casefold() for field in table.rows[0]]
    missing = [column for column in columns if column not in header]
    if missing:
        raise UsageError(
            f"{name} has no column {missing[0]}: its first line is {clean_line(', '.join(header))}.",
            hint=f"begin the file with the line {','.join(columns)}",
        )
    found: list[tuple[int, Mapping[str, str]]] = []
    for line, row in zip(table.lines[1:], table.rows[1:], strict=True):
        if len(row) > len(header) and any(field.strip() for field in row[len(header) :]):
            raise UsageError(f'{name}, line {line}: more fields than columns. A field with a comma stands in "quotes".')
        fields = [field.strip() for field in row]
        if any(fields):
            found.append((line, dict(zip(header, fields + [""] * len(header), strict=False))))
    return found


def number(text: str, separator: str = ",") -> float | None:
    """A plain number of a field; with `;` between fields it may have a decimal comma. None if it is none."""
    plain = text.replace(",", ".") if separator == ";" and text.count(",") == 1 and "." not in text else text
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # neither infinite nor no number at all


def ending_digits(text: str) -> str:
    """The number at the end of a text such as "Participant 301"; empty if there is none."""
    match = re.search(r"\d+$", text)
    return match[0] if match else ""


def number_text(value: float) -> str:
    """A number for a gradebook: at most two decimals, no needless zeros, never in powers of ten."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
