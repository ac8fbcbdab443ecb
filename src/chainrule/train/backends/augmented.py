"""The samples of a whole epoch as the augmentation changes them: made ahead, for the kernel."""

from __future__ import annotations

from math import prod
from typing import final

import torch
from torch import Tensor

from chainrule._util.pytree import named_leaves, tree_map
from chainrule.data import Dataset
from chainrule.data.batches import count_batches, iter_batches
from chainrule.data.resampled import input_shape, stored_data
from chainrule.train.backends.plain import augment_batch
from chainrule.train.state import TrainState

__all__ = ["AugmentedSamples", "augmented_bytes"]


def augmented_bytes(train: Dataset, replicas: int | None) -> int:
    """How large the inputs of an epoch are, of all replicas."""
    return prod(input_shape(train)) * (replicas or 1) * train.input_dtype.itemsize


@final
class AugmentedSamples:
    """Room for the samples of an epoch in the order that they are trained in, each replica's own.

    ``data`` is that room; its targets are some of the training set's from the beginning.
    """

    def __init__(self, train: Dataset, replicas: int | None) -> None:
        def expand(t: Tensor) -> Tensor:
            return t if replicas is None else t.expand(replicas, *t.shape[1:])

        shape = input_shape(train) if replicas is None else (replicas, *input_shape(train))
        device = stored_data(train).inputs.device
        inputs = torch.empty(shape, dtype=train.input_dtype, device=device)
        targets = tree_map(
            lambda t: expand(t).clone(memory_format=torch.contiguous_format), train.targets
        )
        self.data = Dataset(inputs, targets, replicas)

    def fits(self, train: Dataset) -> bool:
        """Whether there is room for the samples of this data set."""
        return sample_layouts(self.data) == sample_layouts(train)

    def take_targets(self, train: Dataset) -> None:
        """Some targets of the data set, whose range is that of the epoch's."""
        for (_, mine), (_, t) in zip(
            named_leaves(self.data.targets), named_leaves(train.targets), strict=True
        ):
            mine.copy_(t)

    def fill(self, state: TrainState, train: Dataset, order: Tensor) -> bool:
        """Augment the samples of an epoch; False where they get another shape or dtype."""
        lead, first = state.net.num_replica_dims, 0
        batches = count_batches(order.shape[1], state.batch_size)
        for step, (x, target) in enumerate(iter_batches(train, order, state.batch_size)):
            y, wanted = augment_batch(state, x, target, state.epoch * batches + step)
            parts = [(self.data.inputs, y)]
            parts += [
                (mine, t)
                for (_, mine), (_, t) in zip(
                    named_leaves(self.data.targets), named_leaves(wanted), strict=True
                )
            ]
            for room, values in parts:
                place = room.narrow(lead, first, x.shape[lead])
                if (place.shape[lead:], place.dtype) != (values.shape[lead:], values.dtype):
                    return False
                place.copy_(values)
            first += x.shape[lead]
        return True


def sample_layouts(data: Dataset) -> list[object]:
    """How many replicas there are, and the shape and dtype of what each has, as a net sees it."""
    lead = 0 if data.replicas is None else 1
    targets = [(name, t.shape[lead:], t.dtype) for name, t in named_leaves(data.targets)]
    return [data.replicas, input_shape(data), data.input_dtype, *targets]
