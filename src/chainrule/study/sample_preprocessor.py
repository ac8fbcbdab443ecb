"""What a study does to its samples before they are learned from."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import final

import torch

from chainrule.data import Dataset, Standardizer, fill_missing, standardize, standardize_targets
from chainrule.data.resampled import Preprocessing, ResampledDataset, gather_samples
from chainrule.data.transforms.impute import find_medians
from chainrule.data.transforms.standardize import fit_standardizer, fit_target_standardizer
from chainrule.study.spec.sections import Data

__all__ = ["SamplePreprocessor"]


@final
class SamplePreprocessor:
    """Fills and standardizes plain data sets as ``[data]`` says, by those that are learned from.

    Of parts of a data set no copy is made: their inputs are preprocessed batch by batch, and the
    data set is moved to the device, and to the dtype, once for all.
    """

    def __init__(self, how: Data, device: str, dtype: torch.dtype) -> None:
        self.how, self.device, self.dtype = how, device, dtype
        self._moved = lru_cache(maxsize=2)(self._move)

    def __call__(self, train: Dataset, other: Dataset) -> tuple[Dataset, Dataset]:
        """Both as a net sees them. Raises ValueError for samples that cannot be standardized."""
        if isinstance(train, ResampledDataset):
            if self.how.standardize is None or train.input_dtype == self.dtype:
                return self._prepare_rows(train, other)
            # Standardized numbers are rounded to the dtype that is there, then they get another.
            train, other = gather_samples(train), gather_samples(other)
        if self.how.missing is not None:
            train, other = fill_missing(train, other)
        if self.how.standardize is not None:
            (train, other), _ = standardize(train, other, per=self.how.standardize)
        if self.how.standardize_target:
            (train, other), _ = standardize_targets(train, other)
        return self._move(train), self._move(other)

    def _prepare_rows(self, train: ResampledDataset, other: Dataset) -> tuple[Dataset, Dataset]:
        wanted = Preprocessing()
        if self.how.missing is not None and bool(train.stored.inputs.isnan().any()):
            wanted = wanted._replace(fill=find_medians(train).unsqueeze(0))
        if self.how.standardize is not None:
            learned = ResampledDataset(train.stored, train.rows, wanted).gather()
            wanted = wanted._replace(standardizer=fit_standardizer(learned, self.how.standardize))
        scale = fit_target_standardizer(train) if self.how.standardize_target else None
        return self._wrap(train, wanted, scale), self._wrap(other, wanted, scale)

    def _wrap(self, part: Dataset, wanted: Preprocessing, scale: Standardizer | None) -> Dataset:
        """Samples as they are stored, and what is to be done to a batch of them."""
        if not isinstance(part, ResampledDataset):
            part = ResampledDataset(part, torch.arange(len(part)))
        source, stored = part.stored, self._moved(part.stored)
        if scale is not None:
            targets = scale(torch.as_tensor(source.targets)).to(self.device, self.dtype)
            stored = replace(stored, targets=targets)
        return ResampledDataset(stored, part.rows, wanted)

    def _move(self, data: Dataset) -> Dataset:
        return data.to(self.device, self.dtype)
