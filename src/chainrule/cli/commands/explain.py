"""``chainrule explain``: a net layer by layer, for one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule import estimators
from chainrule.cli.commands import app
from chainrule.cli.options import Json, Out, Target, Trust, format_examples
from chainrule.cli.output import echo_table, save_figure
from chainrule.cli.resolve import trust_modules

FORMATS = ("png", "svg", "pdf")

BUILT_IN = ("deep", "disk", "pairs")


Net = Annotated[
    str,
    typer.Argument(
        metavar="NET",
        help="deep, disk or pairs; a saved file or folder; or a function, as for chainrule train.",
    ),
]
OptionalData = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help="What to look at a file's or a function's net with."),
]
Inits = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Draw the weights so; several are compared. Such as HeNormal."
    ),
]
Activation = Annotated[str | None, typer.Option(metavar="NAME", help="Of deep; default: Sigmoid.")]
Layers = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Hidden layers of deep; default: 10.")
]
Hidden = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Units a layer of deep; default: 25.")
]
Shape = Annotated[
    str | None, typer.Option(help="Input shape of a saved net with the batch, e.g. 100,2.")
]


@app.command(
    "explain",
    short_help="Show a net layer by layer: values, gradients, dead units.",
    epilog=format_examples(
        "chainrule explain deep --layers 10 --activation Sigmoid",
        "chainrule explain deep --init XavierUniform --init HeNormal --init Zeros -o deep.png",
        "chainrule explain digit_net digit_images",
        "chainrule explain runs/table_net.safetensors cars.csv",
        "chainrule explain net.safetensors --shape 100,2",
    ),
)
def explain_net(
    net: Net,
    data: OptionalData = None,
    target: Target = None,
    init: Inits = None,
    activation: Activation = None,
    layers: Layers = None,
    hidden: Hidden = None,
    shape: Shape = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the weights and the batch.")] = 0,
    output: Out = None,
    trust: Trust = None,
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
    options = {name: value for name, value in own.items() if value is not None}
    if data is None:
        example = load_example(net, shape, options, seed, trust_modules(trust))
    elif options or shape is not None or net in BUILT_IN:
        raise ValueError(f"DATA goes with a saved net or a function, without --shape; got {net}")
    else:
        example = estimators.net_on_data(net, data, target, seed, trust_modules(trust))
    stats = estimators.stats_by_init(example, init or [], seed)
    echo_table(report.layers_table(stats, example.description), "json" if as_json else "text")
    if output is not None:
        figure, _ = report.layers(stats)
        save_figure(figure, output)


def load_example(
    name: str, shape: str | None, options: Mapping[str, Any], seed: int, trust: Sequence[str]
) -> estimators.NetWithBatch:
    """A built-in or saved net. Raises ValueError for options that this net has not."""
    from chainrule import zoo

    if options and name != "deep":
        raise ValueError(f"--{next(iter(options))} is an option of the net deep, got {name}")
    if name in BUILT_IN:
        if shape is not None:
            raise ValueError(f"--shape is for a saved net; {name} is built in, with its own data")
        return estimators.built_in_net(name, seed, **options)
    if not Path(name).exists() and (":" in name or name in zoo.__all__):
        raise ValueError(f"{name}: say with which data, e.g. explain {name} disk_points")
    return estimators.saved_net(name, shape, known=BUILT_IN, trust=trust)
