"""``--csv FILE --target COLUMN``: a study of a table with rows of the user's own."""

from __future__ import annotations

import math
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chainrule.cli.resolve import echo_err

if TYPE_CHECKING:
    from chainrule.data import CsvTable, Encoder
    from chainrule.study import Study

__all__ = ["with_table"]


def with_table(study: Study, csv: Path | None, target: str | None) -> Study:
    """The study with the rows of a CSV file, and nets with as many inputs as these make.

    Says on stderr what becomes of each column that is not simply a number. The declaration names
    the file and its SHA-256: another content is another study. A training that diverged counts as
    the target's whole range. Raises StudyError for a study of something else, DataError for a file
    that is no such table, OSError where it cannot be read.
    """
    if csv is None and target is None:
        return study
    if csv is None or target is None:
        raise typer.BadParameter("--csv FILE and --target COLUMN go together")
    check(study)
    path = csv.expanduser().resolve()
    data = {"csv": str(path), "target": target, "sha256": sha256(path.read_bytes()).hexdigest()}
    encoder, rows = encoded(study, data)
    sized = {"net": {"inputs": len(encoder.features)}}
    arms = {name: sized for name, said in study.arms.items() if "name" in said.get("net", {})}
    return study.with_overrides(data=data, arms=arms, worst=range_of(rows, target), **sized)


def check(study: Study) -> None:
    """Raise StudyError unless the study's data are a table."""
    from chainrule.study import StudyError

    if study.data.name != "table":
        raise StudyError(
            f"study {study.name}: its data are {study.data.name}; --csv goes with a study whose "
            "data are a table, such as prices"
        )


def encoded(study: Study, data: dict[str, str]) -> tuple[Encoder, CsvTable]:
    """What the columns become, said on stderr; and the rows that have a target."""
    from chainrule.data import Encoder, read_csv
    from chainrule.data.datasets.csv_table import load_table

    ignore = study.data.arguments.get("ignore", ())
    rows = load_table(data["csv"], data["target"], data["sha256"], ignore)
    range_of(rows, data["target"])  # first, since of one row no column changes
    encoder = Encoder.fit(rows, data["target"], fill=False)
    lost = len(read_csv(data["csv"])) - len(rows)
    said = [f"{lost} rows without {data['target']} are left out"] if lost else []
    shape = f"{len(rows)} rows, {len(encoder.features)} inputs"
    echo_err("\n  ".join([f"{data['csv']}: {shape}", *said, *encoder.notes]))
    return encoder, rows


def range_of(rows: CsvTable, target: str) -> float:
    """Of the target, rounded up. Raises DataError where it is no number or never changes."""
    from chainrule.data import DataError

    numbers = rows.numbers(target)
    if max(numbers) == min(numbers):
        raise DataError(
            f"{rows.source}: expected a target that varies; {target} is {numbers[0]:g} in every "
            f"row that has it ({len(rows)})"
        )
    return rounded(max(numbers) - min(numbers))


def rounded(x: float) -> float:
    """Up, to three digits."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return float(f"{math.ceil(x / unit) * unit:.3g}")
