"""Any chain of layers, written as data: what a study's file or a page can say without Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any, TypeAlias

from chainrule import nn
from chainrule._util.kinds import describe_object
from chainrule._util.suggest import did_you_mean
from chainrule.nn import Module
from chainrule.zoo.activations import KNOWN, build_activation

__all__ = ["sequential_net"]

Shape: TypeAlias = "tuple[int, ...]"

SIZED: dict[str, Callable[[Shape], tuple[Any, ...]]] = {
    "Linear": lambda shape: shape[-1:],
    "Conv2d": lambda shape: shape[1:2],
    "BatchNorm1d": lambda shape: shape[1:2],
    "BatchNorm2d": lambda shape: shape[1:2],
    "LayerNorm": lambda shape: (shape[1:],),
}
"""Layer → its first arguments, which follow from the shape of what comes in, batch first."""

OTHERS = ("AvgPool2d", "Dropout", "Flatten", "MaxPool2d")

BIAS_PLACE = {"Conv2d": 7, "Linear": 2}
"""Layer with a bias → where it stands among its arguments, without the sizes of what comes in."""

SHIFTED = ("AvgPool2d", "Flatten", "Linear", "MaxPool2d")
"""Layers that turn a constant which is added to a channel into constants that are added."""

MAX_LAYERS = 100


def sequential_net(
    layers: Sequence[str | Sequence[Any]],
    inputs: int | Sequence[int] = 2,
    outputs: int = 2,
) -> nn.Sequential:
    """The ``layers`` one after the other, then a Linear to the outputs

    Input (N, inputs), or (N, *inputs) where these are several sizes; output (N, outputs). A layer
    is a name of ``chainrule.nn`` or a list of it and its arguments, without the sizes of what comes
    in: ``[["Linear", 25], "ReLU", ["Dropout", 0.5]]``. Before a Linear, images become rows. A bias
    that batch normalization would take away again is left out, unless the list asks for it.

    Raises ValueError for a layer that is not known here, or does not take what comes in, TypeError
    where the layers are no list.
    """
    if not isinstance(layers, list | tuple):
        raise TypeError(f"sequential_net: layers: expected a list, got {describe_object(layers)}")
    if len(layers) > MAX_LAYERS:
        raise ValueError(f"layers: expected at most {MAX_LAYERS}, got {len(layers)}")
    shape: Shape = (2, *([inputs] if isinstance(inputs, int) else inputs))
    built: list[Module] = []
    chain = [split_layer(layer, i) for i, layer in enumerate([*layers, ["Linear", outputs]])]
    for i, (name, *arguments) in enumerate(chain):
        has_useless_bias = is_normed([after for after, *_ in chain[i + 1 :]])
        is_flat = name != "Linear" or len(shape) == 2
        try:
            for made in [name] if is_flat else ["Flatten", name]:
                module = build_layer(
                    made,
                    arguments if made == name else [],
                    shape,
                    bias=not has_useless_bias,
                )
                shape = nn.output_shape(module, shape)
                built.append(module)
        except (ValueError, TypeError, IndexError) as error:
            raise ValueError(f"layers: number {i + 1}, {name}: {error}") from None
    return nn.Sequential(*built)


def split_layer(layer: Any, i: int) -> list[Any]:
    """A layer's name, and its arguments. Raises ValueError where it is no such thing."""
    parts = [layer] if isinstance(layer, str) else layer
    if not isinstance(parts, list | tuple) or not parts or not isinstance(parts[0], str):
        raise ValueError(
            f"layers: number {i + 1}: expected a name, or a list of a name and its arguments, "
            f"got {layer!r}"
        )
    return [*parts]


def is_normed(names: Sequence[str]) -> bool:
    """Whether what these layers are given is normalized over the batch before anything bends it."""
    first = next((name for name in names if name not in SHIFTED), "")
    return first in ("BatchNorm1d", "BatchNorm2d")


def build_layer(name: str, arguments: Sequence[Any], shape: Shape, *, bias: bool = True) -> Module:
    """The layer of this name for inputs of this shape, if told so without a bias where it may be.

    Raises ValueError where there is none.
    """
    if name in KNOWN and not arguments:
        return build_activation(name)
    known = [*SIZED, *OTHERS, *KNOWN]
    if name not in known:
        hint = did_you_mean(str(name), known)
        raise ValueError(f"no such layer; {hint}there are: {', '.join(known)}")
    sizes = SIZED[name](shape) if name in SIZED else ()
    has_choice = not bias and len(arguments) < BIAS_PLACE.get(name, 0)
    kind = getattr(nn, name)
    check_count(kind, arguments, len(sizes))
    module: Module = kind(*sizes, *arguments, **({"bias": False} if has_choice else {}))
    return module


def check_count(kind: type[Module], arguments: Sequence[Any], skip: int) -> None:
    """Raise ValueError where a layer does not take so many arguments after the first few."""
    taken = [*signature(kind).parameters.values()][skip:]
    taken = [each for each in taken if each.kind is not Parameter.KEYWORD_ONLY]
    needed = sum(each.default is Parameter.empty for each in taken)
    if not needed <= len(arguments) <= len(taken):
        names = ", ".join(each.name for each in taken) or "nothing"
        raise ValueError(f"it takes {names} here, got {list(arguments) or 'nothing'}")
