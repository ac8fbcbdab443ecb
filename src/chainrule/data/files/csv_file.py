"""Tables of the user's own: a CSV file, column by column, each cell as it was written."""

from __future__ import annotations

import csv
import io
import math
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule._util.suggest import did_you_mean
from chainrule.data.errors import DataError

__all__ = ["MISSING", "CsvTable", "is_number", "parse_csv", "read_csv", "suggest_option"]

MISSING = {"", "?", "NA", "N/A", "NAN", "NULL"}
"""How a cell says that its value is not known, in capitals or not."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
COMMA_NUMBER = re.compile(r"[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class CsvTable:
    """Columns by name, each a tuple of N cells; a missing one is "".

    ``source`` is the file and ``lines`` the line of each row in it, for messages.
    """

    source: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        """N, the number of rows."""
        return len(self.lines)

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """A column. Raises DataError, which lists them, where there is none of this name."""
        if name in self.columns:
            return self.columns[name]
        hint = did_you_mean(name, self.columns)
        raise DataError(
            f"{self.source}: no column {name!r}; {hint}columns: {', '.join(self.columns)}"
        )

    def subset(self, rows: Iterable[int]) -> CsvTable:
        """These rows, in this order."""
        kept = [*rows]
        columns = {name: tuple(cells[i] for i in kept) for name, cells in self.columns.items()}
        return CsvTable(self.source, columns, tuple(self.lines[i] for i in kept))

    def drop_missing(self, name: str) -> CsvTable:
        """The rows that have a value in this column. Raises DataError where none has."""
        rows = [i for i, cell in enumerate(self[name]) if cell]
        if not rows:
            raise DataError(f"{self.source}: column {name!r} has no value in any row")
        return self if len(rows) == len(self) else self.subset(rows)

    def drop_columns(self, names: Iterable[str]) -> CsvTable:
        """The table without these columns. Raises DataError for one that it has not."""
        dropped = {name for name in names if self[name] is not None}
        kept = {name: cells for name, cells in self.columns.items() if name not in dropped}
        return CsvTable(self.source, kept, self.lines)

    def numbers(self, name: str) -> list[float]:
        """A column of numbers, nan where one is missing.

        Raises DataError for a cell that is none, with its line.
        """
        cells = self[name]
        for cell, line in zip(cells, self.lines, strict=True):
            if cell and not is_number(cell):
                raise DataError(
                    f"{self.source}, line {line}, column {name!r}: expected a number, such as "
                    f"1234.5, or nothing where it is missing, got {cell!r}; {suggest_option(cell)}"
                )
        return [float(cell) if cell else math.nan for cell in cells]

    def is_numeric(self, name: str) -> bool:
        """Whether a column has numbers, and nothing else but missing cells."""
        cells = [cell for cell in self[name] if cell]
        return bool(cells) and all(map(is_number, cells))


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number with a decimal point, if any: no commas, no units."""
    return NUMBER.fullmatch(cell) is not None and math.isfinite(float(cell))


def suggest_option(cell: str) -> str:
    """What to say of a file in which this cell stands among numbers."""
    if COMMA_NUMBER.fullmatch(cell):
        return 'where that is a decimal comma: --decimal , or decimal = "," in [data] of a study'
    return f'taken as missing by --na {shlex.quote(cell)}, or na = ["{cell}"] in [data] of a study'


def read_csv(path: str | Path, **written: Any) -> CsvTable:
    """The table of a CSV file: :func:`parse_csv`. Raises OSError where it cannot be read."""
    return parse_csv(Path(path).read_bytes(), str(path), **written)


def parse_csv(
    content: bytes,
    source: str,
    *,
    na: Sequence[str] = (),
    decimal: str | None = None,
    encoding: str | None = None,
) -> CsvTable:
    """The table of a CSV file in UTF-8, or UTF-16 with its mark: a header, then a row a line.

    Separated by commas, semicolons or tabs; texts may stand in double quotes; empty lines are
    nothing. What surrounds a cell is stripped, and one of ``MISSING`` becomes "". A column
    without a name gets its place for one. ``source`` names the file in messages. ``na``: other
    words for a missing cell; ``decimal``: "," where numbers are written 3,5, unless given as the
    file has them; ``encoding``: the file's, such as "latin-1".

    Raises DataError, with the line, for a file that is empty, no text, without a header or any
    row, with rows of other lengths or two columns of one name.
    """
    if decimal not in (None, ".", ","):
        raise DataError(f"{source}: decimal: expected '.' or ',', got {decimal!r}")
    text = _decode_text(content, source, encoding)
    header = next((line for line in text.splitlines() if line.strip()), None)
    if header is None:
        raise DataError(f"{source}: the file is empty; expected a header and rows")
    separator = max(",;\t", key=header.count)
    (line, first), *rows = _parse_rows(text, separator, source)
    names = _parse_header([cell.strip() for cell in first], f"{source}, line {line}")
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(
                f"{source}, line {line}: expected {len(names)} cells, as in the header, got "
                f"{len(row)}; a text with the separator in it stands in double quotes"
            )
    if not rows:
        raise DataError(f"{source}: expected rows after the header, got none")
    missing = MISSING | {str(word).upper() for word in ([na] if isinstance(na, str) else na)}
    if decimal is None:
        has_commas = separator != "," and _has_decimal_commas([row for _, row in rows], missing)
        decimal = "," if has_commas else "."
    cells = ([_clean_cell(cell, missing, decimal) for cell in row] for _, row in rows)
    columns = zip(*cells, strict=True)
    lines = tuple(line for line, _ in rows)
    return CsvTable(source, dict(zip(names, columns, strict=True)), lines)


def _parse_rows(text: str, separator: str, source: str) -> list[tuple[int, list[str]]]:
    """(line, cells) of each row that has any."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{source}, line {reader.line_num}: not a CSV file: {error}") from None


def _parse_header(header: Sequence[str], place: str) -> list[str]:
    """The names of the columns. Raises DataError where they look like data."""
    numbers = [name for name in header if is_number(name)]
    if 2 * len(numbers) >= len(header):
        raise DataError(
            f"{place}: expected a header with the names of the columns, got numbers such as "
            f"{numbers[0]!r}"
        )
    names = [name or f"column {i}" for i, name in enumerate(header, 1)]
    if twice := [*_find_duplicates(names)]:
        raise DataError(f"{place}: expected each name once, got {twice[0]!r} more than once")
    return names


def _find_duplicates(names: Sequence[str]) -> Iterator[str]:
    return (name for name in names if names.count(name) > 1)


def _has_decimal_commas(rows: Sequence[Sequence[str]], missing: Set[str]) -> bool:
    """Whether a column is numbers of which some have a comma, and none in the table has a point."""
    cells = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    given = [[cell for cell in column if cell.upper() not in missing] for column in cells]
    with_point = any("." in cell and is_number(cell) for column in given for cell in column)
    return not with_point and any(
        any(COMMA_NUMBER.fullmatch(cell) for cell in column)
        and all(COMMA_NUMBER.fullmatch(cell) or is_number(cell) for cell in column)
        for column in given
    )


def _clean_cell(cell: str, missing: Set[str], decimal: str) -> str:
    cell = cell.strip()
    if cell.upper() in missing:
        return ""
    pointed = cell.replace(",", ".") if decimal == "," else cell
    return pointed if is_number(pointed) else cell


def _decode_text(content: bytes, source: str, encoding: str | None) -> str:
    """The text of a file. Raises DataError, which says what to write, where it is in another."""
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    start = content[:1000]
    if encoding is None and not marked and 3 * start.count(0) > len(start):
        raise DataError(
            f"{source}: expected a text in UTF-8, got zero bytes; where it is UTF-16 without its "
            'mark: --encoding utf-16-le, or encoding = "utf-16-le" in [data] of a study'
        )
    try:
        return content.decode(encoding or ("utf-16" if marked else "utf-8-sig"))
    except LookupError:
        raise DataError(
            f"{source}: encoding: expected one of Python's, such as 'latin-1', got {encoding!r}"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: expected a text in {encoding or 'UTF-8'}: {error}; for another encoding: "
            '--encoding latin-1, or encoding = "latin-1" in [data] of a study'
        ) from None
