"""What a loss reads, and how much each batch, sample and term counts in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from chainrule import nn
from chainrule.compiled.lowering.program import Unsupported
from chainrule.nn.loss import Loss

__all__ = [
    "SIGNED",
    "batch_weights",
    "check_classes",
    "check_vectors",
    "choose_target",
    "loss_targets",
    "loss_weights",
    "split_losses",
    "weights_follow_order",
]

SIGNED = (
    nn.HingeEmbeddingLoss,
    nn.SoftMarginLoss,
    nn.MarginRankingLoss,
    nn.CosineEmbeddingLoss,
)
"""The losses whose targets are signs."""


def choose_target(
    criterion: Loss, targets: Tensor | Mapping[str, Tensor]
) -> tuple[Loss, Tensor | Mapping[str, Tensor]]:
    """The loss that a TargetLoss is of one target, and that target; others are as they were."""
    if not isinstance(criterion, nn.TargetLoss):
        return criterion, targets
    found = None if isinstance(targets, Tensor) else targets.get(criterion.target)
    if found is None:
        raise Unsupported(f"{criterion.label()} of these targets")
    return criterion.loss, found


def loss_targets(criterion: Loss, targets: Tensor | Mapping[str, Tensor]) -> list[Tensor]:
    """The target of each loss, in their order; after that of a weighted one its weights."""
    if isinstance(criterion, nn.SampleWeightedLoss) and not isinstance(targets, Tensor):
        return [targets["target"], targets["weight"]]
    criterion, targets = choose_target(criterion, targets)
    by_name = {"": targets} if isinstance(targets, Tensor) else targets
    return [by_name[name] for name in split_losses(criterion)]


def split_losses(criterion: Loss) -> Mapping[str, Loss]:
    """The losses that add up to one, by name; a single one is "", also that of a TargetLoss."""
    if isinstance(criterion, nn.TargetLoss):
        return split_losses(criterion.loss)
    return criterion.losses if isinstance(criterion, nn.MultiLoss) else {"": criterion}


def batch_weights(
    criterion: Loss,
    targets: Sequence[Tensor],
    order: Tensor,
    sizes: Sequence[int],
    dtype: torch.dtype,
) -> list[Tensor | None]:
    """How much each batch counts in the mean of each loss (steps, K or 1); None where it is a sum.

    targets: of each loss, as ``lower_loss`` returns them; order (K or 1, N): that of the epoch.
    """
    if isinstance(criterion, nn.SampleWeightedLoss):
        rows = torch.take_along_dim(targets[1].double(), order, 1)
        return [torch.stack([part.sum(1) for part in torch.split(rows, [*sizes], 1)])]
    found: list[Tensor | None] = []
    by_size = torch.tensor([*sizes])[:, None]
    for loss, target in zip(split_losses(criterion).values(), targets, strict=True):
        if getattr(loss, "reduction", "mean") == "sum":
            found.append(None)
        elif isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss) and counts_classes(loss, target):
            counted = (target != loss.ignore_index).double()
            if loss.weight is not None:
                counted *= loss.weight.to(dtype).double()[target]
            counted = counted.flatten(2).sum(2) if counted.dim() > 2 else counted
            rows = torch.take_along_dim(counted, order, 1)
            found.append(torch.stack([part.sum(1) for part in torch.split(rows, [*sizes], 1)]))
        else:
            found.append(by_size)
    return found


def weights_follow_order(criterion: Loss, targets: Sequence[Tensor]) -> bool:
    """Whether what a batch counts depends on which samples are in it."""
    if isinstance(criterion, nn.SampleWeightedLoss):
        return True
    losses = zip(split_losses(criterion).values(), targets, strict=True)
    known = nn.CrossEntropyLoss | nn.NLLLoss
    return any(isinstance(loss, known) and counts_classes(loss, t) for loss, t in losses)


def counts_classes(loss: nn.CrossEntropyLoss | nn.NLLLoss, target: Tensor) -> bool:
    """Whether samples count by their class in the mean."""
    return not target.is_floating_point() and (loss.weight is not None or loss.ignore_index >= 0)


def loss_weights(criterion: Loss, K: int) -> Tensor:
    """How much each loss counts, for each replica (losses, K), in float64."""
    if not isinstance(criterion, nn.MultiLoss):
        return torch.ones(1, K, dtype=torch.float64)
    rows = [
        torch.as_tensor(criterion.weights[name], dtype=torch.float64) for name in criterion.losses
    ]
    return torch.stack([row.expand(K) for row in rows])


def check_classes(loss: Loss, target: Tensor, classes: int, places: tuple[int, ...] = ()) -> None:
    """Raise Unsupported unless each target is a class, or one for each place of a sample."""
    low, high = (int(t) for t in target.aminmax()) if target.dtype == torch.int64 else (-1, -1)
    if target.dim() < 2 or target.shape[2:] != places or low < 0 or high >= classes:
        raise Unsupported(f"{loss.label()} of these targets")


def check_vectors(loss: Loss, target: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Raise Unsupported unless each target is like the output."""
    if target.shape[2:] != shape or target.dtype != dtype:
        raise Unsupported(f"{loss.label()} of these targets")
    if isinstance(loss, nn.BCELoss) and bool(((target < 0) | (target > 1)).any()):
        raise Unsupported(f"{loss.label()} of targets beyond 0 and 1")
    if isinstance(loss, SIGNED) and bool((target.abs() != 1).any()):
        raise Unsupported(f"{loss.label()} of other targets than 1 and -1")
