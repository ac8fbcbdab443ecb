"""What a layer says when it is used wrongly: where, what it expected, what it got."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, Protocol

from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.errors import ChainruleError
from chainrule.nn.tagged import to_plain
from chainrule.nn.vjp import BackwardFn, ChainRule

__all__ = [
    "AXES",
    "LayerError",
    "check_forward",
    "check_input",
    "check_loss",
    "check_sample_or_batch",
    "describe_shape",
]

AXES = {1: ("L",), 2: ("H", "W")}
"""What the last axes of a signal and of an image are called."""


class HasLabel(Protocol):
    """A module or a loss: it can name itself in one line, and knows its replicas."""

    replicas: int | None

    def label(self) -> str:
        """Class and arguments."""


class LayerError(ChainruleError, ValueError):
    """A module met an input that it cannot take.

    The message reads ``Sequential[2] Linear(25, 2): expected input (…, 25), got (100, 24)``: the
    path to the module, the module, what would be right, and what was given.
    """

    def __init__(self, module: HasLabel, problem: str, path: str = "") -> None:
        self.module, self.problem, self.path = module, problem, path
        super().__init__(f"{path} {module.label()}: {problem}".lstrip())

    def with_path(self, container: str) -> LayerError:
        """The same error, seen from a container one level up."""
        return LayerError(self.module, self.problem, f"{container} {self.path}".rstrip())


def describe_shape(value: Any, *, dtype: bool = False) -> str:
    """The shape of a tensor (and its dtype and device), or what else was given in its place."""
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)}" + (f" {value.dtype} on {value.device}" if dtype else "")
    if isinstance(value, dict):
        items = (f"{name!r}: {describe_shape(v, dtype=dtype)}" for name, v in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, tuple | list):
        items = (describe_shape(v, dtype=dtype) for v in value)
        return f"a {type(value).__name__} of " + (", ".join(items) or "nothing")
    return "None" if value is None else f"a {type(value).__name__}"


def check_input(
    module: HasLabel,
    x: Any,
    expected: str = "a tensor",
    fits: Callable[[Tensor], bool] | None = None,
    *,
    like: Tensor | None = None,
    floating: bool = True,
) -> None:
    """Raise a LayerError unless x is a tensor of the right shape, dtype and device.

    ``fits`` is the condition on its shape and ``expected`` says it in words; ``like`` is a
    parameter that x must agree with in dtype and device (None: any floating dtype will do, or,
    with ``floating`` off, any at all).
    """
    if not isinstance(x, Tensor) or (fits is not None and not fits(x)):
        raise LayerError(module, f"expected {expected}, got {describe_shape(x)}")
    K = module.replicas
    if K is not None and (x.dim() == 0 or x.shape[0] not in (1, K)):
        raise LayerError(
            module,
            f"expected {count_noun(K, 'replica')}, or 1 for all, first; got {describe_shape(x)}",
        )
    if like is None:
        if floating and not x.is_floating_point():
            raise LayerError(module, f"expected a floating dtype, got {x.dtype}")
    elif x.dtype != like.dtype:
        raise LayerError(module, f"expected {like.dtype}, got {x.dtype}: use .to(dtype=…)")
    elif x.device != like.device:
        raise LayerError(module, f"expected a tensor on {like.device}, got {x.device}")


def check_sample_or_batch(module: HasLabel, x: Any, axes: int, least: int = 0) -> None:
    """Raise a LayerError unless x is (N, C, L) or (C, L), with two axes (N, C, H, W) or (C, H, W).

    Each of its last axes has ``least`` entries or more. A cohort's x has K or 1 before.
    """
    lead, names = int(module.replicas is not None), ", ".join(AXES[axes])

    def fits(x: Tensor) -> bool:
        return x.dim() - lead - axes in (1, 2) and min(x.shape[-axes:]) >= least

    check_input(module, x, f"input (N, C, {names}) or (C, {names})", fits)


def check_forward(module: HasLabel, result: Any, x: Any = None) -> tuple[Any, BackwardFn]:
    """What ``forward`` returned, if it is a pair of an output and a rule; else a LayerError.

    The rule of a class of the user's is held to its contract when it is applied: dL/dx is like x.
    What modules that it calls hand out has lost its tags when it leaves.
    """
    if isinstance(result, tuple) and len(result) == 2 and callable(result[1]):
        if type(module).__module__.startswith("chainrule."):
            return result
        return to_plain(result[0]), check_rule(module, result[1], x)
    expected = "expected forward to return (y, rule), the output and a function from dL/dy to dL/dx"
    if isinstance(result, tuple):
        kinds = ", ".join(map(describe_kind, result))
        hint = " (swapped)" if len(result) == 2 and callable(result[0]) else ""
        raise LayerError(module, f"{expected}; got ({kinds}){hint}")
    raise LayerError(module, f"{expected}; got {describe_kind(result)} alone")


def check_loss(
    loss: HasLabel, result: Any, output: Any, *, reduced: bool = False
) -> tuple[Tensor, BackwardFn]:
    """The same of a loss, whose value is a tensor; ``reduced``: one number, or one a replica."""
    value, rule = check_forward(loss, result, output)
    if not isinstance(value, Tensor):
        problem = f"expected forward to return its value as a tensor, got {describe_kind(value)}"
        raise LayerError(loss, problem)
    K = loss.replicas
    if reduced and value.shape != (() if K is None else (K,)):
        numbers = "one number" if K is None else f"{count_noun(K, 'number')}, one a replica"
        raise LayerError(
            loss,
            f"expected a value of {numbers}, by .mean() or .sum() over all else; got "
            + describe_shape(value),
        )
    return value, rule


def check_rule(module: HasLabel, rule: BackwardFn, x: Any) -> BackwardFn:
    """The rule, which raises a LayerError where it does not take dL/dy alone, or where what it
    returns for a floating tensor x is not like it; replicas may share x.
    """
    if isinstance(rule, ChainRule):
        return rule
    lead = int(module.replicas is not None)

    def apply_rule(g: Any) -> Any:
        try:
            dx = to_plain(rule(g))
        except TypeError as error:
            if has_one_argument(rule):
                raise
            raise LayerError(module, f"expected a rule of dL/dy alone: {error}") from None
        if not isinstance(x, Tensor) or not x.is_floating_point():
            return dx
        if not isinstance(dx, Tensor) or (dx.shape[lead:], dx.dtype) != (x.shape[lead:], x.dtype):
            expected, got = describe_shape(x, dtype=True), describe_shape(dx, dtype=True)
            problem = f"expected its rule to return dL/dx like its input, {expected}; got {got}"
            raise LayerError(module, problem)
        return dx

    return apply_rule


def has_one_argument(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with one argument, as far as it tells."""
    try:
        signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def describe_kind(value: Any) -> str:
    """What a value is, in a few words."""
    if value is None:
        return "None"
    if isinstance(value, tuple | list):
        return describe_shape(value)
    if isinstance(value, Tensor | dict):
        return f"a {type(value).__name__} {describe_shape(value)}"
    name = type(value).__name__
    return "a function" if callable(value) else f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"
