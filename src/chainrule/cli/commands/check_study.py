"""``chainrule check-study``: are studies right?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._util.user_code import add_user_lines
from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import format_examples
from chainrule.cli.output import describe_ours, echo_err, wrap_text
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
    from chainrule.study.spec.components import ComponentProblems

    try:
        study = find_study(file)
    except (ValueError, OSError) as error:
        echo_err(add_user_lines(f"chainrule: {describe_ours(error)}", error), is_error=True)
        return False
    components = ComponentProblems(study.as_dict(), study.space, file)
    parts, found = [], []
    try:
        announce_columns(study)
        study = resolve_files(study)
        parts = split_study(study)
        found = find_part_problems(study, parts)
    except (ValueError, OSError) as error:
        found = [add_user_lines(describe_ours(error), error)]
    found = [components.locate(problem) for problem in found]
    found += components.list_unsaid(found) if found else []
    for problem in found:
        echo_err(f"chainrule: {file}: {problem}", is_error=True)
    for part in parts if not found else ():
        describe_study(file, part)
    return not found


def find_part_problems(study: Study, parts: Sequence[Study]) -> list[str]:
    """What would fail in a run: a line each. Parts: the study over each of its data sets."""
    from chainrule.study.execution.executors import SerialExecutor
    from chainrule.study.plan.dry_run import find_problems

    small = split_study(study.quick_form()) if study.datasets and study.quick else []
    return [
        f"{describe_dataset(part)}{problem}"
        for part in (*parts, *small)
        for problem in SerialExecutor().submit(find_problems, part).result()
    ]


def describe_dataset(study: Study) -> str:
    """``data set iris: `` where the study is about one of several."""
    return (
        ""
        if study.part_of is None
        else f"{study.part_of.study}, data set {study.part_of.dataset}: "
    )


def describe_study(file: str, study: Study) -> None:
    """Print how large it is and what a conclusion is about."""
    from chainrule.study.execution.scheduling.scheduler import Scheduler
    from chainrule.study.extension import describe_rounds
    from chainrule.study.sample_overlap import plan_design
    from chainrule.study.search.scope import describe_search_scope

    scheduler = Scheduler(study, study.all_arms)
    trainings = sum(map(scheduler.count_total, scheduler.arms))
    arms = f"{count_noun(len(scheduler.arms), 'arm')}, {describe_rounds(study)}"
    typer.echo(f"{file}: ok: {study.name}, {arms}, {count_noun(trainings, 'training')}")
    for scope in filter(None, (plan_design(study).scope, describe_search_scope(study))):
        typer.echo(wrap_text(scope, others="  "))
