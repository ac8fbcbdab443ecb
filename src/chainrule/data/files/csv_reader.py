"""The text of a CSV file as columns: of numbers wherever its cells are, some MiB at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence, Set
from itertools import islice
from typing import TypeAlias, final

import numpy as np

from chainrule._util.words import count_noun
from chainrule.data.errors import DataError
from chainrule.data.files.cells import (
    NumberColumn,
    is_number,
    parse_number_rows,
    parse_numbers,
)

__all__ = ["CsvText", "cut_texts", "describe_lines", "find_decimal", "read_columns"]

BLOCK = 1 << 22
"""Bytes of text that are parsed at a time."""

MOST_LINES = 5
"""A message lists no more."""

BLOCK_ROWS = 10_000
"""Rows that are parsed at a time where cells may stand in quotes."""

Row: TypeAlias = tuple[int, list[str]]
"""(line, cells)"""
Block: TypeAlias = tuple[int, str] | list[Row]
"""(number of lines before it, whole lines without a quote); or rows."""
Cells: TypeAlias = tuple[Sequence[int], Sequence[Sequence[str]]]
"""(lines, columns)"""


@final
class CsvText:
    """The text of a CSV file: ``content`` in UTF-8, ``separator`` as its first line has it.

    Raises DataError for a text without a line.
    """

    def __init__(self, content: bytes, source: str) -> None:
        self.content, self.source = content, source
        lines = (line for _, text in self._split() for line in text.splitlines() if line.strip())
        first = next(lines, None)
        if first is None:
            raise DataError(f"{source}: the file is empty; expected a header and rows")
        self.separator = max(",;\t", key=first.count)

    @property
    def has_quotes(self) -> bool:
        """Whether a cell may have a separator, or lines."""
        return b'"' in self.content

    def read_header(self) -> Row:
        """The first row. Raises DataError where no line has a cell."""
        texts = [(0, self._decode(self.content))] if self.has_quotes else self._split()
        for before, text in texts:
            for row in self.parse(before, text):
                return row
        raise DataError(f"{self.source}: the file is empty; expected a header and rows")

    def blocks(self) -> Iterator[Block]:
        """What is below the header."""
        if self.has_quotes:
            rows = self.parse(0, self._decode(self.content))
            next(rows)
            while block := [*islice(rows, BLOCK_ROWS)]:
                yield block
            return
        header, _ = self.read_header()
        for before, text in self._split():
            skipped = max(0, header - before)
            lines = text.split("\n", skipped)
            if len(lines) > skipped:
                yield before + skipped, lines[-1]

    def _split(self) -> Iterator[tuple[int, str]]:
        """(number of lines before it, text) of some lines at a time."""
        start = lines = 0
        while start < len(self.content):
            end = self.content.find(b"\n", start + BLOCK) + 1 or len(self.content)
            text = self._decode(self.content[start:end])
            text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
            yield lines, text
            lines += text.count("\n")
            start = end

    @staticmethod
    def _decode(content: bytes) -> str:
        return content.decode("utf-8", "surrogatepass")

    def parse(self, before: int, text: str) -> Iterator[Row]:
        """Each row of a text that has any cell; so many lines are before it."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, strict=True)
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield before + reader.line_num, row
        except csv.Error as error:
            line = before + reader.line_num
            raise DataError(f"{self.source}, line {line}: not a CSV file: {error}") from None

    def split_cells(self, block: Block, width: int) -> Cells:
        """(the lines, ``width`` columns) of a block. Raises DataError for a row of another length.

        Rows that are all there and as long as they should be are cut at once.
        """
        if isinstance(block, tuple):
            before, text = block
            lines = text.removesuffix("\n").split("\n")
            blank, commas = f"{self.separator} \t", width - 1
            if all(line.count(self.separator) == commas and line.strip(blank) for line in lines):
                flat = text.removesuffix("\n").replace("\n", self.separator).split(self.separator)
                columns = [flat[j::width] for j in range(width)]
                return range(before + 1, before + 1 + len(lines)), columns
            block = [*self.parse(before, text)]
        if wrong := [(line, row) for line, row in block if len(row) != width]:
            (line, row), *others = wrong
            more = f" ({describe_lines([at for at, _ in others])} too)" if others else ""
            raise DataError(
                f"{self.source}, line {line}: expected {count_noun(width, 'cell')}, as in the "
                f"header, got {len(row)}{more}; a text with the separator in it stands in double "
                "quotes"
            )
        return [line for line, _ in block], [[row[j] for _, row in block] for j in range(width)]


def describe_lines(lines: Sequence[int]) -> str:
    """``line 3``, ``lines 3, 5 and 9``, or of many how many there are."""
    if len(lines) > MOST_LINES:
        return f"{count_noun(len(lines), 'line')} from {lines[0]} on"
    first, last = ", ".join(map(str, lines[:-1])), lines[-1]
    return f"lines {first} and {last}" if first else f"line {last}"


def find_decimal(text: CsvText, width: int, missing: Set[str]) -> str:
    """The sign in numbers: a comma where a column is numbers of which some have one, and none in
    the table has a point.
    """
    if text.separator == "," or b"," not in text.content:
        return "."
    is_numeric, has_comma = np.full(width, True), np.full(width, False)
    for block in text.blocks():
        _, columns = text.split_cells(block, width)
        has_comma |= find_commas(columns)
        whole = block[1] if isinstance(block, tuple) and isinstance(block[1], str) else "."
        if "." not in whole and parse_number_rows(whole, text.separator, ",", width) is not None:
            continue
        for j, cells in enumerate(columns):
            is_numeric[j] = is_numeric[j] and parse_numbers(cells, missing, ",") is not None
            if any("." in cell and is_number(cell.strip()) for cell in cells):
                return "."
    return "," if (is_numeric & has_comma).any() else "."


def find_commas(columns: Sequence[Sequence[str]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which columns have a comma."""
    return np.array([any("," in cell for cell in cells) for cells in columns], bool)


def read_columns(
    text: CsvText, width: int, missing: Set[str], decimal: str
) -> tuple[list[Sequence[str]], tuple[int, ...]]:
    """(the columns, the line of each row); raises DataError for a row of another length.

    A column that turns out to be no numbers after some were read as such is read once more, as the
    texts that the file has.
    """
    texts: set[int] = set()
    while True:
        reader = ColumnReader(text, width, texts, missing, decimal)
        for block in text.blocks():
            reader.add(block)
        if not reader.late:
            return reader.columns(), tuple(reader.lines)
        texts = {*reader.texts}


def cut_texts(
    text: str, separator: str, width: int, columns: Sequence[int]
) -> tuple[str, list[list[str]]] | None:
    """(lines with a 0 in the place of each cell of these columns, the cells of each of them).

    None where a line has another number of cells than ``width``, where such a cell is empty, and
    where all are such columns: a line without a number may be one without a cell.
    """
    if not columns:
        return text, []
    if len(columns) == width:
        return None
    content = text.encode("utf-8", "surrogatepass") + b"\n" * (not text.endswith("\n"))
    signs = np.frombuffer(bytearray(content), np.uint8)
    found = np.flatnonzero((signs == ord(separator)) | (signs == ord("\n")))
    if len(found) % width:
        return None
    ends = found.reshape(-1, width)
    is_last = np.arange(width) == width - 1
    if ((signs[ends] == ord("\n")) != is_last).any():
        return None
    starts = np.append(0, found[:-1] + 1).reshape(-1, width)
    cells = []
    for start, end in zip(starts.T[columns], ends.T[columns], strict=True):
        lengths = end - start
        if not lengths.all():
            return None
        places = zip(start.tolist(), end.tolist(), strict=True)
        cells.append([content[a:b].decode("utf-8", "surrogatepass") for a, b in places])
        begun = lengths.cumsum() - lengths
        signs[np.repeat(start - begun, lengths) + np.arange(lengths.sum())] = ord(" ")
        signs[start] = ord("0")
    return signs.tobytes().decode("utf-8", "surrogatepass"), cells


@final
class KeptTexts(dict[str, str]):
    """A cell as it stands in the file → as it is kept; it is looked at when it first comes."""

    def __init__(self, missing: Set[str], decimal: str) -> None:
        super().__init__()
        self.missing, self.decimal = missing, decimal

    def __missing__(self, cell: str) -> str:
        text = cell.strip()
        if text != cell:
            kept = self[text]
        elif text.upper() in self.missing:
            kept = ""
        else:
            pointed = text.replace(",", ".") if self.decimal == "," else text
            kept = pointed if is_number(pointed) else text
        self[cell] = kept
        return kept


@final
class ColumnReader:
    """Columns, block by block: arrays of numbers, and ``texts``, of which some are known before.

    ``late``: columns that turned out to be texts after numbers of them were read.
    """

    def __init__(
        self, text: CsvText, width: int, texts: Set[int], missing: Set[str], decimal: str
    ) -> None:
        self.text, self.width = text, width
        self.missing, self.decimal = missing, decimal
        self.texts: dict[int, list[str]] = {j: [] for j in texts}
        self.late: set[int] = set()
        self.lines: list[int] = []
        capacity = text.content.count(b"\n") + text.content.count(b"\r") + 1
        self._values = np.empty((width, capacity))  # of pages that are not written to there is none
        self._kept = KeptTexts(missing, decimal)
        self._has_numeric_words = any(map(is_number, missing))

    def add(self, block: Block) -> None:
        """Read a block: all of it at once where it has numbers alone."""
        n = len(self.lines)
        if isinstance(block, tuple) and self._add_numbers(*block):
            return
        lines, columns = self.text.split_cells(block, self.width)
        self.lines += lines
        for j, cells in enumerate(columns):
            found = None if j in self.texts else parse_numbers(cells, self.missing, self.decimal)
            if found is not None:
                self._values[j, n : n + len(found)] = found
                continue
            if j not in self.texts and n:
                self.late.add(j)
            self.texts.setdefault(j, []).extend(map(self._kept.__getitem__, cells))

    def _add_numbers(self, before: int, text: str) -> bool:
        """Read lines whose cells are numbers, but for the texts' own; False: nothing is read."""
        cut = cut_texts(text, self.text.separator, self.width, [*self.texts])
        if cut is None or self._has_numeric_words:
            return False
        text, cells = cut
        rows = parse_number_rows(text, self.text.separator, self.decimal, self.width)
        if rows is None:
            return False
        n = len(self.lines)
        self._values[:, n : n + len(rows)] = rows.T
        self.lines += range(before + 1, before + 1 + len(rows))
        for found, own in zip(self.texts.values(), cells, strict=True):
            found.extend(map(self._kept.__getitem__, own))
        return True

    def columns(self) -> list[Sequence[str]]:
        """All of them."""
        return [
            tuple(self.texts[j])
            if j in self.texts
            else NumberColumn(self._values[j, : len(self.lines)])
            for j in range(self.width)
        ]
