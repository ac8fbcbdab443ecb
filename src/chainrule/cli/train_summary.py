"""What ``chainrule train`` says: what it takes for the task, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.data.tabular.preprocessor import Preprocessor
    from chainrule.estimators.fit import FitResult
    from chainrule.estimators.predictor import Predictor
    from chainrule.estimators.split import DataSplit

__all__ = ["as_text", "remarks", "scores_in_words", "summary"]


def remarks(division: DataSplit, prepared: Preprocessor, *, told: bool) -> Iterator[str]:
    """What is taken for the task, how to say otherwise; and what becomes of columns."""
    from chainrule.data.files.csv_file import is_number
    from chainrule.data.tabular.preprocessor import read_targets

    name = division.target or "targets"
    cells = [cell for cell in read_targets(division.rows, division.target) or () if cell]
    if missing := len(division.rows) - len(cells):
        yield f"{name}: missing in {missing} of {len(division.rows)} rows, which are left out"
    numbers = all(map(is_number, cells))
    if told:
        yield f"{name}: {division.kind}, as told"
    else:
        other = "regression" if division.kind == "classification" else "classification"
        hint = f" (else: --task {other})" if numbers else ""
        values = f"{len({*cells})} different {'numbers' if numbers else 'texts'}"
        yield f"{name}: {values}, so {division.kind}{hint}"
    if prepared.columns is not None:
        yield from prepared.columns.notes


def summary(predictor: Predictor, division: DataSplit, fitted: FitResult) -> dict[str, Any]:
    """All about a training, as JSON data."""
    task, rows = predictor.preparation.task, division.rows
    judged = {"validation": division.validated, "test": division.tested}
    parts = {name: rows.subset(places) for name, places in judged.items()}
    return {
        "task": task.kind,
        "target": division.target,
        "rows": {"learned": len(division.learned), **{n: len(part) for n, part in parts.items()}},
        "parameters": sum(p.data.numel() for p in predictor.net.parameters()),
        "loss": predictor.loss,
        "epochs": fitted.epochs,
        "best_epoch": fitted.best,
        "ended": fitted.ended,
        "seconds": round(fitted.seconds, 3),
        **{name: predictor.scores(predictor(part), part) for name, part in parts.items()},
        "baseline": task.baseline_prediction,
        "test_of_baseline": predictor.scores(
            [task.baseline_prediction] * len(parts["test"]), parts["test"]
        ),
    }


def as_text(found: Mapping[str, Any]) -> str:
    """The same for people."""
    rows, baseline = found["rows"], found["baseline"]
    always = f"{baseline:.4g}, the mean," if found["task"] == "regression" else repr(baseline)
    ended = f" ({found['ended']})" if found["ended"] else ""
    epochs = "1 epoch" if found["epochs"] == 1 else f"{found['epochs']} epochs"
    lines = {
        "net": f"{found['net']}: {found['parameters']:,} parameters, {found['loss']}",
        "data": f"{found['data']}: {rows['learned']} rows to learn from, {rows['validation']} to "
        f"judge epochs by, {rows['test']} to test on",
        "training": f"{epochs} in {found['seconds']:.1f} s{ended}; the best was "
        f"epoch {found['best_epoch']}",
        "validation": scores_in_words(found["validation"]),
        "test": scores_in_words(found["test"]),
        "": f"always {always} would be {scores_in_words(found['test_of_baseline'])}",
        "file": found["file"],
    }
    return "\n".join(f"{name:10}  {text}" for name, text in lines.items())


def scores_in_words(scores: Mapping[str, float]) -> str:
    """``rmse 2.711, mae 1.987``"""
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
