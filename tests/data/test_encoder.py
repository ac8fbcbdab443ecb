"""What columns become: fitted on training rows alone, and the same from a file."""

from __future__ import annotations

import json

import pytest
import torch

from chainrule.data import CsvTable, DataError, Encoder


def table_of(**columns):
    cells = {name: tuple(map(str, of)) for name, of in columns.items()}
    n = len(next(iter(cells.values())))
    return CsvTable("houses.csv", cells, tuple(range(2, n + 2)))


HOUSES = table_of(
    area=[70, 90, "", 110, 500],
    town=["B", "A", "", "A", "C"],
    sold=["yes", "no", "no", "yes", "no"],
    price=[3, 4, 5, 7, 11],
)


def test_numbers_are_used_as_they_are_and_texts_are_one_hot():
    data = Encoder.fit(HOUSES, "price")(HOUSES)
    expected = [[70, 0, 0, 1, 0, 0, 1], [90, 0, 1, 0, 0, 1, 0]]
    assert data.inputs[:2].tolist() == expected
    assert data.targets.tolist() == [[3], [4], [5], [7], [11]]
    assert (data.inputs.dtype, data.targets.dtype) == (torch.float32, torch.float32)


def test_each_input_has_a_name():
    names = ["area", "town=missing", "town=A", "town=B", "town=C", "sold=no", "sold=yes"]
    assert Encoder.fit(HOUSES, "price").features == names


def test_levels_and_medians_are_those_of_the_training_rows():
    encoder = Encoder.fit(HOUSES, "price", [0, 1, 3])
    assert encoder.features == ["area", "town=A", "town=B", "sold=no", "sold=yes"]
    x = encoder.encode_inputs(HOUSES)
    assert x[2].tolist() == [90, 0, 0, 1, 0]
    assert x[4].tolist() == [500, 0, 0, 1, 0]


def test_other_rows_decide_nothing():
    changed = dict(HOUSES.columns) | {"area": ("70", "90", "7", "110", "9")}
    other = CsvTable("houses.csv", changed, HOUSES.lines)
    fitted = [Encoder.fit(t, "price", [0, 1, 3]) for t in (HOUSES, other)]
    assert fitted[0] == fitted[1]


def test_a_missing_number_may_stay_nan():
    x = Encoder.fit(HOUSES, "price", fill=False).encode_inputs(HOUSES)
    assert x.isnan().nonzero().tolist() == [[2, 0]]


def test_the_order_of_rows_decides_nothing():
    turned = HOUSES.subset([4, 3, 2, 1, 0])
    assert Encoder.fit(HOUSES, "price").inputs == Encoder.fit(turned, "price").inputs


def test_what_was_done_is_said():
    notes = Encoder.fit(HOUSES, "price").notes
    assert notes == (
        "area: missing in 1 of 5 rows, taken as the training median",
        "town: text, one-hot, 4 levels; missing in 1 of 5 rows, which is one",
        "sold: text, one-hot, 2 levels",
    )


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([7] * 30, "it never changes"),
        (["", *[7] * 29], "it never changes"),
        ([""] * 30, "it never changes"),
        (["x"] * 30, "it never changes"),
        (range(30), "it numbers the rows"),
        (range(1001, 1031), "it numbers the rows"),
        ([f"name {i}" for i in range(30)], "30 texts in 30 rows tell rows apart"),
    ],
)
def test_columns_that_tell_nothing_are_left_out(cells, why):
    table = table_of(a=[i % 7 for i in range(30)], b=cells, y=range(30))
    encoder = Encoder.fit(table, "y")
    assert encoder.features == ["a"]
    assert encoder.notes == (f"b: left out, {why}",)


def test_years_that_repeat_are_no_numbers_of_rows():
    years = [70 + i // 3 for i in range(30)]
    assert Encoder.fit(table_of(year=years, y=range(30)), "y").features == ["year"]


def test_no_column_left():
    with pytest.raises(DataError, match=r"houses\.csv: no column to tell 'y' from: a: left out"):
        Encoder.fit(table_of(a=[1, 1], y=[2, 3]), "y")
    with pytest.raises(DataError, match="no column to tell 'y' from: it has no other column"):
        Encoder.fit(table_of(y=[2, 3]), "y")


def test_decimal_commas_that_nobody_foresaw_are_told_the_option():
    table = table_of(a=[f"{i},5" for i in range(30)], y=range(30))
    with pytest.raises(DataError, match=r"such as '0,5': where that is a decimal comma: --decimal"):
        Encoder.fit(table, "y")


@pytest.mark.parametrize(("cells", "classify"), [(["x"] * 3, True), ([7, 7, ""], False)])
def test_a_target_that_never_changes_is_refused(cells, classify):
    table = table_of(a=[1, 2, 3], y=cells)
    with pytest.raises(DataError, match=rf"a target that varies; y is {cells[0]} in every row"):
        Encoder.fit(table, "y", classify=classify)


def test_an_unknown_target():
    with pytest.raises(DataError, match=r"no column 'prize'; did you mean 'price'\?"):
        Encoder.fit(HOUSES, "prize")


def test_a_text_is_no_number_to_tell():
    with pytest.raises(DataError, match=r"line 2, column 'town': expected a number.*got 'B'"):
        Encoder.fit(HOUSES, "town")


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["b", "a", "c", "a"], ("a", "b", "c")),
        (["10", "9", "9.0", "010"], ("9", "10")),
        (["1", "1.0", "x", "1"], ("1", "x")),
    ],
)
def test_classes(cells, classes):
    table = table_of(a=[1, 2, 3, 4], y=cells)
    encoder = Encoder.fit(table, "y", [0, 1], classify=True)
    assert encoder.classes == classes
    targets = encoder(table).targets
    assert targets.dtype == torch.int64
    assert [encoder.classes[i] for i in targets.tolist()][2] in (cells[2], "9", "x")


@pytest.mark.parametrize("cell", ["", "z"])
def test_a_target_that_is_not_known_is_named_with_its_line(cell):
    encoder = Encoder.fit(table_of(a=[1, 2], y=["b", "c"]), "y", classify=True)
    with pytest.raises(DataError, match="line 3, column 'y': expected one of b, c, got"):
        encoder(table_of(a=[1, 2], y=["b", cell]))


def test_a_missing_number_to_tell():
    encoder = Encoder.fit(HOUSES, "price")
    with pytest.raises(DataError, match="line 2, column 'price': expected a number, got nothing"):
        encoder(table_of(area=[1], town=["A"], sold=["no"], price=[""]))


def test_rows_to_predict_need_no_target_and_no_order_of_columns():
    new = table_of(town=["B", "Q"], sold=["no", "no"], area=[1, ""])
    encoder = Encoder.fit(HOUSES, "price")
    assert encoder.encode_inputs(new).tolist() == [[1, 0, 0, 1, 0, 1, 0], [100, 0, 0, 0, 0, 1, 0]]
    assert [*encoder.describe_unknown(new)] == [
        "area: missing in 1 of 2 rows, taken as the training median, 100",
        "town: not known, so no level at all: Q",
    ]


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="no column 'sold'; columns: area, town"):
        Encoder.fit(HOUSES, "price").encode_inputs(table_of(area=[1], town=["A"]))


@pytest.mark.parametrize(("target", "classify"), [("price", False), ("sold", True)])
def test_it_comes_back_from_a_file(target, classify):
    encoder = Encoder.fit(HOUSES, target, classify=classify)
    again = Encoder.from_dict(json.loads(json.dumps(encoder.as_dict())))
    assert (again.inputs, again.target, again.classes) == (
        encoder.inputs,
        encoder.target,
        encoder.classes,
    )
    assert torch.equal(again(HOUSES).inputs, encoder(HOUSES).inputs)


@pytest.mark.parametrize("data", [{}, {"inputs": [3]}, {"inputs": [{}], "target": "a"}, []])
def test_other_data_are_no_encoder(data):
    with pytest.raises(ValueError, match="not what an Encoder gave"):
        Encoder.from_dict(data)


def test_a_column_that_is_no_number_for_one_cell_says_for_which():
    cells = [*map(str, range(50, 90))]
    cells[7] = "1,200"
    table = table_of(area=cells, town=["A", "B"] * 20, price=[*range(3, 43)])
    assert Encoder.fit(table, "price").notes[0] == (
        "area: left out, 40 texts in 40 rows tell rows apart; most are numbers, '1,200' in line 9 "
        'is not: where that is a decimal comma: --decimal , or decimal = "," in [data] of a study'
    )
