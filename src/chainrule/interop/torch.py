"""Nets to ``torch.nn`` and back: the same classes, arguments and state names on both sides."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import check_kind, describe_object
from chainrule.interop import torch_modules
from chainrule.nn.config import apply_ties, find_ties
from chainrule.nn.constructor import constructor_args

__all__ = ["TWINS", "find_twin", "from_torch", "shared_arguments", "to_torch"]

TWINS: dict[type[nn.Module], type[torch.nn.Module]] = {
    nn.Sequential: torch.nn.Sequential,
    **{
        getattr(nn, name.removeprefix("Torch")): getattr(torch_modules, name)
        for name in torch_modules.__all__
    },
}
"""What stands for a class in PyTorch, where that is not torch.nn's of its name; one of one's own
may be added. It takes the same arguments, and its parameters and modules have the same names."""


@check_arguments
def to_torch(net: nn.Module) -> torch.nn.Module:
    """The module of PyTorch with the layers, values, ties and modes of a plain net.

    Its classes are torch.nn's of the same names, or those of ``chainrule.interop.torch_modules``.
    It computes in the dtype of the parameters, whatever ``set_matmul_dtype`` says. Raises
    ValueError for a cohort (take ``net.replica(k)``), and for a module of one's own that has no
    twin in ``TWINS``.
    """
    check_kind(net, nn.Module, "net")
    if net.replicas is not None:
        raise ValueError("torch.nn has no cohorts: convert one replica, net.replica(k)")
    other: torch.nn.Module = convert(net, find_torch_class, {})
    modules = dict(other.named_modules(remove_duplicate=False))
    for path, first in find_ties(net).items():
        (owner, name), (source, origin) = path.rpartition(".")[::2], first.rpartition(".")[::2]
        setattr(modules[owner], name, getattr(modules[source], origin))
    state = net.state_dict()
    move_like(other, state)
    try:
        other.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"a twin has parameters of other names or shapes: {error}") from None
    copy_modes(net, other)
    return other


def from_torch(module: torch.nn.Module | Any) -> nn.Module:
    """The net with the layers, values, ties and modes of a module of PyTorch.

    A stack of encoders, TransformerEncoder, is a Sequential of them here. Raises ValueError for a
    module that ``chainrule.nn`` has not, or not with these arguments, and for one with hooks,
    TypeError for what is no module of PyTorch.
    """
    if not isinstance(module, torch.nn.Module):
        fix = "it is chainrule's already" if isinstance(module, nn.Module) else "a net of PyTorch"
        raise TypeError(f"module: expected a torch.nn.Module, got {describe_object(module)}; {fix}")
    module = unstack_encoders(module)
    net: nn.Module = convert(module, find_own_class, {})
    seen: dict[int, str] = {}
    tied = {}
    for path, tensor in module.named_parameters(remove_duplicate=False):
        first = seen.setdefault(id(tensor), path)
        if first != path:
            tied[path] = first
    apply_ties(net, tied)
    state = {name: t.detach() for name, t in module.state_dict().items()}
    move_like(net, state)
    net.load_state_dict(state)
    copy_modes(module, net)
    return net


def convert(module: Any, find_class: Callable[[Any], Any], made: dict[int, Any]) -> Any:
    """A module of the other library; one that stands at two places is made once."""
    if id(module) not in made:
        cls = find_class(module)
        several = [convert_value(value, find_class, made) for value in list_variadic(module)]
        given = shared_arguments(module, cls).items()
        made[id(module)] = cls(
            *several, **{name: convert_value(value, find_class, made) for name, value in given}
        )
    return made[id(module)]


def convert_value(value: Any, find_class: Callable[[Any], Any], made: dict[int, Any]) -> Any:
    """An argument: a module, modules by name, or anything else."""
    if isinstance(value, nn.Module | torch.nn.Module):
        return convert(value, find_class, made)
    if isinstance(value, dict):
        return {name: convert_value(each, find_class, made) for name, each in value.items()}
    return value


def find_torch_class(net: nn.Module) -> Any:
    """The class of PyTorch that does what a module does. Raises ValueError where there is none."""
    if type(net) in TWINS:
        return TWINS[type(net)]
    try:
        return find_twin(torch.nn, net)
    except ValueError as error:
        name = type(net).__name__
        raise ValueError(
            f"{error}: write a torch.nn.Module that takes its arguments, computes the same and "
            f"names its parameters alike, and say chainrule.interop.torch.TWINS[{name}] = …"
        ) from None


def find_own_class(module: torch.nn.Module) -> Any:
    """The class here of a module of PyTorch. Raises ValueError where there is none."""
    check_hooks(module)
    known = {twin: own for own, twin in TWINS.items()} | MADE_OF_OTHERS
    return known.get(type(module)) or find_twin(nn, module)


def unstack_encoders(module: torch.nn.Module) -> torch.nn.Module:
    """The module with a Sequential in the place of each stack of encoders; the layers are shared.

    Raises ValueError for a stack with hooks.
    """
    if type(module) is torch.nn.TransformerEncoder:
        check_hooks(module)
        norm = [] if module.norm is None else [module.norm]
        stack = torch.nn.Sequential(*module.layers, *norm)
        stack.training = module.training
        return stack
    parts = {name: part and unstack_encoders(part) for name, part in module._modules.items()}
    if all(parts[name] is part for name, part in module._modules.items()):
        return module
    other = copy.copy(module)
    other._modules = parts
    return other


def check_hooks(module: torch.nn.Module) -> None:
    """Raise ValueError for a module with hooks."""
    if any(vars(module).get(f"_{kind}") for kind in HOOKS):
        raise ValueError(f"{type(module).__name__} has hooks, which modules here have not")


HOOKS = ("forward_hooks", "forward_pre_hooks", "backward_hooks", "backward_pre_hooks")


def find_twin(library: Any, module: object) -> Any:
    """The class of the same name in the other library: of a layer, a loss, an optimizer.

    Raises ValueError where there is none, and for what is made of others.
    """
    name = type(module).__name__
    cls = getattr(library, name, None)
    home = type(module).__module__.startswith(("torch.nn.", "chainrule.nn.", "chainrule.optim."))
    parts = [*module.children()] if isinstance(module, nn.Module | torch.nn.Module) else []
    if parts or not (home and inspect.isclass(cls)):
        raise ValueError(f"{name} has no twin in {library.__name__}")
    return cls


def shared_arguments(module: object, other: Any) -> dict[str, Any]:
    """The module's arguments that the other class takes too.

    Raises ValueError for one that it does not take, and that is not what it would be unsaid. How a
    layer here draws its weights is no matter.
    """
    given = read_arguments(module)
    taken = inspect.signature(other).parameters
    if any(p.kind == p.VAR_KEYWORD for p in taken.values()):
        return given
    usual = {p.name: p.default for p in inspect.signature(type(module)).parameters.values()}
    for name, value in given.items():
        is_usual = not isinstance(value, Tensor) and value == usual.get(name)
        if not (name in taken or is_usual or name == "init"):
            raise ValueError(f"{type(module).__name__}: {other.__name__} has no {name}={value!r}")
    return {name: value for name, value in given.items() if name in taken}


def read_arguments(module: object) -> dict[str, Any]:
    """The arguments that would build a module again, in the words of ``chainrule.nn``."""
    for cls, read in READERS.items():
        if isinstance(module, cls):
            return read(module)
    return {p.name: value for p, value in constructor_args(module) if p.kind != p.VAR_POSITIONAL}


def list_variadic(module: object) -> list[Any]:
    """The arguments of a constructor that takes any number of them."""
    if isinstance(module, torch.nn.Sequential | torch.nn.ModuleList):
        return [*module]
    found = [value for p, value in constructor_args(module) if p.kind == p.VAR_POSITIONAL]
    return [*found[0]] if found else []


def read_recurrent(module: torch.nn.RNNBase) -> dict[str, Any]:
    """Of RNN, LSTM and GRU, whose constructors name none of what they take."""
    if module.proj_size:
        raise ValueError(f"{type(module).__name__}: there is no proj_size here")
    names = inspect.signature(find_own_class(module)).parameters
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def read_attention(module: torch.nn.MultiheadAttention) -> dict[str, Any]:
    """Of attention, which does not keep all of its arguments."""
    E = module.embed_dim
    if module.bias_k is not None or module.add_zero_attn or (module.kdim, module.vdim) != (E, E):
        raise ValueError("MultiheadAttention: kdim, vdim, bias_k and zero_attn are not there here")
    return {
        "embed_dim": E,
        "num_heads": module.num_heads,
        "dropout": module.dropout,
        "bias": module.in_proj_bias is not None,
        "batch_first": module.batch_first,
        "causal": getattr(module, "causal", False),
    }


def read_encoder(module: torch.nn.TransformerEncoderLayer) -> dict[str, Any]:
    """Of an encoder's layer, whose arguments are those of its modules."""
    attention = read_attention(module.self_attn)
    return {
        "d_model": attention.pop("embed_dim"),
        "nhead": attention.pop("num_heads"),
        **attention,
        "dim_feedforward": module.linear1.out_features,
        "activation": read_activation(module.activation),
        "layer_norm_eps": module.norm1.eps,
        "norm_first": module.norm_first,
        "causal": getattr(module, "causal", False),
    }


def read_activation(f: Any) -> str:
    """relu or gelu, of an encoder's layer. Raises ValueError for another."""
    if f is torch.nn.functional.relu or isinstance(f, torch.nn.ReLU):
        return "relu"
    if f is torch.nn.functional.gelu or (isinstance(f, torch.nn.GELU) and f.approximate == "none"):
        return "gelu"
    raise ValueError(f"TransformerEncoderLayer: activation is relu or gelu here, got {f}")


READERS: dict[Any, Callable[[Any], dict[str, Any]]] = {
    torch.nn.RNNBase: read_recurrent,
    torch.nn.MultiheadAttention: read_attention,
    torch.nn.TransformerEncoderLayer: read_encoder,
}
"""How the arguments of PyTorch's modules are read that do not keep them as attributes."""

MADE_OF_OTHERS: dict[type[torch.nn.Module], type[nn.Module]] = {
    torch.nn.MultiheadAttention: nn.MultiheadAttention,
    torch.nn.TransformerEncoderLayer: nn.TransformerEncoderLayer,
}
"""PyTorch's modules that have modules within, and a twin here."""


def move_like(module: Any, state: Mapping[str, Tensor]) -> None:
    """Give a module the device and the dtype of a state's numbers."""
    floating = [t for t in state.values() if t.is_floating_point()]
    if floating:
        module.to(floating[0].device, floating[0].dtype)


def copy_modes(source: Any, target: Any) -> None:
    """Put each module in the mode of that at its path; one that is not there, in its owner's."""
    modes = {path: m.training for path, m in source.named_modules(remove_duplicate=False)}
    for path, module in target.named_modules(remove_duplicate=False):
        module.training = modes.setdefault(path, modes.get(path.rpartition(".")[0], True))
