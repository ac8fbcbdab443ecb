"""Optimizers that know a parameter as a matrix, not as so many numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, final

import torch
from torch import Tensor

from chainrule.optim.hyperparameters import check_number
from chainrule.optim.inplace import Scalar, is_nonzero, lerp_, mul_
from chainrule.optim.optimizer import Optimizer, Params

__all__ = ["Adafactor", "Muon", "count_statistics", "scale_step"]

Shape = Sequence[int]


def split_columns(flat: Tensor, shapes: Sequence[Shape]) -> Iterator[Tensor]:
    """Views of a flat tensor (K, P), one a parameter: (K, *shape)."""
    widths = [math.prod(shape) for shape in shapes]
    for part, shape in zip(torch.split(flat, widths, 1), shapes, strict=True):
        yield part.view(len(flat), *shape)


def count_statistics(shapes: Sequence[Shape]) -> dict[str, int]:
    """How many numbers Adafactor keeps for parameters of these shapes, by their names."""
    matrices = [shape for shape in shapes if len(shape) > 1]
    return {
        "row_var": sum(math.prod(shape[:-1]) for shape in matrices),
        "col_var": sum(math.prod(shape[:-2]) * shape[-1] for shape in matrices),
        "variance": sum(math.prod(shape) for shape in shapes if len(shape) < 2),
    }


def like_each(number: Scalar, x: Tensor) -> Scalar:
    """A number, or one a replica (K, 1), for x (K, …)."""
    if isinstance(number, Tensor):
        return number.to(x.dtype).reshape(-1, *[1] * (x.dim() - 1))
    return number


def norm_each(x: Tensor) -> Tensor:
    """√ Σ x² of each replica's x (K, …), (K, 1, …)."""
    length: Tensor = x.reshape(len(x), -1).square().sum(1).sqrt()
    return length.reshape(-1, *[1] * (x.dim() - 1))


@final
class Adafactor(Optimizer):
    """p ← (1 − lr λ) p;   u = g / √V;   p ← p − ρ max(ε₂, rms p) u / max(1, rms(u) / d)

    ρ = min(lr, 1/√t). V is the running mean of g², with the weight t^``beta2_decay`` for the new
    one; of a matrix only the means of its rows R and columns C are kept, and V = R C / mean R.
    ``eps`` are ε₁, below which V is not (the dtype's own where None), and ε₂; λ: ``weight_decay``;
    rms x is the root of the mean of x²; ``maximize`` climbs instead.

    Shazeer & Stern, Adafactor: adaptive learning rates with sublinear memory cost, 2018.
    """

    state_names = ("row_var", "col_var", "variance")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 0.01,
        beta2_decay: Scalar = -0.8,
        eps: tuple[float | None, float] = (None, 0.001),
        d: Scalar = 1.0,
        weight_decay: Scalar = 0.0,
        *,
        maximize: bool = False,
        replicas: int | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, replicas)

    def validate(self, group: Mapping[str, Any]) -> None:
        eps = group["eps"]
        if not (isinstance(eps, tuple | list) and len(eps) == 2):
            raise ValueError(f"eps: expected a pair, got {eps!r}")
        if (eps[0] is not None and not eps[0] >= 0) or not eps[1] >= 0:
            raise ValueError(f"eps: expected numbers at least 0, got {eps}")
        super().validate({**group, "eps": eps[1]})
        for name, right, wanted in (
            ("beta2_decay", torch.as_tensor(group["beta2_decay"]) <= 0, "at most 0"),
            ("d", torch.as_tensor(group["d"]) >= 1, "at least 1"),
        ):
            check_number(name, group[name], self.replicas)
            if not right.all():
                raise ValueError(f"{name}: expected {wanted}, got {group[name]}")

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        sizes = count_statistics(self.parameter_shapes(group))
        return {name: p.new_zeros(len(p), size) for name, size in sizes.items()}

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        matrices = [shape for shape in h.shapes if len(shape) > 1]
        rows = split_columns(state["row_var"], [(*s[:-1], 1) for s in matrices])
        columns = split_columns(state["col_var"], [(*s[:-2], 1, s[-1]) for s in matrices])
        others = split_columns(state["variance"], [s for s in h.shapes if len(s) < 2])
        eps1 = torch.finfo(p.dtype).eps if h.eps[0] is None else h.eps[0]
        new = h.step**h.beta2_decay
        for x, dx in zip(split_columns(p, h.shapes), split_columns(g, h.shapes), strict=True):
            if x.dim() > 2:
                variance = factor(dx, next(rows), next(columns), new, eps1)
            else:
                variance = lerp_(next(others), dx * dx, like_each(new, dx)).clone()
            self._move(x, dx * variance.clamp_(min=eps1 * eps1).rsqrt_(), h)

    def _move(self, x: Tensor, u: Tensor, h: Any) -> None:
        """Take the step u, no longer than d, in proportion to the size of the parameter."""
        root = math.sqrt(x[0].numel())
        lr = torch.as_tensor(h.lr, dtype=torch.float64)
        bound = like_each(lr.clamp(max=h.step**-0.5).reshape(-1, 1), x)
        size = (norm_each(x) / root).clamp(min=h.eps[1]) * bound
        if is_nonzero(h.weight_decay):
            mul_(x, like_each(1 - h.lr * h.weight_decay, x))
        length = (norm_each(u) / (root * like_each(h.d, x))).clamp(min=1)
        x.sub_(u * (size / length))


def factor(g: Tensor, rows: Tensor, columns: Tensor, new: Scalar, eps: float) -> Tensor:
    """The running mean of g² (K, …, R, C), by those of its rows and its columns."""
    share = like_each(new, g)
    lerp_(rows, g.square().mean(-1, keepdim=True), share)
    lerp_(columns, g.square().mean(-2, keepdim=True), share)
    return (rows * columns).div_(rows.mean(-2, keepdim=True).clamp(min=eps))


@final
class Muon(Optimizer):
    """b ← b + (1 − μ)(g − b);   p ← (1 − lr λ) p − s lr O(g + μ (b − g))

    O(m) is m with its singular values brought near to 1, by ``ns_steps`` steps of X ← a X + (b A +
    c A²) X, A = X Xᵀ, from m / ‖m‖, with the ``ns_coefficients`` a, b, c. Without ``nesterov`` it
    is O(b). s = √max(1, R/C) of a matrix R × C, or with ``adjust_lr_fn="match_rms_adamw"``
    0.2 √max(R, C). λ: ``weight_decay``, ``eps``: the least norm that is divided by. All parameters
    are matrices: give others, and embeddings, to another optimizer, or freeze them. Computed in the
    parameters' own dtype, where torch takes bfloat16.

    Jordan, Muon: an optimizer for hidden layers in neural networks, 2024.
    """

    state_names = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1e-3,
        weight_decay: Scalar = 0.1,
        momentum: Scalar = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: Scalar = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
        *,
        replicas: int | None = None,
    ) -> None:
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"adjust_lr_fn: expected 'original' or 'match_rms_adamw', got {adjust_lr_fn!r}"
            )
        self.adjust_lr_fn, self.ns_steps = adjust_lr_fn, ns_steps
        self.ns_coefficients, self.nesterov = tuple(ns_coefficients), nesterov
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "eps": eps}
        super().__init__(params, {**defaults, "maximize": False}, replicas)

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        for shape in self.parameter_shapes(group):
            if len(shape) != 2:
                raise ValueError(
                    f"Muon: expected matrices alone, got a parameter {tuple(shape)}: give it to "
                    'another optimizer, or leave it out (of a study: freeze = ["*.bias"])'
                )
        return super().initial_state(p, group)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        b = lerp_(state["momentum_buffer"], g, 1 - h.momentum)
        ahead = lerp_(g.clone(), b, h.momentum) if self.nesterov else b
        mul_(p, 1 - h.lr * h.weight_decay)
        for x, m in zip(split_columns(p, h.shapes), split_columns(ahead, h.shapes), strict=True):
            scale = scale_step(self.adjust_lr_fn, *x.shape[1:])
            x.sub_(self._orthogonalize(m, h.eps) * like_each(h.lr, x) * scale)

    def _orthogonalize(self, m: Tensor, eps: Scalar) -> Tensor:
        """O(m) of each matrix of m (K, R, C)."""
        a, b, c = self.ns_coefficients
        x = m.mT if m.shape[1] > m.shape[2] else m
        x = x / norm_each(x).clamp(min=like_each(eps, x))
        for _ in range(self.ns_steps):
            gram = x @ x.mT
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.mT if m.shape[1] > m.shape[2] else x


def scale_step(adjust_lr_fn: str | None, rows: int, columns: int) -> float:
    """By what Muon multiplies the steps of a matrix."""
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
