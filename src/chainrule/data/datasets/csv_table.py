"""The rows of a table as samples: of the cars that come with the package, or of a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256 as digest_of
from pathlib import Path

from chainrule.data.dataset import Dataset
from chainrule.data.datasets.auto_mpg import auto_mpg_table
from chainrule.data.errors import DataError
from chainrule.data.files.csv_file import CsvTable, parse_csv
from chainrule.data.splits import holdout
from chainrule.data.tabular.encoder import Encoder
from chainrule.seeds import derive

__all__ = ["load_table", "table"]


def table(
    seed: int,
    *,
    csv: str | None = None,
    target: str = "mpg",
    sha256: str | None = None,
    ignore: Sequence[str] = (),
    test: float = 0.25,
) -> tuple[Dataset, Dataset]:
    """The rows of a table, a share of them to test: the cars of :func:`auto_mpg`, or a CSV file.

    Rows without a target are left out. A missing number is nan: ``missing = "median"`` of a study
    puts the training median there. All rounds have the same inputs, for the levels are those of
    the whole file; one that a training part lacks never changes in it, and ``standardize`` makes
    it 0. ``sha256`` is the file's, so that another file is another study; ``ignore`` names columns
    that are no inputs. Raises DataError for a file that is not this one, or no table.
    """
    rows = load_table(csv, target, sha256, ignore)
    data = Encoder.fit(rows, target, fill=False)(rows)
    learned, judged = holdout(data, test, seed=derive(seed, "test"))
    return data.subset(learned), data.subset(judged)


def load_table(csv: str | None, target: str, sha256: str | None, ignore: Sequence[str]) -> CsvTable:
    """The rows that have a target, without the columns to ignore. Raises DataError."""
    rows = auto_mpg_table() if csv is None else _read_pinned_csv(Path(csv), sha256)
    rows = rows.drop_missing(target)
    for name in ignore:
        rows[name]  # which says what is wrong with an unknown one
    kept = {name: cells for name, cells in rows.columns.items() if name not in ignore}
    return CsvTable(rows.source, kept, rows.lines)


def _read_pinned_csv(path: Path, sha256: str | None) -> CsvTable:
    content = path.read_bytes()
    if (got := digest_of(content).hexdigest()) != sha256:
        raise DataError(
            f"{path}: expected SHA-256 {sha256}, got {got}. A study names the content of its file, "
            f'so that results of two files never mix; for this one say sha256 = "{got}"'
        )
    return parse_csv(content, str(path))
