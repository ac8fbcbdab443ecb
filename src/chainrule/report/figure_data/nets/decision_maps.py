"""What the saved nets of a study learned, over the plane of their two inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.nets.plane import (
    ClassPoints,
    class_labels,
    decision_score,
    group_by_class,
    plane_grid,
)

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.data import Dataset
    from chainrule.nn.module import Module
    from chainrule.study import StudyResult
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.train import Accuracy

__all__ = [
    "OutputPanel",
    "PlaneOutputsData",
    "PlanePredictionsData",
    "PredictionPanel",
    "plane_outputs_data",
    "plane_predictions_data",
]


class RoundNet(NamedTuple):
    """A round: its number, the net that it trained, and its test points with a class each.

    threshold: above which a single output of the net says class 1.
    """

    round: int
    net: Module
    inputs: Tensor
    labels: Tensor
    threshold: float


@final
@dataclass(frozen=True)
class OutputPanel:
    """What each round's net puts out    maps (rounds, points, points), x₂ before x₁"""

    title: str
    maps: NDArray[Any]


@final
@dataclass(frozen=True)
class PlaneOutputsData(FigureData):
    """A panel an arm, or of one arm a panel a round, over the square from low to high."""

    low: float
    high: float
    panels: Sequence[OutputPanel]


@final
@dataclass(frozen=True)
class PredictionPanel:
    """The test points of the rounds by predicted class, and the share that is right."""

    title: str
    accuracy: float
    classes: Sequence[ClassPoints]


@final
@dataclass(frozen=True)
class PlanePredictionsData(FigureData):
    """A panel an arm, or of one arm a panel a round."""

    panels: Sequence[PredictionPanel]


def plane_outputs_data(
    result: StudyResult | ReportData, nets: str | Path, arms: str = "*", *, points: int = 120
) -> PlaneOutputsData:
    """Each net's output. Arguments and errors as :func:`chainrule.report.plane_outputs`."""
    import torch

    data = ReportData.wrap(result)
    panels = _load_panels(data, nets, arms)
    inputs = torch.cat([found.inputs for rounds in panels.values() for found in rounds])
    low, high = float(inputs.min()), float(inputs.max())
    grid = plane_grid(low, high, points)
    return PlaneOutputsData(
        low,
        high,
        [
            OutputPanel(
                title,
                np.stack([_decide(r, grid).reshape(points, points).T for r in rounds]),
            )
            for title, rounds in panels.items()
        ],
    )


def plane_predictions_data(
    result: StudyResult | ReportData, nets: str | Path, arms: str = "*"
) -> PlanePredictionsData:
    """The predicted test points. Arguments and errors as :func:`plane_outputs_data`."""
    import torch

    data = ReportData.wrap(result)
    panels = []
    for title, rounds in _load_panels(data, nets, arms).items():
        inputs = torch.cat([found.inputs for found in rounds])
        labels = torch.cat([found.labels for found in rounds])
        predicted = torch.cat([_decide(r, r.inputs) > 0 for r in rounds]).long()
        accuracy = float((predicted == labels).double().mean())
        panels.append(PredictionPanel(title, accuracy, group_by_class(inputs, predicted)))
    return PlanePredictionsData(panels)


def _load_panels(data: ReportData, nets: str | Path, arms: str) -> dict[str, list[RoundNet]]:
    """Title → the rounds of a panel."""
    selected = data.select_arms(arms)
    panels = {arm.arm: list(_load_rounds(data, arm, Path(nets))) for arm in selected}
    if len(panels) == 1:
        panels = {f"round {found.round}": [found] for found in panels[selected[0].arm]}
    panels = {title: rounds for title, rounds in panels.items() if rounds}
    if not panels:
        raise ValueError(f"study {data.study.name}: every round of {arms!r} diverged")
    return panels


def _load_rounds(data: ReportData, arm: ArmResult, nets: Path) -> Iterator[RoundNet]:
    """Each round that did not diverge."""
    import torch

    from chainrule.serialization.nets import load
    from chainrule.train.metrics.by_sample import choose_threshold

    rule = _build_accuracy(data, arm)
    for row in arm.rows:
        if row.status == "diverged":
            continue
        path = nets / arm.arm / f"round-{row.round:03}.safetensors"
        if not path.is_file():
            raise ValueError(f"no net {path}: study.retrain_nets(result, {str(nets)!r}) makes it")
        test = data.result.data(row.round)[1]
        inputs, labels = _points_and_labels(data, test)
        threshold = choose_threshold(torch.as_tensor(test.targets), rule.threshold)
        net = load(path, trust=[*data.study.sources]).to(dtype=torch.float32)
        yield RoundNet(row.round, net, inputs, labels, threshold)


def _build_accuracy(data: ReportData, arm: ArmResult) -> Accuracy:
    """How the outputs of an arm's nets are decided: as the study's metric does, with its loss."""
    from chainrule.train import Accuracy

    (declared,) = [each for each in data.study.all_arms if each.name == arm.arm]
    metric = data.study.metrics.get(data.study.metric_name)
    threshold = None if metric is None else metric.arguments.get("threshold")
    return Accuracy(threshold=threshold).with_loss(declared.recipe.make_loss({}))


def _points_and_labels(data: ReportData, test: Dataset) -> tuple[Tensor, Tensor]:
    """Points of a plane with a class each, on the CPU. Raises ValueError for other data."""
    if test.inputs.shape[1:] != (2,) or isinstance(test.targets, dict):
        shape = tuple(test.inputs.shape)
        raise ValueError(f"study {data.study.name}: expected points (N, 2), got {shape}")
    return test.inputs.cpu().float(), class_labels(test.targets.cpu())


def _decide(found: RoundNet, x: Tensor) -> Tensor:
    """(N,): above 0 where the net says class 1."""
    import torch

    from chainrule.train.inference import eval_mode

    with torch.no_grad(), eval_mode(found.net) as net:
        y: Tensor = net.forward(x)[0]
    return decision_score(y) - (found.threshold if y.shape[1] == 1 else 0.0)
