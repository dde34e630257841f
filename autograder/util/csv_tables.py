"""CSV files of platforms and spreadsheets, rewritten in their original style.

Pure.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from autograder.errors import UsageError
from autograder.util.text import clean_line

_BOM = "\ufeff"
_SEPARATORS = (",", ";", "\t")
# Apostrophes (Switzerland) and spaces, also those that do not break a line (France, Sweden), part thousands.
_GROUP_MARKS = "' \u2019\u00a0\u202f\u2009"
_PLAIN = re.compile(r"[+-]?\d*\.\d*")
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
_LOCALISED = re.compile(r"[+-]?[0-9]*(?:[,.'][0-9]+)*")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:([,.'])[0-9]{2,3})*(?:[,.'][0-9]{3})")
# Moodle's worksheet may hold a whole text with pictures in one field; the csv module stops at 131,072 characters.
csv.field_size_limit(1 << 30)


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
        return (_BOM if self.bom else "") + "".join(self._line(row) + self.newline for row in self.rows)

    def _line(self, row: Sequence[str]) -> str:
        buffer = io.StringIO()
        # The writer quotes only line breaks that occur in its own line terminator.
        csv.writer(buffer, delimiter=self.separator, lineterminator="\r\n").writerow(row)
        return buffer.getvalue().removesuffix("\r\n")


def read_table(data: bytes, name: str) -> Table:
    """Read a CSV file in UTF-8 or UTF-16, separated by commas, semicolons or tabs.

    Args:
        data: the file's content.
        name: its name, for messages.

    Raises:
        UsageError: it is not such a file.
    """
    text = _decoded(data, name)
    bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    separator = _SEPARATORS[0]
    line = 0
    try:
        separator = max(_SEPARATORS, key=lambda one: len(next(_reader(text, one), [])))
        reader = _reader(text, separator)
        for row in reader:
            line = reader.line_num
            if row:
                rows.append(tuple(row))
                lines.append(line)
    except csv.Error as error:
        raise UsageError(f"{name}, after line {line}: this is not CSV: {error}.") from None
    _refuse_open_quote(text, separator, name, lines)
    if not rows:
        raise UsageError(f"{name} is empty.")
    return Table(tuple(rows), tuple(lines), separator, _newline_of(text, lines[0]), bom)


def _decoded(data: bytes, name: str) -> str:
    # Excel saves "Unicode text" as UTF-16 with a byte order mark.
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise UsageError(
            f"{name} is not a CSV file in UTF-8.",
            hint='save it from the spreadsheet as "CSV UTF-8", or download it again',
        ) from None
    return _BOM + text if encoding == "utf-16" else text


def _reader(text: str, separator: str, *, strict: bool = False) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)


def _newline_of(text: str, first: int) -> str:
    """Return the line terminator of line `first`, the last line of the first row.

    Fields may contain other line breaks.
    """
    line = next(islice(io.StringIO(text, newline=""), first - 1, None), "")
    return line[len(line.rstrip("\r\n")) :] or "\n"


def _refuse_open_quote(text: str, separator: str, name: str, lines: Sequence[int]) -> None:
    """Reject an unclosed quotation mark, which would merge all following rows.

    Raises:
        UsageError: there is one.
    """
    try:
        for _ in _reader(text, separator, strict=True):
            pass
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            start = lines[-2] + 1 if len(lines) > 1 else 1
            raise UsageError(
                f'{name}, line {start}: a field begins with a quotation mark (") that is never closed.',
                hint="close it, or save the file from the spreadsheet again",
            ) from None


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
    """Parse a number as entered by a person; None if it is not a number or ambiguous.

    A comma is a decimal comma if fields are separated by semicolons, or if it cannot separate thousands.
    """
    plain = text.strip()
    if separator == ";" and plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if plain.count(".") == 1 and _PLAIN.fullmatch(plain):
        return _finite(plain)
    return localised_number(text)


def localised_number(text: str) -> float | None:
    """Parse a number in any locale, such as 10,00, 1.000,00 or 1'000.00.

    Returns:
        None if it is not a number, or ambiguous: 1,000 is one or one thousand, depending on the locale.
    """
    plain = "".join("'" if c in _GROUP_MARKS else c for c in text.strip())
    found = _LOCALISED.fullmatch(plain)
    if found is None:
        return _finite(plain) if _EXPONENT.fullmatch(plain) else None
    marks = sorted({c for c in plain if c in ",.'"}, key=plain.rindex)
    if not marks:
        return _finite(plain)
    *grouping, last = marks
    whole, _, decimals = plain.rpartition(last)
    grouped = _GROUPED.fullmatch(plain) is not None
    if not grouping:
        if last == "'" or plain.count(last) > 1:
            return _finite(plain.replace(last, "")) if grouped else None
        if grouped:  # one mark with three digits behind it
            return None
        return _finite(plain.replace(last, "."))
    if len(grouping) > 1 or last == "'" or last in whole or not _GROUPED.fullmatch(whole):
        return None
    return _finite(f"{whole.replace(grouping[0], '')}.{decimals}")


def decimal_mark(text: str) -> str:
    """Return the mark before the decimals of a number that `localised_number` reads."""
    commas = text.count(",") == 1 and text.rindex(",") > text.rfind(".")
    return "," if commas else "."


def _finite(plain: str) -> float | None:
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # also excludes infinity and NaN


def ending_digits(text: str) -> str:
    """Return the digits at the end of a text such as "Participant 301", if any."""
    match = re.search(r"\d+$", text)
    return match[0] if match else ""


def number_text(value: float, mark: str = ".") -> str:
    """Format a number for a gradebook: at most two decimals, no exponent."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".").replace(".", mark)
