"""``chainrule compare``: which arms differ, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import Format, Json, Run, StudyNumber, TableFormat, format_examples
from chainrule.cli.output import echo_err, echo_json, echo_table
from chainrule.cli.resolve import require_one_dataset, resolve_any_result

if TYPE_CHECKING:
    from chainrule.report import Table
    from chainrule.study import DatasetsResult, StudyResult


@app.command(
    "compare",
    short_help="Print which arms differ, and by how much.",
    epilog=format_examples(
        "chainrule compare pairs-depth",
        "chainrule compare pairs-depth --baseline conv1 --format markdown",
        "chainrule compare pairs-depth --all-pairs --json",
        "chainrule compare digits --target 0.948",
    ),
)
def compare_arms(
    run: Run,
    baseline: Annotated[
        str | None, typer.Option(metavar="ARM", help="Compared with this one; the declared.")
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Each arm with each.")] = False,
    effects: Annotated[
        bool, typer.Option("--effects", help="The effects of the factors alone.")
    ] = False,
    target: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Each arm with this number, and when it was reached."),
    ] = None,
    form: TableFormat = "text",
    as_json: Json = False,
    study: StudyNumber = None,
) -> None:
    """Print which arms differ, by how much, and how sure that is; then the factors' effects.

    Then what holds for new samples, where rounds share theirs and predictions are kept, and whether
    arms reached what was reported. With --target each arm is compared with that number instead. CSV
    holds one table: the comparisons, with --effects the effects.
    """
    from chainrule.study import DatasetsResult

    check_compare_options(baseline is not None, all_pairs, effects, target is not None)
    found = resolve_any_result(run, study)
    report_missing(found)
    if isinstance(found, DatasetsResult) and target is None and not effects:
        print_datasets(found, baseline, all_pairs, "json" if as_json else form)
        return
    result = require_one_dataset(run, found)
    has_room = form != "csv" or as_json
    if target is not None:
        tables = build_targets(result, target)[: None if has_room else 1]
    elif effects:
        tables = build_effects(result, needed=True)
    else:
        tables = build_all_comparisons(result, baseline, all_pairs)[: None if has_room else 1]
    if as_json or form == "json":
        echo_json(tables_as_json(result, tables))
        return
    for i, table in enumerate(tables):
        if i:
            typer.echo()
        echo_table(table, form)


def check_compare_options(baseline: bool, all_pairs: bool, effects: bool, target: bool) -> None:
    """Raise typer.BadParameter for what excludes each other."""
    if baseline and all_pairs:
        raise typer.BadParameter("--baseline and --all-pairs exclude each other")
    if effects and (baseline or all_pairs):
        raise typer.BadParameter("--effects excludes --baseline and --all-pairs")
    if target and (baseline or all_pairs or effects):
        raise typer.BadParameter("--target excludes --baseline, --all-pairs and --effects")


def report_missing(result: StudyResult | DatasetsResult) -> None:
    """Say of which shares it is, where some of them are not here."""
    from chainrule.study import StudyResult
    from chainrule.study.shares.missing import describe_missing_shares

    results = [result] if isinstance(result, StudyResult) else result.datasets.values()
    if missing := describe_missing_shares(*results):
        echo_err(missing)


def build_all_comparisons(
    result: StudyResult, baseline: str | None, all_pairs: bool
) -> list[Table]:
    """The comparisons, the effects of factors, what holds for new samples, what was reported."""
    tables = [build_comparisons(result, baseline, all_pairs)]
    tables += build_effects(result, needed=False) if result.study.factors else []
    return [
        *tables,
        *build_sample_comparisons(result, baseline, all_pairs),
        *build_reported(result),
    ]


def print_datasets(
    result: DatasetsResult, baseline: str | None, all_pairs: bool, form: Format
) -> None:
    """The comparisons over data sets; as text with what they say in sentences."""
    from chainrule.report import datasets_comparisons_table, datasets_verdict

    found = result.compare(baseline=baseline, all_pairs=all_pairs)
    table = datasets_comparisons_table(result, found)
    if form == "json":
        ranks = [] if found.ranking is None else found.ranking.as_rows()
        content = {"rows": found.as_rows(), "notes": table.footnotes()}
        of = {"study": result.name, "metric": result.study.metric_name}
        echo_json(
            {**of, "data_sets": [*result.compared_arms], "ranks": ranks, "comparisons": content}
        )
        return
    echo_table(table, form)
    if form == "text":
        typer.echo()
        for sentence in datasets_verdict(result, found):
            typer.echo(sentence)


def build_comparisons(result: StudyResult, baseline: str | None, all_pairs: bool) -> Table:
    """The table of comparisons."""
    from chainrule.report import comparisons_table

    return comparisons_table(result, result.compare(baseline=baseline, all_pairs=all_pairs))


def build_targets(result: StudyResult, target: float) -> list[Table]:
    """Each arm against the target, and when it was reached where there are curves."""
    from chainrule.report import targets_table, time_to_target_table
    from chainrule.study import StudyError, compare_with_target, time_to_target

    tables = [targets_table(result, compare_with_target(result, target))]
    try:
        tables.append(time_to_target_table(result, time_to_target(result, target)))
    except StudyError as error:
        echo_err(f"when it was reached is not known: {error}")
    return tables


def build_reported(result: StudyResult) -> list[Table]:
    """The arms that have a reported value, against it."""
    from chainrule.report import targets_table
    from chainrule.study import compare_with_target

    if not any(arm.reported for arm in result.arms):
        return []
    return [targets_table(result, compare_with_target(result), "reported")]


def build_sample_comparisons(
    result: StudyResult, baseline: str | None, all_pairs: bool
) -> list[Table]:
    """The comparisons for new samples, where rounds share theirs and predictions are kept."""
    from chainrule.report import sample_comparisons_table

    by_sample = result.by_sample
    if len(by_sample.arms) < 2 or not by_sample.rounds_share_tests:
        return []
    try:
        found = by_sample.compare(baseline=baseline, all_pairs=all_pairs)
    except ValueError as error:
        echo_err(f"no comparison for new samples: {error}")
        return []
    return [sample_comparisons_table(result, found)]


def build_effects(result: StudyResult, *, needed: bool) -> list[Table]:
    """The table of effects; none, and why on stderr, where it cannot be made and is not needed."""
    from chainrule.report import effects_table

    try:
        return [effects_table(result)]
    except ValueError as error:
        if needed:
            raise
        echo_err(f"no effects of the factors: {error}")
        return []


def tables_as_json(result: StudyResult, tables: list[Table]) -> dict[str, Any]:
    """Each table by its name, with its notes, as JSON data."""
    data = {t.name: {"rows": [dict(row) for row in t.rows], "notes": t.footnotes()} for t in tables}
    looks = {"looks": [look.as_row() for look in result.looks]}
    return {"study": result.study.name, "metric": result.study.metric_name, **looks, **data}
