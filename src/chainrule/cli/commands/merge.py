"""``chainrule merge``: the stores of a study's shares become one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import format_examples
from chainrule.cli.output import echo_err, make_folder

if TYPE_CHECKING:
    from chainrule.study import MergedStudy


@app.command(
    "merge",
    short_help="Put the stores of a study's shares into one.",
    epilog=format_examples(
        "chainrule merge runs/digits.*-of-8.sqlite -o runs/digits.sqlite",
        "chainrule merge mine.sqlite yours.sqlite -o runs/digits.sqlite",
    ),
)
def merge_shares(
    stores: Annotated[
        list[str], typer.Argument(metavar="STORE…", help="Paths or URLs; each is only read.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="STORE", help="Where all rows go; it may be there already."
        ),
    ],
) -> None:
    """Put the rows of stores into one: those of a study's shares, or of several machines.

    Curves, kept predictions and where each run was made come along. Of two rows with one name the
    first stays. A study that a store has with more rounds or arms is extended. All stores are read
    before anything is written: where one is damaged, or has the study in another form, nothing is.
    The same command again changes nothing.
    """
    from chainrule.study import merge_stores

    if "://" not in output:
        make_folder(Path(output).parent, " for the store", "--output")
    merged = merge_stores(stores, output)
    if not merged:
        echo_err(f"nothing was merged: no store but {output} itself has a study")
        raise typer.Exit(1)
    for study in merged:
        report_merged(study, output)


def report_merged(study: MergedStudy, where: str) -> None:
    """Say what became of a study, how far it is now, and what one may do next."""
    from chainrule.cli.resolve import name_run
    from chainrule.report import progress_sentence
    from chainrule.study import load_result, open_store
    from chainrule.study.results.training_versions import describe_mixed_rows

    twice = f"; {study.known:,} were there already, or came twice" if study.known else ""
    trainings = count_noun(study.trainings, "training")
    echo_err(f"{study.name}: {trainings} in {where}, {study.added:,} new{twice}")
    if study.extended:
        echo_err(f"  it had {study.extended} here, and has more now")
    if study.different:
        echo_err(
            f"  of those that came twice {study.different:,} had other numbers the second time, as "
            "another machine or version gives; the first were kept"
        )
    for place, changes in study.changes.items():
        said = "; ".join(f"{name}: {old} here, {new} there" for name, (old, new) in changes.items())
        echo_err(f"  {place} declares it otherwise ({said}); what was here first is kept")
    with open_store(where, read_only=True) as store:
        record = store.find(study.digest)
        result = None if record is None else load_result(store, record.id)
    if result is not None:
        if old := describe_mixed_rows(result):
            echo_err(f"  {old}")
        echo_err(f"  {progress_sentence(result)}")
        if result.arms:
            run = name_run(where, result.study)
            echo_err(f"  Next: chainrule show {run}; chainrule compare {run}")
