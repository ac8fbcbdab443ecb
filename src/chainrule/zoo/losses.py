"""Losses by name, as a study's file has them."""

from __future__ import annotations

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule._util.suggest import did_you_mean
from chainrule.nn import Loss, OneHotLoss, TargetLoss

__all__ = ["class_loss", "target_loss"]


@check_arguments
def class_loss(loss: str = "MSELoss", low: float = 0.0, high: float = 1.0) -> OneHotLoss:
    """A loss of vectors by its name in ``chainrule.nn``, for targets that are classes.

    Class t counts as ``high`` at t and ``low`` elsewhere: see :class:`chainrule.nn.OneHotLoss`.
    """
    return OneHotLoss(construct_loss(loss), low, high)


@check_arguments
def target_loss(target: str, loss: str = "MSELoss") -> TargetLoss:
    """A loss by its name in ``chainrule.nn``, of one of several targets, which is named too."""
    return TargetLoss(construct_loss(loss), target)


def construct_loss(loss: str) -> Loss:
    """The loss of this name with its defaults. Raises ValueError where there is none."""
    known = [name for name in nn.loss.__all__ if name.endswith("Loss")]
    if loss not in known:
        hint = did_you_mean(loss, known)
        raise ValueError(f"no loss {loss!r}; {hint}there are: {', '.join(known)}")
    made: Loss = getattr(nn, loss)()
    return made
