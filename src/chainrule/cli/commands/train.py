"""``chainrule train``: one net on one's own data, or on data that are built in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from chainrule.cli.commands.plot import made_folder
from chainrule.cli.options import Json, examples
from chainrule.cli.resolve import RUNS, echo_err
from chainrule.cli.train_summary import as_text, remarks, summary
from chainrule.estimators.build import recipe_of, settings_of, sized, trainer_of
from chainrule.estimators.split_parts import divided

__all__ = ["Data", "add_to", "on_threads"]

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A CSV file; an NPZ file with the arrays inputs and targets; a folder of IDX files, "
        "named as MNIST's; a built-in source, such as digit_images; or file.py:FUNCTION.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Train one net, on your data or built-in ones.",
        epilog=examples(
            "chainrule train plane_net disk_points",
            "chainrule train table_net cars.csv --target mpg --set net.hidden=20",
            "chainrule train nets.py:mlp digits.npz --optimizer SGD --lr 0.1",
            "chainrule train digit_net mnist/ --set init=HeNormal --set net.norm=true",
        ),
    )(train)


def train(
    net: Annotated[
        str,
        typer.Argument(
            metavar="NET",
            help="A function that makes a net: of chainrule.zoo, such as plane_net; or one of your "
            "own: file.py:FUNCTION, package.module:FUNCTION.",
        ),
    ],
    data: Data,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What to tell, of a CSV file.")
    ] = None,
    task: Annotated[
        Literal["classification", "regression"] | None,
        typer.Option(help="Whether the target is a class or a number; else the data say."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Default: CrossEntropyLoss for classes, else MSELoss."),
    ] = None,
    optimizer: Annotated[str, typer.Option(metavar="NAME", help="Of chainrule.optim.")] = "Adam",
    lr: Annotated[
        float | None, typer.Option(metavar="X", help="Learning rate; default: the optimizer's.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="At most.")] = 200,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Samples a step.")] = 32,
    patience: Annotated[
        int, typer.Option(min=1, metavar="N", help="Stop after so many epochs without a better.")
    ] = 20,
    validation: Annotated[
        float,
        typer.Option(min=0.01, max=0.99, metavar="SHARE", help="Held out to judge each epoch by."),
    ] = 0.2,
    test: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=0.99,
            metavar="SHARE",
            help="Held out for the end, if no test set is there.",
        ),
    ] = 0.2,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="An argument of a part, as in a study: net.hidden=50, optimizer.weight_decay=1e-4,"
            " schedule=StepLR, init=HeNormal, data.train=500. May be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of the division, the net and the order.")
    ] = 0,
    threads: Annotated[
        int, typer.Option(min=1, metavar="N", help="More than 1 is faster for large nets only.")
    ] = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Default: runs/NET.safetensors."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train one net, save it with all that it takes to predict, and test it once.

    Samples are divided at random: to learn from, to judge each epoch by (the net of the best one
    is kept), and to test on. Inputs are standardized by those learned from; so is a target that is
    a number, but errors are in its own unit. In a CSV file numbers are used as they are and texts
    one-hot encoded; what is done with missing values is said on stderr. Texts, and whole numbers
    with at most 20 different ones, are classes; --task says otherwise.

    A net's function that has the arguments inputs and outputs is given the data's. Ctrl-C ends the
    training, and keeps the best epoch so far.
    """
    from chainrule._util.malloc import disable_malloc_trim
    from chainrule.estimators.fit import fit_with_early_stopping
    from chainrule.estimators.predictor import Predictor, loss_name

    disable_malloc_trim()
    given = settings_of(settings or [])
    rate = {} if lr is None else {"optimizer.lr": lr}
    division = divided(data, target, task, given, test=test, validation=validation, seed=seed)
    usual_loss = "CrossEntropyLoss" if division.kind == "classification" else "MSELoss"
    recipe = recipe_of(
        *(net, loss or usual_loss, optimizer, rate | given), epochs=epochs, batch_size=batch_size
    )
    path = output or RUNS / f"{net.rpartition(':')[2]}.safetensors"
    prepared = division.preparation()
    learned, validated = (
        prepared.dataset(division.rows.subset(places), division.target)
        for places in (division.learned, division.validated)
    )
    trainer = trainer_of(sized(recipe, prepared), prepared, learned, seed)
    made_folder(path.parent)
    for line in remarks(division, prepared, told=task is not None):
        echo_err(line)
    with on_threads(threads):
        fitted = fit_with_early_stopping(
            trainer, learned, validated, epochs=epochs, patience=patience
        )
        predictor = Predictor(trainer.net, prepared, loss_name(trainer.criterion), division.target)
        predictor.save(path)
        found = summary(predictor, division, fitted)
    found = {"file": str(path), "net": net, "data": data} | found
    typer.echo(json.dumps(found, indent=2) if as_json else as_text(found))
    if fitted.interrupted:
        echo_err("interrupted: the net of the best epoch so far is kept")
        raise typer.Exit(130)


@contextmanager
def on_threads(n: int) -> Iterator[None]:
    """Compute on so many threads, and then on as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
