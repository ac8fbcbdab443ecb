"""What was taken of the data for a training, and what came of it, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainrule._util.words import count_noun
from chainrule.data.files.csv_file import is_number
from chainrule.data.tabular.preprocessor import read_targets
from chainrule.estimators.fit import FitResult
from chainrule.estimators.predictor import Predictor
from chainrule.estimators.split import DataSplit

__all__ = ["describe_split", "summarize_fit"]


def describe_split(split: DataSplit, *, kind_given: bool = False) -> Iterator[str]:
    """What is taken for the task, how to say otherwise; and what becomes of columns."""
    name = split.target or "targets"
    cells = [cell for cell in read_targets(split.rows, split.target) or () if cell]
    if missing := len(split.rows) - len(cells):
        rows = count_noun(len(split.rows), "row")
        yield f"{name}: missing in {missing} of {rows}, left out"
    numbers = all(map(is_number, cells))
    if kind_given:
        yield f"{name}: {split.kind}, as told"
    else:
        other = "regression" if split.kind == "classification" else "classification"
        hint = f" (else: --task {other})" if numbers else ""
        values = count_noun(len({*cells}), f"different {'number' if numbers else 'text'}")
        yield f"{name}: {values}, so {split.kind}{hint}"
    if split.preprocessor.columns is not None:
        yield from split.preprocessor.columns.notes


def summarize_fit(predictor: Predictor, split: DataSplit, fit: FitResult) -> dict[str, Any]:
    """All about a training, as JSON data; the test rows are looked at here, once."""
    task = predictor.preprocessor.task
    parts = {"validation": split.validation_rows, "test": split.test_rows}
    rows = {"learned": len(split.train_indices), **{n: len(part) for n, part in parts.items()}}
    baseline = [task.baseline_prediction] * rows["test"]
    return {
        "task": task.kind,
        "target": split.target,
        "rows": rows,
        "parameters": sum(p.data.numel() for p in predictor.net.parameters()),
        "loss": predictor.loss,
        "epochs": fit.epochs,
        "best_epoch": fit.best_epoch,
        "ended": fit.stop_reason,
        "seconds": round(fit.seconds, 3),
        "backend": fit.backend,
        **{name: predictor.scores(predictor.predict(part), part) for name, part in parts.items()},
        "baseline": task.baseline_prediction,
        "test_of_baseline": predictor.scores(baseline, parts["test"]),
    }
