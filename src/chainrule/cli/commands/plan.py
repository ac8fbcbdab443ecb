"""``chainrule plan``: what would be trained, before it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.commands.run import apply_overrides
from chainrule.cli.csv_study import with_table
from chainrule.cli.options import (
    Arms,
    Csv,
    DataArguments,
    Epochs,
    Json,
    Quick,
    Rounds,
    Study,
    Target,
    examples,
)
from chainrule.cli.overrides import with_data
from chainrule.cli.resolve import study_of

if TYPE_CHECKING:
    from chainrule.report import Table
    from chainrule.study.plan.plan import ArmPlan, Plan

__all__ = ["add_to"]

HEADS = ("arm", "cand.", "search", "final", "cohorts", "K", "params", "mult.", "time", "MiB")

LEGEND = (
    "cand.: candidates of a search. K: trainings in a cohort. mult.: multiply-adds. time: on one "
    "core. Of each arm's final trainings one runs alone, for its time; they are reckoned with the "
    "largest net of the search."
)


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Say what a run would train.",
        epilog=examples(
            "chainrule plan pairs-depth",
            "chainrule plan study.toml --arms 'mlp*' --rounds 10 --jobs 8 --json",
        ),
    )(plan)


def plan(
    study: Study,
    arms: Arms = "*",
    rounds: Rounds = None,
    epochs: Epochs = None,
    quick: Quick = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Workers; default: the cores.")
    ] = None,
    no_time: Annotated[bool, typer.Option("--no-time", help="Measure no step.")] = False,
    data: DataArguments = None,
    csv: Csv = None,
    target: Target = None,
    as_json: Json = False,
) -> None:
    """Say what a run would train: cohorts, steps, and about how long and how large.

    Times come from some real steps of each arm on this machine, as it is busy now. Nothing is
    kept.
    """
    from rich.console import Console

    from chainrule._util.processes import available_cpus
    from chainrule.report import RichTable
    from chainrule.study.plan.plan import plan as plan_of

    wanted = apply_overrides(study_of(study), quick, rounds=rounds, epochs=epochs)
    wanted = with_table(with_data(wanted, data), csv, target)
    found = plan_of(wanted, arms=arms, jobs=jobs or available_cpus(), times=not no_time)
    if as_json:
        rows = {"study": wanted.name, "arms": found.as_rows(), "totals": found.totals()}
        typer.echo(json.dumps(rows, indent=2))
        return
    Console().print(RichTable(sheet_of(found)))


def sheet_of(plan: Plan) -> Table:
    """A row an arm; the totals above it, and below it what must be known to read it."""
    from chainrule.report import Cell, Column, Table

    columns = [Column(head, head, numeric=head != "arm") for head in HEADS]
    rows = [[Cell(text, text) for text in cells(arm)] for arm in plan.arms]
    return Table("plan", totals(plan), columns, rows, plan.as_rows(), [*notes(plan), *idle(plan)])


def cells(arm: ArmPlan) -> list[str]:
    """A row, as HEADS name it."""
    return [
        arm.arm,
        str(arm.candidates),
        str(arm.search),
        str(arm.final),
        str(arm.cohorts),
        both(*map(str, arm.widths)),
        both(*map(count, arm.parameters)),
        f"{arm.multiply_adds:.1g}",
        "–" if arm.seconds is None else duration(arm.seconds),
        f"{arm.bytes / 2**20:.0f}",
    ]


def totals(plan: Plan) -> str:
    """The sums over the arms."""
    sums = plan.totals()
    trained = f"{sums['search']:,} to search and {sums['final']:,} final ones"
    text = f"{plan.study.name}: {plan.trainings:,} trainings ({trained})"
    return f"{text} in {sums['cohorts']:,} cohorts, {sums['steps']:,} steps."


def notes(plan: Plan) -> list[str]:
    """What the columns are; and about how long and how large the whole is."""
    if plan.seconds is None:
        return [LEGEND]
    workers = "1 worker" if plan.jobs == 1 else f"{plan.jobs} workers"
    memory = f"{plan.totals()['bytes'] / 2**20:.0f} MiB"
    return [LEGEND, f"About {duration(plan.seconds)} with {workers}, {memory} besides PyTorch."]


def idle(plan: Plan) -> list[str]:
    """What of the space does nothing, and where."""
    arms: dict[tuple[int | None, int, tuple[str, ...]], list[str]] = {}
    for arm in plan.arms:
        if arm.idle:
            arms.setdefault((arm.declared, arm.candidates, arm.idle), []).append(arm.arm)
    return [
        (f"{n} in the grid, {k} distinct: " if n else "")
        + f"{', '.join(paths)} {'do' if len(paths) > 1 else 'does'} nothing in {', '.join(names)}."
        for (n, k, paths), names in arms.items()
    ]


def both(low: str, high: str) -> str:
    """``1-48``, or one of them where they are the same."""
    return low if low == high else f"{low}-{high}"


def count(n: int) -> str:
    """Such as 950, 12k, 1.3M."""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.2g}{sign}" if n < 10 * size else f"{n / size:.0f}{sign}"
    return str(n)


def duration(seconds: float) -> str:
    """Such as 0.4 s, 12 s, 3.5 min, 12 min, 1.2 h."""
    for size, sign in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{int(seconds < 10 * size)}f} {sign}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
