"""Bounds on gradients, a replica at a time."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter
from chainrule.optim.groups import resolve_replicas, unique_parameters
from chainrule.optim.hyperparameters import check_number
from chainrule.optim.inplace import Scalar
from chainrule.optim.optimizer import Optimizer

__all__ = ["clip_grad_norm_", "clip_grad_value_"]

Source = Optimizer | Module | Parameter | Iterable[Parameter]


@check_arguments
def clip_grad_norm_(
    parameters: Source,
    max_norm: Scalar,
    norm_type: float = 2.0,
    *,
    replicas: int | None = None,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """g ← g · min(1, max_norm / (‖g‖ + 1e-6)), g all gradients of a replica as one vector

    Returns ‖g‖ before: (K,) for a cohort, a scalar for a plain net. ``max_norm`` may be (K,).
    Quickest with an optimizer, whose gradients are one tensor already; with the bare parameters
    of a cohort say ``replicas=K``. Replicas do not mix: a nan stays in its own. Raises
    RuntimeError, and clips nothing, where a norm is not finite and ``error_if_nonfinite``.
    """
    gradients, K = _collect_grads(parameters, replicas)
    check_number("max_norm", max_norm, K)
    if not norm_type > 0:
        raise ValueError(f"norm_type: expected an order above 0, got {norm_type}")
    parts = [torch.linalg.vector_norm(g.reshape(K or 1, -1), norm_type, 1) for g in gradients]
    norm: Tensor = parts[0]
    if len(parts) > 1:
        norm = torch.linalg.vector_norm(torch.stack(parts), norm_type, 0)
    if error_if_nonfinite and not norm.isfinite().all():
        raise RuntimeError(
            f"the gradient's norm of order {norm_type} is not finite: {norm.tolist()}"
        )
    if isinstance(max_norm, Tensor):
        max_norm = max_norm.to(norm)
    scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g.mul_(_align_replicas(scale, g, K))
    return norm if K else norm[0]


@check_arguments
def clip_grad_value_(
    parameters: Source, clip_value: Scalar, *, replicas: int | None = None
) -> None:
    """g ← min(max(g, −clip_value), clip_value), each entry; ``clip_value`` may be (K,)."""
    gradients, K = _collect_grads(parameters, replicas)
    check_number("clip_value", clip_value, K)
    for g in gradients:
        if isinstance(clip_value, Tensor):
            bound = _align_replicas(clip_value.to(g).reshape(-1), g, K)
            g.clamp_(-bound, bound)
        else:
            g.clamp_(-clip_value, clip_value)


def _collect_grads(source: Source, replicas: int | None) -> tuple[list[Tensor], int | None]:
    """The gradients, in as few tensors as there are, and K (None: a plain net)."""
    if isinstance(source, Optimizer):
        for flat in source.flats:
            flat.check()
        return [flat.grad for flat in source.flats], source.replicas
    K = resolve_replicas([source], replicas)
    gradients = [p.grad for p in unique_parameters(source)]
    if not gradients:
        raise ValueError("there are no parameters whose gradients could be clipped")
    if wrong := [tuple(g.shape) for g in gradients if K and g.shape[:1] != (K,)]:
        raise ValueError(f"a gradient of {K} replicas has shape {wrong[0]}")
    return gradients, K


def _align_replicas(numbers: Tensor, g: Tensor, K: int | None) -> Tensor:
    """(K,) or (1,) shaped so that it meets the replicas of g."""
    return numbers.reshape(-1, *(1,) * (g.dim() - 1)) if K else numbers[0]
