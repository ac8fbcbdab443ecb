"""A study over several data sets, taken apart: a study of each, whose nets have its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from chainrule import seeds
from chainrule.data import DataError
from chainrule.recipes.component import build_component
from chainrule.recipes.errors import StudyError
from chainrule.study.spec.dataset_parts import declare_datasets
from chainrule.study.spec.own_files.csv_data import with_net_sizes
from chainrule.study.spec.own_files.own_code import pin_sources
from chainrule.study.spec.study import Study

__all__ = ["split_datasets"]


def split_datasets(study: Study) -> dict[str, Study]:
    """Data set → the study over it alone: with the same seeds, so of the same rows.

    Numbers of inputs and outputs that nets leave open are those of the data set. Raises StudyError,
    DataError or OSError, naming the data set, where its samples cannot be made.
    """
    parts = declare_datasets(study, pin_sources(study).digest)
    for name, part in parts.items():
        try:
            parts[name] = with_net_sizes(part, measure_sizes(part), replace=False)
        except (StudyError, DataError) as error:
            raise type(error)(f"data set {name}: {error}") from error
    return parts


def measure_sizes(study: Study) -> dict[str, int]:
    """The numbers of inputs and outputs that a net for the study's samples has.

    A class is an output, or each number of a target; of inputs or targets by name none is told.
    """
    made = build_component("data", study.data, seeds.derive(study.seed, "data"))
    try:
        train, test = made
        inputs, targets = train.inputs, (train.targets, test.targets)
    except (TypeError, ValueError, AttributeError):  # said where rounds are drawn
        return {}
    sizes = {} if isinstance(inputs, Mapping) else {"inputs": inputs[0].numel()}
    if all(isinstance(of, Tensor) for of in targets):
        sizes["outputs"] = count_outputs(targets)
    return sizes


def count_outputs(targets: Any) -> int:
    """The classes of numbered targets, or the numbers of a target."""
    if targets[0].is_floating_point():
        return int(targets[0][0].numel())
    return max(int(of.max()) for of in targets) + 1
