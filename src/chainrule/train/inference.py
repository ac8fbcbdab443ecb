"""A net's outputs for a whole data set, in slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor

from chainrule._util.kinds import check_kind
from chainrule.data import Dataset
from chainrule.data.batches import iter_slices
from chainrule.data.resampled import input_shape, shares_inputs, stored_data
from chainrule.nn.errors import LayerError, check_forward
from chainrule.nn.loss import Loss
from chainrule.nn.loss.wrapper import LossWrapper
from chainrule.nn.module import Module

__all__ = [
    "TO_PROBABILITIES",
    "eval_mode",
    "join",
    "loss_name",
    "predict",
    "predict_in_slices",
    "predict_proba",
    "probabilities",
]

TO_PROBABILITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "CrossEntropyLoss": lambda y: y.softmax(-1),
    "NLLLoss": lambda y: y.exp(),
    "BCEWithLogitsLoss": lambda y: y.sigmoid(),
    "BCELoss": lambda y: y,
}
"""Of the classes, from the outputs of a net that was trained with this loss."""

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
def predict(net: Module, inputs: Any) -> Any:
    """The outputs of a net for inputs (N, …), in evaluation mode, a slice at a time.

    Inputs are a tensor, an array or lists; those that are no tensor and floating take the dtype of
    the net. Of a cohort, which all see the same inputs, the outputs of its replicas (K, N, …). The
    net's mode is afterwards what it was. Raises LayerError for inputs that the net does not take.
    """
    check_kind(net, Module, "net")
    x = as_inputs(net, inputs)
    data = Dataset(x, torch.empty(len(x)))  # there is nothing to be learned
    with eval_mode(net):
        return predict_in_slices(net, data if net.replicas is None else data.expand(net.replicas))


def predict_proba(net: Module, inputs: Any, criterion: Loss) -> Tensor:
    """The probabilities of the classes for inputs (N, …), of a net trained with this loss.

    (N, L), or (K, N, L) of a cohort. Of a binary cross-entropy each is one of its own, and they
    need not sum to 1. Raises ValueError for a loss whose outputs are no probabilities.
    """
    return probabilities(predict(net, inputs), loss_name(criterion))


def probabilities(outputs: Tensor, loss: str) -> Tensor:
    """Of the classes, from the outputs of a net that was trained with the loss of this name."""
    if loss not in TO_PROBABILITIES:
        raise ValueError(
            f"a net that was trained with {loss} gives no probabilities; those trained with "
            f"{', '.join(TO_PROBABILITIES)} do"
        )
    return TO_PROBABILITIES[loss](outputs)


def loss_name(loss: Loss) -> str:
    """The class of a loss, or of the one that it is made of."""
    return loss_name(loss.loss) if isinstance(loss, LossWrapper) else type(loss).__name__


def as_inputs(net: Module, inputs: Any) -> Tensor:
    """The inputs as a tensor (N, …) that the net takes. Raises LayerError for what is none."""
    if isinstance(inputs, Tensor):
        x = inputs
    else:
        try:
            x = torch.tensor(inputs)
        except (TypeError, ValueError, RuntimeError) as error:
            raise LayerError(net, f"expected inputs (N, …) of numbers: {error}") from None
        own = next((p.data for p in net.parameters()), x)
        x = x.to(own.device, own.dtype if x.is_floating_point() else None)
    if not x.dim():
        raise LayerError(net, "expected inputs (N, …), got one number")
    return x


def predict_in_slices(net: Module, data: Dataset, at_least: int = 1) -> Any:
    """The outputs for all inputs, in the mode that the net is in; ``at_least`` samples a slice.

    The data set has the net's replicas.
    """
    K = net.replicas or 1
    sets = 1 if shares_inputs(data) else K
    sample = sets * prod(input_shape(data)[1:]) * data.input_dtype.itemsize + 1
    sample *= K // sets  # all see the same
    on_cpu = stored_data(data).inputs.device.type == "cpu"
    room = SLICE_BYTES if on_cpu else 32 * SLICE_BYTES
    size = max(1, len(data)) if uses_batch_statistics(net) else max(at_least, room // sample)
    outputs = [check_forward(net, net.forward(x))[0] for x, _ in iter_slices(data, size)]
    if not outputs:  # an empty data set's output has the right shape too, and no rows
        x = data.scale_inputs(data.inputs)
        outputs = [check_forward(net, net.forward(x))[0]]
    return join(outputs, net.num_replica_dims)


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
