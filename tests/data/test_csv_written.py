"""CSV files as other programs write them, and targets that are classes."""

from __future__ import annotations

from hashlib import sha256

import pytest

from chainrule.data import DataError
from chainrule.data.datasets.loaders import table
from chainrule.data.files.csv_file import parse_csv

GERMAN = "größe;preis\n1,5;2\n2,5;3,25\n"


def test_decimal_commas_are_read():
    rows = parse_csv(GERMAN.encode(), "a.csv", decimal=",")
    assert rows.numbers("größe").tolist() == [1.5, 2.5]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_marked_encoding_is_known(encoding):
    assert [*parse_csv(GERMAN.encode(encoding), "a.csv").columns] == ["größe", "preis"]


def test_another_encoding_is_said_how():
    content = GERMAN.encode("latin-1")
    with pytest.raises(DataError, match='encoding = "latin-1"'):
        parse_csv(content, "a.csv")
    assert "größe" in parse_csv(content, "a.csv", encoding="latin-1").columns
    with pytest.raises(DataError, match="expected one of Python's"):
        parse_csv(content, "a.csv", encoding="latin-one")


def test_a_stray_word_is_named_with_its_line_and_the_way_out():
    content = b"x,y\n1,2\nunknown,3\n"
    with pytest.raises(DataError, match=r"line 3, column 'x': .* na = ..unknown"):
        parse_csv(content, "a.csv").numbers("x")
    assert parse_csv(content, "a.csv", na=["unknown"])["x"] == ("1", "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\0\n1,2\n", "line 1: a zero byte"),
        (b"a,b\n1,2\n1,\0002\n", "line 3: a zero byte"),
        (
            b"a,b,a,b\n1,2,3,4\n1,2\n1,2,3,4\n1\n1,2,3\n",
            r"'a', 'b' more than once\n.*line 3: expected 4 cells.* got 2 \(lines 5 and 6 too\)",
        ),
    ],
)
def test_all_that_is_wrong_with_a_file_is_said_at_once(content, problem):
    with pytest.raises(DataError, match=problem):
        parse_csv(content, "a.csv")


def test_all_stray_words_of_a_column_are_said_at_once():
    rows = "".join(f"{cell},1\n" for cell in ("3", "no", "4", "?", "it's", "no", "1,5"[:1]))
    with pytest.raises(DataError) as refused:
        parse_csv(f"x,y\n{rows}".encode(), "a.csv").numbers("x")
    assert "line 3, column 'x'" in str(refused.value)
    assert "got 'no' (lines 6 and 7 too)" in str(refused.value)
    assert """--na no --na 'it'"'"'s', or na = ["no", "it's"] in""" in str(refused.value)


def test_a_target_of_texts_is_a_class(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,kind\n" + "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(20)))
    digest = sha256(path.read_bytes()).hexdigest()
    train, test = table(0, csv=str(path), target="kind", sha256=digest)
    assert {*train.targets.tolist(), *test.targets.tolist()} == {0, 1}


def test_numbers_are_classes_where_that_is_said():
    train, _ = table(0, target="cylinders", task="classification")
    assert {*train.targets.tolist()} <= {*range(5)}
    assert table(0, target="cylinders")[0].targets.is_floating_point()
    with pytest.raises(DataError, match="task: expected 'classification' or 'regression'"):
        table(0, task="classes")
