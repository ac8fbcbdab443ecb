"""A player whose messages are kept, and a small setting."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from chainrule.web.playground.player import Player

SMALL: dict[str, Any] = {
    "data": {
        "name": "plane_points",
        "problem": "moons",
        "train": 60,
        "test": 40,
        "standardize": "feature",
    },
    "sides": [
        {
            "net": {"name": "sequential_net", "layers": [["Linear", 5], "Tanh"]},
            "loss": "CrossEntropyLoss",
            "optimizer": {"name": "SGD", "lr": 0.3},
            "batch_size": 20,
        }
    ],
    "seeds": 3,
}


def unpack(packed: bytes) -> dict[str, Any]:
    """A message as a browser reads it, its arrays as arrays."""
    start = 4 + int.from_bytes(packed[:4], "little")

    def read(value: dict[str, Any]) -> Any:
        if "$array" not in value:
            return value
        kind, offset, length = value["$array"]
        return np.frombuffer(packed, kind, length, start + offset)

    return json.loads(packed[4:start], object_hook=read)  # type: ignore[no-any-return]


class Page:
    """What a page does, without a browser: asks, and reads what comes back."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.player = Player(self.messages.append)

    def do(self, what: str, **more: Any) -> dict[str, Any]:
        self.player.handle({"do": what, **more})
        return self.messages[-1]


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def setting() -> dict[str, Any]:
    return copy.deepcopy(SMALL)


@pytest.fixture
def built(page: Page, setting: dict[str, Any]) -> Page:
    """A page whose nets have learned for two epochs."""
    assert page.do("build", setting=setting)["type"] == "frame"
    page.do("step", epochs=2)
    return page
