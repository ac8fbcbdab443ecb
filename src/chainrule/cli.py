"""The command line. Each command imports what it needs, so that --help answers at once."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from math import prod
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from chainrule import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="chainrule",
    help="Train and compare small networks whose gradients you can read.\n\n"
    "Begin with: chainrule list, then chainrule run pairs-depth",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command("list")
def list_studies(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the built-in studies and their arms."""
    from chainrule.studies import NAMES, find

    studies = [find(name) for name in NAMES]
    if as_json:
        rows = [
            {"study": s.name, "summary": s.summary, "arms": [arm.name for arm in s.arms]}
            for s in studies
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for study in studies:
        typer.echo(f"{study.name}\n  {study.summary}")
        typer.echo(f"  {study.rounds} rounds of {study.epochs} epochs; arms:")
        for arm in study.arms:
            typer.echo(f"    {arm.name}")


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A built-in study; see: chainrule list")],
    arms: Annotated[str, typer.Option(help="Only the arms whose names match, e.g. 'mlp*'.")] = "*",
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds, each with fresh data.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of each training.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed of all draws.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for the figures; default: runs/STUDY.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the table as JSON on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Train the arms of a study and print a table: test metric, mean ± std over the rounds.

    Example: chainrule run pairs-depth --arms 'mlp*' --rounds 10
    """
    from rich.console import Console

    from chainrule import report
    from chainrule.studies import find
    from chainrule.study import run as run_study
    from chainrule.train.progress import ProgressBar, ProgressLine

    display = ProgressBar if sys.stderr.isatty() else ProgressLine
    declared = find(study)
    folder = figures or Path("runs") / declared.name
    declared.select(arms)  # say what is wrong before anything is made or trained
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"no folder {folder} for the figures ({error.strerror}): choose another with --figures"
        ) from None
    result = run_study(
        declared,
        arms=arms,
        rounds=rounds,
        epochs=epochs,
        seed=seed,
        watch=lambda arm: display(arm.name),
    )
    if as_json:
        typer.echo(json.dumps(result.as_rows(), indent=2))
    elif result.arms:
        Console().print(report.study_table(result))
    if result.arms:
        _write_figures(result, folder)
    if result.interrupted:
        done = "the table has the arms that were done" if result.arms else "no arm was done"
        typer.echo(f"interrupted: {done}", err=True)
        raise typer.Exit(130)


def _write_figures(result: Any, folder: Path) -> None:
    """Learning curves with a band, of the loss and of the metric; says where they are."""
    from chainrule import report
    from chainrule.train.files import write_atomically

    histories = {arm.arm: arm.history for arm in result.arms}
    for curve in ("train_loss", f"test_{result.arms[0].metric}"):
        figure, _ = report.learning_curves(histories, curve)
        path = folder / f"{curve}.png"
        image = BytesIO()
        figure.savefig(image, dpi=150)
        write_atomically(path, image.getvalue())
        typer.echo(f"wrote {path}", err=True)


@app.command()
def check(
    net: Annotated[str, typer.Argument(help="A built-in net (disk, pairs), or a saved file.")],
    shape: Annotated[
        str | None, typer.Option(help="Input shape of a saved net with the batch, e.g. 5,2.")
    ] = None,
) -> None:
    """Check every layer's gradients against finite differences; one line a layer.

    Exit code 1 where one is wrong. Examples: chainrule check disk; chainrule check net.safetensors
    --shape 5,2
    """
    from chainrule.nn.gradcheck import check_layers

    module, x = _net_and_input(net, shape)
    reports = check_layers(module, x)
    width = max(len(path) for path, _ in reports)
    for path, report in reports:
        name = f"{path:{width}}  {report.label}" if path else f"{'':{width}}  the whole net"
        typer.echo(f"{'ok  ' if report else 'FAIL'} {report.error:8.1e}  {name}")
        for problem in report.problems:
            typer.echo(f"     {problem}")
    if not all(report for _, report in reports):
        raise typer.Exit(1)


def _net_and_input(name: str, shape: str | None) -> tuple[Any, Any]:
    """A built-in or a saved net, and random numbers for its input."""
    import torch

    from chainrule import load, zoo
    from chainrule.nn import Module

    built_in: dict[str, tuple[Module, str]] = {
        "disk": (zoo.disk_net(), "5,2"),
        "pairs": (zoo.pair_mlp(20, share=True, aux=True), "5,2,14,14"),
    }
    if name in built_in:
        net, usual = built_in[name]
        shape = usual if shape is None else shape
    elif Path(name).exists():
        net = load(name)
        if shape is None:
            raise ValueError(f"{name} is a saved net: say the shape of an input, e.g. --shape 5,2")
    else:
        raise ValueError(f"no file {name}, and no built-in net; built in: {', '.join(built_in)}")
    sizes = [int(size) for size in shape.split(",") if size.isdecimal()]
    if len(sizes) != shape.count(",") + 1 or not 0 < prod(sizes) < 10**8:
        raise ValueError(f"--shape is whole numbers with commas, e.g. 5,2, got {shape!r}")
    return net, torch.randn(sizes, generator=torch.Generator().manual_seed(0))


def main() -> NoReturn:
    """Run the command line: exit code 0, 1 for an error, 2 for a wrong call, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):  # a terminal without ± gets a ? for it, not an error
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except (ValueError, OSError, ImportError) as error:
        _fail(f"chainrule: {error}", 1)
    raise SystemExit(0)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise SystemExit(code)
