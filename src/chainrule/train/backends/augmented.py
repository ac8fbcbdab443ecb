"""The samples of a whole epoch as the augmentation changes them: made ahead, for the kernel."""

from __future__ import annotations

from contextlib import suppress
from math import prod
from threading import Thread
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

    ``data`` is that room; its targets are some of the training set's from the beginning. There is
    as much again where the next epoch's are made meanwhile.
    """

    def __init__(self, train: Dataset, replicas: int | None) -> None:
        self.data = make_room(train, replicas)
        self._spare: Dataset | None = None
        self._next: NextEpoch | None = None

    def fits(self, train: Dataset) -> bool:
        """Whether there is room for the samples of this data set."""
        return sample_layouts(self.data) == sample_layouts(train)

    def take_targets(self, train: Dataset) -> None:
        """Some targets of the data set, whose range is that of the epoch's."""
        copy_targets(train, self.data)

    def fill(self, state: TrainState, train: Dataset, order: Tensor) -> bool:
        """Augment the samples of an epoch; False where they get another shape or dtype."""
        made = self._next
        if made is not None and made.ident is not None:
            made.join()  # Ctrl-C may come here, and then it has the room still
            self._next = None
            if made.is_whole and made.is_made_for(state, train, order):
                self.data.inputs.copy_(made.room.inputs)
                copy_targets(made.room, self.data)
                return True
        return fill_room(self.data, state, train, order, state.epoch)

    def begin_next(self, state: TrainState, train: Dataset, order: Tensor) -> None:
        """Augment the samples of the next epoch, in this order, in a thread of their own."""
        if self._spare is None:
            self._spare = make_room(train, state.net.replicas)
        self._next = NextEpoch(self._spare, state, train, order)
        self._next.start()


@final
class NextEpoch(Thread):
    """Fills a room with the samples of the epoch after that of a state, while that is trained.

    ``is_whole`` when they are all there; what went wrong comes again when they are made in turn.
    """

    def __init__(self, room: Dataset, state: TrainState, train: Dataset, order: Tensor) -> None:
        super().__init__()
        self.room, self.is_whole = room, False
        self._state, self._train, self._order = state, train, order
        self._source = describe_source(state, state.epoch + 1)

    def run(self) -> None:
        """Fill the room."""
        epoch = self._source[0]
        with suppress(Exception), torch.no_grad():
            self.is_whole = fill_room(self.room, self._state, self._train, self._order, epoch)

    def is_made_for(self, state: TrainState, train: Dataset, order: Tensor) -> bool:
        """Whether these are the samples of this epoch."""
        same = train is self._train and self._source == describe_source(state, state.epoch)
        return same and torch.equal(order, self._order)


def describe_source(state: TrainState, epoch: int) -> tuple[int, object, int, list[int]]:
    """What an epoch's samples are made from, beside the data and their order."""
    return epoch, state.augment, state.batch_size, [*state.seeds]


def make_room(train: Dataset, replicas: int | None) -> Dataset:
    """As many samples for each replica as the data set has, with some of its targets."""

    def expand(t: Tensor) -> Tensor:
        return t if replicas is None else t.expand(replicas, *t.shape[1:])

    shape = input_shape(train) if replicas is None else (replicas, *input_shape(train))
    device = stored_data(train).inputs.device
    inputs = torch.empty(shape, dtype=train.input_dtype, device=device)
    targets = tree_map(
        lambda t: expand(t).clone(memory_format=torch.contiguous_format), train.targets
    )
    return Dataset(inputs, targets, replicas)


def copy_targets(source: Dataset, room: Dataset) -> None:
    """Write the targets of a data set over those of a room."""
    for (_, mine), (_, t) in zip(
        named_leaves(room.targets), named_leaves(source.targets), strict=True
    ):
        mine.copy_(t)


def fill_room(room: Dataset, state: TrainState, train: Dataset, order: Tensor, epoch: int) -> bool:
    """Augment the samples of an epoch; False where they get another shape or dtype."""
    lead, first = state.net.num_replica_dims, 0
    batches = count_batches(order.shape[1], state.batch_size)
    for step, (x, target) in enumerate(iter_batches(train, order, state.batch_size)):
        y, wanted = augment_batch(state, x, target, epoch * batches + step)
        parts = [(room.inputs, y)]
        parts += [
            (mine, t)
            for (_, mine), (_, t) in zip(
                named_leaves(room.targets), named_leaves(wanted), strict=True
            )
        ]
        for whole, values in parts:
            place = whole.narrow(lead, first, x.shape[lead])
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
