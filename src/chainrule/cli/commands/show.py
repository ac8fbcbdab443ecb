"""``chainrule show``: the tables of a store."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import Format, Json, Out, Run, StudyNumber, format_examples
from chainrule.cli.output import check_output, echo_err, echo_table, save_bytes
from chainrule.cli.resolve import require_one_dataset, resolve_any_result

if TYPE_CHECKING:
    from chainrule.report import Table
    from chainrule.report.tables.build import TableName
    from chainrule.study import DatasetsResult, StudyResult

Form = Annotated[
    Literal["text", "csv", "json", "latex", "markdown", "parquet"],
    typer.Option("--format", help="How the table is written; parquet with --long and -o."),
]
Long = Annotated[
    bool, typer.Option("--long", help="Every metric of every final training: arm, round, metric.")
]
Predictions = Annotated[
    Literal["intervals", "confusion", "calibration", "wrong"] | None,
    typer.Option(help="What kept predictions say, instead of the results."),
]


@app.command(
    "show",
    short_help="Print the table of a study's results.",
    epilog=format_examples(
        "chainrule show pairs-depth",
        "chainrule show runs/pairs-depth.sqlite --format latex",
        "chainrule show pairs-depth --candidates --format csv",
        "chainrule show pairs-depth --importance",
        "chainrule show pairs-depth --long --format parquet -o pairs.parquet",
        "chainrule show prices --metric mae",
        "chainrule show digits --predictions confusion",
    ),
)
def show_results(
    run: Run,
    as_json: Json = False,
    form: Form = "text",
    output: Out = None,
    long: Long = False,
    study: StudyNumber = None,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="What was searched, instead of the results.")
    ] = False,
    importance: Annotated[
        bool, typer.Option("--importance", help="Which of the searched settings mattered.")
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another metric that was counted: loss, train_loss, …"),
    ] = None,
    predictions: Predictions = None,
) -> None:
    """Print the table of results, of a study that is finished or not, while it runs too.

    Where predictions are kept, how sure each mean is and what would make it surer follows in text.
    """
    from chainrule import report
    from chainrule.study import DatasetsResult

    others = candidates + importance + bool(metric) + bool(predictions)
    check_show_options(run, form, output, long, others)
    found = resolve_any_result(run, study)
    if isinstance(found, DatasetsResult) and not (others or long):
        print_datasets_table(found, "json" if as_json or form == "parquet" else form)
        return
    result = require_one_dataset(run, found)
    report_progress(result)
    if form == "parquet" and output is not None:
        save_parquet(report.long_table(result), output)
        return
    form = "json" if as_json or form == "parquet" else form
    if long:
        echo_table(report.long_table(result), form)
    elif metric is not None:
        echo_table(report.metric_table(result, metric), form)
    elif predictions is not None:
        echo_table(report.build_prediction_table(result, predictions), form)
    elif result.rows or form == "json":
        kind: TableName = "candidates" if candidates else "importance" if importance else "results"
        echo_table(report.build_table(result, kind), form)
        if form == "text" and kind == "results":
            print_intervals(result)


def report_progress(result: StudyResult) -> None:
    """Say how far it is, unless all is done."""
    from chainrule.report import progress_sentence

    if not result.is_complete:
        echo_err(progress_sentence(result))


def check_show_options(run: str, form: str, output: Path | None, long: bool, others: int) -> None:
    """Raise typer.BadParameter for what excludes each other; ``others``: tables beside long."""
    check_output(output, run)
    if long + others > 1:
        raise typer.BadParameter(
            "--candidates, --importance, --long, --metric and --predictions exclude each other"
        )
    if form == "parquet" and not (long and output):
        raise typer.BadParameter("--format parquet goes with --long and -o FILE")
    if output is not None and form != "parquet":
        raise typer.BadParameter("-o FILE goes with --long --format parquet; else: > FILE")


def save_parquet(table: Table, path: Path) -> None:
    """Write a table's rows as a file of Parquet. Raises ImportError without the extra."""
    try:
        import pandas as pd
        import pyarrow  # noqa: F401 (what pandas writes it with)
    except ImportError as error:
        raise ImportError("pyarrow is missing: pip install 'chainrule[parquet]'") from error
    buffer = BytesIO()
    frame = pd.DataFrame(list(table.rows), columns=[column.title for column in table.columns])
    if frame.empty:  # no value says of which kind a column is
        kinds = {column.title: "float64" if column.numeric else "str" for column in table.columns}
        frame = frame.astype(kinds)
    frame.to_parquet(buffer, index=False)
    save_bytes(path, buffer.getvalue())


def print_datasets_table(result: DatasetsResult, form: Format) -> None:
    """Arms on data sets; how far it is, unless all is done, on stderr."""
    from chainrule import report

    if not result.is_complete:
        echo_err(report.datasets_progress(result))
    echo_table(report.datasets_table(result), form)


def print_intervals(result: StudyResult) -> None:
    """How sure each mean is and what to have more of, where predictions are kept."""
    from chainrule import report

    data = report.ReportData(result)
    if data.prediction_data.has_intervals:
        typer.echo()
        echo_table(report.intervals_table(data))
    for sentence in report.advice_sentences(data):
        typer.echo(sentence)
