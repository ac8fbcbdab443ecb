"""``chainrule schema``: the JSON schema of a study's file."""

from __future__ import annotations

import json

import typer

from chainrule.cli.commands import app
from chainrule.cli.options import Out, format_examples
from chainrule.cli.output import save_bytes


@app.command(
    "schema",
    short_help="Print the JSON schema of a study's file.",
    epilog=format_examples("chainrule schema -o study.schema.json"),
)
def print_schema(output: Out = None) -> None:
    """Print the JSON schema of a study's TOML file, for editors that complete and check.

    With the schema in study.schema.json, begin the TOML file with the line
    #:schema ./study.schema.json
    """
    from chainrule.study.spec.schema import build_schema

    text = json.dumps(build_schema(), indent=2) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        save_bytes(output, text.encode())
