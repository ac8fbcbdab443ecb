"""The abstract module: what every layer and container can do."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor

from chainrule import seeds
from chainrule._util.display import html_table
from chainrule._util.kinds import check_kind
from chainrule._util.notices import print_once
from chainrule._util.pytree import named_leaves, take_rows
from chainrule._util.words import count_noun
from chainrule.nn.attributes import (
    CONSTANT,
    PLAIN_KINDS,
    find_attribute_problem,
    is_constant,
    is_per_replica,
)
from chainrule.nn.constructor import label
from chainrule.nn.errors import LayerError, check_forward, describe_shape
from chainrule.nn.init import Initializer
from chainrule.nn.parameter import Buffer, ModuleParameters, Parameter
from chainrule.nn.replicated import Replicated, check_replica_index, list_seeds
from chainrule.nn.state_dict import LoadResult, copy_state
from chainrule.nn.tagged import (
    Calls,
    find_calls,
    find_gradient_tags,
    next_call,
    tag_gradient,
    tag_output,
    to_plain,
)
from chainrule.nn.torch_names import TorchNames
from chainrule.nn.vjp import BackwardFn, accumulate_param_grads

__all__ = ["Module", "seed_draws"]

NO_MODULES = PLAIN_KINDS | {list, tuple, dict, Tensor, Parameter}


class ModuleTree(Replicated, TorchNames, ABC):
    """What a module is made of: parameters, buffers and children, the attributes of these types."""

    def _repr_html_(self) -> str:
        rows = [
            (
                path,
                module.label(),
                ", ".join(f"{n} {tuple(p.data.shape)}" for n, p in module.local_parameters()),
                f"{sum(p.data.numel() for p in module.parameters()):,}",
            )
            for path, module in self.named_modules()
        ]
        return html_table(("path", "module", "its own", "parameters"), rows)

    def local_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) of this module alone."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield name, value

    def local_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """(name, buffer) of this module alone."""
        for name, value in vars(self).items():
            if isinstance(value, Buffer) and not isinstance(value, Parameter):
                yield name, value

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of each direct child, in the order of definition."""
        for name, value in vars(self).items():
            kind = type(value)
            # As isinstance, which takes its time with an ABC; most attributes are numbers.
            if kind not in NO_MODULES and Module in kind.__mro__:
                yield name, value

    def children(self) -> Iterator[Module]:
        """Each direct child."""
        for _, child in self.named_children():
            yield child

    def named_modules(
        self, prefix: str = "", *, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """(path, module) of this module and all below, each once.

        Without ``remove_duplicate``, at each path that leads to it.
        """
        seen: set[int] = set()
        stack: list[tuple[str, Any]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if not remove_duplicate or id(module) not in seen:
                seen.add(id(module))
                yield path, module
                below = [(f"{path}.{n}".lstrip("."), m) for n, m in module.named_children()]
                stack.extend(reversed(below))

    def modules(self) -> Iterator[Module]:
        """Itself and all below, each once."""
        seen: set[int] = set()
        stack: list[Any] = [self]
        while stack:
            module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield module
                stack.extend(reversed([child for _, child in module.named_children()]))

    def named_parameters(self, *, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter), each parameter once, a tied one too.

        Without ``remove_duplicate``, at each path that leads to it.
        """
        seen: set[int] = set()
        for path, module in self.named_modules(remove_duplicate=remove_duplicate):
            for name, parameter in module.local_parameters():
                if not remove_duplicate or id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield f"{path}.{name}".lstrip("."), parameter

    def parameters(self) -> ModuleParameters:
        """Each parameter once."""
        values = (value for module in self.modules() for value in vars(module).values())
        held = {id(value): value for value in values if isinstance(value, Parameter)}
        return ModuleParameters(self, held.values())

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set every gradient to zero, in place; there is always one, whatever ``set_to_none``."""
        for parameter in self.parameters():
            parameter.grad.zero_()

    def named_state(self) -> Iterator[tuple[str, Buffer]]:
        """(path, parameter or buffer), at each path, in the order of torch's state_dict."""
        for path, module in self.named_modules(remove_duplicate=False):
            own = [item for item in vars(module).items() if isinstance(item[1], Buffer)]
            own.sort(key=lambda item: not isinstance(item[1], Parameter))
            for name, value in own:
                yield f"{path}.{name}".lstrip("."), value

    def unique_state(self) -> Iterator[Buffer]:
        """Each parameter and buffer once."""
        return iter({id(value): value for _, value in self.named_state()}.values())

    def state_dict(self) -> dict[str, Tensor]:
        """Name → tensor of every parameter and buffer; torch's names, and no copies."""
        return {name: value.data for name, value in self.named_state()}

    def load_state_dict(
        self,
        state: dict[str, Tensor],
        strict: bool = True,
        *,
        rename: Literal["order"] | None = None,
    ) -> LoadResult:
        """Copy the tensors in, by name; with ``rename="order"`` the first into the first, and on.

        Raises ValueError, and changes nothing, where a shape is wrong or (``strict``) where a
        name is missing or not known; the message lists them, or the first of many.
        """
        return copy_state(self.label(), dict(self.named_state()), state, strict, rename)

    def check_children(self) -> None:
        """Raise TypeError where a module or a parameter stands where nothing here would find it.

        It would not be drawn, trained or saved: one in a list or dict, one of torch's, and a tensor
        that requires a gradient. Of another tensor it is said once, on stderr, that it is constant.
        """
        reached = {id(part) for part in (*self.modules(), *self.parameters())}
        kinds = (Module, Parameter)
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if type(value) in PLAIN_KINDS:
                    continue
                where = f"{path} {type(module).__name__}.{name}".lstrip()
                if problem := find_attribute_problem(name, value, module, reached, kinds):
                    raise TypeError(f"{where}: {problem}")
                if is_constant(name, value, module):
                    print_once(f"chainrule: {where}: {CONSTANT}")

    def is_layer(self) -> bool:
        """Whether it is not made of other modules."""
        return not any(True for _ in self.children())

    def __repr__(self) -> str:
        children = list(self.named_children())
        if not children:
            return self.label()
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in children]
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"

    def label(self) -> str:
        """The module in one line: its class, and its arguments where it is a layer."""
        return label(self) if self.is_layer() else type(self).__name__


class LastCall(NamedTuple):
    """What ``backward`` needs of a call: its number, rule, output, where the inputs came from.

    ``versions``: what the rule reads, with torch's count of the changes to it.
    """

    number: int
    rule: BackwardFn
    y: Any
    inputs: Mapping[str, Calls]
    versions: list[tuple[Tensor, int]]

    def check(self, module: Module, g: Any) -> None:
        """Raise as ``Module.backward`` does unless g can go back through this call."""
        expected, given = describe_shape(self.y, dtype=True), describe_shape(g, dtype=True)
        if given != expected:
            raise LayerError(module, f"expected dL/dy of {expected}, got {given}{hint_loss(g)}")
        if not all(tag.belongs_to(module, self.number) for tag in find_gradient_tags(g)):
            raise RuntimeError(
                f"{module.label()}: dL/dy is that of another call, and backward goes through the "
                "last one: write y = net(x), loss(y, target), net.backward(loss.backward()), and "
                "call the net on other data before or after"
            )
        if any(t._version != version for t, version in self.versions):
            raise RuntimeError(
                f"{module.label()}: the input or a parameter was changed in place after the call: "
                "go back before the optimizer's step, and keep the input as it was"
            )


def hint_loss(g: Any) -> str:
    """What to write where a number was given for the gradient: the value of a loss, say."""
    is_number = isinstance(g, Tensor | int | float) and getattr(g, "numel", lambda: 1)() == 1
    contract = "the loss gives dL/dy, and the net takes it further"
    return f"; write net.backward(criterion.backward()): {contract}" if is_number else ""


class Module(ModuleTree, ABC):
    """A function with parameters: ``forward`` gives its value and its chain rule.

    The state that the chain rule needs lives in its closure, so a module may be used any number
    of times in a net; each use keeps its own state. Layers speak of their trailing dimensions; in
    a cohort (``replicas`` = K) tensors have one more, leading axis, K long, or 1 for "the same for
    all".
    """

    training: bool = True
    matmul_dtype: torch.dtype | None = None
    seeds: Sequence[int] | None = None  # of what it draws while it runs, one a replica
    rng_counter: int = 0  # how often it has drawn
    _last: LastCall | None = None

    @abstractmethod
    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        """Return y and the rule that takes dL/dy to dL/dx and adds to the gradients."""

    def __call__(self, x: Any, *more: Any) -> Any:
        """Return y = forward(x) and remember its chain rule for one ``backward``.

        Several inputs are one tuple: ``module(x1, x2)`` is ``module((x1, x2))``.
        """
        self._last = None
        x = (x, *more) if more else x
        inputs, x, number = find_calls(x), to_plain(x), next_call()
        with torch.no_grad():
            y, rule = check_forward(self, self.forward(x), x)
        self._last = LastCall(number, rule, y, inputs, self._versions(x))
        return tag_output(y, self, number, inputs)

    def _versions(self, x: Any) -> list[tuple[Tensor, int]]:
        """What the rule reads when it is applied, with torch's count of the changes to it."""
        read = [t for _, t in named_leaves(x)] + [p.data for p in self.parameters()]
        return [(t, t._version) for t in read if not t.is_inference()]

    def backward(self, g: Any, *, input_grad: bool = True) -> Any:
        """Apply the last call's chain rule, once: add dL/dθ to each ``grad``, return dL/dx.

        With ``input_grad=False``, dL/dx is left out and None returned. Raises RuntimeError where
        there is no call to go back through, where the input or a parameter was changed since, and
        where g stems from the output of another call; LayerError where g has not the output's
        shape. A gradient made by hand is taken as it is.
        """
        if self._last is None:
            raise RuntimeError(
                f"{self.label()}: backward needs a call of the module first, and goes through "
                "each call once: y = net(x), then net.backward(dL/dy)"
            )
        last = self._last
        last.check(self, g)
        self._last, g = None, to_plain(g)
        with torch.no_grad():
            if input_grad:
                return tag_gradient(to_plain(last.rule(g)), last.inputs)
            accumulate_param_grads(last.rule, g)
        return None

    @property
    def depends_on_batch(self) -> bool:
        """Whether a sample's output depends on the rest of its batch, here or in a child."""
        return any(child.depends_on_batch for child in self.children())

    def train(self, mode: bool = True) -> Self:
        """Put itself and all below in training mode (or not); return it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put itself and all below in evaluation mode; return it."""
        return self.train(False)

    def set_matmul_dtype(self, dtype: torch.dtype | None) -> Self:
        """Let the convolutions here and below take their products in a shorter dtype; return self.

        With torch.bfloat16 they are faster on processors that know it (AVX512-BF16), and slower on
        others, where a Trainer has no kernel for them. Each of their results is rounded to three
        digits; parameters, gradients, sums over samples and all other layers stay in the dtype of
        the parameters. None: no difference is made.
        """
        for module in self.modules():
            module.matmul_dtype = dtype
        return self

    def to(self, *targets: Any, device: Any = None, dtype: torch.dtype | None = None) -> Self:
        """Move to a device, a dtype, or both (``net.to("cuda", torch.float64)``); return self.

        Only floating tensors change their dtype. Build the optimizer afterwards: it holds on to
        the tensors that it packed.
        """
        for target in targets:
            if isinstance(target, torch.dtype):
                dtype = target
            else:
                device = target
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"a net computes in a floating dtype, got {dtype}")

        require_device(device)

        def move(t: Tensor) -> Tensor:
            return t.to(device=device, dtype=dtype if t.is_floating_point() else None)

        for value in self.unique_state():
            value.map(move)
        return self

    def initialize(self, seed: int | Sequence[int], init: Initializer | None = None) -> Self:
        """Draw every parameter anew from (seed, "init", its path); in a cohort from K seeds.

        ``init``, if given, becomes that of every layer that takes an ``init`` (Linear, Bilinear,
        Conv1d, Conv2d, Embedding). A parameter's values depend on its own path alone: another head
        more or less does not change them. Dropout takes its draws from the same seeds.
        """
        self.check_children()
        roots = check_seeds(self, seed)
        if init is not None:
            check_kind(init, Initializer, "init")
        for module in self.modules():
            if init is not None:
                module.set_init(init)
        for path, parameter in self.named_parameters():
            generators = [seeds.generator(root, "init", path) for root in roots]
            parameter.redraw(*generators, replicas=self.replicas)
        for module in self.modules():
            module.seeds, module.rng_counter = None, 0
        seed_draws(self, roots)
        return self

    def set_init(self, init: Initializer | None) -> None:
        """Choose how ``initialize`` draws this module's own weights from now on."""

    def replicate(self, K: int, seeds: Sequence[int] | None = None) -> Self:
        """K independent copies that train together; every tensor gains a leading axis K.

        With ``seeds``, K of them, replica k is what ``initialize(seeds[k])`` makes of this net;
        without, each starts as a copy of it. Tied parameters stay tied.
        """
        self._check_replicate(K)
        self.check_children()
        cohort = self._copy(K, lambda t: t.expand(K, *t.shape).clone())
        for module in cohort.modules():
            module.seeds = None
        return cohort if seeds is None else cohort.initialize(seeds)

    def replica(self, k: int) -> Self:
        """Replica k as a plain net of its own: ready to save, export or predict."""
        if self.replicas is None:
            raise ValueError(f"{self.label()} is not a cohort: it has no replicas")
        if not hasattr(k, "__index__"):
            raise TypeError(f"k: expected a whole number, got {k!r}")
        if not 0 <= k < self.replicas:
            raise IndexError(f"replica {k} of a cohort of {self.replicas}")
        net = self._copy(None, lambda t: t[k].clone())
        for module in net.modules():
            module.seeds = module.seeds and [module.seeds[k]]
            for name, value in vars(module).items():
                if is_per_replica(value, self.replicas):
                    setattr(module, name, value[k].item())
        return net

    def keep_replicas(self, index: Tensor) -> None:
        """Go on with these replicas of a cohort alone, in this order        index int64 (n,)

        Build the optimizer anew, or let it keep the same replicas: the parameters are new tensors.
        Raises ValueError, and changes nothing, for a plain net and for indices that are not of
        replicas or not distinct.
        """
        replicas, kept = self.replicas, check_replica_index(index, self.replicas)
        for value in self.unique_state():
            value.map(lambda t: take_rows(t, index))
        for module in self.modules():
            module.replicas = len(kept)
            module.seeds = module.seeds and [module.seeds[k] for k in kept]
            for name, number in vars(module).items():
                if is_per_replica(number, replicas):
                    setattr(module, name, take_rows(number, index))

    def _copy(self, K: int | None, f: Callable[[Tensor], Tensor]) -> Self:
        net = copy.deepcopy(self)
        for value in net.unique_state():
            value.map(f)
        for module in net.modules():
            module.replicas = K
        return net

    def multiply_adds(self, inputs: Any, output: Any) -> int:
        """Multiply-adds of one forward; 0 where there is no product."""
        return 0


def require_device(device: Any) -> None:
    """Raise ValueError for a device that this PyTorch has not, in a sentence.

    Where it is given one of its own.
    """
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError, NotImplementedError) as error:
        said = str(error).splitlines()[0].partition(" device type at start")[0]
        raise ValueError(f"device {str(device)!r} is not here: {said}") from None


def seed_draws(net: Module, roots: Sequence[int]) -> None:
    """Let each layer without a seed draw (Dropout its masks) from (seed, its path); one a replica.

    A Trainer does it with its own: only a net that was not initialized, in a loop of one's own,
    draws from torch's global generator.
    """
    for path, module in net.named_modules():
        if module.seeds is None:
            module.seeds = seeds.DerivedSeeds(roots, "draws", path)


def check_seeds(module: Module, seed: int | Sequence[int]) -> list[int]:
    """One seed for each replica of the module.

    Raises ValueError for another number of them, TypeError for what is no whole number.
    """
    roots = list_seeds(seed)
    expected = module.replicas or 1
    if len(roots) != expected:
        wanted = count_noun(expected, "seed")
        raise ValueError(f"{module.label()}: expected {wanted}, got {len(roots)}")
    return roots
