"""``chainrule export``: a net for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule import estimators
from chainrule.cli.commands import app
from chainrule.cli.options import Trust, format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import trust_modules

if TYPE_CHECKING:
    from chainrule.data.tabular.preprocessor import Preprocessor


@app.command(
    "export",
    short_help="Write a net as ONNX.",
    epilog=format_examples(
        "chainrule export runs/table_net.safetensors -o net.onnx --preprocess",
        "chainrule export nets/two/round-000.safetensors -o net.onnx --shape 1,2",
    ),
)
def export_net(
    net: Annotated[
        str,
        typer.Argument(
            metavar="NET", help="A saved file; a built-in net (disk, pairs); or file.py:FUNCTION."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Ends in .onnx.")],
    shape: Annotated[
        str | None, typer.Option(help="Shape of an input with the batch, e.g. 1,2.")
    ] = None,
    preprocess: Annotated[
        bool,
        typer.Option(
            "--preprocess",
            help="Begin with the preprocessing of the file that chainrule train wrote.",
        ),
    ] = False,
    replica: Annotated[
        int | None, typer.Option(min=0, metavar="K", help="Of a cohort: which of its nets.")
    ] = None,
    trust: Trust = None,
) -> None:
    """Write a net to a file of ONNX, as it predicts: in evaluation mode, in float32.

    The number of samples is left open. Heads are outputs of their names. What the file says of the
    net (its study, round and commit, or classes and columns) goes along as metadata. With
    --preprocess the inputs are the samples as they were read: of a table a column each, by name;
    and a number comes out in the unit of the target.
    """
    from chainrule.interop import onnx

    if output.suffix != ".onnx":
        raise typer.BadParameter(f"-o FILE ends in .onnx, got {output}")
    example = estimators.net_to_check(net, shape, trust_modules(trust))
    metadata = read_metadata(net)
    onnx.export(
        example.net if replica is None else example.net.replica(replica),
        output,
        example.inputs,
        preprocessing=find_preprocessor(net, trust or ()) if preprocess else None,
        metadata=metadata,
    )
    echo_err(f"wrote {output}")


def read_metadata(net: str) -> dict[str, Any]:
    """What a file says of its net; of others, what it was asked for."""
    from chainrule.serialization.nets import load_metadata

    return load_metadata(net) if Path(net).is_file() else {"net": net}


def find_preprocessor(net: str, trust: Sequence[str]) -> Preprocessor:
    """How a file's net is given its samples. Raises ValueError where it has no such thing."""
    if not Path(net).is_file():
        raise ValueError(f"--preprocess is for a file that chainrule train wrote, got {net}")
    return estimators.Predictor.load(net, trust).preprocessor
