"""Losses, which write their gradients on the way forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from chainrule.compiled.lowering.ir.modes import NOWHERE, GradMode, LossKind

__all__ = ["CrossEntropy", "ElementwiseTerm", "GaussianTerm", "MultiMargin"]


@dataclass(slots=True)
class ElementwiseTerm:
    """loss += weights[term] Σ w f(x, t), divided by the batch's samples times ``divisor``

    x, t (rows, n). Divisor 0: it is a sum. ``row_weights``, ``positive_weights`` (rows), or
    nothing: w, and how much a yes counts for BCE_WITH_LOGITS. ``sample_weights``: the number of the
    target that says how much each sample counts, or NOWHERE; the mean is then over these.
    """

    kind: LossKind
    term: int
    divisor: int
    constant: float
    rows: int
    x: int
    ldx: int
    t: int
    ldt: int
    row_weights: Annotated[Tensor | None, "const double *"]
    positive_weights: Annotated[Tensor | None, "const double *"]
    sample_weights: int = NOWHERE
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class CrossEntropy:
    """loss −= weights[term] Σ Σ q log softmax x, or its mean        x (rows, n), ``ldx`` apart

    A sample has a class at each of its ``places``; this is of those at ``place``.

    q is 1 at the sample's class and 0 elsewhere, or t (rows, n) with ``has_shares``; then (1 − s) q
    + s / rows, s = ``label_smoothing``; then times the ``class_weights`` (rows), where there are
    some. The mean is over the weights of the samples' classes. The class ``ignore_index`` has no
    loss. With ``log_probabilities``, x are logarithms of probabilities. ``scratch`` (rows, n) has
    room for the softmax. ``sample_weights`` as in ElementwiseTerm.
    """

    target: int
    term: int
    mean: bool
    log_probabilities: bool
    places: int
    place: int
    rows: int
    x: int
    ldx: int
    scratch: int
    has_shares: bool
    t: int
    label_smoothing: float
    ignore_index: int
    class_weights: Annotated[Tensor | None, "const double *"]
    sample_weights: int = NOWHERE
    x_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class GaussianTerm:
    """loss += weights[term] Σ ½ (log v + (x − t)² / v), or its mean; v = max(var, ε)

    x, t (rows, n)   var (rows or 1, n). ``full`` adds ½ log 2π.
    """

    term: int
    mean: bool
    full: bool
    eps: float
    rows: int
    x: int
    ldx: int
    var_rows: int
    var: int
    ldvar: int
    t: int
    ldt: int
    x_grad: GradMode = GradMode.SKIP
    var_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class MultiMargin:
    """loss += weights[term] Σ w Σ max(0, m − xₜ + xₗ)ᵖ / rows over l ≠ t, or its mean

    x (rows, n); t is the sample's class, w its weight of the ``class_weights`` (rows), or 1; p is 2
    where it is ``squared``, else 1.
    """

    target: int
    term: int
    mean: bool
    squared: bool
    margin: float
    rows: int
    x: int
    ldx: int
    class_weights: Annotated[Tensor | None, "const double *"]
    x_grad: GradMode = GradMode.SKIP
