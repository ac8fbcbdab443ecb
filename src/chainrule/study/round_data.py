"""The samples of each round and fold, found by name: the same for every arm and candidate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.field_problems import describe_given
from chainrule._util.suggest import did_you_mean
from chainrule._util.words import count_noun
from chainrule.data import (
    Dataset,
    holdout,
    kfold,
    repeated_kfold,
)
from chainrule.data.resampled import ResampledDataset, gather_samples
from chainrule.data.transforms.standardize import fit_target_standardizer
from chainrule.recipes.component import build_component
from chainrule.recipes.errors import StudyError
from chainrule.study.sample_identity import digest_samples
from chainrule.study.sample_preprocessor import SamplePreprocessor
from chainrule.study.spec.seeds import round_seed
from chainrule.study.spec.study import Study

__all__ = ["RoundData", "check_device", "has_device", "parse_device", "study_dtype"]

Parts = tuple[Dataset, Dataset]


class RoundData:
    """A study's data sets, plain ones; what rounds share is drawn once and kept.

    ``round(r)`` is (training set, test set) of round r; ``fold(r, f)`` divides r's training set
    into the part that split f learns from and the part that it validates on. Both come
    standardized as declared, by the samples that are learned from; on the study's ``device``
    unless another is said. Parts of what rounds share are no copies: :class:`ResampledDataset`.
    """

    def __init__(self, study: Study, device: str | None = None) -> None:
        self.study, self.device = study, study.device if device is None else device
        self._shared = lru_cache(maxsize=1)(self._draw_data)
        self._fresh = lru_cache(maxsize=2)(self._draw_data)
        self._whole = lru_cache(maxsize=1)(self._join_data)
        self._divided = lru_cache(maxsize=1)(self._divide)
        self._preprocessor = SamplePreprocessor(study.data, self.device, study_dtype(study))
        self.trivial_scores: dict[int, float | None] = {}
        """Round → what the trivial answer scores on it, of those that were asked for."""

    def __reduce__(self) -> tuple[type[RoundData], tuple[Study, str]]:
        """A copy draws for itself: the same samples, from the same study."""
        return RoundData, (self.study, self.device)

    def round(self, r: int) -> Parts:
        """What round r trains and tests on."""
        return self._preprocessor(*self.raw_round(r))

    def fold(self, r: int, f: int) -> Parts:
        """What split f of round r trains and validates on."""
        return self._preprocessor(*self.raw_fold(r, f))

    def final(self, r: int) -> Parts:
        """What the chosen candidate is trained and tested on: without refit, on split 0's part."""
        return self._preprocessor(*self.raw_final(r))

    def copy_final(self, r: int) -> Parts:
        """As ``final``, each with memory of its own."""
        train, test = self.final(r)
        return gather_samples(train), gather_samples(test)

    def unit(self, r: int, f: int | None = None) -> float:
        """What the targets of ``final(r)``, or of ``fold(r, f)``, were divided by."""
        if not self.study.data.standardize_target:
            return 1.0
        train, _ = self.raw_final(r) if f is None else self.raw_fold(r, f)
        scale = fit_target_standardizer(train)
        if scale.std.numel() > 1:
            raise StudyError(
                f"data.standardize_target: expected one number to tell, got {scale.std.numel()}"
            )
        return scale.std.item()

    def digests(self, r: int, f: int | None = None) -> tuple[str, str]:
        """Of the samples of ``final(r)``, or of ``fold(r, f)``, before they are standardized."""
        learned, judged = self.raw_final(r) if f is None else self.raw_fold(r, f)
        return digest_samples(learned), digest_samples(judged)

    def count_final(self, r: int) -> int:
        """How many samples ``final(r)`` learns from."""
        return len(self.raw_final(r)[0])

    def count_folds(self, r: int) -> list[int]:
        """How many samples ``fold(r, f)`` learns from, for each split f."""
        return [len(learned) for learned, _ in self.splits(r, self.raw_round(r)[0])]

    def splits(self, r: int, train: Dataset) -> list[tuple[Tensor, Tensor]]:
        """(index to learn from, index to validate on) of each split of a round's training set."""
        how, seed = self.study.selection, seeds.derive(round_seed(self.study, r), "split")
        by = self._stratification(train)
        if how.split == "kfold":
            check_folds("selection.folds", how.folds, train)
            return repeated_kfold(train, how.folds, how.repeats, seed=seed, stratify=by)
        try:
            return [
                holdout(train, how.fraction, seed=seeds.derive(seed, "repeat", i), stratify=by)
                for i in range(how.repeats)
            ]
        except ValueError as error:
            raise StudyError(f"selection.fraction: {error}") from None

    def raw_round(self, r: int) -> Parts:
        """(training set, test set) of round r, as they were drawn: not yet standardized."""
        rounds = self.study.data.rounds
        if rounds == "fresh":
            return self._fresh(seeds.derive(round_seed(self.study, r), "data"))
        return self._shared(self._data_seed) if rounds == "fixed" else self._resplit(r)

    @property
    def _data_seed(self) -> int:
        """Of what all rounds share."""
        return seeds.derive(self.study.seed, "data")

    def _join_data(self, seed: int) -> tuple[Dataset, float]:
        """All samples that there are, and the share of them to test on."""
        train, test = self._draw_data(seed)  # which are not kept beside the whole
        whole = join_datasets(train, test)
        return whole, len(test) / len(whole)

    def raw_fold(self, r: int, f: int) -> Parts:
        """As ``fold``, as it was drawn: not yet standardized."""
        train, _ = self.raw_round(r)
        learned, judged = self.splits(r, train)[f]
        return resample(train, learned), resample(train, judged)

    def raw_final(self, r: int) -> Parts:
        """As ``final``, as it was drawn: not yet standardized."""
        train, test = self.raw_round(r)
        if self.study.selection.refit or not self.study.space:
            return train, test
        learned, _ = self.splits(r, train)[0]
        return resample(train, learned), test

    def _resplit(self, r: int) -> Parts:
        """All samples divided anew, or the r-th fold of them."""
        whole, _ = self._whole(self._data_seed)
        learned, judged = self._divided(r)
        return ResampledDataset(whole, learned), ResampledDataset(whole, judged)

    def _divide(self, r: int) -> tuple[Tensor, Tensor]:
        """Which of all samples round r learns from, and which it tests on."""
        data = self.study.data
        whole, share = self._whole(self._data_seed)
        by = self._stratification(whole)
        if data.rounds == "folds":
            check_folds("data.folds", data.folds, whole)
            repeat, fold = divmod(r, data.folds)
            seed = seeds.derive(self.study.seed, "folds", repeat)
            return kfold(whole, data.folds, seed=seed, stratify=by)[fold]
        seed = seeds.derive(round_seed(self.study, r), "resplit")
        return holdout(whole, share, seed=seed, stratify=by)

    def _stratification(self, data: Dataset) -> Tensor | None:
        """What splits are stratified by."""
        name = self.study.selection.stratify
        if not name:
            return None
        if isinstance(data.targets, dict):
            if not isinstance(name, str) or name not in data.targets:
                hint, known = did_you_mean(str(name), data.targets), ", ".join(data.targets)
                raise StudyError(f"selection.stratify: {hint}expected one of {known}, got {name!r}")
            return data.targets[name]
        if isinstance(name, str):
            raise StudyError(
                f"selection.stratify: expected true or false, for there is one target, got {name!r}"
            )
        if data.targets.is_floating_point():
            raise StudyError(
                "selection.stratify: expected false, for the targets are numbers and no classes"
            )
        return data.targets

    def _draw_data(self, seed: int) -> Parts:
        made = build_component("data", self.study.data, seed)
        if not (
            isinstance(made, tuple)
            and len(made) == 2
            and all(isinstance(part, Dataset) and part.replicas is None for part in made)
        ):
            raise StudyError(
                f"data {self.study.data.name}: expected it to make (train, test), two plain data "
                f"sets, got {describe_given(made)}"
            )
        if empty := [i for i, part in enumerate(made) if not len(part)]:
            purpose = ("learn from", "test on")[empty[0]]
            raise StudyError(f"data {self.study.data.name}: expected samples to {purpose}, got 0")
        check_missing(self.study, made)
        return made


def resample(data: Dataset, index: Tensor) -> Dataset:
    """The samples of a plain data set that an index names, not copied."""
    is_resampled = isinstance(data, ResampledDataset)
    return data.subset(index) if is_resampled else ResampledDataset(data, index)


def check_missing(study: Study, made: Parts) -> None:
    """Raise StudyError for a table with missing numbers that nothing fills: every net diverges.

    A net of the user's own may know what to do with nan.
    """
    named = [arm.recipe.net.name for arm in study.all_arms]
    if study.data.name != "table" or study.data.missing or any(":" in name for name in named):
        return
    lost = sum(int(part.inputs.isnan().any(-1).sum()) for part in made)
    if lost:
        rows = count_noun(sum(map(len, made)), "row")
        raise StudyError(
            f"data table: numbers are missing in {lost} of {rows}, "
            'and a net of nan diverges; expected missing = "median" in [data], or the columns in '
            "ignore"
        )


def check_folds(field: str, folds: int, data: Dataset) -> None:
    """Raise StudyError where there are more folds than samples."""
    if folds > len(data):
        raise StudyError(f"{field}: expected at most {len(data)}, the samples, got {folds}")


def parse_device(name: str) -> torch.device:
    """The device of this name. Raises StudyError for what names none."""
    try:
        return torch.device(name)
    except RuntimeError:
        hint = " (graphics cards are cuda, cuda:1, … or mps)" if "gpu" in name.lower() else ""
        raise StudyError(f"device: {describe_usable_devices(name)}{hint}") from None


def check_device(name: str) -> None:
    """Raise StudyError, which says what there is, for a device that this machine does not have."""
    if not has_device(name):
        built = not name.startswith("cuda") or torch.version.cuda or torch.version.hip
        why = f"no {name} is found here" if built else "this torch was built for the CPU alone"
        raise StudyError(f"device: {describe_usable_devices(name)}; {why}")


def has_device(name: str) -> bool:
    """Whether this machine has a device. Raises StudyError for what names none."""
    device = parse_device(name)
    if device.type in ("cpu", "mps"):
        return device.type == "cpu" or torch.mps.is_available()
    module: Any = getattr(torch, device.type, None)  # cuda, or such as xpu
    if not getattr(module, "is_available", bool)():
        return False
    return device.type != "cuda" or (device.index or 0) < torch.cuda.device_count()


def describe_usable_devices(name: str) -> str:
    """``expected cpu or cuda, got 'mps'``"""
    kinds = [kind for kind in ("cpu", "cuda", "mps") if has_device(kind)]
    return f"expected {' or '.join(kinds)}, got {name!r}"


def study_dtype(study: Study) -> torch.dtype:
    """That of data and parameters."""
    return torch.float64 if study.precision == "float64" else torch.float32


def join_datasets(a: Dataset, b: Dataset) -> Dataset:
    """The samples of both; where it is not known where they come from, numbered from 0."""
    n = len(a) + len(b)
    sources = torch.arange(n).unsqueeze(1)
    if a.sources is not None and b.sources is not None:
        sources = torch.cat([a.sources, b.sources])
    inputs, targets = concatenate(a.inputs, b.inputs), concatenate(a.targets, b.targets)
    return Dataset(inputs, targets, sources=sources, scale=a.scale)


def concatenate(a: Any, b: Any) -> Any:
    """Two tensors, or two dicts of them, one after the other."""
    if isinstance(a, Tensor):
        return torch.cat([a, b])
    return {name: torch.cat([a[name], b[name]]) for name in a}
