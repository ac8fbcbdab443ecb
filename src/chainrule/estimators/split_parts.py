"""The samples that one training learns from, judges its epochs by, and is tested on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.estimators.build import data_of

if TYPE_CHECKING:
    from chainrule.data.files.reading import RawData
    from chainrule.data.tabular.target import Kind
    from chainrule.estimators.split import DataSplit

__all__ = ["divided"]


def divided(
    data: str,
    target: str | None,
    task: Kind | None,
    settings: Mapping[str, Any],
    test: float,
    validation: float,
    seed: int,
) -> DataSplit:
    """The samples that have a target, and which of them are for what."""
    from chainrule.data.tabular.preprocessor import read_targets
    from chainrule.data.tabular.target import infer_kind
    from chainrule.estimators.split import DataSplit

    own = {p.removeprefix("data."): v for p, v in settings.items() if p.startswith("data.")}
    rows, given = data_of(data, seed, own)
    check_target(rows, target)
    cells = [cell for cell in read_targets(rows, target) or () if cell]
    if not cells:
        raise ValueError(f"{data}: it has no targets to learn from")
    kind = task or infer_kind(cells)
    if task is None and kind == "classification" and 2 * len({*cells}) > len(cells):
        raise ValueError(
            f"{data}: {len({*cells})} different texts in {len(cells)} targets are too many for "
            "classes; if that is meant: --task classification"
        )
    return DataSplit.make(
        rows, target, kind, test=test if given is None else given, validation=validation, seed=seed
    )


def check_target(rows: RawData, target: str | None) -> None:
    """Raise ValueError where --target is missing, too much, or no column."""
    from chainrule.data import CsvTable

    if not isinstance(rows, CsvTable):
        if target is not None:
            raise ValueError(f"--target names a column of a CSV file; {rows.source} has arrays")
        return
    if target is None:
        columns = ", ".join(rows.columns)
        raise ValueError(f"{rows.source}: say which column to tell, --target COLUMN: {columns}")
    rows.drop_missing(target)
