"""``chainrule studies``: what stores hold."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.commands import app
from chainrule.cli.completion import complete_run
from chainrule.cli.options import Json, format_examples
from chainrule.cli.output import describe_ours, echo_err, echo_json, echo_table
from chainrule.cli.resolve import RUNS, resolve_store

if TYPE_CHECKING:
    from chainrule.report import Table
    from chainrule.study import StudyResult


@app.command(
    "studies",
    short_help="List the studies that stores hold.",
    epilog=format_examples("chainrule studies", "chainrule studies runs/pairs-depth.sqlite --json"),
)
def list_stored_studies(
    store: Annotated[
        str | None,
        typer.Argument(
            metavar="STORE",
            help="A store (NAME, path or URL); all of those in runs/ unless said.",
            autocompletion=complete_run,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the studies that a store holds, or all stores in runs/ do.

    Of each: whether it is complete, when it was run last (UTC), how often, and its arms and rounds,
    those done of those declared. STORE/NUMBER is what chainrule remove takes.
    """
    stores = sorted(map(str, RUNS.glob("*.sqlite"))) if store is None else [resolve_store(store)]
    rows, problems = [], 0
    for where in stores:
        try:
            rows += read_studies(where)
        except (ValueError, OSError) as error:
            if store is not None:
                raise
            echo_err(f"chainrule: {describe_ours(error)}", is_error=True)
            problems += 1
    if as_json:
        echo_json(rows)
    elif rows:
        echo_table(tabulate_studies(rows))
    if not rows and not problems:
        echo_err(f"no studies in {', '.join(stores) or RUNS}: chainrule run makes them")
    if problems:
        raise typer.Exit(1)


def read_studies(where: str) -> list[dict[str, Any]]:
    """What is said of each study of a store, as JSON data; of an empty file nothing."""
    from chainrule.study import load_result, open_store
    from chainrule.study.results.summary import summarize_study

    if "://" not in where and not Path(where).stat().st_size:
        return []
    with open_store(where, read_only=True) as store:
        records = store.studies()
        found = [load_result(store, record.id) for record in records]
    return [
        {
            "study": f"{shorten_store(where)}/{of.number}",
            "name": of.name,
            "state": "complete" if of.is_complete else describe_state(result),
            "last run": of.last_run,
            "runs": of.runs,
            "arms": "{}/{}".format(*of.arms),
            "rounds": "{}/{}".format(*of.rounds),
            "trainings": of.trainings,
        }
        for result, of in zip(found, map(summarize_study, found, records), strict=True)
    ]


def describe_state(result: StudyResult) -> str:
    """``not complete``, and of which shares it is."""
    from chainrule.study.shares.missing import find_shares, name_shares

    shares = find_shares(result)
    numbers = [share.number for share in shares]
    return f"not complete, {name_shares(numbers, shares[0].count)}" if shares else "not complete"


def shorten_store(where: str) -> str:
    """NAME for runs/NAME.sqlite."""
    path = Path(where)
    return path.stem if path == RUNS / f"{path.stem}.sqlite" else where


def tabulate_studies(rows: list[dict[str, Any]]) -> Table:
    """A row a study; without its name where the store is called so, and times to the minute."""
    from chainrule.report.tables.table import Cell, Column, Table

    is_named = all(Path(row["study"]).parent.stem == row["name"] for row in rows)
    titles = [title for title in rows[0] if not (is_named and title == "name")]
    shown = [{**row, "last run": shorten_time(row["last run"])} for row in rows]
    numbers = ("runs", "arms", "rounds", "trainings")
    return Table(
        "studies",
        "The studies of each store, and when they were run last (UTC).",
        [Column(title, title, numeric=title in numbers) for title in titles],
        [[Cell(str(row[title]), row[title]) for title in titles] for row in shown],
        rows,
    )


def shorten_time(text: str) -> str:
    """``2026-07-01 12:00`` for ``2026-07-01T12:00:59+00:00``."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
