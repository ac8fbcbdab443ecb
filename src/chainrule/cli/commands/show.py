"""``chainrule show``: the tables of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import Json, Run, StudyNumber, TableFormat, format_examples
from chainrule.cli.output import echo_err, echo_table
from chainrule.cli.resolve import resolve_result

if TYPE_CHECKING:
    from chainrule.report.tables.build import TableName
    from chainrule.study import StudyResult


@app.command(
    "show",
    short_help="Print the table of a study's results.",
    epilog=format_examples(
        "chainrule show pairs-depth",
        "chainrule show runs/pairs-depth.sqlite --format latex",
        "chainrule show pairs-depth --candidates --format csv",
        "chainrule show pairs-depth --importance",
        "chainrule show prices --metric mae",
        "chainrule show digits --predictions confusion",
    ),
)
def show_results(
    run: Run,
    as_json: Json = False,
    form: TableFormat = "text",
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
    predictions: Annotated[
        Literal["intervals", "confusion", "calibration", "wrong"] | None,
        typer.Option(help="What kept predictions say, instead of the results."),
    ] = None,
) -> None:
    """Print the table of results, of a study that is finished or not, while it runs too.

    Where predictions are kept, how sure each mean is and what would make it surer follows in text.
    """
    from chainrule import report

    if candidates + importance + (metric is not None) + (predictions is not None) > 1:
        raise typer.BadParameter(
            "--candidates, --importance, --metric and --predictions exclude each other"
        )
    result = resolve_result(run, study)
    if not result.is_complete:
        echo_err(report.progress_sentence(result))
    form = "json" if as_json else form
    if metric is not None:
        echo_table(report.metric_table(result, metric), form)
    elif predictions is not None:
        echo_table(report.build_prediction_table(result, predictions), form)
    elif result.rows or form == "json":
        kind: TableName = "candidates" if candidates else "importance" if importance else "results"
        echo_table(report.build_table(result, kind), form)
        if form == "text" and kind == "results":
            print_intervals(result)


def print_intervals(result: StudyResult) -> None:
    """How sure each mean is and what to have more of, where predictions are kept."""
    from chainrule import report

    data = report.ReportData(result)
    if data.prediction_data.has_intervals:
        typer.echo()
        echo_table(report.intervals_table(data))
    for sentence in report.advice_sentences(data):
        typer.echo(sentence)
