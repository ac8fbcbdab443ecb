"""Cars of 1970 to 1982 and their mileage: a small table for regression.

Quinlan, Combining instance-based and model-based learning, 1993. LICENSE-AUTO-MPG.md says where
the rows come from; scripts/build_auto_mpg.py rebuilds their file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset
from chainrule.data.files.bundled import read_verified
from chainrule.data.files.csv_file import CsvTable, parse_csv
from chainrule.data.tabular.encoder import Encoder

__all__ = ["auto_mpg", "auto_mpg_table"]

FILE = Path(__file__).with_name("auto_mpg.csv")
SHA256 = "15f58f7d946ef143f158239da22262014d0005a4a2264e20375786e12c8e1451"


def auto_mpg() -> Dataset:
    """392 cars and how many miles they go on a gallon of fuel.

    inputs (392, 9) float32: cylinders, displacement, horsepower, weight, acceleration, year of
    the model (70 … 82), and one-hot whether it is from Europe, Japan or the USA
    targets (392, 1) float32, miles per gallon, 9 … 46.6

    The names of the cars are in the table, and not among the inputs. Raises DataError for another
    file than the one that was shipped.
    """
    table = auto_mpg_table()
    return Encoder.fit(table, "mpg")(table)


@cache
@check_arguments
def auto_mpg_table(path: Path = FILE) -> CsvTable:
    """The table as it is read from its file, the target ``mpg`` first."""
    return parse_csv(read_verified(path, SHA256), str(path))
