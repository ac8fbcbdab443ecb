"""A net's outputs for a whole data set, in slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from chainrule.data import Dataset
from chainrule.nn.errors import check_forward
from chainrule.nn.module import Module
from chainrule.train.batches import iter_slices

__all__ = ["eval_mode", "join", "predict", "predict_in_slices"]

SLICE_BYTES = 2 * 2**20
"""How much input, of all replicas, goes through a net at once when nothing is learned.

What layers put out may be fifty times as much, and is best in the cache."""


@contextmanager
def eval_mode(net: Module) -> Iterator[Module]:
    """The net in evaluation mode, and afterwards each of its modules in the mode it had."""
    modes = [(module, module.training) for module in net.modules()]
    try:
        yield net.eval()
    finally:
        for module, training in modes:
            module.training = training


@torch.no_grad()
def predict(net: Module, inputs: Tensor) -> Any:
    """The outputs of a net for inputs (N, …), in evaluation mode, a slice at a time.

    Of a cohort, which all see the same inputs, the outputs of its replicas (K, N, …). The net's
    mode is afterwards what it was. Raises LayerError for inputs that the net does not take.
    """
    x = inputs if net.replicas is None else inputs.unsqueeze(0)
    with eval_mode(net):
        return predict_in_slices(net, Dataset(x, x, net.replicas))


def predict_in_slices(net: Module, data: Dataset, at_least: int = 1) -> Any:
    """The outputs for all inputs, in the mode that the net is in; ``at_least`` samples a slice.

    The data set has the net's replicas.
    """
    sample = data.inputs.nbytes // max(1, len(data)) + 1
    if net.replicas is not None and len(data.inputs) == 1:
        sample *= net.replicas  # all see the same
    room = SLICE_BYTES if data.inputs.device.type == "cpu" else 32 * SLICE_BYTES
    size = max(1, len(data)) if uses_batch_statistics(net) else max(at_least, room // sample)
    # An empty data set goes through too: its output has the right shape, and no rows.
    batches = list(iter_slices(data, size)) or [(data.inputs, data.targets)]
    return join([check_forward(net, net.forward(x))[0] for x, _ in batches], net.num_replica_dims)


def uses_batch_statistics(net: Module) -> bool:
    """Whether a sample's output depends on the others that are there, in evaluation too."""
    return any(getattr(each, "track_running_stats", True) is False for each in net.modules())


def join(parts: Sequence[Any], axis: int) -> Any:
    """Batches of outputs, alike in structure, as one."""
    if isinstance(parts[0], Tensor):
        return torch.cat(list(parts), axis)
    if isinstance(parts[0], dict):
        return {name: join([part[name] for part in parts], axis) for name in parts[0]}
    return tuple(join(group, axis) for group in zip(*parts, strict=True))
