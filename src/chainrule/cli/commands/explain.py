"""``chainrule explain``: a net layer by layer, for one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from chainrule._util.suggest import did_you_mean
from chainrule.cli.commands.check import saved_net
from chainrule.cli.commands.show import write
from chainrule.cli.explained import BATCH, Explained, on_data
from chainrule.cli.options import Json, Out, examples
from chainrule.cli.resolve import echo_err

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.nn.init import Initializer
    from chainrule.train.layer_stats import LayerRow

__all__ = ["add_to"]

FORMATS = ("png", "svg", "pdf")

BUILT_IN = ("deep", "disk", "pairs")


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Show a net layer by layer: values, gradients, dead units.",
        epilog=examples(
            "chainrule explain deep --layers 10 --activation Sigmoid",
            "chainrule explain deep --init XavierUniform --init HeNormal --init Zeros -o deep.png",
            "chainrule explain digit_net digit_images",
            "chainrule explain runs/table_net.safetensors cars.csv",
            "chainrule explain net.safetensors --shape 100,2",
        ),
    )(explain)


def explain(
    net: Annotated[
        str,
        typer.Argument(
            metavar="NET",
            help="deep, disk or pairs; a saved file; or a function, as for chainrule train.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="What to look at a file's or a function's net with."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What to tell, of a CSV file.")
    ] = None,
    init: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Draw the weights so; several are compared. Such as HeNormal."
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of deep; default: Sigmoid.")
    ] = None,
    layers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Hidden layers of deep; default: 10.")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Units a layer of deep; default: 25.")
    ] = None,
    shape: Annotated[
        str | None, typer.Option(help="Input shape of a saved net with the batch, e.g. 100,2.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the weights and the batch.")] = 0,
    output: Out = None,
    as_json: Json = False,
) -> None:
    """Show what one batch does in each layer: its values forward, its gradients back.

    Nothing is trained. Read ‖dL/dy‖ from the last layer to the first: where it shrinks by a
    factor a layer the gradient vanishes, where it grows it explodes. A dead unit of ReLU learns
    nothing from this batch; where Sigmoid or Tanh is flat, next to no gradient passes. With all
    weights 0 the gradient is 0 before the last layer, so nothing there ever learns.

    deep, disk and pairs get 200 samples of their data and their loss. Another net gets 200 of
    DATA, given and prepared as for train, and that loss; a saved one without DATA random numbers,
    and the loss Σ ± y / N. With -o a figure is written: FILE ends in .png, .svg or .pdf.
    """
    from chainrule import report

    if output is not None and output.suffix.lstrip(".") not in FORMATS:
        raise typer.BadParameter(f"-o FILE ends in .png, .svg or .pdf, got {output}")
    own = {"activation": activation, "layers": layers, "hidden": hidden}
    given = {name: value for name, value in own.items() if value is not None}
    if data is None:
        shown = explained(net, shape, given, seed)
    elif given or shape is not None or net in BUILT_IN:
        raise ValueError(f"DATA goes with a saved net or a function, without --shape; got {net}")
    else:
        shown = on_data(net, data, target, seed)
    rows = probed(shown, init or [], seed)
    write(report.layers_table(rows, shown.words), "json" if as_json else "text")
    if output is not None:
        draw(rows, output)


def explained(name: str, shape: str | None, own: Mapping[str, Any], seed: int) -> Explained:
    """What the command line names. Raises ValueError for options that this net has not."""
    from chainrule import zoo

    built_in: dict[str, Callable[[], Explained]] = {
        "deep": partial(deep, seed, **own),
        "disk": partial(disk, seed),
        "pairs": partial(pairs, seed),
    }
    if own and name != "deep":
        raise ValueError(f"--{next(iter(own))} is an option of the net deep, got {name}")
    if name in built_in:
        if shape is not None:
            raise ValueError(f"--shape is for a saved net; {name} is built in, with its own data")
        return built_in[name]()
    if not Path(name).exists() and (":" in name or name in zoo.__all__):
        raise ValueError(f"{name}: say with which data, e.g. explain {name} disk_points")
    net, x = saved_net(name, shape, built_in, BATCH)
    return Explained(net, x, None, None, f"{name}: one batch of random numbers.")


def deep(seed: int, activation: str = "Sigmoid", layers: int = 10, hidden: int = 25) -> Explained:
    """Points and whether they are in a disk, for a net of any depth."""
    from chainrule import data, nn, zoo

    net = zoo.plane_net(hidden, layers, known_activation(activation))
    (points,), _ = data.standardize(data.disk(BATCH, seed))
    words = f"{layers} hidden layers of {hidden} {activation}: {BATCH} points, cross-entropy."
    return Explained(
        net.initialize(seed), points.inputs, points.targets, nn.CrossEntropyLoss(), words
    )


def disk(seed: int) -> Explained:
    """The reports' 2-25-25-25-2 and its loss."""
    from chainrule import data, nn, zoo

    (points,), _ = data.standardize(data.disk(BATCH, seed))
    vectors = data.one_hot(cast("Tensor", points.targets), 2)
    words = f"2-25-25-25-2, ReLU and Tanh: {BATCH} points, mean squared error."
    return Explained(zoo.disk_net().initialize(seed), points.inputs, vectors, nn.MSELoss(), words)


def pairs(seed: int) -> Explained:
    """Two digits, one encoder, the loss of all three answers."""
    from chainrule import data, zoo

    net = zoo.pair_mlp(20, share=True, aux=True).initialize(seed)
    found = data.digit_pairs(BATCH, seed=seed)
    words = f"Two digits, a shared encoder, three answers: {BATCH} pairs, cross-entropy."
    return Explained(net, found.inputs, found.targets, zoo.pair_loss(1.0), words)


def known_activation(name: str) -> str:
    """The name of an activation that chainrule.nn has. Raises ValueError for another."""
    from chainrule.nn.layers import activations as activation

    if name not in activation.__all__:
        hint = did_you_mean(name, activation.__all__)
        raise ValueError(
            f"no activation {name!r}; {hint}there are: {', '.join(activation.__all__)}"
        )
    return name


def initializer(name: str) -> Initializer:
    """What draws weights so. Raises ValueError for a name that init has not, or needs a number."""
    from chainrule.nn import init

    ready = [known for known in init.__all__ if known not in ("Constant", "Initializer")]
    ready.remove("calculate_gain")
    if name not in ready:
        raise ValueError(
            f"no initialization {name!r}; {did_you_mean(name, ready)}there are: {', '.join(ready)}"
        )
    made: Initializer = getattr(init, name)()
    return made


def probed(shown: Explained, inits: Sequence[str], seed: int) -> dict[str, list[LayerRow]]:
    """Label → rows: the net as it is, or drawn anew in each way."""
    from chainrule.train import layer_stats

    drawn = {name: initializer(name) for name in inits}
    found = {}
    for label, init in drawn.items() or [("as it is", None)]:
        net = shown.net if init is None else shown.net.initialize(seed, init)
        found[label] = layer_stats(net, shown.inputs, shown.targets, shown.criterion)
    return found


def draw(rows: Mapping[str, Sequence[LayerRow]], path: Path) -> None:
    """Write the figure, and say so."""
    from chainrule.report import layers as figure_of
    from chainrule.serialization.safetensors_file import write_atomically

    figure, _ = figure_of(rows)
    image = BytesIO()
    figure.savefig(image, format=path.suffix.lstrip("."), dpi=150)
    write_atomically(path, image.getvalue())
    echo_err(f"wrote {path}")
