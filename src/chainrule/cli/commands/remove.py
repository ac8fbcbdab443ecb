"""``chainrule remove``: remove a study from its store."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import list_records, resolve_store


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
            "studies lists them.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a study and all its results from its store, for ever.

    You are asked first; where nobody can be asked nothing is removed without --yes.
    """
    from chainrule.study import StudyError, open_store

    name, _, number = study.rpartition("/")
    if not name or not number.isdecimal():
        raise typer.BadParameter(
            f"expected STORE/NUMBER, such as pairs-depth/2, got {study!r}; chainrule studies "
            "lists them"
        )
    where = resolve_store(name)
    with open_store(where, read_only=True) as store:  # an answer may take its time
        records = {record.id: record for record in store.studies()}
    if (record := records.get(int(number))) is None:
        listed = list_records([*records.values()]) or "none"
        raise StudyError(f"{name}: no study {number} in it; studies: {listed}")
    what = f"study {number} of {where} ({record.name}, begun {record.created})"
    if not yes and not sys.stdin.isatty():
        raise StudyError(f"nothing was removed: say --yes to remove {what}, without being asked")
    rows = f"{record.trainings:,} trainings"
    if not yes and not typer.confirm(f"Remove {what} and its {rows} for ever?", err=True):
        echo_err("nothing was removed")
        raise typer.Exit(1)
    with open_store(where, create=False) as store, store.run_lock():
        if store.find(record.digest) is None:
            raise StudyError(f"nothing was removed: {what} has changed meanwhile")
        store.remove(record.id)
    echo_err(f"removed {what}, {rows}")
