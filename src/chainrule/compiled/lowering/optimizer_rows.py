"""The numbers that an optimizer works on, as the kernel has them: all groups side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from chainrule.nn.parameter import Parameter
from chainrule.optim import Optimizer
from chainrule.optim.inplace import is_nonzero

__all__ = [
    "STATE_PLACES",
    "OptimizerRows",
    "collect_gradient_rows",
    "collect_rows",
    "join_rows",
    "return_gradients",
    "return_rows",
]

STATE_PLACES = {
    "momentum_buffer": "momentum",
    "exp_avg": "mean",
    "grad_avg": "mean",
    "exp_avg_sq": "mean_square",
    "square_avg": "mean_square",
    "exp_inf": "mean_square",
    "step_size": "mean_square",
    "prev": "momentum",
    "ax": "mean",
    "sum": "mean_square",
    "max_exp_avg_sq": "extra",
    "acc_delta": "extra",
}
"""Where the kernel keeps each tensor (K, P) of a rule's state."""


class OptimizerRows(NamedTuple):
    """The numbers (K, P) of all groups side by side: parameters, gradients, the rules' state."""

    params: Tensor
    grads: Tensor
    momentum: Tensor | None
    mean: Tensor | None
    mean_square: Tensor | None
    extra: Tensor | None


def collect_rows(optimizer: Optimizer, frozen: Sequence[Parameter] = ()) -> OptimizerRows:
    """What the kernel works on: the optimizer's own tensors, or of several groups copies.

    State that a rule needs and has not yet is made. Copies, too, where there are ``frozen``
    parameters, which come last; they have a gradient and a state of 0.
    """
    zeros = [torch.zeros_like(t) for t in frozen_rows(optimizer, frozen)]
    names = [state_in_use(optimizer, i) for i in range(len(optimizer.flats))]
    for flat, state, used in zip(optimizer.flats, optimizer.state, names, strict=True):
        for name in used:
            if name not in state:
                state[name] = torch.zeros_like(flat.data)
    rows: dict[str, Tensor | None] = dict.fromkeys(OptimizerRows._fields[2:])
    for place in rows:
        found = [
            next((state[name] for name in used if STATE_PLACES[name] == place), None)
            for state, used in zip(optimizer.state, names, strict=True)
        ]
        if any(t is not None for t in found):
            pairs = zip(found, optimizer.flats, strict=True)
            parts = [torch.zeros_like(flat.data) if t is None else t for t, flat in pairs]
            rows[place] = join_rows(parts + zeros)
    data, grads, *_ = collect_gradient_rows(optimizer, frozen)
    return OptimizerRows(data, grads, **rows)


def collect_gradient_rows(optimizer: Optimizer, frozen: Sequence[Parameter] = ()) -> OptimizerRows:
    """The same without the state: what the kernel needs to compute gradients alone."""
    fixed = frozen_rows(optimizer, frozen)
    data = join_rows([flat.data for flat in optimizer.flats] + fixed)
    grads = join_rows(
        [flat.grad for flat in optimizer.flats] + [torch.zeros_like(t) for t in fixed]
    )
    return OptimizerRows(data, grads, None, None, None, None)


def frozen_rows(optimizer: Optimizer, frozen: Sequence[Parameter]) -> list[Tensor]:
    """Each frozen parameter as a row a replica."""
    K = len(optimizer.flats[0].data)
    return [parameter.data.reshape(K, -1) for parameter in frozen]


def join_rows(parts: Sequence[Tensor]) -> Tensor:
    """(K, P) of each group side by side; of one group its own."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), 1)


def return_rows(optimizer: Optimizer, rows: OptimizerRows) -> None:
    """Give the groups what the kernel made of their copies, and count the change."""
    return_gradients(optimizer, rows)
    begin = 0
    for i, (flat, state) in enumerate(zip(optimizer.flats, optimizer.state, strict=True)):
        if rows.params is flat.data:
            break
        columns = slice(begin, begin + flat.data.shape[1])
        flat.data.copy_(rows.params[:, columns])
        for name in state_in_use(optimizer, i):
            state[name].copy_(getattr(rows, STATE_PLACES[name])[:, columns])
        begin = columns.stop
    for flat in optimizer.flats:
        flat.count_change()


def return_gradients(optimizer: Optimizer, rows: OptimizerRows) -> None:
    """The gradients alone."""
    begin = 0
    for flat in optimizer.flats:
        end = begin + flat.grad.shape[1]
        if rows.grads is not flat.grad:
            flat.grad.copy_(rows.grads[:, begin:end])
        begin = end


def state_in_use(optimizer: Optimizer, index: int) -> list[str]:
    """The names of the tensors (K, P) that a group's rule keeps."""
    group = optimizer.param_groups[index]
    names = [name for name in optimizer.state_names if name in STATE_PLACES]
    if "momentum_buffer" not in names and is_nonzero(group.get("momentum", 0)):
        names.append("momentum_buffer")
    if group.get("centered"):
        names.append("grad_avg")
    if group.get("amsgrad"):
        names.append("max_exp_avg_sq")
    return names
