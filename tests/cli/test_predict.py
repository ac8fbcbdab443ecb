"""``chainrule predict``: answers as CSV or JSON, and rows that do not fit."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from chainrule import nn, save
from chainrule.data import auto_mpg_table


@pytest.fixture
def mileage(call) -> str:
    assert call("train", "table_net", "auto_mpg", "--target", "mpg", "--epochs", "9")[0] == 0
    return "runs/table_net.safetensors"


@pytest.fixture
def origin(call) -> str:
    words = ("--target", "origin", "--epochs", "9", "-o", "origin.safetensors")
    assert call("train", "table_net", "auto_mpg", *words)[0] == 0
    return "origin.safetensors"


def write(path, names):
    """The first five cars, with a column that was not trained on."""
    table = auto_mpg_table()
    rows = zip(*(table[name][:5] for name in names), strict=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["colour", *names], *(["red", *row] for row in rows)])
    return path


@pytest.fixture
def cars(tmp_path):
    """Without mileage, the columns in another order."""
    names = [name for name in reversed(auto_mpg_table().columns) if name != "mpg"]
    return write(tmp_path / "cars.csv", names)


@pytest.fixture
def known(tmp_path):
    """All that is known of them."""
    return write(tmp_path / "known.csv", [*auto_mpg_table().columns])


def test_a_number_a_row_as_csv_on_stdout(call, mileage, cars):
    code, out, err = call("predict", mileage, cars)
    assert (code, err) == (0, "")
    name, *numbers = out.splitlines()
    assert name == "mpg"
    assert len(numbers) == 5
    assert all(5 < float(number) < 35 for number in numbers)


def test_what_is_read_is_not_written_over(call, mileage, cars):
    before = cars.read_bytes()
    for words in (
        ("predict", mileage, cars, "-o", cars),
        ("predict", mileage, cars, "-o", mileage),
    ):
        code, out, err = call(*words)
        assert (code, out) == (1, "")
        assert f"{words[-1]}: is what this reads: choose another file with -o" in err
    assert cars.read_bytes() == before


def test_a_table_is_not_written_over_with_the_net(call, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b\n" + "".join(f"{i * i},{i % 7}\n" for i in range(60)))
    before = rows.read_bytes()
    code, _, err = call("train", "table_net", rows, "--target", "b", "--epochs", "1", "-o", rows)
    assert (code, "rows.csv: is what this reads: choose another file" in err) == (1, True)
    assert rows.read_bytes() == before


def test_to_a_file_it_says_how_many(call, mileage, cars, tmp_path):
    on_stdout = call("predict", mileage, cars)[1]
    code, out, err = call("predict", mileage, cars, "-o", "p.csv")
    assert (code, out, err) == (0, "", "wrote 5 predictions to p.csv\n")
    assert (tmp_path / "p.csv").read_text() == on_stdout


def test_probabilities_are_a_column_a_class(call, origin, known):
    code, out, _ = call("predict", origin, known, "--proba")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert list(rows[0]) == ["origin", "P(europe)", "P(japan)", "P(usa)"]
    for row in rows:
        shares = {name[2:-1]: float(row[name]) for name in list(row)[1:]}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
        assert row["origin"] == max(shares, key=shares.get)


def test_as_json(call, origin, known):
    found = json.loads(call("predict", origin, known, "--proba", "--json")[1])
    assert len(found) == 5
    assert list(found[0]) == ["origin", "P(europe)", "P(japan)", "P(usa)"]


def test_where_the_targets_are_there_it_says_how_right_it_is(call, origin, known):
    code, out, err = call("predict", origin, known)
    assert code == 0
    assert len(out.splitlines()) == 6
    assert err.startswith(f"{known} has the targets: accuracy ")


def test_the_test_figure_is_what_predict_finds(call, tmp_path):
    words = ("--epochs", "5", "--json")
    trained = json.loads(call("train", "plane_net", "disk_points", *words)[1])
    _, _, err = call("predict", trained["file"], "disk_points")
    assert err == f"disk_points has the targets: accuracy {trained['test']['accuracy']:.4g}\n"


def test_a_text_that_is_not_known_is_said(call, mileage, cars):
    cars.write_text(cars.read_text().replace("usa", "mars"))
    code, _, err = call("predict", mileage, cars)
    assert code == 0
    assert err == "origin: not known, so no level at all: mars\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("weight", "wieght"), "no column 'weight'; did you mean 'wieg"),
        (lambda text: text.replace("3504", "heavy"), "line 2, column 'weight': expected a number"),
    ],
)
def test_wrong_columns_are_named(call, mileage, cars, change, message):
    cars.write_text(change(cars.read_text()))
    code, out, err = call("predict", mileage, cars, "-o", "p.csv")
    assert (code, out) == (1, "")
    assert err.startswith(f"chainrule: {cars}")
    assert message in err


def test_arrays_for_a_net_of_tables_are_refused(call, mileage, tmp_path):
    np.savez(tmp_path / "a.npz", inputs=np.ones((3, 9)))
    code, _, err = call("predict", mileage, "a.npz")
    assert code == 1
    assert "a.npz: expected a table with the columns cylinders, displacement" in err


def test_numbers_have_no_probabilities(call, mileage, cars):
    code, out, err = call("predict", mileage, cars, "--proba")
    assert (code, out) == (1, "")
    assert err == "chainrule: this net tells numbers: there are no probabilities of classes\n"


def test_a_net_alone_is_refused(call, cars, tmp_path):
    save(nn.Linear(2, 2), tmp_path / "net.safetensors")
    code, _, err = call("predict", "net.safetensors", cars)
    assert code == 1
    assert err.startswith("chainrule: net.safetensors: a net alone: what predicts is a file that")


def test_a_file_that_is_not_there_is_named(call, cars):
    code, _, err = call("predict", "nosuch.safetensors", cars)
    assert code == 1
    assert "nosuch.safetensors" in err
