"""Modules made of modules: each composes the chain rules of its children.

A value between modules is a tensor, a tuple of tensors (one a branch) or a dict of tensors (one
a named head). An error below gains the path that led to it: ``Sequential[2] Linear(25, 2): …``.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, final, overload

import torch
from torch import Tensor

from chainrule._util.kinds import check_kind, describe_object
from chainrule._util.pytree import tree_map
from chainrule._util.words import count_noun
from chainrule.nn.errors import LayerError, check_forward, describe_shape
from chainrule.nn.hooks import call_forward_hook
from chainrule.nn.layers.reshape import resolve_dim
from chainrule.nn.module import Module
from chainrule.nn.vjp import BackwardFn, ChainRule, accumulate_param_grads

__all__ = ["Concat", "Heads", "Parallel", "Residual", "Sequential", "Sum"]


def forward_child(container: Module, name: str, module: Module, x: Any) -> tuple[Any, BackwardFn]:
    """module.forward(x), seen by a hook, with the path to it in the message of an error."""
    try:
        y, rule = check_forward(module, module.forward(x), x)
    except LayerError as error:
        raise error.with_path(f"{type(container).__name__}[{name}]") from None
    return y, call_forward_hook(module, x, y, rule)


class ModuleList(Module, ABC):
    """A container whose children are numbered: given one by one, or as one list."""

    def __init__(self, *layers: Module | Sequence[Module]) -> None:
        self.layers = list(check_modules(self, layers))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """("0", first module), ("1", second module), …"""
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, index: int) -> Module:
        return self.layers[index]

    def __setitem__(self, index: int, module: Module) -> None:
        self.layers[index] = check_modules(self, [module])[0]


def check_modules(container: Module, modules: Sequence[Any]) -> Sequence[Module]:
    """The modules of a constructor's arguments, which may be one list of them."""
    if len(modules) == 1 and isinstance(modules[0], list | tuple):
        modules = modules[0]
    for module in modules:
        check_kind(module, Module, type(container).__name__)
    return modules


@final
class Sequential(ModuleList):
    """y = fₙ(… f₂(f₁(x)))        whatever the modules take and give

    dL/dx = the chain rules of the modules, last first
    """

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        rules = []
        for name, layer in self.named_children():
            x, rule = forward_child(self, name, layer, x)
            rules.append(rule)

        def backward(g: Any) -> Any:
            for rule in reversed(rules):
                if g is None:  # what has no gradient (class numbers) has none further back
                    break
                g = rule(g)
            return g

        def params_only(g: Any) -> None:
            first = first_trainable(self.layers)
            if first is None:
                return
            for rule in reversed(rules[first + 1 :]):
                g = rule(g)
            accumulate_param_grads(rules[first], g)

        return x, ChainRule(backward, params_only)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module | Self:
        """A layer, or for a slice a Sequential of the same (shared) layers."""
        if isinstance(index, int):
            return self.layers[index]
        part = type(self)(self.layers[index])
        part.training, part.replicas = self.training, self.replicas
        return part


def first_trainable(layers: Sequence[Module]) -> int | None:
    """The index of the first layer that has parameters; None where none has."""
    for i, layer in enumerate(layers):
        if any(True for _ in layer.parameters()):
            return i
    return None


@final
class Parallel(ModuleList):
    """yᵢ = fᵢ(xᵢ)        x, y: tuples with one element a module

    dL/dxᵢ = the chain rule of fᵢ at gᵢ. Raises LayerError for another number of inputs.
    """

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        if not (isinstance(x, tuple | list) and len(x) == len(self.layers)):
            raise LayerError(
                self,
                f"expected a tuple of {count_noun(len(self), 'input')}, got {describe_shape(x)}",
            )
        ys, rules = forward_children(self, x)
        return ys, parallel_backward(rules, lambda g: g, tuple)


@final
class Concat(ModuleList):
    """y = [f₁(x), f₂(x), …] joined along ``dim``        one x for all

    dL/dx = Σᵢ the chain rule of fᵢ at its part of g. ``dim`` is torch's, without the replicas.
    """

    def __init__(self, *layers: Module | Sequence[Module], dim: int = 1) -> None:
        super().__init__(*layers)
        self.dim = dim

    @property
    def depends_on_batch(self) -> bool:
        return self.dim < 1 or super().depends_on_batch

    def forward(self, x: Any) -> tuple[Tensor, BackwardFn]:
        if not self.layers:
            raise LayerError(self, "expected at least one module to join")
        ys, rules = forward_children(self, [expand_replicas(self, x)] * len(self.layers))
        dim = resolve_dim(self, ys[0], self.dim)
        if any(
            y.shape[:dim] + y.shape[dim + 1 :] != ys[0].shape[:dim] + ys[0].shape[dim + 1 :]
            for y in ys
        ):
            raise LayerError(
                self,
                f"expected outputs that differ on dimension {self.dim} alone, "
                f"got {describe_shape(ys)}",
            )
        sizes = [y.shape[dim] for y in ys]
        return torch.cat(ys, dim), parallel_backward(
            rules, lambda g: g.split(sizes, dim), sum_grads
        )


@final
class Sum(ModuleList):
    """y = f₁(x) + f₂(x) + …        one x for all; the outputs have one shape

    dL/dx = Σᵢ the chain rule of fᵢ at g
    """

    def forward(self, x: Any) -> tuple[Tensor, BackwardFn]:
        if not self.layers:
            raise LayerError(self, "expected at least one module to add")
        ys, rules = forward_children(self, [expand_replicas(self, x)] * len(self.layers))
        if not all(isinstance(y, Tensor) for y in ys):
            raise LayerError(self, f"expected modules that give tensors, got {describe_shape(ys)}")
        if any(y.shape != ys[0].shape for y in ys):
            raise LayerError(self, f"expected outputs of one shape, got {describe_shape(ys)}")
        return sum_grads(ys), parallel_backward(rules, lambda g: [g] * len(rules), sum_grads)


@final
class Residual(Module):
    """y = x + f(x)        f keeps the shape of x        He et al., 2016

    dL/dx = g + the chain rule of f at g. Raises LayerError where f changes the shape.
    """

    def __init__(self, module: Module) -> None:
        self.module = module

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        x = expand_replicas(self, x)
        y, rule = forward_child(self, "module", self.module, x)
        if y.shape != x.shape:
            raise LayerError(
                self,
                f"expected an output like the input {describe_shape(x)}, got {describe_shape(y)}",
            )
        return x + y, ChainRule(lambda g: g + rule(g), lambda g: accumulate_param_grads(rule, g))


@final
class Heads(Module):
    """y = {name: f_name(x)}        one x for all; y a dict with one output a head

    dL/dx = Σ over the heads of their chain rules, each at g[name]

    ``Heads(main=…, first=…)`` or ``Heads({"main": …})``.
    """

    def __init__(self, heads: Mapping[str, Module] | None = None, **more: Module) -> None:
        given: Any = {} if heads is None else heads
        if not isinstance(given, Mapping):
            got = describe_object(given)
            raise TypeError(f"Heads: heads: expected a dict of names and modules, got {got}")
        self.heads = {**given, **more}
        check_modules(self, list(self.heads.values()))
        if wrong := [name for name in self.heads if not name or "." in name]:
            raise ValueError(f"the name of a head has letters and no dot, got {wrong}")

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The heads by name."""
        return iter(self.heads.items())

    def forward(self, x: Any) -> tuple[dict[str, Any], BackwardFn]:
        ys, rules = forward_children(self, [x] * len(self.heads))
        names = list(self.heads)
        rule = parallel_backward(rules, lambda g: [g[name] for name in names], sum_grads)
        return dict(zip(names, ys, strict=True)), rule


def forward_children(
    container: Module, xs: Sequence[Any]
) -> tuple[tuple[Any, ...], list[BackwardFn]]:
    """Each child at its own input: the outputs, and the rules."""
    pairs = zip(container.named_children(), xs, strict=True)
    results = [forward_child(container, name, module, x) for (name, module), x in pairs]
    return tuple(y for y, _ in results), [rule for _, rule in results]


def parallel_backward(
    rules: Sequence[BackwardFn], split: BackwardFn, merge: BackwardFn
) -> ChainRule:
    """The rule of branches side by side: split g, apply each one's rule, merge the results."""

    def backward(g: Any) -> Any:
        return merge([rule(part) for rule, part in zip(rules, split(g), strict=True)])

    def params_only(g: Any) -> None:
        for rule, part in zip(rules, split(g), strict=True):
            accumulate_param_grads(rule, part)

    return ChainRule(backward, params_only)


def expand_replicas(container: Module, x: Any) -> Any:
    """One batch for all replicas, as K views of it: branches with parameters and without agree."""
    K = container.replicas
    if K is None:
        return x
    return tree_map(lambda t: t.expand(K, *t.shape[1:]) if t.shape[:1] == (1,) else t, x)


def sum_grads(parts: Sequence[Any]) -> Any:
    """The sum of the branches' gradients, never written into any of them; None counts nothing."""
    grads = [part for part in parts if part is not None]
    if not grads:
        return None
    if isinstance(grads[0], Tensor):
        return sum(grads[1:], grads[0])
    return tuple(sum_grads(group) for group in zip(*grads, strict=True))
