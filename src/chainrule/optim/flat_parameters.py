"""Many parameters as two tensors: their values, and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from chainrule.nn.parameter import Parameter

__all__ = ["FlatParameters"]


@final
class FlatParameters:
    """Parameters side by side: ``data`` (K, P) and ``grad`` (K, P), K = 1 in a plain net.

    ``create_views`` makes each parameter's data and gradient views of the two, with their values.
    After that, whatever is done to a row of the flat tensors is done to a replica. Raises
    ValueError where the parameters differ in dtype or device, or do not start with an axis K in a
    cohort.
    """

    def __init__(self, parameters: Sequence[Parameter], replicas: int | None) -> None:
        self.parameters = list(parameters)
        kinds = {(p.data.dtype, p.data.device) for p in self.parameters}
        if len(kinds) > 1:
            found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
            raise ValueError(f"parameters of one group share a dtype and a device, got {found}")
        for parameter in self.parameters:
            if replicas is not None and parameter.data.shape[:1] != (replicas,):
                shape = tuple(parameter.data.shape)
                raise ValueError(f"a parameter of {replicas} replicas has shape {shape}")
        K = replicas or 1
        self.data = torch.cat([p.data.reshape(K, -1) for p in self.parameters], 1)
        self.grad = torch.cat([p.grad.reshape(K, -1) for p in self.parameters], 1)
        self.views: list[tuple[Tensor, Tensor]] = []

    def create_views(self) -> None:
        """Point each parameter at its columns."""
        shapes = [p.data.shape for p in self.parameters]
        widths = [p.data.numel() // len(self.data) for p in self.parameters]
        columns = zip(
            shapes,
            torch.split(self.data, widths, 1),
            torch.split(self.grad, widths, 1),
            strict=True,
        )
        self.views = [(data.view(shape), grad.view(shape)) for shape, data, grad in columns]
        for parameter, (data, grad) in zip(self.parameters, self.views, strict=True):
            parameter.data, parameter.grad = data, grad

    def count_change(self) -> None:
        """Let PyTorch's counter of changes know that ``data`` was written to past it."""
        self.data[:0].zero_()

    def check(self) -> None:
        """Raise RuntimeError where a parameter points elsewhere by now."""
        for parameter, (data, grad) in zip(self.parameters, self.views, strict=True):
            if parameter.data is not data or parameter.grad is not grad:
                raise RuntimeError(
                    "a parameter's tensors were replaced since the optimizer packed them "
                    "(moved, or packed by another one): build the optimizer after .to()"
                )
