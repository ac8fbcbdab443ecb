"""``chainrule ensemble``: what arms reach together."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import Arms, Json, Run, StudyNumber, TableFormat, format_examples
from chainrule.cli.output import echo_json, echo_table
from chainrule.cli.resolve import resolve_result


@app.command(
    "ensemble",
    short_help="Average the best arms, and test what that gains.",
    epilog=format_examples(
        "chainrule ensemble digits", "chainrule ensemble digits --arms 'conv*' --max-members 5"
    ),
)
def select_ensemble(
    run: Run,
    arms: Arms = "*",
    max_members: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most members, one counted as often as chosen.")
    ] = 30,
    form: TableFormat = "text",
    as_json: Json = False,
    study: StudyNumber = None,
) -> None:
    """Average the outputs of the arms that decide best together, and test that once.

    In each round members are added one by one, the one that helps most on validation predictions;
    it takes predictions that run --keep predictions kept. Where an arm was not searched, one half
    of the test samples chooses and the other tests. Says the members, and the gain over the best
    single arm with its interval.
    """
    from chainrule.report import ReportData, ensemble_sentence, ensembles_table
    from chainrule.study import select_ensembles

    result = resolve_result(run, study)
    found = select_ensembles(result, arms, max_members=max_members)
    if as_json or form == "json":
        echo_json(found.as_dict())
        return
    data = ReportData(result)
    echo_table(ensembles_table(data, found), form)
    if form == "text":
        typer.echo(ensemble_sentence(data, found))
