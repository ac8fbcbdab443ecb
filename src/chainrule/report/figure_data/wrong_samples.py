"""The images that nets decided wrongly, with what they are and what was said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.report.data import ReportData
from chainrule.report.figure_data.reliability import select_decisions
from chainrule.report.figure_data.samples import MAX_IMAGES, MAX_PAIRS, ImagesData, samples_data

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["wrong_samples_data"]


def wrong_samples_data(result: StudyResult | ReportData, arm: str) -> ImagesData:
    """Arguments and errors as :func:`chainrule.report.wrong_samples`.

    The test sets are made anew.
    """
    data = ReportData.wrap(result)
    wrong = select_decisions(data, arm)[arm].wrong_samples()[:MAX_IMAGES]
    if not wrong:
        raise ValueError(f"study {data.study.name}: arm {arm} decided no test sample wrongly")
    tests: dict[int, Tensor] = {}
    for w in wrong:
        if w.round not in tests:
            tests[w.round] = data.result.data(w.round)[1].inputs
    inputs = torch.stack([tests[w.round][w.index] for w in wrong])
    found = samples_data(Dataset(inputs, torch.zeros(len(wrong))))
    if not isinstance(found, ImagesData):
        raise ValueError(f"study {data.study.name}: its samples are no images")
    shown = wrong[: MAX_PAIRS if found.pairs else MAX_IMAGES]
    return replace(found, titles=[[f"{w.truth} as {w.decided}", f"{w.wrong}/{w.n}"] for w in shown])
