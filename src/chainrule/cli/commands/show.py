"""``chainrule show`` and ``compare``: the tables of a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import Format, Json, Run, examples
from chainrule.cli.resolve import echo_err, result_at

if TYPE_CHECKING:
    from chainrule.report import Table
    from chainrule.study import StudyResult

__all__ = ["Number", "add_to"]

Number = Annotated[
    int | None, typer.Option("--study", metavar="N", help="Which study of the store; the newest.")
]
AsFormat = Annotated[Format, typer.Option("--format", help="How the table is written.")]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Print the table of a study's results.",
        epilog=examples(
            "chainrule show pairs-depth",
            "chainrule show runs/pairs-depth.sqlite --format latex",
            "chainrule show pairs-depth --candidates --format csv",
            "chainrule show prices --metric mae",
        ),
    )(show)
    app.command(
        short_help="Print which arms differ, and by how much.",
        epilog=examples(
            "chainrule compare pairs-depth",
            "chainrule compare pairs-depth --baseline conv1 --format markdown",
            "chainrule compare pairs-depth --all-pairs --json",
        ),
    )(compare)


def show(
    run: Run,
    as_json: Json = False,
    form: AsFormat = "text",
    study: Number = None,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="What was searched, instead of the results.")
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another metric that was counted: loss, train_loss, …"),
    ] = None,
) -> None:
    """Print the table of results, of a study that is finished or not, while it runs too."""
    from chainrule import report

    result = result_at(run, study)
    if not result.done:
        echo_err(report.progress_sentence(result))
    form = "json" if as_json else form
    if metric is not None:
        write(report.metric_table(result, metric), form)
    elif result.rows or form == "json":
        write(report.build_table(result, "candidates" if candidates else "results"), form)


def write(sheet: Table, form: Format) -> None:
    """Print a table."""
    from chainrule import report

    if form == "text":
        from rich.console import Console

        Console().print(report.RichTable(sheet))
        return
    text = {
        "csv": report.as_csv,
        "json": report.as_json,
        "latex": report.as_latex,
        "markdown": report.as_markdown,
    }[form](sheet)
    typer.echo(text, nl=False)


def compare(
    run: Run,
    baseline: Annotated[
        str | None, typer.Option(metavar="ARM", help="Compared with this one; the declared.")
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Each arm with each.")] = False,
    effects: Annotated[
        bool, typer.Option("--effects", help="The effects of the factors alone.")
    ] = False,
    form: AsFormat = "text",
    as_json: Json = False,
    study: Number = None,
) -> None:
    """Print which arms differ, by how much, and how sure that is; then the factors' effects.

    CSV holds one table: the comparisons, or with --effects the effects.
    """
    if baseline is not None and all_pairs:
        raise typer.BadParameter("--baseline and --all-pairs exclude each other")
    result = result_at(run, study)
    sheets = [] if effects else [comparisons_of(result, baseline, all_pairs)]
    if effects or (result.study.factors and (form != "csv" or as_json)):
        sheets += effects_of(result, needed=effects)
    if as_json or form == "json":
        typer.echo(json.dumps(as_object(result, sheets), indent=2))
        return
    for i, sheet in enumerate(sheets):
        if i:
            typer.echo()
        write(sheet, form)


def comparisons_of(result: StudyResult, baseline: str | None, all_pairs: bool) -> Table:
    """The table of comparisons."""
    from chainrule.report import comparisons_table

    return comparisons_table(result, result.compare(baseline=baseline, all_pairs=all_pairs))


def effects_of(result: StudyResult, *, needed: bool) -> list[Table]:
    """The table of effects; none, and why on stderr, where it cannot be made and is not needed."""
    from chainrule.report import effects_table

    try:
        return [effects_table(result)]
    except ValueError as error:
        if needed:
            raise
        echo_err(f"no effects of the factors: {error}")
        return []


def as_object(result: StudyResult, sheets: list[Table]) -> dict[str, Any]:
    """Each table by its name, with its notes, as JSON data."""
    tables = {s.name: {"rows": [dict(row) for row in s.rows], "notes": [*s.notes]} for s in sheets}
    return {"study": result.study.name, "metric": result.study.metric_name, **tables}
