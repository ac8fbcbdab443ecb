"""Reading CSV files as people have them; what is wrong is said with its line."""

from __future__ import annotations

import math

import pytest

from chainrule.data import DataError, read_csv
from chainrule.data.files.csv_file import is_number


@pytest.fixture
def read(tmp_path):
    def read_it(content):
        path = tmp_path / "houses.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv(path)

    return read_it


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_ways_in_which_programs_write_a_table(read, separator, end, start):
    rows = [["area", "street"], ["70.5", '"Main, 3; left"'], ["91", "Hill"]]
    table = read(start + end.join(separator.join(row) for row in rows) + end)
    assert table.columns == {"area": ("70.5", "91"), "street": ("Main, 3; left", "Hill")}
    assert table.lines == (2, 3)


def test_a_quoted_text_may_have_quotes_and_lines(read):
    table = read('a,b\n"one ""two""\nthree",4\n5,6\n')
    assert table["a"] == ('one "two"\nthree', "5")
    assert table.lines == (3, 4)


def test_empty_lines_and_blanks_around_cells_are_nothing(read):
    assert read("\n a , b \n\n 1 ,x y\n,\n").columns == {"a": ("1",), "b": ("x y",)}


@pytest.mark.parametrize("cell", ["", "NA", "na", "N/A", "NaN", "?", "null", "  "])
def test_missing_cells(read, cell):
    table = read(f"a,b\n{cell},1\n2,3\n")
    assert table["a"] == ("", "2")
    assert math.isnan(table.numbers("a")[0])
    assert len(table.drop_missing("a")) == 1


@pytest.mark.parametrize("cell", ["1", "-1.5", "+.5", "2.", "1e-3", "1E5", "007"])
def test_numbers(cell):
    assert is_number(cell)


@pytest.mark.parametrize(
    "cell", ["1,5", "1_000", "inf", "nan", "1e999", "0x1", "٣", "1 000", "12m"]
)
def test_what_is_no_number(cell):
    assert not is_number(cell)


def test_a_column_without_a_name_has_its_place_for_one(read):
    assert [*read(",a\n0,5\n1,6\n").columns] == ["column 1", "a"]


def test_rows_keep_their_lines(read):
    table = read("a,b\n1,x\n\n2,y\n3,z\n").subset([2, 1])
    assert table.columns == {"a": ("3", "2"), "b": ("z", "y")}
    assert table.lines == (5, 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"houses\.csv: the file is empty; expected a header and rows"),
        ("\n \n", "the file is empty"),
        ("a,b\n", "expected rows after the header, got none"),
        ("a,b\n1,2\n3\n", r"houses\.csv, line 3: expected 2 cells, as in the header, got 1"),
        ("a,b\n1,2,3\n", "line 2: expected 2 cells, as in the header, got 3; .*double quotes"),
        ("1,2\n3,4\n", "line 1: expected a header .* got numbers such as '1'"),
        ("a,b,a\n1,2,3\n", "line 1: expected each name once, got 'a' more than once"),
        ('a,b\n1,"x\n', "line 2: not a CSV file: unexpected end"),
        (b"a,b\n\xff\xfe,1\n", r"houses\.csv: expected a text in UTF-8"),
        (b"a,b\n1,\0\n", "line 2: a zero byte"),
    ],
)
def test_files_that_are_no_table(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content).numbers("b")


def test_an_unknown_column_names_the_one_that_is_like_it(read):
    with pytest.raises(DataError, match=r"no column 'prise'; did you mean 'price'\? columns: area"):
        read("area,price\n1,2\n")["prise"]


def test_a_text_among_numbers_is_named_with_its_line(read):
    table = read("area,price\n1,2\n3,4\n5,6 k\n")
    with pytest.raises(DataError, match=r"line 4, column 'price': expected a number.*got '6 k'"):
        table.numbers("price")


def test_a_column_without_any_value(read):
    with pytest.raises(DataError, match="column 'a' has no value in any row"):
        read("a,b\n,1\n,2\n").drop_missing("a")


def test_a_missing_file_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "none.csv")
