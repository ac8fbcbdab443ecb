"""``chainrule check``: are the gradients of a net right?"""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule import estimators
from chainrule.cli.commands import app
from chainrule.cli.options import Trust, format_examples
from chainrule.cli.resolve import trust_modules


@app.command(
    "check",
    short_help="Check the gradients of a net.",
    epilog=format_examples(
        "chainrule check disk",
        "chainrule check net.safetensors --shape 5,2",
        "chainrule check mynets.py:my_net --shape 5,2",
    ),
)
def check_net(
    net: Annotated[
        str,
        typer.Argument(
            metavar="NET",
            help="A built-in net (disk, pairs); a saved file or folder; or file.py:FUNCTION.",
        ),
    ],
    shape: Annotated[
        str | None,
        typer.Option(
            metavar="N,…", help="Input shape with the batch, e.g. 5,2; not of a built-in."
        ),
    ] = None,
    trust: Trust = None,
) -> None:
    """Check every layer's gradients against finite differences; one line a layer.

    Exit code 1 where one is wrong.
    """
    from chainrule.nn.inspect.gradcheck import check_layers

    example = estimators.net_to_check(net, shape, trust_modules(trust))
    reports = check_layers(example.net, example.inputs)
    width = max(len(path) for path, _ in reports)
    for path, report in reports:
        name = f"{path:{width}}  {report.label}" if path else f"{'':{width}}  the whole net"
        typer.echo(f"{'ok  ' if report else 'FAIL'} {report.error:8.1e}  {name}")
        for problem in report.problems:
            typer.echo(f"     {problem}")
    if not all(report for _, report in reports):
        raise typer.Exit(1)
