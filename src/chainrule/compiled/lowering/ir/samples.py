"""Operations that bring samples and targets in, and outputs out."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.compiled.lowering.ir.modes import GradMode

__all__ = ["LoadInput", "LoadTarget", "Lookup", "OneHot", "StoreOutput"]


@dataclass(slots=True)
class LoadInput:
    """y (rows, n) = the inputs' features from ``first`` on; a sample has ``features`` of them."""

    first: int
    features: int
    rows: int
    y: int
    ldy: int


@dataclass(slots=True)
class Lookup:
    """y (count · width, n) = the rows of W that the inputs' whole numbers from ``first`` on name

    A sample has ``features`` of them, of which these are ``count``. dW: each row's += Σ g where it
    is named, but for the row ``padding``. A number that names no row of ``num_rows`` gives nan.
    """

    weight: int
    num_rows: int
    width: int
    padding: int
    first: int
    features: int
    count: int
    y: int
    ldy: int
    weight_grad: GradMode = GradMode.SKIP


@dataclass(slots=True)
class LoadTarget:
    """t (rows, n) = a target of ``rows`` numbers a sample."""

    target: int
    rows: int
    t: int
    ldt: int


@dataclass(slots=True)
class OneHot:
    """t (rows, n) = high in the row of a sample's class, else low; one row: high for class 1."""

    target: int
    rows: int
    t: int
    ldt: int
    low: float
    high: float


@dataclass(slots=True)
class StoreOutput:
    """The outputs of a head, its features from ``first`` on, = x (rows, n)."""

    head: int
    features: int
    first: int
    rows: int
    x: int
    ldx: int
