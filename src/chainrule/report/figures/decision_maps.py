"""What the saved nets of a study learned, over the plane of their two inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.module import Module
from chainrule.report.figures.canvas import WIDTH, line_style, literal
from chainrule.report.figures.curves import arms_matching
from chainrule.report.figures.plane import classes, score
from chainrule.serialization.nets import load
from chainrule.train.inference import eval_mode

if TYPE_CHECKING:
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["plane_outputs", "plane_predictions"]

Grid = NDArray[Any]
Round = tuple[int, Module, Dataset]
"""Its number, net and test set."""

ACROSS = 5
LEVELS = 16


def plane_outputs(
    result: StudyResult, nets: str | Path, arms: str = "*", *, points: int = 120
) -> tuple[Figure, Grid]:
    """A panel an arm that matches, of one arm a panel a round: the nets' mean output in colour.

    It is output 1 minus output 0, or a single output less the metric's threshold. A line is where
    the net of one round decides. ``nets`` is the folder in which the run saved them. Raises
    ValueError for a study whose inputs are no points of a plane, or nets that are not there.
    """
    panels = _panels(result, nets, arms)
    low, high = _ends(panels)
    side = torch.linspace(low, high, points)
    grid = torch.cartesian_prod(side, side)
    maps = [
        [_decision(result, net, grid).reshape(points, points).T.numpy() for _, net, _ in rounds]
        for rounds in panels.values()
    ]
    figure, places = _empty(panels)
    bound = max(float(np.abs(np.mean(said, 0)).max()) for said in maps) or 1.0
    levels = np.linspace(-bound, bound, LEVELS + 1)
    for said, axes in zip(maps, places, strict=True):
        shown = axes.contourf(side, side, np.mean(said, 0), levels=levels, cmap="RdBu_r")
        for image in said:
            if image.min() < 0 < image.max():
                axes.contour(side, side, image, levels=[0.0], colors="k", linewidths=0.5)
    figure.colorbar(shown, ax=list(places), shrink=0.7, label="mean output", format="%.2g")
    return figure, places


def plane_predictions(
    result: StudyResult, nets: str | Path, arms: str = "*"
) -> tuple[Figure, Grid]:
    """The test points of each panel's rounds, coloured by the class that the net predicts.

    The titles say how many are right. Panels, arguments and errors as those of
    :func:`plane_outputs`.
    """
    panels = _panels(result, nets, arms)
    figure, places = _empty(panels)
    for rounds, axes in zip(panels.values(), places, strict=True):
        inputs = torch.cat([data.inputs for _, _, data in rounds])
        said = torch.cat([_decision(result, net, data.inputs) > 0 for _, net, data in rounds])
        wanted = torch.cat([_labels(data) for _, _, data in rounds])
        _scatter(axes, inputs, said.long(), "predicted class")
        right = float((said.long() == wanted).double().mean())
        axes.set_title(f"{axes.get_title()}: {right:.1%}", fontsize=8)
    _key(figure, places)
    return figure, places


def _scatter(axes: Axes, inputs: Tensor, labels: Tensor, what: str) -> None:
    """The points of each class; smaller ones where there are many."""
    size = min(12.0, 80 / len(inputs) ** 0.5)
    for label in torch.unique(labels).tolist():
        of, color = inputs[labels == label], line_style(label).color
        axes.scatter(of[:, 0], of[:, 1], s=size, lw=0, color=color, label=f"{what} {label}")


def _key(figure: Figure, places: Grid) -> None:
    """Each colour that is in any panel, once."""
    found = [axes.get_legend_handles_labels() for axes in places]
    shown = {name: line for lines, names in found for line, name in zip(lines, names, strict=True)}
    names = sorted(shown)
    lines = [shown[name] for name in names]
    figure.legend(
        lines, names, loc="outside lower center", ncols=len(names), markerscale=3, frameon=False
    )


def _panels(result: StudyResult, nets: str | Path, arms: str) -> dict[str, list[Round]]:
    """Title → the rounds to show."""
    chosen = arms_matching(result, arms)
    found = {arm.arm: list(_rounds(result, arm, nets)) for arm in chosen}
    if len(found) == 1:
        found = {f"round {one[0]}": [one] for one in found[chosen[0].arm]}
    shown = {title: rounds for title, rounds in found.items() if rounds}
    if not shown:
        raise ValueError(f"study {result.study.name}: every round of {arms!r} diverged")
    return shown


def _empty(panels: Collection[str]) -> tuple[Figure, Grid]:
    """Panels with these titles."""
    across = min(len(panels), ACROSS if len(panels) > 6 else 3)
    down = -(-len(panels) // across)
    figure = Figure(figsize=(WIDTH, 0.6 + 1.0 * WIDTH / across * down), layout="constrained")
    places = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).flatten()
    for axes in places[len(panels) :]:
        axes.remove()
    for title, axes in zip(panels, places, strict=False):
        axes.set_title(literal(title), fontsize=9)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=7)
    return figure, places[: len(panels)]


def _rounds(result: StudyResult, arm: ArmResult, nets: str | Path) -> Iterator[Round]:
    """Each round that did not diverge."""
    for row in arm.rows:
        path = Path(nets) / arm.arm / f"round-{row.round:03}.safetensors"
        if row.status == "diverged":
            continue
        if not path.is_file():
            raise ValueError(
                f"no net {path}: a run saves its nets as it trains them, "
                f"chainrule run {result.study.name} --nets {nets}"
            )
        test = _checked(result, result.data(row.round)[1])
        yield row.round, load(path).to(dtype=torch.float32), test


def _checked(result: StudyResult, data: Dataset) -> Dataset:
    """Points of a plane with a class each, on the CPU."""
    if data.inputs.shape[1:] != (2,) or not isinstance(data.targets, Tensor):
        shape = tuple(data.inputs.shape)
        raise ValueError(f"study {result.study.name}: expected points (N, 2), got {shape}")
    return data.to("cpu", torch.float32)


def _labels(data: Dataset) -> Tensor:
    return classes(data.targets) if isinstance(data.targets, Tensor) else torch.empty(0)


def _ends(panels: Mapping[str, Sequence[Round]]) -> tuple[float, float]:
    """The least and the largest coordinate."""
    inputs = torch.cat([data.inputs for rounds in panels.values() for _, _, data in rounds])
    return float(inputs.min()), float(inputs.max())


@torch.no_grad()
def _decision(result: StudyResult, net: Module, x: Tensor) -> Tensor:
    """(N,): above 0 where the net says class 1."""
    with eval_mode(net):
        y: Tensor = net.forward(x)[0]
    metric = result.study.metrics.get(result.study.metric_name)
    threshold = metric.arguments.get("threshold", 0.5) if metric is not None else 0.5
    return score(y) - (threshold if y.shape[1] == 1 else 0.0)
