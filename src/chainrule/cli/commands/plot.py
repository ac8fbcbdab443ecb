"""``chainrule plot`` and ``report``: figures, and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chainrule.cli.commands.show import Number
from chainrule.cli.options import Arms, Out, Run, examples
from chainrule.cli.resolve import RUNS, echo_err, result_at

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chainrule.study import StudyResult

__all__ = ["KINDS", "add_to"]

KINDS = (
    "data",
    "boxes",
    "seconds",
    "curves",
    "curve-grid",
    "search",
    "validation",
    "differences",
    "effects",
    "calibration",
    "outputs",
    "predictions",
)
"""The figures of one study."""

OF_NETS = {"outputs", "predictions"}
"""Those that need the saved nets."""

Make = Callable[[], "tuple[Figure, Any]"]


def add_to(app: typer.Typer) -> None:
    """Make this module's commands part of the command line."""
    app.command(
        short_help="Write the figures of a study.",
        epilog=examples(
            "chainrule plot pairs-depth",
            "chainrule plot pairs-depth boxes search --format pdf -o figures",
            "chainrule plot disk-torch outputs --nets nets --arms 'torch*'",
            "chainrule plot study-a study-b study-c",
        ),
    )(plot)
    app.command(
        "report",
        short_help="Write the report, one HTML page.",
        epilog=examples("chainrule report pairs-depth -o report.html"),
    )(page)


def plot(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN… [KIND…]",
            help=f"A store or a study's name; then kinds: {', '.join(KINDS)}; all unless said.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; default: runs/NAME.")
    ] = None,
    arms: Arms = "*",
    nets: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where run --nets saved them.")
    ] = None,
    form: Annotated[Literal["png", "svg", "pdf"], typer.Option("--format")] = "png",
    dpi: Annotated[int, typer.Option(min=20, metavar="N", help="Dots per inch of a PNG.")] = 150,
    study: Number = None,
) -> None:
    """Write the figures of a study to a folder, and say which.

    --arms chooses the arms of curves, curve-grid, search and calibration, and of outputs
    and predictions, which show the nets of --nets over the plane of their two inputs.

    With several runs: the critical differences of the arms that all of them have.
    """
    kinds = [word for word in words if word in KINDS]
    results = [result_at(word, study) for word in words if word not in KINDS]
    if not results:
        raise typer.BadParameter(f"expected a RUN before the kinds {', '.join(kinds)}")
    if len(results) > 1:
        folder = output or RUNS / "-and-".join(result.study.name for result in results)
        if kinds:
            raise typer.BadParameter("several runs give one figure: say no kind")
        found: Mapping[str, Make] = {"critical-differences": partial(ranks, results)}
    else:
        folder = output or RUNS / results[0].study.name
        found = figures_of(results[0], kinds, arms, nets)
    draw(found, folder, form, dpi, needed=bool(kinds) or len(results) > 1)


def figures_of(
    result: StudyResult, kinds: Sequence[str], arms: str, nets: Path | None
) -> dict[str, Make]:
    """File name → what makes the figure."""
    if nets is None and not OF_NETS.isdisjoint(kinds):
        raise typer.BadParameter("outputs and predictions are of saved nets: say --nets DIR")
    from chainrule import report

    data, metric = report.ReportData(result), result.study.metric_name
    claims = kinds or any(part.name == "Coverage" for part in result.study.metrics.values())
    curves = dict.fromkeys(("test_loss", f"test_{metric}"))
    searched = [arm.name for arm in result.study.select(arms) if arm.space]
    every: dict[str, dict[str, Make]] = {
        "data": {"data": lambda: report.samples(result.data(0)[0])},
        "boxes": {"boxes": partial(report.boxes, data)},
        "seconds": {"seconds": partial(report.boxes, data, "seconds")},
        "curves": {f"curves-{c}": partial(report.curves, data, c, arms) for c in curves},
        "curve-grid": {"curve-grid": partial(report.curve_grid, data, arms)},
        "search": {f"search-{a}": partial(report.search_maps, data, a) for a in searched},
        "validation": {"validation": partial(report.validation_against_test, data)},
        "differences": {"differences": partial(report.differences, data)},
        "effects": {"effects": partial(report.effect_sizes, data)} if result.study.factors else {},
        "calibration": {"calibration": partial(report.calibration, data, arms)} if claims else {},
        "outputs": {"outputs": partial(report.plane_outputs, data, nets or "", arms)},
        "predictions": {"predictions": partial(report.plane_predictions, data, nets or "", arms)},
    }
    wanted = kinds or [kind for kind in KINDS if nets is not None or kind not in OF_NETS]
    return {name: make for kind in wanted for name, make in every[kind].items()}


def draw(figures: Mapping[str, Make], folder: Path, form: str, dpi: int, *, needed: bool) -> None:
    """Write each figure; one that there is too little for is left out, unless it is needed."""
    from chainrule.serialization.safetensors_file import write_atomically

    made_folder(folder)
    for name, make in figures.items():
        try:
            figure, _ = make()
        except (ValueError, OSError) as error:
            if needed:
                raise
            echo_err(f"no {name}: {error}")
            continue
        image = BytesIO()
        figure.savefig(image, format=form, dpi=dpi)
        path = folder / f"{name}.{form}"
        write_atomically(path, image.getvalue())
        echo_err(f"wrote {path}")


def ranks(results: Sequence[StudyResult]) -> tuple[Figure, Any]:
    """The mean ranks, over studies, of the arms that all of them have."""
    from chainrule.report import critical_differences
    from chainrule.statistics import rank_arms

    shared = set.intersection(*({arm.arm for arm in result.arms} for result in results))
    means = {
        arm.arm: [r.arm(arm.arm).mean * (1 if r.study.goal == "max" else -1) for r in results]
        for arm in results[0].arms
        if arm.arm in shared
    }
    return critical_differences(rank_arms(means))


def page(run: Run, output: Out = None, study: Number = None) -> None:
    """Write the report: one HTML page with every table and figure, which needs no network.

    Unless told it is runs/NAME.html.
    """
    from chainrule.report import write_page

    result = result_at(run, study)
    path = output or RUNS / f"{result.study.name}.html"
    made_folder(path.parent)
    write_page(result, path)
    echo_err(f"wrote {path}")


def made_folder(folder: Path) -> None:
    """Make a folder where there is none. Raises OSError, which says what one may do."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"no folder {folder} ({error.strerror}): choose another with -o") from None
