"""``chainrule predict``: the answers of a net that ``chainrule train`` saved."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.commands.train import Data, on_threads
from chainrule.cli.options import Json, Out, examples
from chainrule.cli.resolve import echo_err
from chainrule.cli.train_summary import scores_in_words
from chainrule.estimators.build import data_of

if TYPE_CHECKING:
    from chainrule.data.files.reading import RawData
    from chainrule.estimators.predictor import Predictor

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Predict with a net that was trained.",
        epilog=examples(
            "chainrule predict runs/table_net.safetensors new.csv -o predictions.csv",
            "chainrule predict runs/digit_net.safetensors mnist/ --proba",
        ),
    )(predict)


def predict(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What chainrule train wrote.")],
    data: Data,
    output: Out = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="The probability of each class too.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of a built-in source.")] = 0,
    as_json: Json = False,
) -> None:
    """Predict a class or a number for each row of the data, as CSV: on stdout, or with -o.

    A CSV file needs the columns that the net was trained on, in any order; of data with a test set
    it is the test set. Where the targets are there too, stderr says how right the answers are.
    """
    from chainrule.estimators.predictor import Predictor
    from chainrule.serialization.safetensors_file import write_atomically

    predictor = Predictor.load(file)
    rows, test = data_of(data, seed)
    rows = rows if test is None else test
    with on_threads(1):
        outputs = predictor.outputs(rows)
    answers = predictor.preparation.task.decode(outputs)
    shares = predictor.probabilities(outputs).tolist() if proba else None
    text = (as_json_text if as_json else as_csv)(predictor, answers, shares)
    remark(predictor, rows, answers)
    if output is None:
        typer.echo(text, nl=False)
        return
    write_atomically(output, text.encode())
    echo_err(f"wrote {len(answers)} predictions to {output}")


def as_csv(
    predictor: Predictor, answers: Sequence[Any], shares: Sequence[Sequence[float]] | None
) -> str:
    """A header and a row an answer."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows = records(predictor, answers, shares)
    for i, row in enumerate(rows):
        if not i:
            writer.writerow(row)
        writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in row.values())
    return stream.getvalue()


def as_json_text(
    predictor: Predictor, answers: Sequence[Any], shares: Sequence[Sequence[float]] | None
) -> str:
    """A list of objects."""
    return json.dumps([*records(predictor, answers, shares)], indent=2) + "\n"


def records(
    predictor: Predictor, answers: Sequence[Any], shares: Sequence[Sequence[float]] | None
) -> Iterator[dict[str, Any]]:
    """Each answer under the target's name, and P(class) for each class."""
    task = predictor.preparation.task
    names = [f"P({name})" for name in getattr(task, "classes", ())]
    for i, answer in enumerate(answers):
        own = {} if shares is None else dict(zip(names, shares[i], strict=True))
        yield {predictor.target or "prediction": answer, **own}


def remark(predictor: Predictor, rows: RawData, answers: Sequence[Any]) -> None:
    """Say what is missing or not known, and how right the answers are where that can be told."""
    from chainrule.data import CsvTable

    columns = predictor.preparation.columns
    if columns is not None and isinstance(rows, CsvTable):
        for line in columns.describe_unknown(rows):
            echo_err(line)
    if scores := predictor.scores(answers, rows):
        echo_err(f"{rows.source} has the targets: {scores_in_words(scores)}")
