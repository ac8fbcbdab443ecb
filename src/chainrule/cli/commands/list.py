"""``chainrule list``: what studies there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import Json, format_examples
from chainrule.cli.output import echo_json, wrap_text

if TYPE_CHECKING:
    from chainrule.study import Study


@app.command(
    "list",
    short_help="List the built-in studies.",
    epilog=format_examples("chainrule list", "chainrule list --json"),
)
def list_studies(as_json: Json = False) -> None:
    """List the built-in studies: what they compare, and how large they are."""
    from chainrule.study.builtin import NAMES, load_builtin

    rows = [study_row(load_builtin(name)) for name in NAMES]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        typer.echo(row["study"])
        rounds = f"{count_noun(row['rounds'], 'round')} of {count_noun(row['epochs'], 'epoch')}"
        size = f"{rounds}; candidates: {row['candidates']}"
        quick = f"; small form: chainrule run {row['study']} --quick" if row["quick"] else ""
        arms = f"arms: {', '.join(row['arms'])}"
        datasets = [f"data sets: {', '.join(row['datasets'])}"] if row["datasets"] else []
        for text in (row["summary"], size + quick, arms, *datasets):
            typer.echo(wrap_text(text))


def study_row(study: Study) -> dict[str, Any]:
    """What is said of a study, as JSON data."""
    from chainrule.study.search.candidates import count_candidates

    arms = study.all_arms
    return {
        "study": study.name,
        "summary": study.summary,
        "arms": [arm.name for arm in arms],
        "datasets": [*study.datasets],
        "rounds": study.max_rounds,
        "epochs": study.epochs,
        "candidates": max(count_candidates(study, arm) for arm in arms),
        "quick": bool(study.quick),
    }
