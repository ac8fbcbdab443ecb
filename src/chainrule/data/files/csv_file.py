"""Tables of the user's own: a CSV file, column by column."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._util.argument_checks import check_arguments
from chainrule._util.suggest import did_you_mean
from chainrule.data.errors import DataError
from chainrule.data.files.cells import COMMA_NUMBER, MISSING, NumberColumn, is_number
from chainrule.data.files.csv_reader import CsvText, describe_lines, find_decimal, read_columns

__all__ = ["CsvTable", "digest_file", "is_number", "parse_csv", "read_csv", "suggest_option"]

Column = Sequence[str]


@dataclass(frozen=True)
class CsvTable:
    """Columns by name, each N cells; a missing one is "".

    One of numbers is a :class:`NumberColumn`, any other a tuple of texts as they were written.
    ``source`` is the file and ``lines`` the line of each row in it, for messages.
    """

    source: str
    columns: Mapping[str, Column]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        """N, the number of rows."""
        return len(self.lines)

    def __getitem__(self, name: str) -> Column:
        """A column. Raises DataError, which lists them, where there is none of this name."""
        if name in self.columns:
            return self.columns[name]
        hint = did_you_mean(name, self.columns)
        raise DataError(
            f"{self.source}: no column {name!r}; {hint}columns: {', '.join(self.columns)}"
        )

    def subset(self, rows: Iterable[int]) -> CsvTable:
        """These rows, in this order."""
        kept = np.fromiter(rows, np.int64)
        columns = {name: select_cells(cells, kept) for name, cells in self.columns.items()}
        return CsvTable(self.source, columns, tuple(self.lines[i] for i in kept.tolist()))

    def drop_missing(self, name: str) -> CsvTable:
        """The rows that have a value in this column. Raises DataError where none has."""
        cells = self[name]
        if not cells.count(""):
            return self
        rows = [i for i, cell in enumerate(cells) if cell]
        if not rows:
            raise DataError(f"{self.source}: column {name!r} has no value in any row")
        return self.subset(rows)

    def drop_columns(self, names: Iterable[str]) -> CsvTable:
        """The table without these columns. Raises DataError for one that it has not."""
        dropped = {name for name in names if self[name] is not None}
        kept = {name: cells for name, cells in self.columns.items() if name not in dropped}
        return CsvTable(self.source, kept, self.lines)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of numbers (N,), nan where one is missing.

        Raises DataError for a cell that is none, with its line.
        """
        cells = self[name]
        if isinstance(cells, NumberColumn):
            return cells.values
        found = zip(cells, self.lines, strict=True)
        if wrong := [(cell, line) for cell, line in found if cell and not is_number(cell)]:
            words, lines = zip(*wrong, strict=True)
            more = f" ({describe_lines(lines[1:])} too)" if len(wrong) > 1 else ""
            raise DataError(
                f"{self.source}, line {lines[0]}, column {name!r}: expected a number, such as "
                f"1234.5, or nothing where it is missing, got {words[0]!r}{more}; "
                f"{suggest_option(*dict.fromkeys(words))}"
            )
        return np.array([float(cell) if cell else math.nan for cell in cells])

    def is_numeric(self, name: str) -> bool:
        """Whether a column has numbers, and nothing else but missing cells."""
        cells = self[name]
        if isinstance(cells, NumberColumn):
            return cells.count("") < len(cells)
        given = [cell for cell in cells if cell]
        return bool(given) and all(map(is_number, given))


def select_cells(cells: Column, rows: NDArray[np.int64]) -> Column:
    """These cells of a column, in this order."""
    if isinstance(cells, NumberColumn):
        return NumberColumn(cells.values[rows])
    return tuple(cells[i] for i in rows.tolist())


def suggest_option(*cells: str) -> str:
    """What to say of a file in which these cells, each another, stand among numbers."""
    if all(map(COMMA_NUMBER.fullmatch, cells)):
        return 'where that is a decimal comma: --decimal , or decimal = "," in [data] of a study'
    words = [cell for cell in cells if not COMMA_NUMBER.fullmatch(cell)][:MOST_WORDS]
    options = " ".join(f"--na {shlex.quote(word)}" for word in words)
    listed = json.dumps(words, ensure_ascii=False)
    return f"taken as missing by {options}, or na = {listed} in [data] of a study"


MOST_WORDS = 5
"""A message lists no more."""


@check_arguments
def read_csv(path: str | Path, **written: Any) -> CsvTable:
    """The table of a CSV file: :func:`parse_csv`. Raises OSError where it cannot be read.

    A file that was read before, and has not changed since, is not parsed again.
    """
    given = tuple((name, freeze(value)) for name, value in sorted(written.items()))
    return _read_once(str(path), _stamp(path), given)


def digest_file(path: str | Path) -> str:
    """The SHA-256 of a file, which is read once while it does not change."""
    return _digest_once(str(path), _stamp(path))


def freeze(value: Any) -> Any:
    """A list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _stamp(path: str | Path) -> tuple[int, ...]:
    """What changes with a file."""
    stat = Path(path).stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=2)
def _read_once(path: str, stamp: tuple[int, ...], written: tuple[tuple[str, Any], ...]) -> CsvTable:
    return parse_csv(Path(path).read_bytes(), path, **dict(written))


@lru_cache(maxsize=16)
def _digest_once(path: str, stamp: tuple[int, ...]) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    text = CsvText(_encode_utf8(content, source, encoding), source)
    line, first = text.read_header()
    names, problems = _parse_header([cell.strip() for cell in first], f"{source}, line {line}")
    missing = MISSING | {str(word).upper() for word in ([na] if isinstance(na, str) else na)}
    try:
        decimal = decimal or find_decimal(text, len(names), missing)
        columns, lines = read_columns(text, len(names), missing, decimal)
    except DataError as error:
        problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    if not lines:
        raise DataError(f"{source}: expected rows after the header, got none")
    return CsvTable(source, dict(zip(names, columns, strict=True)), lines)


def _parse_header(header: Sequence[str], place: str) -> tuple[list[str], list[str]]:
    """(the names of the columns, what is wrong with them). DataError where they look like data."""
    numbers = [name for name in header if is_number(name)]
    if 2 * len(numbers) >= len(header):
        raise DataError(
            f"{place}: expected a header with the names of the columns, got numbers such as "
            f"{numbers[0]!r}"
        )
    names = [name or f"column {i}" for i, name in enumerate(header, 1)]
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    listed = ", ".join(map(repr, twice))
    problem = f"{place}: expected each name once, got {listed} more than once"
    return names, [problem] if twice else []


def _encode_utf8(content: bytes, source: str, encoding: str | None) -> bytes:
    """The text of a file in UTF-8, without its mark. Raises as :func:`_decode_text`."""
    if encoding is None and content.isascii() and b"\0" not in content:
        return content
    text = _decode_text(content, source, encoding)
    if (place := text.find("\0")) >= 0:
        line = len(text[:place].splitlines())
        raise DataError(
            f"{source}, line {line}: a zero byte, which no text has: the file is damaged, or in "
            'another encoding: --encoding utf-16, or encoding = "utf-16" in [data] of a study'
        )
    return text.encode("utf-8", "surrogatepass")


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
