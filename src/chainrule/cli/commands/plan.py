"""``chainrule plan``: what would be trained, before it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule._util.processes import available_cpus
from chainrule._util.words import count_noun
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
    Share,
    Study,
    Task,
    format_examples,
    table_options,
)
from chainrule.cli.output import echo_err, echo_json, echo_table
from chainrule.cli.resolve import resolve_study, split_study, try_arms

if TYPE_CHECKING:
    from chainrule import study as studies
    from chainrule.study.plan.plan import Plan


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
    no_time: Annotated[
        bool,
        typer.Option("--no-time", help="Count the trainings alone: make, try and measure nothing."),
    ] = False,
    data: DataArguments = None,
    csv: Csv = None,
    target: CsvTarget = None,
    task: Task = None,
    na: Na = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    ignore: Ignore = None,
    share: Share = None,
    as_json: Json = False,
) -> None:
    """Say what a run would train: cohorts, steps, and about how long and how large.

    Times come from some real steps of each arm on this machine, as it is busy now. Nothing is
    kept. What a run would refuse is refused here, by the same sentence; where some arms alone
    fail, the exit code is 1. With --no-time the declaration alone is read, at once.
    """
    table = table_options(na=na, decimal=decimal, encoding=encoding, ignore=ignore, task=task)
    changes: dict[str, Any] = {"rounds": rounds, "epochs": epochs}
    changes |= {"csv": csv, "target": target, "table": table, "read_files": not no_time}
    study = resolve_study(name, quick=quick, data=data, **changes)
    parts = split_study(study, read_files=not no_time)
    are_right = [no_time or try_arms(part, arms, name) for part in parts]
    jobs = jobs or available_cpus()
    plans = [make_plan(part, arms, jobs, no_time) for part in parts]
    if study.datasets:
        print_plans(study.name, plans, as_json=as_json)
    else:
        print_plan(plans[0], as_json=as_json)
    if share is not None:
        print_share(plans, share)
    if not all(are_right):
        raise typer.Exit(1)


def make_plan(study: studies.Study, arms: str, jobs: int, no_time: bool) -> Plan:
    """The plan with its sizes and times, or a count of the trainings."""
    if no_time:
        from chainrule.study.plan.plan import count_trainings

        return count_trainings(study, arms=arms, jobs=jobs)
    from chainrule.study.plan.build import build_plan

    return build_plan(study, arms=arms, jobs=jobs)


def print_share(plans: list[Plan], share: str) -> None:
    """How much of all that a share has, on stderr."""
    from chainrule.report.tables.plan import format_duration
    from chainrule.study.plan.share_plan import plan_share

    parts = [plan_share(plan, share) for plan in plans]
    trainings, whole = sum(part.trainings for part in parts), sum(part.of for part in parts)
    seconds = [part.seconds for part in parts if part.seconds is not None]
    about = f", about {format_duration(sum(seconds))} of one core" if seconds else ""
    echo_err(f"Share {share}: {trainings:,} of {count_noun(whole, 'training')} at most{about}.")


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """The table of the arms, or their rows and what so many rounds will find."""
    from chainrule.report.tables.plan import plan_table

    if as_json:
        echo_json(plan_as_json(plan))
    else:
        echo_table(plan_table(plan))


def print_plans(name: str, plans: list[Plan], *, as_json: bool) -> None:
    """The table of the data sets of a study, or the plan of each."""
    from chainrule.report.tables.plan import datasets_plan_table

    if as_json:
        echo_json({"study": name, "datasets": [plan_as_json(plan) for plan in plans]})
    else:
        echo_table(datasets_plan_table(plans))


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """The arms, their sums and what so many rounds will find."""
    found = {"study": plan.study.name, "arms": plan.as_rows(), "totals": plan.totals()}
    return found | {"power": plan.find_sensitivity()}
