"""``chainrule remove``: remove a study from its store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import list_records, resolve_store

if TYPE_CHECKING:
    from chainrule.study.store import StudyRecord


@app.command(
    "remove",
    short_help="Remove a study from its store.",
    epilog=format_examples(
        "chainrule remove pairs-depth/2", "chainrule remove runs/pairs-depth.sqlite/2 --yes"
    ),
)
def remove_study(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STORE/NUMBER",
            help="A store (NAME, path or URL) and the number of a study in it, as chainrule "
            "studies lists them; or the name of one over several data sets, for all of them.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a study and all its results from its store, for ever.

    You are asked first; where nobody can be asked nothing is removed without --yes.
    """
    from chainrule.study import StudyError, open_store

    name, _, which = study.rpartition("/")
    if not name or not which:
        raise typer.BadParameter(
            f"expected STORE/NUMBER, such as pairs-depth/2, or STORE/NAME of a study over several "
            f"data sets, got {study!r}; chainrule studies lists them"
        )
    where = resolve_store(name)
    with open_store(where, read_only=True) as store:  # an answer may take its time
        records = store.studies()
    if not (chosen := choose_studies(records, which)):
        listed = list_records(records) or "none"
        raise StudyError(f"{name}: no study {which} in it; studies: {listed}")
    begun = f"{chosen[0].name}, begun {chosen[0].created}"
    many = f"{begun}, and {len(chosen) - 1} more" if len(chosen) > 1 else begun
    what = f"study {which} of {where} ({many})"
    if not yes and not sys.stdin.isatty():
        raise StudyError(f"nothing was removed: say --yes to remove {what}, without being asked")
    rows = count_noun(sum(record.trainings for record in chosen), "training")
    if not yes and not typer.confirm(f"Remove {what} and its {rows} for ever?", err=True):
        echo_err("nothing was removed")
        raise typer.Exit(1)
    with open_store(where, create=False) as store, store.run_lock():
        if any(store.find(record.digest) is None for record in chosen):
            raise StudyError(f"nothing was removed: {what} has changed meanwhile")
        for record in chosen:
            store.remove(record.id)
    echo_err(f"removed {what}, {rows}")


def choose_studies(records: Sequence[StudyRecord], which: str) -> list[StudyRecord]:
    """The study of this number; or all parts of the one over several data sets of this name."""
    from chainrule.study.results.datasets_result import list_parts

    if which.isdecimal():
        return [record for record in records if record.id == int(which)]
    return [record for of, record in list_parts(records) if of.study == which]
