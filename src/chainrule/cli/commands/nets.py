"""``chainrule nets``: the final nets of a study, trained again and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule._util.processes import available_cpus
from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import EngineName, Jobs, Run, StudyNumber, format_examples
from chainrule.cli.output import echo_err, make_folder
from chainrule.cli.resolve import resolve_result
from chainrule.cli.user_config import choose_engine, open_named_engine


@app.command(
    "nets",
    short_help="Save the final nets of a study.",
    epilog=format_examples(
        "chainrule nets disk-torch -o nets",
        "chainrule nets disk-torch --arms 'torch*,small-rate' --rounds 0,3 -o nets",
    ),
)
def save_final_nets(
    run: Run,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to save the nets in.")
    ],
    arms: Annotated[
        str, typer.Option(metavar="GLOB,…", help="The arms whose names match one of these.")
    ] = "*",
    rounds: Annotated[
        str | None, typer.Option(metavar="N,…", help="These rounds alone, such as 0,3.")
    ] = None,
    jobs: Jobs = None,
    engine: EngineName = None,
    study: StudyNumber = None,
) -> None:
    """Save the final nets of a study that was run: DIR/ARM/round-000.safetensors.

    A run keeps its nets with --nets DIR alone. Here they are trained again as the study was
    declared, in their cohorts, and are the same bit for bit. What they score is compared with the
    store: where it differs, on another machine say, that is an error.
    """
    from chainrule.study import retrain_nets

    numbers = None if rounds is None else parse_rounds(rounds)
    result = resolve_result(run, study)
    make_folder(output)
    patterns = arms.split(",")
    jobs = jobs or available_cpus()
    with open_named_engine(choose_engine(engine), jobs) as executor:
        paths = retrain_nets(
            result, output, arms=patterns, rounds=numbers, jobs=jobs, executor=executor
        )
    echo_err(f"wrote {count_noun(len(paths), 'net')} to {output}")


def parse_rounds(text: str) -> list[int]:
    """``0,3`` as numbers. Raises typer.BadParameter for anything else."""
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise typer.BadParameter(f"--rounds is numbers with commas, such as 0,3, got {text!r}")
    return [int(word) for word in words]
