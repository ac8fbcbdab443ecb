"""``chainrule export``: a net for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule import estimators
from chainrule.cli.commands import app
from chainrule.cli.options import Trust, format_examples
from chainrule.cli.output import echo_err
from chainrule.cli.resolve import trust_modules

if TYPE_CHECKING:
    from chainrule.data.tabular.preprocessor import Preprocessor
    from chainrule.nn import Module

Net = Annotated[
    str,
    typer.Argument(
        metavar="NET",
        help="A saved file or folder; a built-in net (disk, pairs); or file.py:FUNCTION.",
    ),
]
OnnxFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="A file of ONNX, which ends in .onnx."),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A folder with model.safetensors, config.json and README.md."),
]
Shape = Annotated[
    str | None, typer.Option(help="For ONNX: shape of an input with the batch, e.g. 1,2.")
]
Preprocess = Annotated[
    bool,
    typer.Option(
        "--preprocess",
        help="Begin with the preprocessing of what chainrule train wrote; a folder always has it, "
        "and is refused where the net has none.",
    ),
]
Replica = Annotated[
    int | None, typer.Option(min=0, metavar="K", help="Of a cohort: which of its nets.")
]
License = Annotated[
    str | None,
    typer.Option("--license", metavar="NAME", help="For the folder's page, as bsd-3-clause."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the three files of a folder that is there.")
]


@app.command(
    "export",
    short_help="Write a net as ONNX, or as a folder.",
    epilog=format_examples(
        "chainrule export runs/table_net.safetensors -o net.onnx --preprocess",
        "chainrule export nets/two/round-000.safetensors -o net.onnx --shape 1,2",
        "chainrule export nets/two/round-000.safetensors --folder two --license cc0-1.0",
    ),
)
def export_net(
    net: Net,
    output: OnnxFile = None,
    folder: Folder = None,
    shape: Shape = None,
    preprocess: Preprocess = False,
    replica: Replica = None,
    license_name: License = None,
    overwrite: Overwrite = False,
    trust: Trust = None,
) -> None:
    """Write a net to a file of ONNX, as it predicts, or to a folder that chainrule loads again.

    ONNX computes in evaluation mode, in float32. The number of samples is left open. Heads are
    outputs of their names. With --preprocess the inputs are the samples as they were read: of a
    table a column each, by name; and a number comes out in the unit of the target.

    A folder has all that the net's file has, its preprocessing too: predict, explain, check and
    export take it, and other programs its tensors. What the file says of the net (its study, round
    and commit, or classes and columns) goes along as metadata in either.
    """
    if (output is None) == (folder is None):
        raise typer.BadParameter("expected one of -o FILE.onnx and --folder DIR")
    if folder is not None:
        if shape:
            raise typer.BadParameter("--shape goes with -o FILE.onnx")
        if preprocess:
            find_preprocessor(net, trust_modules(trust))  # which the folder gets with the metadata
        write_net_folder(net, folder, replica, license_name, overwrite, trust_modules(trust))
    if output is not None:
        if license_name or overwrite:
            raise typer.BadParameter("--license and --overwrite go with --folder DIR")
        write_onnx(net, output, shape, preprocess, replica, trust_modules(trust))
    echo_err(f"wrote {folder or output}")


def write_net_folder(
    net: str,
    folder: Path,
    replica: int | None,
    license_name: str | None,
    overwrite: bool,
    trust: Sequence[str],
) -> None:
    """Write the folder. Raises OSError where one is there that may not be overwritten."""
    from chainrule import save_folder
    from chainrule.estimators.inspection import read_net_metadata

    found = pick_replica_net(estimators.find_net(net, trust), replica)
    save_folder(found, folder, read_net_metadata(net), license=license_name, overwrite=overwrite)


def write_onnx(
    net: str,
    output: Path,
    shape: str | None,
    preprocess: bool,
    replica: int | None,
    trust: Sequence[str],
) -> None:
    """Write the file of ONNX. Raises typer.BadParameter for another ending."""
    from chainrule.estimators.inspection import read_net_metadata
    from chainrule.interop import onnx

    if output.suffix != ".onnx":
        raise typer.BadParameter(f"-o FILE ends in .onnx, got {output}")
    example = estimators.net_to_check(net, shape, trust)
    onnx.export(
        pick_replica_net(example.net, replica),
        output,
        example.inputs,
        preprocessing=find_preprocessor(net, trust) if preprocess else None,
        metadata=read_net_metadata(net),
    )


def pick_replica_net(net: Module, replica: int | None) -> Module:
    """The net, or that of a replica. Raises ValueError where it is no cohort."""
    return net if replica is None else net.replica(replica)


def find_preprocessor(net: str, trust: Sequence[str]) -> Preprocessor:
    """How a file's net is given its samples. Raises ValueError where it has no such thing."""
    from chainrule.serialization.folder import is_saved

    if not is_saved(net):
        raise ValueError(f"--preprocess is for a file that chainrule train wrote, got {net}")
    return estimators.Predictor.load(net, trust).preprocessor
