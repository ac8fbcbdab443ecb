"""The tables that come with the package: Auto MPG, and seven whose first column is a class.

LICENSE-TABLES.md and LICENSE-AUTO-MPG.md say where the rows come from; scripts/build_tables.py and
scripts/build_auto_mpg.py rebuild the files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from chainrule._util.argument_checks import check_arguments
from chainrule._util.suggest import did_you_mean
from chainrule.data.datasets.auto_mpg import auto_mpg_table
from chainrule.data.errors import DataError
from chainrule.data.files.bundled import read_verified
from chainrule.data.files.csv_file import CsvTable, parse_csv

__all__ = ["BUNDLED_TABLES", "bundled_table"]

FOLDER = Path(__file__).with_name("tables")
SHA256 = {
    "breast_cancer": "1ec6fcc09280f5ace436b9cfbf4dc65cdbdcf08746ed78f08d088d1512fa0223",
    "heart_disease": "3a7924086b1c7d9411a36e29862f3451755232fc813d19458d58619d2e3ba31c",
    "ionosphere": "6acd55fbd484e03d38bf1b366db95b31def2cb0d82bc21d0bde5e889e309a820",
    "iris": "7fec817d9ead4a9b788612e032d31c8979c46cc6c89af60f581adab32b7edc4a",
    "penguins": "1867a776a83379df4219f227bb1effb967da12adb13732127c8c8d120434c29b",
    "wine": "59c9549bde4cfececb1cd15bd968214552e0fde60e1be654f1130f59e2122313",
    "zoo": "9fb6d6d4573c66c89a3ae7507a3949f5d39ad83637892d071f75af2ad1502b8c",
}

BUNDLED_TABLES = ("auto_mpg", *SHA256)
"""The names of the tables."""


@cache
@check_arguments
def bundled_table(name: str, folder: Path = FOLDER) -> CsvTable:
    """A table of the package as it is read from its file, what is usually told of it first.

    | table | rows | to tell | of |
    |---|---|---|---|
    | ``auto_mpg`` | 392 | ``mpg``, a number | cars |
    | ``breast_cancer`` | 569 | ``diagnosis``, 2 classes | 30 numbers of cell nuclei |
    | ``heart_disease`` | 303 | ``diameter narrowing``, 2 classes | patients of Cleveland |
    | ``ionosphere`` | 351 | ``y``, 2 classes | 34 numbers of radar returns |
    | ``iris`` | 150 | ``species``, 3 classes | 4 lengths of flowers |
    | ``penguins`` | 344 | ``species``, 3 classes | penguins of three islands |
    | ``wine`` | 178 | ``cultivar``, 3 classes | 13 measurements of wines |
    | ``zoo`` | 101 | ``type``, 7 classes | 16 traits of animals |

    Raises DataError for another name, and for another file than the one that was shipped.
    """
    if name == "auto_mpg":
        return auto_mpg_table()
    if name not in SHA256:
        hint, known = did_you_mean(name, BUNDLED_TABLES), ", ".join(BUNDLED_TABLES)
        raise DataError(f"no table {name!r} comes with the package; {hint}there are: {known}")
    path = folder / f"{name}.csv"
    return parse_csv(read_verified(path, SHA256[name]), str(path))
