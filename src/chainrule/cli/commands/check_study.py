"""``chainrule check-study``: are studies right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._util.user_code import add_user_lines
from chainrule.cli.commands import app
from chainrule.cli.options import format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import announce_columns, find_study, resolve_files, split_study

if TYPE_CHECKING:
    from chainrule.study import Study


@app.command(
    "check-study",
    short_help="Check studies without running them.",
    epilog=format_examples("chainrule check-study study.toml"),
)
def check_studies(
    files: Annotated[
        list[str], typer.Argument(metavar="STUDY…", help="TOML files, or other studies.")
    ],
) -> None:
    """Check studies without running them: their size, the test that their rounds allow and what
    it is about; or what is wrong, then exit code 1.

    The fields, every name in them, the device, and a step of each arm on the first and the last
    batch of each size of training set that will occur, with each value of its space at least once;
    of the quick form too.
    """
    right = [is_right(file) for file in files]
    if not all(right):
        raise typer.Exit(1)


def is_right(file: str) -> bool:
    """Whether this study is right; says so."""
    from chainrule.study.execution.executors import SerialExecutor
    from chainrule.study.plan.dry_run import find_problems
    from chainrule.study.spec.components import add_component_lines

    try:
        study = find_study(file)
        announce_columns(study)
        study = resolve_files(study)
        parts = split_study(study)
        small = split_study(study.quick_form()) if study.datasets and study.quick else []
        found = [
            f"{describe_dataset(part)}{problem}"
            for part in (*parts, *small)
            for problem in SerialExecutor().submit(find_problems, part).result()
        ]
    except (ValueError, OSError) as error:
        echo_err(add_user_lines(f"chainrule: {error}", error), is_error=True)
        return False
    for problem in found:
        located = add_component_lines(problem, study, file)
        echo_err(f"chainrule: {file}: {located}", is_error=True)
    for part in parts if not found else ():
        describe_study(file, part)
    return not found


def describe_dataset(study: Study) -> str:
    """``data set iris: `` where the study is about one of several."""
    return (
        ""
        if study.part_of is None
        else f"{study.part_of.study}, data set {study.part_of.dataset}: "
    )


def describe_study(file: str, study: Study) -> None:
    """Print how large it is and what a conclusion is about."""
    from chainrule.study.execution.resume import describe_rounds
    from chainrule.study.execution.scheduling.scheduler import Scheduler
    from chainrule.study.sample_overlap import plan_design
    from chainrule.study.search.scope import describe_search_scope

    scheduler = Scheduler(study, study.all_arms)
    trainings = sum(map(scheduler.count_total, scheduler.arms))
    arms = f"{len(scheduler.arms)} arms, {describe_rounds(study)}"
    typer.echo(f"{file}: ok: {study.name}, {arms}, {trainings:,} trainings")
    for scope in filter(None, (plan_design(study).scope, describe_search_scope(study))):
        typer.echo(f"  {scope}")
