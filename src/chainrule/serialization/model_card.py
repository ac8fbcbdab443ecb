"""The page of a folder with a net: what it is, where it comes from, how to load it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from chainrule._version import __version__
from chainrule.nn.config import find_sources, to_config
from chainrule.nn.module import Module

__all__ = ["build_card"]


def build_card(
    net: Module, name: str, metadata: Mapping[str, Any], license_name: str | None = None
) -> str:
    """The page in Markdown, with its head in YAML, for a folder of this name.

    Raises ValueError for the name of a licence that is none.
    """
    if license_name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", license_name):
        raise ValueError(f"license: expected a name such as bsd-3-clause, got {license_name!r}")
    trust = [*find_sources(to_config(net))]
    rows = [f"| {key} | {escape_cell(value)} |" for key, value in list_facts(net, metadata)]
    arguments = f"{json.dumps(name)}, trust={json.dumps(trust)}" if trust else json.dumps(name)
    command = " ".join([suggest_command(name, metadata), *(f"--trust {each}" for each in trust)])
    return TEMPLATE.format(
        identifier=(license_name or "unknown").lower(),
        name=name,
        rows="\n".join([*rows, f"| licence | {license_name or 'not stated'} |"]),
        arguments=arguments,
        predictor=PREDICTOR.format(arguments=arguments) if "preparation" in metadata else "",
        command=command,
        net=net,
    )


TEMPLATE = """---
library_name: chainrule
license: {identifier}
tags: [chainrule]
---

# {name}

| | |
|---|---|
{rows}

## To load it

```python
import chainrule

net = chainrule.load({arguments})
module = chainrule.interop.to_torch(net)  # for PyTorch
{predictor}```

On the command line, where the folder is:

```sh
{command}
```

`model.safetensors` has the tensors by the names of `state_dict`, which are those of `torch.nn`;
`config.json` has the architecture, and a SHA-256 of both, which `load` checks.

## The net

```text
{net}
```
"""

PREDICTOR = """predictor = chainrule.estimators.Predictor.load({arguments})  # preprocesses too
"""


def list_facts(net: Module, metadata: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, value) of what is said of a net: what it is, and the metadata that are one value."""
    numbers = {parameter.data.dtype for parameter in net.parameters()}
    count = sum(parameter.data.numel() for parameter in net.parameters())
    each = "" if net.replicas is None else f", {net.replicas} replicas in all"
    dtypes = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in numbers))
    yield "net", f"{net.label()}, {count:,} parameters{each}, {dtypes or 'no numbers'}"
    for key, value in metadata.items():
        if value is not None and not isinstance(value, dict | list | tuple):
            yield key, value
    yield "chainrule", __version__


def escape_cell(value: Any) -> str:
    """A value as the cell of a table."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def suggest_command(name: str, metadata: Mapping[str, Any]) -> str:
    """What one may do with it."""
    if "preparation" in metadata:
        return f"chainrule predict {shlex.quote(name)} new.csv"
    return f"chainrule check {shlex.quote(name)} --shape 5,2"
