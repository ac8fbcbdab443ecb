"""A cohort in training made smaller: some of its replicas go on, as if the others had too."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor

from chainrule._util.pytree import take_rows, tree_map
from chainrule.train.trainer import Trainer

__all__ = ["select_replicas"]


def select_replicas(trainer: Trainer, index: Tensor) -> None:
    """Keep these replicas of a cohort, in this order, and forget the others    index int64 (n,)

    What was replica ``index[i]`` is replica i from now on: its net, moments, numbers, seeds, draws
    and curves. It goes on as it would have, up to the order of floating-point sums. Only between
    two calls of ``fit``, as the data sets change with the replicas. ``trainer.history`` is a new
    one; what callbacks hold as tensors (K, …) goes along.

    Raises ValueError, and changes nothing, for a plain net and for indices that are not of
    replicas or not distinct.
    """
    K = trainer.net.replicas
    trainer.net.keep_replicas(index)
    trainer.optimizer.keep_replicas(index)
    if trainer.scheduler is not None:
        trainer.scheduler.keep_replicas(index)
    trainer.criterion.keep_replicas(index)
    trainer.history = copy.copy(trainer.history)
    trainer.history.keep_replicas(index)
    trainer.clip_norm = take_rows(trainer.clip_norm, index)
    trainer.seeds = [trainer.seeds[k] for k in index.tolist()]
    trainer.active = trainer.active[index]

    def pick(t: Tensor) -> Any:
        return take_rows(t, index) if t.dim() and len(t) == K else t

    for callback in trainer.callbacks:
        callback.load_state_dict(tree_map(pick, callback.state_dict()))
