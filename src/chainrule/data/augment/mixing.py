"""Samples mixed with others, and pairs the other way round: their targets change along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.data.augment.base import Augmentation, Targets, draw_numbers, expand_draws
from chainrule.data.augment.images import check_probability
from chainrule.data.transforms.one_hot import one_hot
from chainrule.seeds import derive

__all__ = ["MixUp", "SwapPair"]


@final
class MixUp(Augmentation):
    """λ x + (1 − λ) x′, and the same of their targets, x′ another sample of the batch

    λ is of a Beta(``alpha``, ``alpha``) distribution, one a sample. Targets that are classes become
    shares of ``num_classes`` classes, which CrossEntropyLoss takes; numbers are mixed as they are.
    (Zhang, Cisse, Dauphin and Lopez-Paz, mixup, 2018.) Raises ValueError for an alpha that is not
    above 0; and, of a batch, for classes without ``num_classes``.
    """

    def __init__(self, alpha: float = 0.2, *, num_classes: int | None = None) -> None:
        if not alpha > 0:
            raise ValueError(f"MixUp: expected alpha above 0, got {alpha}")
        self.alpha, self.num_classes = alpha, num_classes

    def __call__(
        self, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
    ) -> tuple[Tensor, Targets]:
        others = draw_numbers(inputs, seeds, step, "MixUp").argsort(-1)
        shares = [
            np.random.default_rng(derive(seed, "augment", "MixUp share", step)).beta(
                self.alpha, self.alpha, inputs.shape[1]
            )
            for seed in seeds
        ]
        share = torch.from_numpy(np.stack(shares)).to(inputs.device)

        def mix(x: Tensor) -> Tensor:
            other = x.gather(1, expand_draws(others, x).expand(x.shape))
            return x + (1 - expand_draws(share, x).to(x.dtype)) * (other - x)

        return mix(inputs), tree_map(lambda t: mix(self._as_numbers(t, inputs.dtype)), targets)

    def _as_numbers(self, target: Tensor, dtype: torch.dtype) -> Tensor:
        if target.is_floating_point():
            return target
        if self.num_classes is None:
            raise ValueError(
                "MixUp: the targets are classes; expected num_classes, to mix their shares"
            )
        return one_hot(target.long(), self.num_classes).to(dtype)


@final
class SwapPair(Augmentation):
    """Each pair the other way round with probability ``p``, which turns its answer

    inputs (K, B, 2, …)   the answer 0 or 1, as ``digit_pairs`` has it: whether a ≤ b

    The answer is the target, or that of the name ``answer``; the targets ``first`` and ``second``,
    where they are there, change places, and of equals the answer stays. Without these two nobody
    knows which are equal, and theirs is turned as well, which is wrong for an answer a ≤ b. Raises
    ValueError for a p outside [0, 1]; and, of a batch, where it is not of pairs and answers.
    """

    def __init__(
        self, p: float = 0.5, *, answer: str = "main", first: str = "first", second: str = "second"
    ) -> None:
        self.p = check_probability(self, p)
        self.answer, self.first, self.second = answer, first, second

    def __call__(
        self, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
    ) -> tuple[Tensor, Targets]:
        if inputs.ndim < 3 or inputs.shape[2] != 2:
            raise ValueError(f"SwapPair: expected pairs (K, B, 2, …), got {tuple(inputs.shape)}")
        swapped = draw_numbers(inputs, seeds, step, "SwapPair") < self.p
        turned = torch.where(expand_draws(swapped, inputs), inputs.flip(2), inputs)
        if isinstance(targets, Tensor):
            return turned, torch.where(swapped, 1 - self._check_answer(targets), targets)
        if self.answer not in targets:
            raise ValueError(
                f"SwapPair: expected answer to be one of {', '.join(targets)}, got {self.answer!r}"
            )
        changed, answer = dict(targets), self._check_answer(targets[self.answer])
        if {self.first, self.second} <= targets.keys():
            a, b = targets[self.first], targets[self.second]
            changed[self.first] = torch.where(swapped, b, a)
            changed[self.second] = torch.where(swapped, a, b)
            swapped = swapped & (a != b)
        changed[self.answer] = torch.where(swapped, 1 - answer, answer)
        return turned, changed

    def _check_answer(self, answer: Tensor) -> Tensor:
        if answer.ndim != 2 or not bool(((answer == 0) | (answer == 1)).all()):
            raise ValueError(
                f"SwapPair: expected answers 0 or 1 (K, B), got {tuple(answer.shape)} "
                f"{answer.dtype}"
            )
        return answer
