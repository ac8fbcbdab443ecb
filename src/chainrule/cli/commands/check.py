"""``chainrule check``: are the gradients of a net right?"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import examples

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.nn import Module

__all__ = ["add_to", "saved_net"]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Check the gradients of a net.",
        epilog=examples("chainrule check disk", "chainrule check net.safetensors --shape 5,2"),
    )(check)


def check(
    net: Annotated[str, typer.Argument(help="A built-in net (disk, pairs), or a saved file.")],
    shape: Annotated[
        str | None, typer.Option(help="Input shape of a saved net with the batch, e.g. 5,2.")
    ] = None,
) -> None:
    """Check every layer's gradients against finite differences; one line a layer.

    Exit code 1 where one is wrong.
    """
    from chainrule.nn.inspect.gradcheck import check_layers

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


def _net_and_input(name: str, shape: str | None) -> tuple[Module, Tensor]:
    """A built-in or a saved net, and random numbers for its input."""
    from chainrule import zoo

    built_in: dict[str, tuple[Module, str]] = {
        "disk": (zoo.disk_net(), "5,2"),
        "pairs": (zoo.pair_mlp(20, share=True, aux=True), "5,2,14,14"),
    }
    if name in built_in:
        net, usual = built_in[name]
        return net, random_input(usual if shape is None else shape)
    return saved_net(name, shape, built_in)


def saved_net(
    name: str, shape: str | None, built_in: Iterable[str], samples: int = 5
) -> tuple[Module, Tensor]:
    """A saved net, and random numbers for its input; ``built_in`` is what else there is.

    Without a shape, so many samples of the one that ``chainrule train`` wrote into the file.
    """
    from chainrule.serialization.nets import load, load_metadata

    if not Path(name).exists():
        raise ValueError(f"no file {name}, and no built-in net; built in: {', '.join(built_in)}")
    net, prepared = load(name), load_metadata(name).get("preparation")
    if shape is not None:
        return net, random_input(shape)
    if prepared is None:
        raise ValueError(f"{name} is a saved net: say the shape of an input, e.g. --shape 5,2")
    return net, random_input(",".join(map(str, [samples, *prepared["shape"]])))


def random_input(shape: str) -> Tensor:
    """Normal numbers in a shape written as "5,2", the same each time."""
    import torch

    sizes = [int(size) for size in shape.split(",") if size.isdecimal()]
    if len(sizes) != shape.count(",") + 1 or not 0 < prod(sizes) < 10**8:
        raise ValueError(f"--shape is whole numbers with commas, e.g. 5,2, got {shape!r}")
    return torch.randn(sizes, generator=torch.Generator().manual_seed(0))
