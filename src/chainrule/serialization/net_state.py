"""What is saved of a net: its tensors, its architecture, its modes and the state of its draws."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from chainrule._util.words import count_noun
from chainrule.nn.config import find_ties, to_config
from chainrule.nn.module import Module
from chainrule.seeds import DerivedSeeds

__all__ = ["check_paths", "load_rng_state", "net_header", "net_tensors", "rng_state"]


def net_tensors(net: Module) -> dict[str, Tensor]:
    """Every parameter and buffer once, under "net." and its first path."""
    tied = find_ties(net)
    return {f"net.{path}": t for path, t in net.state_dict().items() if path not in tied}


def net_header(net: Module) -> dict[str, Any]:
    """What is needed besides the tensors to build the net again."""
    return {
        "architecture": to_config(net),
        "ties": find_ties(net),
        "replicas": net.replicas,
        "modes": {path: module.training for path, module in net.named_modules()},
        "rng_state": {
            path: [seeds and [*seeds], count] for path, (seeds, count) in rng_state(net).items()
        },
    }


def rng_state(net: Module) -> dict[str, Any]:
    """Path → (seeds, how often drawn) of each module that draws while it runs."""
    return {path: [module.seeds, module.rng_counter] for path, module in net.named_modules()}


def load_rng_state(net: Module, state: dict[str, Any]) -> None:
    """Take over what :func:`rng_state` gave. Raises ValueError, with the place, for another."""
    check_paths("rng_state", net, state)
    for path, module in net.named_modules():
        seeds, count = state[path] if len(state[path]) == 2 else (None, None)
        if not isinstance(count, int) or not (seeds is None or are_seeds(seeds)):
            raise ValueError(f"rng_state of {path!r} is not seeds and a count: {state[path]}")
        if seeds is not None and len(seeds) != (net.replicas or 1):
            given, needed = count_noun(len(seeds), "seed"), count_noun(net.replicas or 1, "replica")
            raise ValueError(f"{path!r} has {given} for {needed}")
        module.seeds, module.rng_counter = seeds, count


def are_seeds(seeds: Any) -> bool:
    """Whether it is a list of whole numbers, or one that is derived later."""
    if isinstance(seeds, DerivedSeeds):
        return True
    return isinstance(seeds, list) and all(type(seed) is int for seed in seeds)


def check_paths(field: str, net: Module, given: dict[str, Any]) -> None:
    """Raise ValueError where something is missing that is said of each module of a net."""
    for path, module in net.named_modules():
        if path not in given:
            raise ValueError(f"{field}.{path}: is missing, of {module.label()}")
