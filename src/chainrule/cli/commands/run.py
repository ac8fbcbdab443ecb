"""``chainrule run``: train what is missing of a study."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule._util.plain_data import flatten_dict
from chainrule._util.processes import available_cpus, preload_workers
from chainrule.cli.csv_study import with_table
from chainrule.cli.options import (
    Arms,
    Csv,
    DataArguments,
    Epochs,
    Json,
    Quick,
    Rounds,
    Target,
    examples,
)
from chainrule.cli.options import Study as StudyArgument
from chainrule.cli.overrides import with_data
from chainrule.cli.resolve import RUNS, echo_err, study_of

if TYPE_CHECKING:
    from chainrule.study import Study, StudyResult

__all__ = ["add_to", "apply_overrides"]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Train what is missing of a study.",
        epilog=examples(
            "chainrule run pairs-depth --quick",
            "chainrule run study.toml --arms 'mlp*' --rounds 10 --jobs 8",
            "chainrule run study.toml --rounds 30 --extend",
            "chainrule run digits --data root=/data/mnist",
            "chainrule run prices --csv houses.csv --target price",
        ),
    )(run)


def run(
    study: StudyArgument,
    arms: Arms = "*",
    rounds: Rounds = None,
    epochs: Epochs = None,
    quick: Quick = False,
    store: Annotated[
        str | None,
        typer.Option(metavar="PATH_OR_URL", help="Where rows go; default: runs/NAME.sqlite."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes; default: the cores.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Root seed of all draws.")] = None,
    device: Annotated[str | None, typer.Option(metavar="D", help="Such as cpu, cuda.")] = None,
    width: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most trainings in a cohort.")
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Go on with a study of fewer rounds or arms.")
    ] = False,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Small nets, and convolutions, in C++; needs a compiler."),
    ] = False,
    nets: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to save the final nets in.")
    ] = None,
    data: DataArguments = None,
    csv: Csv = None,
    target: Target = None,
    as_json: Json = False,
) -> None:
    """Train what is missing of a study, and print its table: the test metric, mean ± std.

    What is done is kept at once. Ctrl-C ends the run, and the same command goes on from there;
    when all is done it prints the table again.
    """
    jobs = jobs or available_cpus()
    if jobs > 1:
        preload_workers("chainrule.study.run.runner", "chainrule.cli")
    from chainrule import report  # first, so that nothing is slow after Ctrl-C
    from chainrule._util.malloc import disable_malloc_trim
    from chainrule.cli.live import display_for
    from chainrule.study import run as run_study

    disable_malloc_trim()  # with one job, training is done here
    wanted = apply_overrides(
        study_of(study), quick, rounds=rounds, epochs=epochs, seed=seed, device=device, width=width
    )
    wanted = with_table(with_data(wanted, data), csv, target)
    wanted = compiling(wanted) if compiled else wanted
    wanted.select(arms)  # say what is wrong before a store is made
    where = store or str(RUNS / f"{wanted.name}.sqlite")
    prepare(where, wanted)
    with display_for(wanted) as display:
        result = run_study(
            wanted,
            arms=arms,
            store=where,
            jobs=jobs,
            extend=extend,
            nets=nets,
            watch=display.watch,
        )
    if as_json:
        typer.echo(json.dumps(result.as_rows(), indent=2))
    elif result.arms:
        from rich.console import Console

        Console().print(report.RichTable(report.results_table(result)))
    finish(result, where, wanted.name if store is None else store, trained=display.trained)


def apply_overrides(study: Study, quick: bool, **changes: Any) -> Study:
    """The study, or its small form, with what the command line says differently."""
    return (study.quick_form() if quick else study).with_overrides(**changes)


def compiling(study: Study) -> Study:
    """The study with ``compile`` for each arm that chainrule's own trainer trains.

    Raises BuildError, an OSError, where there is no compiler.
    """
    from chainrule.study.round_data import dtype_of
    from chainrule.train import build_kernel

    if (study.trainer or {}).get("name", "Trainer") != "Trainer":
        return study
    build_kernel(dtype_of(study))  # once, and not by each process
    return study.with_overrides(trainer={"name": "Trainer", "compile": True})


def prepare(where: str, study: Study) -> None:
    """Make the store's folder, and say if the store has another study of this name."""
    if "://" not in where:
        folder = Path(where).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"no folder {folder} for the store ({error.strerror}): choose another with --store"
            ) from None
        if not Path(where).exists():
            return
    from chainrule.study import StudyError, open_store
    from chainrule.study.run.resume import declared_in

    with open_store(where, read_only="://" not in where) as store:
        if store.find(study.digest) is not None:
            return
        namesakes = [record for record in store.studies() if record.name == study.name]
    with suppress(StudyError):  # an old declaration, which this version cannot read
        if namesakes:
            differing = ", ".join(differences(declared_in(namesakes[-1]), study))
            echo_err(f"{where} has {study.name} as it was declared before ({differing})")


def differences(old: Study, new: Study) -> Iterator[str]:
    """``epochs: 25 → 5`` for each field that is not the same."""
    a, b = (flatten_dict(study.model_dump(mode="json")) for study in (old, new))
    for path in [*a, *(path for path in b if path not in a)]:
        if a.get(path) != b.get(path):
            yield f"{path}: {a.get(path)} → {b.get(path)}"


def finish(result: StudyResult, where: str, run: str, *, trained: bool) -> None:
    """Say how it ended, where all is, and what one may do next; exit code 130 for Ctrl-C."""
    from chainrule.report import progress_sentence

    shown = shlex.quote(run)
    if result.interrupted:
        echo_err(f"interrupted: what was done is kept in {where}; go on with:\n  {command_line()}")
        raise typer.Exit(130)
    nothing = "" if trained else "; nothing was left to train"
    echo_err(f"{progress_sentence(result)} Kept in {where}{nothing}.")
    if result.arms:
        echo_err(f"Next: chainrule compare {shown}; chainrule report {shown}")


def command_line() -> str:
    """The command, to be typed again."""
    return shlex.join(["chainrule", *sys.argv[1:]])
