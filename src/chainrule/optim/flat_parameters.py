"""Many parameters as two tensors: their values, and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

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
        self._pack(replicas or 1)
        self.views: list[tuple[Tensor, Tensor]] = []

    def _pack(self, K: int) -> None:
        self.data = torch.cat([p.data.reshape(K, -1) for p in self.parameters], 1)
        self.grad = torch.cat([p.grad.reshape(K, -1) for p in self.parameters], 1)

    def create_views(self) -> None:
        """Point each parameter at its columns."""
        self.views = self._split_columns()
        for parameter, (data, grad) in zip(self.parameters, self.views, strict=True):
            parameter.data, parameter.grad = data, grad

    def _split_columns(self) -> list[tuple[Tensor, Tensor]]:
        """Each parameter's data and gradient, as views."""
        shapes = [p.data.shape for p in self.parameters]
        widths = [p.data.numel() // len(self.data) for p in self.parameters]
        columns = zip(
            shapes,
            torch.split(self.data, widths, 1),
            torch.split(self.grad, widths, 1),
            strict=True,
        )
        return [(data.view(shape), grad.view(shape)) for shape, data, grad in columns]

    def count_change(self) -> None:
        """Let PyTorch's counter of changes know that ``data`` was written to past it."""
        self.data[:0].zero_()

    def check(self) -> None:
        """Raise RuntimeError where a parameter points elsewhere by now."""
        if not self.is_current():
            raise RuntimeError(
                "a parameter's tensors were replaced since the optimizer packed them "
                "(moved, or packed by another one): build the optimizer after .to()"
            )

    def is_current(self) -> bool:
        """Whether each parameter still points at its columns."""
        for parameter, (data, grad) in zip(self.parameters, self.views, strict=True):
            if parameter.data is not data or parameter.grad is not grad:
                return False
        return True

    def __getstate__(self) -> dict[str, Any]:
        """The parameters, which have the values: in another memory views would be none."""
        current = self.is_current()
        return {
            "parameters": self.parameters,
            "replicas": len(self.data),
            "data": None if current else self.data,
            "grad": self.grad.clone(),  # not to be shared with another process
        }

    def __setstate__(self, values: dict[str, Any]) -> None:
        """Pack the parameters anew, unless they pointed elsewhere: then they do again."""
        self.parameters, K = values["parameters"], values["replicas"]
        if values["data"] is None:
            self._pack(K)
            self.grad = values["grad"]
            self.create_views()
        else:
            self.data, self.grad = values["data"], values["grad"]
            self.views = [(self.data, self.grad)] * len(self.parameters)
