"""``chainrule plan``: what would be trained, before it is."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule._util.processes import available_cpus
from chainrule.cli.commands import app
from chainrule.cli.options import (
    Arms,
    Csv,
    CsvTarget,
    DataArguments,
    Decimal,
    Encoding,
    Epochs,
    Ignore,
    Jobs,
    Json,
    Na,
    Quick,
    Rounds,
    Study,
    Task,
    format_examples,
    table_options,
)
from chainrule.cli.output import echo_json, echo_table
from chainrule.cli.resolve import resolve_study, try_arms


@app.command(
    "plan",
    short_help="Say what a run would train.",
    epilog=format_examples(
        "chainrule plan pairs-depth",
        "chainrule plan study.toml --arms 'mlp*' --rounds 10 --jobs 8 --json",
    ),
)
def plan_study(
    name: Study,
    arms: Arms = "*",
    rounds: Rounds = None,
    epochs: Epochs = None,
    quick: Quick = False,
    jobs: Jobs = None,
    no_time: Annotated[bool, typer.Option("--no-time", help="Measure no step.")] = False,
    data: DataArguments = None,
    csv: Csv = None,
    target: CsvTarget = None,
    task: Task = None,
    na: Na = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    ignore: Ignore = None,
    as_json: Json = False,
) -> None:
    """Say what a run would train: cohorts, steps, and about how long and how large.

    Times come from some real steps of each arm on this machine, as it is busy now. Nothing is
    kept. What a run would refuse is refused here, by the same sentence; where some arms alone
    fail, the exit code is 1.
    """
    from chainrule.report import plan_table
    from chainrule.study.plan.plan import build_plan

    table = table_options(na=na, decimal=decimal, encoding=encoding, ignore=ignore, task=task)
    changes = {"rounds": rounds, "epochs": epochs}
    study = resolve_study(
        name, quick=quick, data=data, csv=csv, target=target, table=table, **changes
    )
    are_right = try_arms(study, arms)
    found = build_plan(study, arms=arms, jobs=jobs or available_cpus(), times=not no_time)
    if as_json:
        echo_json(
            {"study": study.name, "arms": found.as_rows(), "totals": found.totals()}
            | {"power": found.find_sensitivity()}
        )
    else:
        echo_table(plan_table(found))
    if not are_right:
        raise typer.Exit(1)
