"""The rows of a table as samples: of one that comes with the package, or of a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from chainrule._util.words import count_noun
from chainrule.data.dataset import Dataset
from chainrule.data.datasets.bundled_tables import bundled_table
from chainrule.data.errors import DataError
from chainrule.data.files.cells import COMMA_NUMBER
from chainrule.data.files.csv_file import CsvTable, digest_file, is_number, read_csv
from chainrule.data.splits import holdout
from chainrule.data.tabular.encoder import Encoder
from chainrule.seeds import derive

__all__ = ["load_table", "table"]


def table(
    seed: int,
    *,
    csv: str | None = None,
    bundled: str | None = None,
    target: str | None = None,
    sha256: str | None = None,
    ignore: Sequence[str] = (),
    na: Sequence[str] = (),
    decimal: str | None = None,
    encoding: str | None = None,
    task: str | None = None,
    test: float = 0.25,
) -> tuple[Dataset, Dataset]:
    """The rows of a table, a share of them to test: of a CSV file, or one of the package.

    ``bundled`` names one of the package, see :func:`bundled_table`; unless either is given it is
    ``auto_mpg``, and ``target`` its first column. Rows without a target are left out. A missing
    number is nan: ``missing = "median"`` of a study puts the training median there. All rounds have
    the same inputs, for the levels are those of the whole file; one that a training part lacks
    never changes in it, and ``standardize`` makes it 0. ``sha256`` is the file's, so that another
    file is another study; ``ignore`` names columns that are no inputs; ``na``, ``decimal`` and
    ``encoding`` say how the file is written, see :func:`parse_csv`. A target of texts that come
    again is a class: targets are then class numbers (N,); ``task`` ("classification",
    "regression") says so of numbers. Raises DataError for a file that is not this one, or no table.
    """
    if not 0 < test < 1:
        raise ValueError(f"test: expected a fraction between 0 and 1, got {test}")
    written = {"na": na, "decimal": decimal, "encoding": encoding}
    rows, target = load_table(csv, bundled, target, sha256, ignore, **written)
    if task not in (None, "classification", "regression"):
        raise DataError(f"task: expected 'classification' or 'regression', got {task!r}")
    classify = is_class(rows, target) if task is None else task == "classification"
    data = Encoder.fit(rows, target, fill=False, classify=classify)(rows)
    data = replace(data, sources=torch.arange(len(data)).unsqueeze(1))
    learned, judged = holdout(data, test, seed=derive(seed, "test"))
    return data.subset(learned), data.subset(judged)


def is_class(rows: CsvTable, target: str) -> bool:
    """Whether most cells of a column are texts that come again; a text among numbers is a slip.

    Raises DataError where most are texts, and too many different ones to be classes.
    """
    cells = rows[target]
    texts = [cell for cell in cells if not is_number(cell)]
    if 2 * len(texts) < len(cells):
        return False
    if 2 * len({*cells}) > len(cells) and not all(map(COMMA_NUMBER.fullmatch, texts)):
        raise DataError(
            f"{rows.source}, column {target!r}: {count_noun(len({*cells}), 'different text')} in "
            f"{count_noun(len(cells), 'row')}, such as {texts[0]!r}, are no classes; expected "
            'numbers, texts that come again, or task = "classification" in [data] of a study'
        )
    return 2 * len({*cells}) <= len(cells)


def load_table(
    csv: str | None,
    bundled: str | None = None,
    target: str | None = None,
    sha256: str | None = None,
    ignore: Sequence[str] = (),
    **written: Any,
) -> tuple[CsvTable, str]:
    """(the rows that have a target, without the columns to ignore; the target). Raises DataError.

    ``written``: how the file is, see :func:`parse_csv`.
    """
    if csv is not None and bundled is not None:
        raise DataError(f"expected a table of the package or a file, got {bundled!r} and {csv}")
    if csv is None:
        rows = bundled_table(bundled or "auto_mpg")
        target = next(iter(rows.columns)) if target is None else target
    elif target is None:
        raise DataError(f"{csv}: say which column to tell, by target")
    else:
        rows = _read_pinned_csv(Path(csv), sha256, **written)
    ignored = [ignore] if isinstance(ignore, str) else ignore
    return rows.drop_missing(target).drop_columns(ignored), target


def _read_pinned_csv(path: Path, sha256: str | None, **written: Any) -> CsvTable:
    if (got := digest_file(path)) != sha256:
        raise DataError(
            f"{path}: sha256: expected {'that of the file' if sha256 is None else repr(sha256)}, "
            f"got {'nothing' if sha256 is None else repr(got)}. A study names the content of its "
            f'file, so that results of two files never mix; for this one write sha256 = "{got}"'
        )
    return read_csv(path, **written)
