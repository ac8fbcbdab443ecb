"""The tables of the package: what was shipped, as the script writes it."""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from pathlib import Path

import pytest

from chainrule.data import BUNDLED_TABLES, DataError, bundled_table
from chainrule.data.datasets.bundled_tables import FOLDER, SHA256
from chainrule.data.datasets.loaders import table

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_tables.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("build_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(importlib.import_module("sys").modules, "build_tables", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "inputs", "classes"),
    [
        ("breast_cancer", 30, [357, 212]),
        ("heart_disease", 24, [164, 139]),
        ("ionosphere", 33, [126, 225]),
        ("iris", 4, [50, 50, 50]),
        ("penguins", 11, [152, 68, 124]),
        ("wine", 13, [59, 71, 48]),
        ("zoo", 16, [4, 20, 13, 8, 10, 41, 5]),
    ],
)
def test_how_many_inputs_and_rows_of_each_class(name, inputs, classes):
    train, test = table(0, bundled=name)
    assert train.inputs.shape[1] == inputs
    counts = [d.targets.bincount(minlength=len(classes)) for d in (train, test)]
    assert sum(counts).tolist() == classes


def test_iris_is_the_one_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    theirs, ours = datasets.load_iris(), bundled_table("iris")
    assert [*ours["species"]] == [theirs.target_names[code] for code in theirs.target]
    assert [float(cell) for cell in ours["petal width"]] == theirs.data[:, 3].tolist()


@pytest.mark.parametrize("name", SHA256)
def test_a_changed_byte_is_refused(tmp_path, name):
    content = bytearray((FOLDER / f"{name}.csv").read_bytes())
    content[1000] ^= 1
    (tmp_path / f"{name}.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}\.csv: expected SHA-256 .*; reinstall"):
        bundled_table(name, tmp_path)


def test_another_name_is_refused():
    with pytest.raises(DataError, match=r"no table 'irsi' .*did you mean 'iris'\?"):
        bundled_table("irsi")


def test_every_table_is_listed():
    assert {path.stem for path in FOLDER.glob("*.csv")} == {*BUNDLED_TABLES} - {"auto_mpg"}


def test_a_table_of_the_package_and_a_file_exclude_each_other():
    with pytest.raises(DataError, match=r"got 'iris' and a\.csv"):
        table(0, bundled="iris", csv="a.csv")


def test_another_column_can_be_told():
    train, test = table(0, bundled="penguins", target="sex")
    assert (len(train) + len(test), int(train.targets.max())) == (333, 1)


def test_a_row_as_the_script_arranges_it(script):
    coded = "2,2,no,yes\n1,2.5,0\n3,4,1\n"
    assert script.arrange_coded("t", ["a", "b"])(coded) == [
        ["t", "a", "b"],
        ["no", "1", "2.5"],
        ["yes", "3", "4"],
    ]
    tabs = "name\ta\tt\nstring\tc\td\nmeta\t\tclass\nx\t?\tu\n"
    assert script.arrange_tabs("t", ["name"])(tabs) == [["t", "a"], ["u", ""]]


def test_writing_the_shipped_rows_gives_the_shipped_bytes(script):
    for name in SHA256:
        content = (FOLDER / f"{name}.csv").read_bytes()
        rows = [*csv.reader(io.StringIO(content.decode()))]
        assert script.write_csv(rows) == content


def test_another_file_in_the_wheel_is_refused(script, tmp_path):
    with zipfile.ZipFile(tmp_path / "scikit_learn-1.9.1-any.whl", "w") as archive:
        archive.writestr(script.SOURCES["breast_cancer"].member, b"not the rows")
    with pytest.raises(SystemExit, match="expected SHA-256"):
        script.main(["--wheels", str(tmp_path), "--out", str(tmp_path)])
