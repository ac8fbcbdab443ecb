"""A setting as a Python file that computes the same numbers, and as a study over many rounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chainrule.nn.loss import Loss
from chainrule.nn.loss.one_hot import OneHotLoss
from chainrule.recipes.component import Component, build_component
from chainrule.recipes.recipe import Recipe
from chainrule.study import Study
from chainrule.web.playground.samples import PlaygroundSamples
from chainrule.web.playground.setting import Setting, fit_recipe

__all__ = ["python_code", "study_toml"]

ROUNDS = 30


def python_code(setting: Setting, samples: PlaygroundSamples, epochs: int) -> str:
    """A Python file that trains the nets of the setting as the playground does, to the same
    numbers, and prints where they end.
    """
    sides = [
        fit_recipe(side, samples.shape, samples.outputs, samples.kind) for side in setting.sides
    ]
    labels = ["one"] if len(sides) == 1 else ["first", "second"]
    metrics = samples.kind == "classification"
    shown = "test_accuracy" if metrics else "test_loss"
    body = [
        f"K = {setting.seeds}  # nets of each side, one a seed",
        *data_lines(setting),
        *("", ""),
        *training_lines(setting, epochs, metrics),
        "",
    ]
    for label, side in zip(labels, sides, strict=True):
        body += ["", *side_lines(label, side), ""]
        body += [f'print("{label}:", history_{label}.last("{shown}").mean().item())']
    return "\n".join([*import_lines(sides, body), "", *body, ""])


def training_lines(setting: Setting, epochs: int, classes: bool) -> Iterator[str]:
    """The function that trains a side."""
    yield "def train(net, loss, make_optimizer, **options):"
    yield f'    net_seeds = [seeds.derive({setting.seed}, "net", k) for k in range(K)]'
    yield f'    order_seeds = [seeds.derive({setting.seed}, "order", k) for k in range(K)]'
    yield '    cohort = net.replicate(K).initialize(net_seeds, options.pop("init", None))'
    if classes:
        yield '    options["metrics"] = {"accuracy": Accuracy()}'
    yield "    trainer = Trainer(cohort, loss, make_optimizer(cohort), seed=order_seeds, **options)"
    yield f"    return trainer.fit(train_set, test_set, epochs={max(1, epochs)}, progress=False)"


def import_lines(sides: list[Recipe], body: list[str]) -> Iterator[str]:
    """What the file imports, and no more."""
    own = sorted({side.net.name.partition(":")[0] for side in sides if ":" in side.net.name})
    yield from (f"import {module}" for module in own)
    text = "\n".join(body)
    for module, names in IMPORTS.items():
        if used := [name for name in names if re.search(rf"\b{name}\b[.(]", text)]:
            yield f"from {module} import {', '.join(used)}"


IMPORTS = {
    "chainrule": ("nn", "optim", "seeds", "zoo"),
    "chainrule.data": ("fill_missing", "standardize", "standardize_targets"),
    "chainrule.data.datasets": ("loaders",),
    "chainrule.train": ("Accuracy", "Trainer"),
}
"""Module → the names of it that a file may use."""


def data_lines(setting: Setting) -> Iterator[str]:
    """The samples, standardized as the setting says."""
    data = setting.data
    yield f"train_set, test_set = loaders.{data.name}("
    yield f'    seeds.derive({setting.seed}, "data"),'
    yield from (f"    {name}={value!r}," for name, value in data.arguments.items())
    yield ")"
    if data.missing is not None:
        yield "train_set, test_set = fill_missing(train_set, test_set)"
    if data.standardize is not None:
        per = f'per="{data.standardize}"'
        yield f"(train_set, test_set), _ = standardize(train_set, test_set, {per})"
    if data.standardize_target:
        yield "(train_set, test_set), _ = standardize_targets(train_set, test_set)"


def side_lines(label: str, side: Recipe) -> Iterator[str]:
    """One side: its net, written out, and its training."""
    yield f"net_{label} = {net_expression(side)}"
    yield f"history_{label} = train("
    yield f"    net_{label},"
    yield f"    {loss_expression(side.loss)},"
    optimizer = call_expression("", side.optimizer)
    inner = optimizer.partition("(")[2].rstrip(")")
    yield f"    lambda net: optim.{side.optimizer.name}(net{', ' if inner else ''}{inner}),"
    yield f"    batch_size={side.batch_size},"
    if side.init is not None:
        yield f"    init={call_expression('nn.init.', side.init)},"
    if side.clip_norm is not None:
        yield f"    clip_norm={side.clip_norm},"
    yield ")"


def net_expression(side: Recipe) -> str:
    """The net as Python: its layers, or the function of the user's that makes it."""
    module, colon, name = side.net.name.partition(":")
    if colon:
        return call_expression(f"{module}.", side.net, name)
    if side.net.name != "sequential_net":
        return call_expression("zoo.", side.net)
    net = side.make_net()
    layers = "".join(f"    nn.{layer.label()},\n" for layer in net.children())
    return f"nn.Sequential(\n{layers})"


def loss_expression(part: Component) -> str:
    """The loss as Python."""
    loss: Loss = build_component("loss", part)
    if isinstance(loss, OneHotLoss):
        return call_expression("zoo.", part)
    return call_expression("nn.", part)


def call_expression(home: str, part: Component, name: str = "") -> str:
    """``optim.SGD(lr=0.1)``"""
    arguments = ", ".join(f"{key}={value!r}" for key, value in part.arguments.items())
    return f"{home}{name or part.name}({arguments})"


def study_toml(setting: Setting, samples: PlaygroundSamples, epochs: int) -> str:
    """A study of the sides as arms, over 30 rounds, as the text of a TOML file."""
    sides = [
        fit_recipe(side, samples.shape, samples.outputs, samples.kind).model_dump(
            exclude_defaults=True
        )
        for side in setting.sides
    ]
    common = {
        key: value for key, value in sides[0].items() if all(s.get(key) == value for s in sides)
    }
    names = ["first", "second"][: len(sides)]
    data = setting.data.model_dump(exclude_defaults=True)
    rounds = "resplit" if data["name"] == "table" else data.get("rounds", "fresh")
    declared: dict[str, Any] = {
        "name": "playground",
        "summary": "two settings of the playground, compared over fresh rounds",
        "rounds": ROUNDS,
        "epochs": max(1, epochs),
        "baseline": names[0],
        "data": {**data, "rounds": rounds},
        **common,
        "arms": {
            name: {key: value for key, value in side.items() if key not in common}
            for name, side in zip(names, sides, strict=True)
        },
    }
    if samples.kind == "regression":
        declared |= {"metrics": {"rmse": {"name": "RootMeanSquaredError"}}, "direction": "min"}
        declared["failure_value"] = target_range(samples)
    return Study.model_validate(declared).to_toml()


def target_range(samples: PlaygroundSamples) -> float:
    """The range of the targets: what a failed training counts as."""
    return float(samples.targets.max() - samples.targets.min())
