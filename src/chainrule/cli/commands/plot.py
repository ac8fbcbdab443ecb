"""``chainrule plot``: the figures of a study."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from chainrule._util.suggest import did_you_mean
from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import Arms, StudyNumber, format_examples
from chainrule.cli.output import echo_err, make_folder, save_figure
from chainrule.cli.resolve import RUNS, resolve_any_result

if TYPE_CHECKING:
    from chainrule.report.figures.by_kind import MakeFigure
    from chainrule.study import StudyResult

Form = Literal["png", "svg", "pdf"]

KINDS = (
    "data",
    "boxes",
    "seconds",
    "curves",
    "curve-grid",
    "search",
    "importance",
    "budget",
    "validation",
    "differences",
    "effects",
    "calibration",
    "reliability",
    "confusion",
    "wrong",
    "outputs",
    "predictions",
)
"""The figures of one study."""

KINDS_OF_NETS = {"outputs", "predictions"}
"""Those that need the saved nets."""

KINDS_OF_PREDICTIONS = ("reliability", "confusion", "wrong")
"""Those that need predictions which a run kept."""


Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="Folder; default: runs/NAME. Or the file of the one figure, as boxes.svg.",
    ),
]
Format = Annotated[
    Form | None,
    typer.Option("--format", help="Default: png, or what the file of -o ends in."),
]


@app.command(
    "plot",
    short_help="Write the figures of a study.",
    epilog=format_examples(
        "chainrule plot pairs-depth",
        "chainrule plot pairs-depth boxes search --format pdf -o figures",
        "chainrule plot disk-torch outputs --nets nets --arms 'torch*'",
        "chainrule plot study-a study-b study-c",
    ),
)
def plot_figures(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN… [KIND…]",
            help=f"A store or a study's name; then kinds: {', '.join(KINDS)}; all unless said.",
        ),
    ],
    output: Output = None,
    arms: Arms = "*",
    nets: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where run --nets, or nets -o, saved them.")
    ] = None,
    form: Format = None,
    dpi: Annotated[int, typer.Option(min=20, metavar="N", help="Dots per inch of a PNG.")] = 150,
    study: StudyNumber = None,
) -> None:
    """Write the figures of a study to a folder, and say which.

    --arms chooses the arms of curves, curve-grid, search and calibration; of reliability, confusion
    and wrong, which need predictions that run --keep predictions kept; and of outputs and
    predictions, which show the nets of --nets over the plane of their two inputs.

    With several runs, or one over several data sets: the critical differences of the arms that all
    of them have.
    """
    kinds = [word for word in words if word in KINDS]
    runs = [resolve_run(word, study) for word in words if word not in KINDS]
    results = [result for _, found in runs for result in found]
    folder = output or RUNS / "-and-".join(name for name, _ in runs)
    if not results:
        raise typer.BadParameter(f"expected a RUN before the kinds {', '.join(kinds)}")
    if len(results) > 1:
        if kinds:
            raise typer.BadParameter(
                "several runs or data sets give one figure: say no kind, or --study DATASET"
            )
        figures = {"critical-differences": make_ranks(results)}
    else:
        figures = select_figures(results[0], kinds, arms, nets)
        if nets is not None or not KINDS_OF_NETS.isdisjoint(kinds):
            [run] = [word for word in words if word not in KINDS]
            check_nets(results[0], arms, nets, run, study)
    if is_picture(folder):
        save_one_figure(figures, folder, form, dpi)
        return
    needed = bool(kinds) or len(results) > 1
    save_figures(figures, folder, form or "png", dpi, needed=needed)


def resolve_run(word: str, choice: str | None) -> tuple[str, list[StudyResult]]:
    """The name of a study and its results: where it is over several data sets, one of each.

    Raises OSError, also with what kind of figure is like it.
    """
    from chainrule.study import DatasetsResult

    try:
        found = resolve_any_result(word, choice)
        if isinstance(found, DatasetsResult):
            return found.name, [*found.datasets.values()]
        return found.study.name, [found]
    except FileNotFoundError as error:
        if hint := did_you_mean(word, KINDS):
            kinds = ", ".join(KINDS)
            raise FileNotFoundError(f"{error}; kinds of figures: {hint}{kinds}") from None
        raise


def make_ranks(results: Sequence[StudyResult]) -> MakeFigure:
    """What makes the one figure of several studies."""
    from chainrule.report.figures.by_kind import rank_studies

    return partial(rank_studies, results)


def check_nets(
    result: StudyResult, arms: str, nets: Path | None, run: str, choice: str | None
) -> None:
    """Raise StudyError where a net is missing to be drawn; it says the command that makes it."""
    from chainrule.study import StudyError
    from chainrule.study.execution.final_nets import find_missing_nets

    folder = Path("nets") if nets is None else nets
    missing = [row for row in find_missing_nets(result, folder, arms) if row.has_value]
    words = ["chainrule", "nets", run, *([] if choice is None else ["--study", choice])]
    words += [] if arms == "*" else ["--arms", arms]
    command = shlex.join([*words, "-o", str(folder)])
    if missing:
        row = missing[0]
        raise StudyError(
            f"no net of arm {row.arm}, round {row.round}, in {folder}; this makes what is missing, "
            f"then say --nets {shlex.quote(str(folder))}:\n  {command}"
        )
    if nets is None:
        raise typer.BadParameter(f"outputs and predictions are of saved nets: say --nets {folder}")


def select_figures(
    result: StudyResult, kinds: Sequence[str], arms: str, nets: Path | None
) -> dict[str, MakeFigure]:
    """File name → what makes the figure."""
    from chainrule.report.figures.by_kind import figures_by_kind

    every = figures_by_kind(result, arms, nets)
    if not any(part.name == "Coverage" for part in result.study.metrics.values()) and not kinds:
        del every["calibration"]  # of nets that do not say how sure they are
    if not kinds and not result.by_sample.arms:
        for kind in KINDS_OF_PREDICTIONS:
            del every[kind]
    wanted = kinds or [kind for kind in KINDS if nets is not None or kind not in KINDS_OF_NETS]
    return {name: make for kind in wanted for name, make in every.get(kind, {}).items()}


def is_picture(path: Path) -> bool:
    """Whether it is the name of a picture and no folder that is there."""
    kind = guess_type(path.name)[0] or ""
    return kind.startswith(("image/", *DRAWINGS)) and not path.is_dir()


DRAWINGS = ("application/pdf", "application/postscript")
"""Kinds of files that are pictures, and not named so."""


def save_one_figure(
    figures: Mapping[str, MakeFigure], path: Path, form: str | None, dpi: int
) -> None:
    """Write the one figure to a file. Raises typer.BadParameter where there are more of them."""
    if path.suffix[1:] not in get_args(Form) or form not in (None, path.suffix[1:]):
        expected = " or ".join(f".{one}" for one in ([form] if form else get_args(Form)))
        raise typer.BadParameter(f"-o {path}: expected a file that ends in {expected}, or a folder")
    if len(figures) != 1:
        listed = f"{', '.join([*figures][:3])}{', …' if len(figures) > 3 else ''}"
        raise typer.BadParameter(
            f"-o {path} is one file, not {count_noun(len(figures), 'figure')}"
            f"{f' ({listed})' if listed else ''}: say the kind of one, or a folder"
        )
    [make] = figures.values()
    figure, _ = make()
    make_folder(path.parent)
    save_figure(figure, path, dpi)


def save_figures(
    figures: Mapping[str, MakeFigure], folder: Path, form: str, dpi: int, *, needed: bool
) -> None:
    """Write each figure; one that there is too little for is left out, unless it is needed."""
    make_folder(folder)
    for name, make in figures.items():
        try:
            figure, _ = make()
        except (ValueError, OSError) as error:
            if needed:
                raise
            echo_err(f"no {name}: {error}", is_error=True)
            continue
        save_figure(figure, folder / f"{name}.{form}", dpi)
