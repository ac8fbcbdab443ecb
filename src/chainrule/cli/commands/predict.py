"""``chainrule predict``: the answers of a net that ``chainrule train`` saved."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule import estimators
from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import (
    Data,
    Decimal,
    Encoding,
    Json,
    Na,
    Out,
    Trust,
    format_examples,
    table_options,
)
from chainrule.cli.output import check_output, echo_err, format_scores, save_bytes
from chainrule.cli.resolve import trust_modules

if TYPE_CHECKING:
    from chainrule.data.files.reading import RawData

Record = dict[str, Any]
"""What is said of one row."""


@app.command(
    "predict",
    short_help="Predict with a net that was trained.",
    epilog=format_examples(
        "chainrule predict runs/table_net.safetensors new.csv -o predictions.csv",
        "chainrule predict runs/digit_net.safetensors mnist/ --proba",
    ),
)
def predict_rows(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What chainrule train wrote, or a folder of it.")
    ],
    data: Data,
    output: Out = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="The probability of each class too.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of a built-in source.")] = 0,
    na: Na = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Predict a class or a number for each row of the data, as CSV: on stdout, or with -o.

    A CSV file needs the columns that the net was trained on, in any order; of data with a test set
    it is the test set. Where the targets are there too, stderr says how right the answers are.
    """
    from chainrule._util.threads import torch_threads

    check_output(output, file, data)
    predictor = estimators.Predictor.load(file, trust_modules(trust))
    written = table_options(na=na, decimal=decimal, encoding=encoding)
    rows, test_rows = estimators.load_data(data, seed, written)
    rows = rows if test_rows is None else test_rows
    with torch_threads(1):
        outputs = predictor.outputs(rows)
    answers = predictor.preprocessor.task.decode(outputs)
    probabilities = predictor.probabilities(outputs).tolist() if proba else None
    records = [*build_records(predictor, answers, probabilities)]
    text = json.dumps(records, indent=2) + "\n" if as_json else format_csv(records)
    echo_remarks(predictor, rows, answers)
    if output is None:
        typer.echo(text, nl=False)
    else:
        save_bytes(output, text.encode(), f"{count_noun(len(answers), 'prediction')} to ")


def build_records(
    predictor: estimators.Predictor,
    answers: Sequence[Any],
    probabilities: Sequence[Sequence[float]] | None,
) -> Iterator[Record]:
    """Each answer under the target's name, and P(class) for each class."""
    heads = [f"P({name})" for name in getattr(predictor.preprocessor.task, "classes", ())]
    for i, answer in enumerate(answers):
        shares = {} if probabilities is None else dict(zip(heads, probabilities[i], strict=True))
        yield {predictor.target or "prediction": answer, **shares}


def format_csv(records: Sequence[Record]) -> str:
    """A header and a row a record."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(records[:1])
    for row in records:
        writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in row.values())
    return stream.getvalue()


def echo_remarks(predictor: estimators.Predictor, rows: RawData, answers: Sequence[Any]) -> None:
    """Say what is missing or not known, and how right the answers are where that can be told."""
    from chainrule.data import CsvTable

    columns = predictor.preprocessor.columns
    if columns is not None and isinstance(rows, CsvTable):
        for line in columns.describe_unknown(rows):
            echo_err(line)
    if scores := predictor.scores(answers, rows):
        echo_err(f"{rows.source} has the targets: {format_scores(scores)}")
