"""Whether a net can learn from a data set: its replicas, and what the last batch is."""

from __future__ import annotations

import copy

import torch

from chainrule.data import Dataset
from chainrule.nn.module import Module

__all__ = ["add_replica_axis", "check_last_batch"]


def add_replica_axis(data: Dataset, K: int | None) -> Dataset:
    """The data set for a net of K replicas: one without replicas serves them all.

    Raises TypeError for what is no Dataset, ValueError for one of other replicas.
    """
    if not isinstance(data, Dataset):
        raise TypeError(f"expected a Dataset(inputs, targets), got {type(data).__name__}")
    if data.replicas == K:
        return data
    if data.replicas is not None or K is None:
        raise ValueError(f"the data set has {data.replicas} replicas, the net {K or 'none'}")
    return data.expand(K)


def check_last_batch(net: Module, data: Dataset, batch_size: int) -> None:
    """Raise ValueError where an epoch has a batch of one sample, and the net refuses that.

    What two samples are refused too has another reason, which the training says by itself.
    """
    N = len(data)
    if N % batch_size != 1 and batch_size > 1:
        return
    try:
        try_training_forward(net, data, [0])
    except Exception as error:
        try:
            try_training_forward(net, data, [0, 0])
        except Exception:
            return
        smaller, larger = range(min(batch_size, N), 1, -1), range(batch_size + 1, N + 1)
        sizes = [size for size in (*smaller, *larger) if N % size != 1]
        advice = f"choose another batch_size ({sizes[0]}, for example)" if sizes else "add samples"
        advice += ", or leave it out (drop_last)" if N > batch_size > 1 else ""
        raise ValueError(
            f"{N} samples with batch_size={batch_size} make a batch of one sample, of which the "
            f"net cannot learn: {advice}. {error}"
        ) from error


@torch.no_grad()
def try_training_forward(net: Module, data: Dataset, samples: list[int]) -> None:
    """A forward of a copy of the net in training mode, which leaves no trace."""
    few = data.subset(torch.tensor(samples))
    with torch.random.fork_rng(devices=[]):
        copy.deepcopy(net).train().forward(data.scale_inputs(few.inputs))
