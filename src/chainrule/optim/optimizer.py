"""The abstract optimizer: what all update rules share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch import Tensor

from chainrule._util.argument_checks import CheckedConstructor
from chainrule._util.pytree import take_rows, tree_map
from chainrule._util.words import count_noun
from chainrule.nn.module import Module
from chainrule.nn.parameter import next_age
from chainrule.optim.flat_parameters import FlatParameters
from chainrule.optim.groups import (
    Params,
    check_disjoint,
    check_new_parameters,
    find_modules,
    resolve_replicas,
    to_param_groups,
    unique_parameters,
)
from chainrule.optim.hyperparameters import (
    as_column,
    check_same_kind,
    check_state_keys,
    validate_hyperparameter,
)

__all__ = ["Optimizer", "Params", "check_complete", "read_hyperparameters"]


class Optimizer(CheckedConstructor, ABC):
    """Moves parameters against their gradients; a subclass says how, in ``update``.

    ``params`` is a module, parameters, or groups as in torch: dicts with "params" and the
    hyper-parameters in which the group differs. A group's parameters are packed into one flat
    tensor (K, P), so a step costs as many tensor operations for a hundred layers as for one. The
    parameters become views of it: build the optimizer after ``net.to(...)``.

    Any number among the hyper-parameters may be a tensor (K,), one for each replica of a cohort.
    A module knows its K; with the bare parameters of a cohort say ``replicas=net.replicas``, for
    without it they count as one plain net. A tied parameter is stepped once.

    Raises ValueError for a value that torch refuses and for a tensor that is not (K,).
    """

    state_names: ClassVar[tuple[str, ...]] = ()  # tensors kept from the start
    optional_names: ClassVar[tuple[str, ...]] = ()  # tensors kept once they are needed
    needs_closure: ClassVar[bool] = False  # whether it looks at the loss more than once a step

    def __init__(
        self, params: Params, defaults: dict[str, Any], replicas: int | None = None
    ) -> None:
        self.modules, self.age = find_modules(params), next_age()
        groups = to_param_groups(params)
        self.replicas = resolve_replicas([group["params"] for group in groups], replicas)
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = [
            {
                "params": unique_parameters(group.pop("params")),
                **{  # a pair that a file gives is a list
                    name: tuple(value) if isinstance(value, list) else value
                    for name, value in (defaults | {"step": 0} | group).items()
                },
            }
            for group in groups
        ]
        check_param_groups(self)
        self._pack()
        self.state = [
            self.initial_state(flat.data, group)
            for flat, group in zip(self.flats, self.param_groups, strict=True)
        ]

    def _pack(self) -> None:
        self.flats = [FlatParameters(group["params"], self.replicas) for group in self.param_groups]
        for flat in self.flats:
            flat.create_views()

    @abstractmethod
    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        """Change p (K, P) and the state in place, given dL/dp = g (which stays as it is).

        ``h`` has the group's hyper-parameters as attributes, tensors as columns (K, 1), the number
        of this step, from 1, the parameters' ``shapes``, in which their columns lie, the
        ``closure`` and the ``loss`` that it gave before this step.
        """

    def parameter_shapes(self, group: Mapping[str, Any]) -> list[torch.Size]:
        """The shape of each parameter of a group, without the replicas."""
        lead = 0 if self.replicas is None else 1
        return [parameter.data.shape[lead:] for parameter in group["params"]]

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        """The state of a group before its first step."""
        return {name: torch.zeros_like(p) for name in self.state_names}

    def validate(self, group: Mapping[str, Any]) -> None:
        """Raise unless the hyper-parameters of a group may be so."""
        for name in self.defaults:
            validate_hyperparameter(name, group[name], self.replicas)

    def step(
        self, closure: Callable[[], Tensor] | None = None, *, active: Tensor | None = None
    ) -> Tensor | None:
        """Update every parameter once; return the loss that ``closure`` gives before, if any.

        A closure clears the gradients, goes forward and back, and returns the loss; few optimizers
        need one. A replica that is not ``active`` (K,) keeps its parameters and its state bit for
        bit; None, which is quicker, means that all are. Raises RuntimeError where parameters were
        replaced since they were packed or a module has new ones, ValueError where a closure is
        needed and not given.
        """
        mask = self._active_mask(active)
        check_complete(self)
        for flat in self.flats:
            flat.check()
        if closure is None and self.needs_closure:
            raise ValueError(
                f"{type(self).__name__} looks at the loss several times a step: write "
                "step(closure), where closure() clears the gradients, goes forward and back, "
                "returns the loss"
            )
        loss = None if closure is None else closure()
        for i, group in enumerate(self.param_groups):
            flat, state = self.flats[i], self.state[i]
            h = SimpleNamespace(**read_hyperparameters(self, i), closure=closure, loss=loss)
            h.step, h.shapes = group["step"] + 1, self.parameter_shapes(group)
            g = -flat.grad if h.maximize else flat.grad
            if mask is None:
                self.update(flat.data, g, state, h)
            else:
                self._update_active(mask, flat.data, g, state, h)
            group["step"] += 1
        return loss

    def _update_active(
        self, mask: Tensor, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any
    ) -> None:
        before = {name: t.clone() for name, t in state.items()}
        p_before, zero = p.clone(), p.new_zeros(())
        self.update(p, g, state, h)
        torch.where(mask, p, p_before, out=p)
        for name, t in state.items():
            torch.where(mask, t, before.get(name, zero), out=t)

    def _active_mask(self, active: Tensor | None) -> Tensor | None:
        if active is None:
            return None
        K = self.replicas or 1
        if active.dtype != torch.bool or active.shape != (K,):
            shape = tuple(active.shape)
            raise ValueError(f"active: expected a bool tensor ({K},), got {active.dtype} {shape}")
        return active.to(self.flats[0].data.device).unsqueeze(-1)

    def grad_sum(self) -> Tensor:
        """The sum of each replica's gradient (K,): finite where all of it is."""
        return _sums([flat.grad for flat in self.flats])

    def data_sum(self) -> Tensor:
        """The sum of each replica's parameters (K,): finite where all of them are."""
        return _sums([flat.data for flat in self.flats])

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set every gradient to zero, in place; there is always one, whatever ``set_to_none``."""
        for flat in self.flats:
            flat.check()
            flat.grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """What a save needs: {"state": {"0.exp_avg": tensor …}, "param_groups": [{…}, …]}.

        Groups hold numbers and tensors (K,); "params" lists the parameters' shapes. The tensors
        are not copies.
        """
        tensors = {f"{i}.{name}": t for i, s in enumerate(self.state) for name, t in s.items()}
        shapes = [[list(p.data.shape) for p in group["params"]] for group in self.param_groups]
        groups = zip(self.param_groups, shapes, strict=True)
        return {
            "state": tensors,
            "param_groups": [{**group, "params": shape} for group, shape in groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state that ``state_dict`` gave, bit for bit.

        Raises ValueError, and changes nothing, where it is not the state of such an optimizer
        over parameters of these shapes.
        """
        check_state_keys(type(self).__name__, self.state_dict(), state_dict)
        groups = [dict(group) for group in state_dict["param_groups"]]
        own = self.state_dict()["param_groups"]
        if [group.pop("params") for group in groups] != [group["params"] for group in own]:
            raise ValueError(
                f"{type(self).__name__}: the state is of other groups or parameter shapes"
            )
        for group in groups:
            check_saved_group(self, group)
        self.state = copy_saved_state(self, state_dict["state"])
        for present, group in zip(self.param_groups, groups, strict=True):
            present.update(group)

    def __getstate__(self) -> dict[str, Any]:
        """With copies of what is written in place, which processes would else share."""
        return {**vars(self), "state": tree_map(torch.clone, self.state)}

    def __setstate__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)
        self.age = next_age()

    def keep_replicas(self, index: Tensor) -> None:
        """Go on with these replicas of a cohort alone, in this order        index int64 (n,)

        Their numbers and state; the parameters, of which the net has kept the same replicas, are
        packed anew.
        """
        self.replicas = len(index)
        self.defaults, self.state = take_rows(self.defaults, index), take_rows(self.state, index)
        for group in self.param_groups:
            numbers = {name: value for name, value in group.items() if name != "params"}
            group.update(take_rows(numbers, index))
        self._pack()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.param_groups[0][name]}" for name in self.defaults)
        return f"{type(self).__name__}({shown})"


def check_param_groups(optimizer: Optimizer) -> None:
    """Raise ValueError for parameter groups that are none of such an optimizer."""
    name, known = type(optimizer).__name__, {"params", "step", "initial_lr", "name"}
    for group in optimizer.param_groups:
        if unknown := sorted(group.keys() - known - optimizer.defaults.keys()):
            raise ValueError(f"{name} has no hyper-parameter {', '.join(unknown)}")
        optimizer.validate(group)
        if not group["params"]:
            raise ValueError(f"{name} got an empty parameter list")
    check_disjoint(optimizer.param_groups)


def read_hyperparameters(optimizer: Optimizer, index: int) -> dict[str, Any]:
    """A group's hyper-parameters as an update rule uses them: tensors are columns (K, 1).

    Raises TypeError or ValueError where one that was set in ``param_groups`` is missing or is of
    another kind than the optimizer was built with.
    """
    group, data = optimizer.param_groups[index], optimizer.flats[index].data
    columns: dict[str, Any] = {}
    name = ""
    try:
        for name, default in optimizer.defaults.items():
            value = group[name]
            if type(value) is not type(default) or isinstance(value, tuple):
                check_same_kind(name, value, default)
            columns[name] = as_column(name, value, data)
    except KeyError:
        raise ValueError(f"param_groups[{index}]: {name!r} is missing") from None
    except (TypeError, ValueError) as error:
        raise type(error)(f"param_groups[{index}]: {error}") from None
    return columns


def check_saved_group(optimizer: Optimizer, group: dict[str, Any]) -> None:
    """Raise ValueError unless these are the numbers of a group of such an optimizer."""
    expected = {*optimizer.defaults, "step"}
    if wrong := sorted((expected ^ group.keys()) - {"initial_lr", "name"}):
        name = type(optimizer).__name__
        raise ValueError(f"{name}: keys missing or unexpected: {', '.join(wrong)}")
    if "betas" in group:
        group["betas"] = tuple(group["betas"])
    optimizer.validate(group)


def check_complete(optimizer: Optimizer, net: Module | None = None) -> None:
    """Raise RuntimeError for a new parameter of a module that the optimizer was made for.

    Of a net some parameters may be left out, but for those that are newer than the optimizer.
    ValueError where groups were added or removed since their parameters were packed.
    """
    known, name = [p for flat in optimizer.flats for p in flat.parameters], type(optimizer).__name__
    if len(optimizer.param_groups) != len(optimizer.flats):
        raise ValueError(
            f"{name}: param_groups has {count_noun(len(optimizer.param_groups), 'group')}, it was "
            f"built with {len(optimizer.flats)}: build it anew with all groups"
        )
    check_new_parameters(optimizer.modules, known, name)
    if net is not None:
        check_new_parameters([net], known, name, optimizer.age)


def copy_saved_state(optimizer: Optimizer, saved: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """Copies of the saved tensors, a dict for each group, if all are what they should be."""
    states: list[dict[str, Tensor]] = []
    left = dict(saved)
    for i, (flat, own) in enumerate(zip(optimizer.flats, optimizer.state, strict=True)):
        state = {}
        for name in (*optimizer.state_names, *optimizer.optional_names):
            t, like = left.pop(f"{i}.{name}", None), own.get(name, flat.data)
            if t is None and name in optimizer.optional_names:
                continue
            if t is None or t.shape != like.shape or t.dtype != like.dtype:
                got = "nothing" if t is None else f"{t.dtype} {tuple(t.shape)}"
                expected = f"{like.dtype} {tuple(like.shape)}"
                raise ValueError(
                    f"{type(optimizer).__name__}: {i}.{name}: expected {expected}, got {got}"
                )
            state[name] = t.to(like.device, copy=True)
        states.append(state)
    if left:
        raise ValueError(f"{type(optimizer).__name__}: unexpected in the state: {', '.join(left)}")
    return states


def _sums(rows: list[Tensor]) -> Tensor:
    sums = [t.sum(-1) for t in rows]
    return sums[0] if len(sums) == 1 else torch.stack(sums).sum(0)
