"""A cohort in training made smaller: some of its replicas go on, as if the others had too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.nn.loss import Loss, MultiLoss
from chainrule.nn.module import Module
from chainrule.optim import Optimizer
from chainrule.optim.flat_parameters import FlatParameters
from chainrule.optim.lr_scheduler import LambdaLR, LRScheduler, SequentialLR
from chainrule.train.history import History
from chainrule.train.trainer import Trainer

__all__ = ["select_replicas"]

Pick = Callable[[Tensor], Tensor]
"""A tensor (K, …) with those of its rows that stay; any other as it is."""


def select_replicas(trainer: Trainer, keep: Tensor) -> None:
    """Keep these replicas of a cohort, in this order, and forget the others    keep int64 (n,)

    What was replica ``keep[i]`` is replica i from now on: its net, moments, numbers, seeds, draws
    and curves. It goes on as it would have, up to the order of floating-point sums. Only between
    two calls of ``fit``, as the data sets change with the replicas. ``trainer.history`` is a new
    one; what callbacks hold as tensors (K, …) goes along.

    Raises ValueError, and changes nothing, for a plain net and for indices that are not of
    replicas or not distinct.
    """
    kept, K = _checked(trainer, keep), trainer.net.replicas

    def pick(t: Tensor) -> Tensor:
        return t[keep.to(t.device)] if t.dim() and len(t) == K else t

    _net(trainer.net, kept)
    _optimizer(trainer.optimizer, pick, len(kept))
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(tree_map(pick, trainer.scheduler.state_dict()))
        _schedule(trainer.scheduler, pick)
    trainer.criterion = _loss(trainer.criterion, pick, len(kept))
    trainer.clip_norm = tree_map(pick, trainer.clip_norm)
    trainer.clip_value = tree_map(pick, trainer.clip_value)
    trainer.seeds = [trainer.seeds[k] for k in kept]
    trainer.active = trainer.active[kept]
    trainer.history = _history(trainer.history, kept)
    for callback in trainer.callbacks:
        callback.load_state_dict(tree_map(pick, callback.state_dict()))


def _checked(trainer: Trainer, keep: Tensor) -> list[int]:
    K = trainer.net.replicas
    if K is None:
        raise ValueError("compact: a plain net has no replicas to choose from")
    if keep.dtype != torch.int64 or keep.dim() != 1:
        shape = tuple(keep.shape)
        raise ValueError(f"compact: expected an int64 tensor (n,), got {keep.dtype} {shape}")
    kept: list[int] = keep.tolist()
    if not kept or len(set(kept)) < len(kept) or not all(0 <= k < K for k in kept):
        raise ValueError(f"compact: expected distinct replicas, 0 ≤ k < {K}, got {kept}")
    return kept


def _net(net: Module, kept: list[int]) -> None:
    """Every tensor of a cohort begins with the replicas; so does a layer's own number."""
    for value in {id(v): v for _, v in net.named_state()}.values():
        value.map(lambda t: t[kept])
    for module in net.modules():
        module.replicas = len(kept)
        module.seeds = module.seeds and [module.seeds[k] for k in kept]
        for name, number in vars(module).items():
            if isinstance(number, Tensor) and number.dim():
                setattr(module, name, number[kept])


def _optimizer(optimizer: Optimizer, pick: Pick, K: int) -> None:
    """Its numbers and state; the parameters, which have been picked, are packed anew."""
    optimizer.replicas = K
    optimizer.defaults = tree_map(pick, optimizer.defaults)
    optimizer.state = tree_map(pick, optimizer.state)
    for group in optimizer.param_groups:
        group.update(tree_map(pick, {k: v for k, v in group.items() if k != "params"}))
    optimizer.flats = [FlatParameters(group["params"], K) for group in optimizer.param_groups]
    for flat in optimizer.flats:
        flat.create_views()


def _schedule(scheduler: LRScheduler, pick: Pick) -> None:
    """What its functions return; its numbers are in its state."""
    if isinstance(scheduler, SequentialLR):
        for part in scheduler.schedulers:
            _schedule(part, pick)
    elif isinstance(scheduler, LambdaLR):
        scheduler.lr_lambdas = [_picked(f, pick) for f in scheduler.lr_lambdas]


def _picked(f: Callable[[int], Any], pick: Pick) -> Callable[[int], Any]:
    return lambda t: tree_map(pick, f(t))


def _loss(criterion: Loss, pick: Pick, K: int) -> Loss:
    """The loss for K replicas; of all losses MultiLoss alone has numbers of theirs."""
    smaller = criterion.replica(0).replicate(K)
    if isinstance(criterion, MultiLoss) and isinstance(smaller, MultiLoss):
        smaller.losses = {name: _loss(loss, pick, K) for name, loss in criterion.losses.items()}
        smaller.weights = tree_map(pick, criterion.weights)
    return smaller


def _history(history: History, kept: list[int]) -> History:
    """The curves of those that stay, and what is noted of them, under their new numbers."""
    new = {old: k for k, old in enumerate(kept)}
    return replace(
        history,
        replicas=len(kept),
        curves={name: curve[:, kept] for name, curve in history.curves.items()},
        diverged=[replace(d, replica=new[d.replica]) for d in history.diverged if d.replica in new],
        stopped={new[k]: epoch for k, epoch in history.stopped.items() if k in new},
    )
