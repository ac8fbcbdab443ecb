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
