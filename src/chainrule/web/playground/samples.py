"""The samples that a setting trains on, and what is to be seen of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.recipes.errors import StudyError
from chainrule.study import Data, Study
from chainrule.study.round_data import RoundData
from chainrule.web.playground.encoding import encode_image

__all__ = ["GRID", "MAX_IMAGES", "PlaygroundSamples", "load_samples"]

GRID = 50
"""Points a side of a map of the plane."""

MAX_POINTS = 400
"""Samples that are drawn on a map."""

MAX_IMAGES = 48
"""Test images that are looked at while nets learn."""

ANY_STUDY = {
    "name": "playground",
    "net": {"name": "plane_net"},
    "loss": {"name": "CrossEntropyLoss"},
    "optimizer": {"name": "SGD"},
}
"""Its data are drawn; the rest is never used."""


@final
@dataclass(frozen=True, eq=False)
class PlaygroundSamples:
    """What is learned from and what is tested on, standardized.

    ``shift`` and ``scale`` take a standardized input back: x = z · scale + shift, of the input's
    shape.
    """

    train: Dataset
    test: Dataset
    shift: Tensor
    scale: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def targets(self) -> Tensor:
        """Those of the training samples."""
        assert isinstance(self.train.targets, Tensor)
        return self.train.targets

    @property
    def kind(self) -> str:
        """Whether targets are classes or numbers."""
        return "regression" if self.targets.is_floating_point() else "classification"

    @cached_property
    def outputs(self) -> int:
        """How many a net needs."""
        if self.kind == "regression":
            return self.targets[0].numel()
        return max(int(self.targets.max()), int(torch.as_tensor(self.test.targets).max())) + 1

    @property
    def is_plane(self) -> bool:
        """Whether a sample is a point with two coordinates."""
        return self.shape == (2,)

    @property
    def is_image(self) -> bool:
        """Whether a sample is one picture."""
        return len(self.shape) == 3 and self.shape[0] == 1

    @cached_property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The corners of the rectangle that the points lie in, with a margin, standardized."""
        x = self.train.inputs
        low, high = x.amin(0), x.amax(0)
        margin = 0.06 * (high - low)
        return low - margin, high + margin

    @cached_property
    def grid(self) -> Tensor:
        """The points of a map: rows from the top, columns from the left    (GRID², 2)"""
        low, high = self.bounds
        along = torch.linspace(0, 1, GRID)
        x2, x1 = torch.meshgrid(along.flip(0), along, indexing="ij")
        share = torch.stack([x1.flatten(), x2.flatten()], -1)
        return low + share * (high - low)

    def describe(self) -> dict[str, Any]:
        """What a page needs once to draw them."""
        found: dict[str, Any] = {
            "train": len(self.train),
            "test": len(self.test),
            "shape": list(self.shape),
            "kind": self.kind,
            "outputs": self.outputs,
        }
        if self.is_plane:
            low, high = (edge * self.scale + self.shift for edge in self.bounds)
            found |= {"low": low.tolist(), "high": high.tolist(), "grid": GRID}
            found["points"] = self.raw_inputs(MAX_POINTS).tolist()
            found["labels"] = self.targets[:MAX_POINTS].flatten().tolist()
        if self.is_image:
            n = min(MAX_IMAGES, len(self.test))
            found["images"] = [encode_image(image[0]) for image in self.test.inputs[:n]]
            found["labels"] = torch.as_tensor(self.test.targets)[:n].tolist()
        return found

    def raw_inputs(self, n: int) -> Tensor:
        """The first training inputs as they were drawn."""
        return self.train.inputs[:n] * self.scale + self.shift


def load_samples(data: Data, seed: int) -> PlaygroundSamples:
    """The samples of the data. Raises StudyError, OSError or DataError where there are none."""
    drawn = {**data.model_dump(exclude_defaults=True), "rounds": "fixed"}
    source = RoundData(Study.model_validate({**ANY_STUDY, "seed": seed, "data": drawn}))
    train, test = source.round(0)
    if not isinstance(train.targets, Tensor) or not isinstance(test.targets, Tensor):
        raise StudyError(f"data {data.name}: there are several targets; here one is told")
    return PlaygroundSamples(train, test, *find_scale(source.raw_round(0)[0].inputs, train.inputs))


def find_scale(raw: Tensor, ready: Tensor) -> tuple[Tensor, Tensor]:
    """(shift, scale) with raw = ready · scale + shift, each entry by itself."""
    spread = ready.std(0, correction=0)
    is_fixed = spread < 1e-6
    scale = torch.where(is_fixed, 1.0, raw.std(0, correction=0) / spread.clamp_min(1e-6))
    return raw.mean(0) - ready.mean(0) * scale, scale
