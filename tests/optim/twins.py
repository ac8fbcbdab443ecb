"""The same parameters, gradients and optimizers, here and in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from chainrule import optim
from chainrule.nn import Parameter

SHAPES = [(4, 3), (4,), (2, 4), ()]

# (class, keyword arguments): every argument on and off, and together
CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "maximize": True}),
    ("SGD", {"lr": 0.1, "dampening": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.2}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1, "eps": 1e-3, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"alpha": 0.9, "eps": 1e-4, "centered": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "weight_decay": 0.1, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adamax", {"betas": (0.0, 0.5), "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.7, 1.5), "step_sizes": (0.01, 0.12), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 10, "weight_decay": 0.1}),
    ("ASGD", {"t0": 3.0, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "betas": (0.5, 0.6), "maximize": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"betas": (0.0, 0.0)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
    ("AdamW", {"weight_decay": 0}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.01, "betas": (0.8, 0.95), "momentum_decay": 0.1, "weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"betas": (0.9, 0.6)}),
]
IDS = [name + "".join(f"-{k}" for k in kwargs) for name, kwargs in CASES]

# per-replica numbers, one for each of three replicas
COHORTS = [
    ("SGD", {"lr": [0.1, 0.2, 0.3], "momentum": [0.9, 0.0, 0.5], "dampening": [0.1, 0.2, 0.0]}),
    ("SGD", {"momentum": [0.9, 0.0, 0.5], "dampening": 0.3}),
    ("SGD", {"weight_decay": [0.0, 0.1, 0.2], "momentum": [0.9, 0.8, 0.5], "nesterov": True}),
    ("Adagrad", {"lr": [0.1, 0.2, 0.3], "lr_decay": [0.0, 0.1, 0.2], "eps": [1e-9, 1e-3, 0.1]}),
    ("Adagrad", {"initial_accumulator_value": [0.0, 0.1, 0.2], "weight_decay": [0.0, 0.1, 0.2]}),
    ("RMSprop", {"alpha": [0.9, 0.8, 0.7], "momentum": [0.0, 0.5, 0.9], "centered": True}),
    ("RMSprop", {"lr": [0.1, 0.2, 0.3], "eps": [1e-8, 1e-4, 0.1], "weight_decay": [0.0, 0.1, 1]}),
    ("Adadelta", {"lr": [1, 2, 3], "rho": [0.9, 0.8, 0.7], "eps": [1e-6, 1e-3, 0.1]}),
    ("Adamax", {"lr": [0.1, 0.2, 0.3], "betas": ([0.9, 0.8, 0.0], 0.9), "eps": [1e-8, 1e-4, 0.1]}),
    ("Rprop", {"lr": [0.1, 0.2, 0.3], "etas": ([0.5, 0.6, 0.7], [1.2, 1.5, 2.0])}),
    ("ASGD", {"lr": [0.1, 0.2, 0.3], "lambd": [0.0, 0.1, 0.2], "t0": [3, 30, 0]}),
    ("Adam", {"lr": [0.1, 0.2, 0.3], "weight_decay": [0.0, 0.1, 0.2], "eps": [1e-8, 1e-4, 0.1]}),
    ("Adam", {"betas": ([0.9, 0.8, 0.0], [0.99, 0.9, 0.5]), "amsgrad": True}),
    ("AdamW", {"lr": [0.1, 0.2, 0.3], "weight_decay": [0.0, 0.1, 0.2]}),
    ("NAdam", {"lr": [0.1, 0.2, 0.3], "momentum_decay": [0.0, 0.1, 0.2]}),
    ("NAdam", {"betas": ([0.9, 0.8, 0.0], [0.99, 0.9, 0.5])}),
    ("RAdam", {"betas": ([0.9, 0.8, 0.0], [0.999, 0.9, 0.5]), "lr": [0.1, 0.2, 0.3]}),
]


def parameters(seed: int = 0, replicas: int | None = None, shapes=SHAPES) -> list[Parameter]:
    generator = torch.Generator().manual_seed(seed)
    lead = () if replicas is None else (replicas,)
    return [
        Parameter(torch.randn((*lead, *s), generator=generator, dtype=torch.float64))
        for s in shapes
    ]


def torch_parameters(ours: list[Parameter]) -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(p.data.clone()) for p in ours]


def gradients(step: int, like: list[Tensor]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1000 + step)
    return [torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in like]


def set_gradients(ours: list[Parameter], values: list[Tensor]) -> None:
    for p, g in zip(ours, values, strict=True):
        p.grad.copy_(g)


def step(optimizer: optim.Optimizer, number: int, active: Tensor | None = None) -> None:
    """One step with the gradients of that number, the same for any optimizer."""
    ours = [p for group in optimizer.param_groups for p in group["params"]]
    set_gradients(ours, gradients(number, [p.data for p in ours]))
    optimizer.step(active=active)


def tensors(kwargs: dict) -> dict:
    """Lists as tensors (K,), also in a pair."""

    def convert(value):
        if isinstance(value, tuple):
            return tuple(convert(part) for part in value)
        return torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value

    return {name: convert(value) for name, value in kwargs.items()}


def of_replica(kwargs: dict, k: int) -> dict:
    def pick(value):
        if isinstance(value, tuple):
            return tuple(pick(part) for part in value)
        return value[k] if isinstance(value, list) else value

    return {name: pick(value) for name, value in kwargs.items()}


def snapshot(optimizer: optim.Optimizer) -> list[Tensor]:
    """Copies of all parameters and all state."""
    state = [t for group in optimizer.state for t in group.values()]
    return [t.clone() for t in (*(flat.data for flat in optimizer.flats), *state)]
