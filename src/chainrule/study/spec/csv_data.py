"""A study of a table with the rows of a CSV file of the user's own."""

from __future__ import annotations

import math
from hashlib import sha256
from pathlib import Path

from chainrule.data import CsvTable, DataError, Encoder, read_csv
from chainrule.data.datasets.csv_table import load_table
from chainrule.recipes.errors import StudyError
from chainrule.study.spec.study import Study

__all__ = ["use_csv_table"]


def use_csv_table(study: Study, csv: str | Path, target: str) -> tuple[Study, list[str]]:
    """(the study with the rows of a CSV file and nets with as many inputs, what became of columns).

    The declaration names the file and its SHA-256: another content is another study. A training
    that diverged counts as the target's whole range. Raises StudyError for a study of something
    else, DataError for a file that is no such table, OSError where it cannot be read.
    """
    if study.data.name != "table":
        raise StudyError(
            f"study {study.name}: its data are {study.data.name}; --csv goes with a study whose "
            "data are a table, such as prices"
        )
    path = Path(csv).expanduser().resolve()
    digest = sha256(path.read_bytes()).hexdigest()
    data = {"csv": str(path), "target": target, "sha256": digest}
    rows = load_table(str(path), target, digest, study.data.arguments.get("ignore", ()))
    failure_value = round_up(
        target_range(rows, target)
    )  # first, since of one row no column changes
    encoder = Encoder.fit(rows, target, fill=False)
    sizes = {"net": {"inputs": len(encoder.features)}}
    arms = {name: sizes for name, fields in study.arms.items() if "name" in fields.get("net", {})}
    study = study.with_overrides(data=data, arms=arms, failure_value=failure_value, **sizes)
    return study, describe_table(path, rows, target, encoder)


def describe_table(path: Path, rows: CsvTable, target: str, encoder: Encoder) -> list[str]:
    """How many rows and inputs there are, and what becomes of each column that is no number."""
    shape = f"{path}: {len(rows)} rows, {len(encoder.features)} inputs"
    missing = len(read_csv(path)) - len(rows)
    left_out = [f"{missing} rows without {target} are left out"] if missing else []
    return [shape, *left_out, *encoder.notes]


def target_range(rows: CsvTable, target: str) -> float:
    """Largest − smallest. Raises DataError where the target is no number or never changes."""
    numbers = rows.numbers(target)
    if max(numbers) == min(numbers):
        raise DataError(
            f"{rows.source}: expected a target that varies; {target} is {numbers[0]:g} in every "
            f"row that has it ({len(rows)})"
        )
    return max(numbers) - min(numbers)


def round_up(x: float) -> float:
    """To three digits."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return float(f"{math.ceil(x / unit) * unit:.3g}")
