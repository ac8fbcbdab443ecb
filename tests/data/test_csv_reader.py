"""Tables are read block by block, and their cells are those that one by one would be."""

from __future__ import annotations

import csv
import io
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import DataError, read_csv
from chainrule.data.files import csv_file, csv_reader
from chainrule.data.files.cells import MISSING, NumberColumn, is_number
from chainrule.data.files.csv_file import digest_file, parse_csv
from chainrule.data.files.csv_reader import cut_texts

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["+1", ".5", "5.", "007", "-0", "-0.0", "1e5", "1E-3", " 2.5 ", "1e-400"]),
)
WORDS = st.sampled_from(
    [
        *("1 2", "-nan", "--1"),
        *("", "NA", "nan", "null", "true", "false", "inf", "1e999", "1_000", "a", "[1]", "{}"),
        *("-", "1,5", "1.2.3", "0x10", "٣", "ä", '"', "1;2", " x ", "NaN", "?", "Infinity"),
    ]
)


def read_by_cells(text: str, separator: str) -> dict[str, list]:
    """Each column as cells one by one: floats, nan for a missing one, or texts."""
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    columns = {}
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        known = ["" if cell.upper() in MISSING else cell for cell in cells]
        if all(not cell or is_number(cell) for cell in known):
            columns[name] = [float(cell) if cell else math.nan for cell in known]
        else:
            columns[name] = known
    return columns


def write(rows: list[list[str]], separator: str) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator)
    writer.writerows([["a", "b", "c"], *rows])
    return stream.getvalue()


@settings(max_examples=150)
@given(
    rows=st.lists(
        st.tuples(NUMBERS, st.one_of(NUMBERS, WORDS), st.one_of(st.just("7"), NUMBERS, WORDS)).map(
            list
        ),
        min_size=1,
        max_size=12,
    ),
    separator=st.sampled_from(",;\t"),
    block=st.sampled_from([1, 20, 1000]),
)
def test_cells_are_what_they_are_one_by_one_bit_for_bit(rows, separator, block):
    text = write(rows, separator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_reader, "BLOCK", block)
        patch.setattr(csv_reader, "BLOCK_ROWS", block)
        table = parse_csv(text.encode(), "a.csv", decimal=".")
    for name, cells in read_by_cells(text, separator).items():
        found = table[name]
        if isinstance(cells[0], float):
            assert isinstance(found, NumberColumn)
            expected = np.array(cells).view(np.int64)
            assert (found.values.view(np.int64) == expected)[~np.isnan(cells)].all()
            assert (np.isnan(found.values) == np.isnan(cells)).all()
        else:
            assert list(found) == cells


def test_texts_are_cut_out_from_among_numbers():
    cut = cut_texts("1,a b,2,x\n3,é,4,yz", ",", 4, [3, 1])
    assert cut == ("1,0  ,2,0\n3,0 ,4,0 \n", [["x", "yz"], ["a b", "é"]])
    for text in ("1,,2,x\n", "1,a,2\n", "1,a,2,x\n\n", "1,a,2\nx,1,a,2,x\n"):
        assert cut_texts(text, ",", 4, [3, 1]) is None
    assert cut_texts(" , \n", ",", 2, [0, 1]) is None


def test_a_text_after_blocks_of_numbers_leaves_their_texts_as_they_were(monkeypatch):
    monkeypatch.setattr(csv_reader, "BLOCK", 1)
    table = parse_csv(b"a,b\n1.50,1\n2.0,2\nthree,3\n", "a.csv")
    assert table["a"] == ("1.50", "2.0", "three")
    assert table["b"] == ("1", "2", "3")


def test_a_row_of_another_length_is_named_by_its_line_in_any_block(monkeypatch):
    monkeypatch.setattr(csv_reader, "BLOCK", 1)
    rows = ["1,2"] * 5 + ["1,2,3", "4"] + ["1,2"] * 5
    with pytest.raises(DataError, match="line 7: expected 2 cells, as in the header, got 3"):
        parse_csv("\n".join(["a,b", *rows]).encode(), "a.csv")


def test_lines_are_counted_over_blocks_and_empty_lines(monkeypatch):
    monkeypatch.setattr(csv_reader, "BLOCK", 1)
    assert parse_csv(b"\n\na,b\r\n1,2\r\n\r\n,\r\n3,4\r\n", "a.csv").lines == (4, 7)


@pytest.mark.parametrize("word", ["-9", "999"])
def test_a_number_may_be_the_word_for_a_missing_cell(word):
    table = parse_csv(f"a,b\n1,{word}\n{word},2\n3,{word}.0\n".encode(), "a.csv", na=[word])
    assert table["a"] == ("1", "", "3")
    assert table["b"] == ("", "2", word)


def test_a_comma_is_the_sign_of_decimals_where_no_number_has_a_point(monkeypatch):
    monkeypatch.setattr(csv_reader, "BLOCK", 1)
    assert parse_csv(b"a;b\n1,5;x\n2;y\n", "a.csv").numbers("a").tolist() == [1.5, 2.0]
    assert parse_csv(b"a;b\n1,5;x\n2;1.5\n", "a.csv")["a"] == ("1,5", "2")


def test_a_file_is_parsed_once_until_it_changes(tmp_path, monkeypatch):
    path, calls, parse = tmp_path / "a.csv", [], csv_file.parse_csv
    monkeypatch.setattr(csv_file, "parse_csv", lambda *a, **k: calls.append(1) or parse(*a, **k))
    path.write_text("a,b\n1,2\n")
    assert read_csv(path) is read_csv(str(path))
    assert read_csv(path, na=["1"])["a"] == ("",)
    assert len(calls) == 2
    first = digest_file(path)
    path.write_text("a,b\n3,4\n")
    assert read_csv(path)["a"] == ("3",)
    assert digest_file(path) != first


BIG = """import resource, sys, time
import numpy as np
from chainrule.data import read_csv
from chainrule.data.tabular.encoder import Encoder
begun, base = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = Encoder.fit(table := read_csv(sys.argv[1]), "x0")(table)
print(len(data), time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_million_rows_take_five_seconds_and_less_than_1500_mib(tmp_path):
    path, draw = tmp_path / "big.csv", np.random.default_rng(0)
    with path.open("w") as file:
        print(*(f"x{i}" for i in range(30)), sep=",", file=file)
        for _ in range(100):
            rows = draw.normal(size=(10_000, 30)).tolist()
            file.writelines(",".join(map(repr, row)) + "\n" for row in rows)
    done = subprocess.run(
        [sys.executable, "-c", BIG, str(path)], capture_output=True, text=True, check=True
    )
    n, seconds, kib = map(float, done.stdout.split())
    assert n == 1_000_000
    assert kib < 1500 * 1024
    assert seconds < 5
