"""The samples that nets decided wrongly, with what they are and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from chainrule.report.data import ReportData
from chainrule.report.figure_data.base import FigureData
from chainrule.report.figure_data.reliability import select_decisions
from chainrule.report.figure_data.samples import (
    MAX_IMAGES,
    MAX_PAIRS,
    ImagesData,
    PointsData,
    samples_data,
)

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.study import StudyResult
    from chainrule.study.results.predictions.decisions import WrongSample

__all__ = ["WrongPoints", "WrongPointsData", "wrong_samples_data"]


@final
@dataclass(frozen=True)
class WrongPoints:
    """Points (n, 2) of class ``truth``, taken for ``decided`` in these shares (n,) of rounds."""

    truth: int
    decided: int
    points: NDArray[Any]
    shares: NDArray[Any]


@final
@dataclass(frozen=True)
class WrongPointsData(FigureData):
    """Points of a plane: those that were decided wrongly, and all others (M, 2) of their
    rounds, each once.
    """

    wrong: Sequence[WrongPoints]
    others: NDArray[Any]


def wrong_samples_data(result: StudyResult | ReportData, arm: str) -> ImagesData | WrongPointsData:
    """Arguments and errors as :func:`chainrule.report.wrong_samples`.

    The test sets are made anew.
    """
    import torch

    from chainrule.data import Dataset

    data = ReportData.wrap(result)
    wrong = select_decisions(data, arm)[arm].wrong_samples()
    if not wrong:
        raise ValueError(f"study {data.study.name}: arm {arm} decided no test sample wrongly")
    tests = {r: data.result.data(r)[1] for r in dict.fromkeys(w.round for w in wrong)}
    if isinstance(samples_data(next(iter(tests.values()))), PointsData):
        return build_points(wrong, {r: test.inputs for r, test in tests.items()})
    wrong = wrong[:MAX_IMAGES]
    inputs = torch.stack([tests[w.round].inputs[w.index] for w in wrong])
    found = samples_data(Dataset(inputs, torch.zeros(len(wrong))))
    if not isinstance(found, ImagesData):
        raise ValueError(
            f"study {data.study.name}: its samples are no images, and no points of a plane"
        )
    shown = wrong[: MAX_PAIRS if found.pairs else MAX_IMAGES]
    return replace(found, titles=[[f"{w.truth} as {w.decided}", f"{w.wrong}/{w.n}"] for w in shown])


def build_points(wrong: Sequence[WrongSample], tests: dict[int, Tensor]) -> WrongPointsData:
    """The wrong points by what they are and what they were taken for; and the others."""
    groups: dict[tuple[int, int], list[WrongSample]] = {}
    for w in wrong:
        groups.setdefault((w.truth, w.decided), []).append(w)
    found = [
        WrongPoints(
            truth,
            decided,
            np.stack([tests[w.round][w.index].numpy() for w in group]),
            np.array([w.wrong / w.n for w in group]),
        )
        for (truth, decided), group in sorted(groups.items())
    ]
    shown = {tuple(point) for group in found for point in group.points.tolist()}
    points = {tuple(point) for test in tests.values() for point in test.tolist()}
    return WrongPointsData(found, np.array(sorted(points - shown)).reshape(-1, 2))
