"""What stands for a number that is missing, fitted on the training inputs alone."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset

__all__ = ["fill_missing", "find_medians"]


@check_arguments
def fill_missing(train: Dataset, *others: Dataset) -> tuple[Dataset, ...]:
    """Plain data sets with the median of `train` where an input is nan, for each feature.

    A feature that `train` has no number of becomes 0. Raises ValueError for data sets with
    replicas.
    """
    if any(data.replicas is not None for data in (train, *others)):
        raise ValueError("fill_missing: expected plain data sets, got one with replicas")
    if not any(data.inputs.isnan().any() for data in (train, *others)):
        return (train, *others)
    medians = find_medians(train)
    return tuple(
        replace(d, inputs=torch.where(d.inputs.isnan(), medians.to(d.inputs.dtype), d.inputs))
        for d in (train, *others)
    )


def find_medians(train: Dataset) -> Tensor:
    """Of the numbers of each feature that there are, in float64; 0 where there is none."""
    return torch.nanquantile(train.inputs.double(), 0.5, 0).nan_to_num(0.0)
