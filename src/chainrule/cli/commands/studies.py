"""``chainrule list``, ``check-study``, ``schema``: what studies there are, are they right?"""

from __future__ import annotations

import json
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import Json, Out, examples
from chainrule.cli.resolve import echo_err, study_of

if TYPE_CHECKING:
    from chainrule.study import Study

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        "list",
        short_help="List the built-in studies.",
        epilog=examples("chainrule list", "chainrule list --json"),
    )(list_studies)
    app.command(
        "check-study",
        short_help="Check studies without running them.",
        epilog=examples("chainrule check-study study.toml"),
    )(check_study)
    app.command(
        short_help="Print the JSON schema of a study's file.",
        epilog=examples("chainrule schema -o study.schema.json"),
    )(schema)


def list_studies(as_json: Json = False) -> None:
    """List the built-in studies: what they compare, and how large they are."""
    from chainrule.study.builtin import NAMES, find

    rows = [_row(find(name)) for name in NAMES]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(row["study"])
        size = f"{row['rounds']} rounds of {row['epochs']} epochs; candidates: {row['candidates']}"
        quick = f"; small form: chainrule run {row['study']} --quick" if row["quick"] else ""
        arms = f"arms: {', '.join(row['arms'])}"
        for text in (row["summary"], size + quick, arms):
            typer.echo(indented(text))


def indented(text: str) -> str:
    """Over as many lines of 80 as it takes; names are not broken."""
    return fill(text, 80, initial_indent=" " * 2, subsequent_indent=" " * 4, break_on_hyphens=False)


def _row(study: Study) -> dict[str, Any]:
    from chainrule.study.search.candidates import wanted

    arms = study.all_arms
    return {
        "study": study.name,
        "summary": study.summary,
        "arms": [arm.name for arm in arms],
        "rounds": study.rounds,
        "epochs": study.epochs,
        "candidates": max(wanted(study, arm) for arm in arms),
        "quick": bool(study.quick),
    }


def check_study(
    files: Annotated[
        list[str], typer.Argument(metavar="STUDY…", help="TOML files, or other studies.")
    ],
) -> None:
    """Check studies without running them: one line each, or what is wrong; then exit code 1.

    The fields, every name in them, and a moment's training of each arm on a few samples, with
    each value of its space at least once.
    """
    wrong = [not _checked(file) for file in files]
    if any(wrong):
        raise typer.Exit(1)


def _checked(file: str) -> bool:
    """Whether this one is right; says so."""
    from chainrule.study.plan.dry_run import problems
    from chainrule.study.run.executors import SerialExecutor
    from chainrule.study.run.scheduler import Scheduler

    try:
        study = study_of(file)
        found = SerialExecutor().submit(problems, study).result()
    except (ValueError, OSError) as error:
        echo_err(f"chainrule: {error}")
        return False
    for problem in found:
        echo_err(f"chainrule: {file}: {problem}")
    if found:
        return False
    board = Scheduler(study, study.all_arms)
    trainings = sum(map(board.total, board.arms))
    arms = f"{len(board.arms)} arms, {study.rounds} rounds"
    typer.echo(f"{file}: ok: {study.name}, {arms}, {trainings:,} trainings")
    return True


def schema(output: Out = None) -> None:
    """Print the JSON schema of a study's TOML file, for editors that complete and check.

    With the schema in study.schema.json, begin the TOML file with the line
    #:schema ./study.schema.json
    """
    from chainrule.serialization.safetensors_file import write_atomically
    from chainrule.study.spec.schema import schema as schema_of

    text = json.dumps(schema_of(), indent=2) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    write_atomically(output, text.encode())
    echo_err(f"wrote {output}")
