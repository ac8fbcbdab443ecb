"""Losses by name, as a study's file has them."""

from __future__ import annotations

from chainrule import nn
from chainrule._util.suggest import did_you_mean
from chainrule.nn import OneHotLoss

__all__ = ["class_loss"]


def class_loss(loss: str = "MSELoss", low: float = 0.0, high: float = 1.0) -> OneHotLoss:
    """A loss of vectors by its name in ``chainrule.nn``, for targets that are classes.

    Class t counts as ``high`` at t and ``low`` elsewhere: see :class:`chainrule.nn.OneHotLoss`.
    """
    known = [name for name in nn.loss.__all__ if name.endswith("Loss")]
    if loss not in known:
        hint = did_you_mean(loss, known)
        raise ValueError(f"no loss {loss!r}; {hint}there are: {', '.join(known)}")
    return OneHotLoss(getattr(nn, loss)(), low, high)
