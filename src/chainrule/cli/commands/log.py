"""``chainrule log``: the curves of a study, for programs that show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import Run, StudyNumber, format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import resolve_result

if TYPE_CHECKING:
    from chainrule.study import Study
    from chainrule.study.store.record import TrainingRecord
    from chainrule.train import Logger


@app.command(
    "log",
    short_help="Write a study's curves for TensorBoard or MLflow.",
    epilog=format_examples(
        "chainrule log pairs-depth --to tensorboard logs",
        "chainrule log runs/pairs-depth.sqlite --to jsonl logs",
    ),
)
def log_curves(
    run: Run,
    folder: Annotated[
        str,
        typer.Argument(metavar="DIR", help="Folder to write to; or of MLflow a server's address."),
    ],
    to: Annotated[Literal["tensorboard", "mlflow", "jsonl"], typer.Option(help="What for.")],
    study: StudyNumber = None,
) -> None:
    """Write the curves of all trainings of a study, each as a run of its own.

    What a run logs while it trains is declared in the study:
    callbacks = [{name = "TensorBoardLogger", folder = "logs"}]. jsonl is a file of JSON lines, with
    the keys of Weights & Biases. What was written of this study before is replaced. Values that are
    not finite are left out.
    """
    from chainrule.report import progress_sentence
    from chainrule.train.loggers.base import name_training

    if "://" in folder and to != "mlflow":
        raise typer.BadParameter(f"DIR is a folder for --to {to}, got {folder}")
    result = resolve_result(run, study)
    logger = make_logger(to, folder, result.study.name)
    for row in result.rows:
        about = describe_row(row, result.study)
        name = name_training(about)
        logger.start_run(name, about)
        logger.log_epochs(name, iter_epochs(row))
        logger.end_run(name, row.status)
    if not result.is_complete:
        echo_err(progress_sentence(result))
    echo_err(f"wrote {count_noun(len(result.rows), 'run')} to {folder}")


def make_logger(to: str, folder: str, study: str) -> Logger:
    """The logger of this name."""
    from chainrule.train import JSONLinesLogger, MLflowLogger, TensorBoardLogger

    if to == "mlflow":
        return MLflowLogger(folder, experiment=study)
    return TensorBoardLogger(folder) if to == "tensorboard" else JSONLinesLogger(folder)


def describe_row(row: TrainingRecord, study: Study) -> dict[str, Any]:
    """What a training is, as its run says it."""
    key = {name: getattr(row, name) for name in ("arm", "stage", "candidate", "round", "fold")}
    origin = {"study": study.name, "digest": study.digest}
    return {**origin, **key, "status": row.status, **row.setting, **row.seeds}


def iter_epochs(row: TrainingRecord) -> Iterator[tuple[int, dict[str, float]]]:
    """(epoch, its finite values) of a training's curves."""
    from math import isfinite

    for i in range(max(map(len, row.curves.values()), default=0)):
        values = {n: float(c[i]) for n, c in row.curves.items() if i < len(c) and isfinite(c[i])}
        if values:  # none after it diverged
            yield i + 1, values
