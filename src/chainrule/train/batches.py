"""Whether a net can learn from a data set: its replicas, its last batch, its axis of samples."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves
from chainrule._util.words import count_noun
from chainrule.data import Dataset
from chainrule.nn.errors import LayerError
from chainrule.nn.loss import Loss
from chainrule.nn.loss.base import find_losses
from chainrule.nn.module import Module
from chainrule.train.inference import eval_mode

__all__ = ["add_replica_axis", "check_batch_axis", "check_last_batch"]

FEW = 8
"""Samples whose outputs are looked at, together and one alone."""


def add_replica_axis(data: Dataset, K: int | None) -> Dataset:
    """The data set for a net of K replicas: one without replicas serves them all.

    Raises TypeError for what is no Dataset, ValueError for one of other replicas.
    """
    if not isinstance(data, Dataset):
        raise TypeError(f"expected a Dataset(inputs, targets), got {type(data).__name__}")
    if data.replicas == K:
        return data
    if data.replicas is not None or K is None:
        has = count_noun(data.replicas or 1, "replica")
        raise ValueError(f"the data set has {has}, the net {K or 'none'}")
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
            f"{count_noun(N, 'sample')} with batch_size={batch_size}: a batch of one, of which the "
            f"net cannot learn: {advice}. {error}"
        ) from error


@torch.no_grad()
def try_training_forward(net: Module, data: Dataset, samples: list[int]) -> None:
    """A forward of a copy of the net in training mode, which leaves no trace."""
    few = data.subset(torch.tensor(samples))
    with torch.random.fork_rng(devices=[]):
        copy.deepcopy(net).train().forward(few.scale_inputs(few.inputs))


def check_batch_axis(net: Module, criterion: Loss, data: Dataset) -> None:
    """Raise ValueError where a layer or a loss takes the axis of the samples for that of time.

    Batches have the samples first, as with ``batch_first``, which torch's layers have not unless it
    is said: one more sample in the batch then changes what the net says of another.
    """
    for loss in find_losses(criterion):
        if getattr(loss, "batch_first", True) is False:
            raise ValueError(
                f"{loss.label()} reads steps first, and a batch has its samples first: write "
                "batch_first=True"
            )
    if any(map(reads_steps_first, net.modules())) and mixes_samples(net, data):
        path, layer = next(each for each in net.named_modules() if reads_steps_first(each[1]))
        raise ValueError(
            f"{path} {type(layer).__name__} takes the samples of a batch for the steps of one "
            "sequence, so what the net says of a sample depends on the others: write "
            "batch_first=True"
        )


def reads_steps_first(module: Module) -> bool:
    """Whether it says so; most layers have no such attribute, and would say what to write."""
    has = "batch_first" in vars(module) or hasattr(type(module), "batch_first")
    return has and not getattr(module, "batch_first")  # noqa: B009 (which few modules have)


@torch.no_grad()
def mixes_samples(net: Module, data: Dataset) -> bool:
    """Whether the last of a few samples has another output than by itself, in evaluation mode."""
    few = torch.arange(min(FEW, len(data)))
    outputs = []
    with eval_mode(net):
        for index in (few, few[-1:]):
            try:
                some = data.subset(index)
                y, _ = net.forward(some.scale_inputs(some.inputs))
            except LayerError:  # the training says it by itself
                return False
            outputs.append([leaf for _, leaf in named_leaves(y)])
    axis, last = net.num_replica_dims, len(few) - 1

    def agree(together: Tensor, alone: Tensor) -> bool:
        if together.shape[axis : axis + 1] != (len(few),):  # no axis of samples
            return True
        one = together.narrow(axis, last, 1)
        return one.shape == alone.shape and torch.allclose(one, alone, 1e-3, 1e-5, equal_nan=True)

    return not all(agree(*pair) for pair in zip(*outputs, strict=True))
