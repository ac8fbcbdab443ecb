"""``chainrule train``: one net on one's own data, or on data that are built in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chainrule import estimators
from chainrule._util.commits import package_commit
from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import (
    Compile,
    Data,
    Decimal,
    Encoding,
    Ignore,
    Json,
    Na,
    Target,
    Task,
    format_examples,
    table_options,
)
from chainrule.cli.output import (
    check_output,
    echo_err,
    echo_json,
    format_scores,
    make_folder,
    verbosity,
    wrap_text,
)
from chainrule.cli.overrides import parse_settings
from chainrule.cli.resolve import RUNS

if TYPE_CHECKING:
    from chainrule.train import Trainer

Net = Annotated[
    str,
    typer.Argument(
        metavar="NET",
        help="A function that makes a net: of chainrule.zoo, such as plane_net; or one of your "
        "own: file.py:FUNCTION, package.module:FUNCTION.",
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Default: CrossEntropyLoss for classes, else MSELoss."),
]
LearningRate = Annotated[
    float | None, typer.Option(metavar="X", help="Learning rate; default: the optimizer's.")
]
Patience = Annotated[
    int, typer.Option(min=1, metavar="N", help="Stop after so many epochs without a better.")
]
ValidationShare = Annotated[
    float,
    typer.Option(min=0.01, max=0.99, metavar="SHARE", help="Held out to judge each epoch by."),
]
TestShare = Annotated[
    float,
    typer.Option(
        min=0.01, max=0.99, metavar="SHARE", help="Held out for the end, if no test set is there."
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="An argument of a part, as in a study: net.hidden=50, optimizer.weight_decay=1e-4,"
        " schedule=StepLR, init=HeNormal, data.train=500. May be repeated.",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Of the division, the net and the order.")]
Threads = Annotated[
    int, typer.Option(min=1, metavar="N", help="More than 1 is faster for large nets only.")
]
NetFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Default: runs/NET.safetensors."),
]


@app.command(
    "train",
    short_help="Train one net, on your data or built-in ones.",
    epilog=format_examples(
        "chainrule train plane_net disk_points",
        "chainrule train table_net cars.csv --target mpg --set net.hidden=20",
        "chainrule train nets.py:mlp digits.npz --optimizer SGD --lr 0.1",
        "chainrule train digit_net mnist/ --set init=HeNormal --set net.norm=true",
    ),
)
def train_net(
    net: Net,
    data: Data,
    target: Target = None,
    task: Task = None,
    loss: Loss = None,
    optimizer: Annotated[str, typer.Option(metavar="NAME", help="Of chainrule.optim.")] = "Adam",
    lr: LearningRate = None,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="At most.")] = 200,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Samples a step.")] = 32,
    patience: Patience = 20,
    validation: ValidationShare = 0.2,
    test: TestShare = 0.2,
    assignments: Assignments = None,
    seed: Seed = 0,
    threads: Threads = 1,
    compiled: Compile = None,
    output: NetFile = None,
    na: Na = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    ignore: Ignore = None,
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
    arguments, settings = parse_settings(assignments)
    settings = settings if lr is None else {"optimizer.lr": lr} | settings
    arguments |= table_options(na=na, decimal=decimal, encoding=encoding, ignore=ignore)
    split = estimators.load_split(
        data, target, task, test=test, validation=validation, seed=seed, arguments=arguments
    )
    recipe = estimators.build_recipe(
        net, split.kind, loss=loss, optimizer=optimizer, settings=settings, batch_size=batch_size
    )
    trainer = estimators.build_trainer(recipe, split, seed, compile=choose_way(compiled))
    path = prepare_output(output or RUNS / f"{net.rpartition(':')[2]}.safetensors", data)
    echo_err("\n".join(estimators.describe_split(split, kind_given=task is not None)))
    fit, ended = fit_and_save(trainer, split, path, (net, data, seed), epochs, patience, threads)
    print_summary({"file": str(path), "net": net, "data": data} | fit, as_json, ended)


def choose_way(compiled: bool | None) -> bool | Literal["auto"]:
    """Who computes, as the Trainer takes it."""
    return "auto" if compiled is None else compiled


def prepare_output(path: Path, data: str) -> Path:
    """The file, whose folder is there now. Raises OSError where it could not be written later."""
    check_output(path, data)
    make_folder(path.parent)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        problem = "is a folder" if path.is_dir() else "its folder may not be written"
        raise OSError(f"{path}: {problem}: choose another file with -o")
    return path


def fit_and_save(
    trainer: Trainer,
    split: estimators.DataSplit,
    path: Path,
    sources: tuple[str, str, int],
    epochs: int,
    patience: int,
    threads: int,
) -> tuple[dict[str, Any], bool]:
    """(the summary of the training, whether it was interrupted); the predictor is in the file.

    The file says its ``sources``, what net, data and seed were asked for, and the commit.
    """
    from chainrule._util.malloc import disable_malloc_trim
    from chainrule._util.threads import torch_threads

    disable_malloc_trim()
    with torch_threads(threads):
        progress = False if verbosity.quiet else None  # None: where stderr is a terminal
        predictor, fit = estimators.fit_predictor(
            trainer, split, epochs=epochs, patience=patience, progress=progress
        )
        origin = dict(zip(("net", "data", "seed"), sources, strict=True))
        predictor.save(path, origin | package_commit())
        return estimators.summarize_fit(predictor, split, fit), fit.interrupted


def print_summary(summary: Mapping[str, Any], as_json: bool, interrupted: bool) -> None:
    """Print the summary; exit code 130 for Ctrl-C."""
    echo_json(summary) if as_json else typer.echo(format_summary(summary))
    if interrupted:
        echo_err("interrupted: the net of the best epoch so far is kept")
        raise typer.Exit(130)


def format_summary(summary: Mapping[str, Any]) -> str:
    """The summary for people."""
    rows, baseline = summary["rows"], summary["baseline"]
    always = f"{baseline:.4g}, the mean," if summary["task"] == "regression" else repr(baseline)
    ended = f" ({summary['ended']})" if summary["ended"] else ""
    parameters = count_noun(summary["parameters"], "parameter")
    epochs = count_noun(summary["epochs"], "epoch")
    lines = {
        "net": f"{summary['net']}: {parameters}, {summary['loss']}",
        "data": f"{summary['data']}: {count_noun(rows['learned'], 'row')} to learn from, "
        f"{rows['validation']:,} for validation, {rows['test']:,} for the test",
        "training": f"{epochs} in {summary['seconds']:.1f} s{ended}; the best was "
        f"epoch {summary['best_epoch']}",
        "computed": summary["backend"],
        "validation": format_scores(summary["validation"]),
        "test": format_scores(summary["test"]),
        "": f"always {always} would be {format_scores(summary['test_of_baseline'])}",
        "file": summary["file"],
    }
    return "\n".join(wrap_text(text, f"{name:12}", " " * 12) for name, text in lines.items())
