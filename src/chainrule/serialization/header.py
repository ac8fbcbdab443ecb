"""What a file's header must have, by the kind of file: checked before any of it is used."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt

from chainrule._util.field_problems import find_first_problem

__all__ = ["find_header_problem"]


class NetHeader(BaseModel):
    """What is needed besides the tensors to build a net."""

    model_config = ConfigDict(strict=True)

    architecture: dict[str, Any]
    ties: dict[str, str]
    replicas: PositiveInt | None
    modes: dict[str, bool]
    rng_state: dict[str, list[list[int] | int | None]]
    metadata: dict[str, Any] = {}


class TrainingConfig(BaseModel):
    """What a training is made of besides its net."""

    model_config = ConfigDict(strict=True)

    criterion: str
    optimizer: str
    scheduler: str
    schedule_every: str
    batch_size: PositiveInt
    callbacks: list[str]


class TrainingHeader(NetHeader):
    """Of a net and its training."""

    config: TrainingConfig
    trainer: dict[str, list[Any]]


class FolderConfig(NetHeader):
    """Of a folder with a net: its config.json."""

    format: PositiveInt
    model_sha256: str
    config_sha256: str


HEADERS: dict[str, type[BaseModel]] = {
    "net": NetHeader,
    "training": TrainingHeader,
    "folder": FolderConfig,
}


def find_header_problem(kind: str, header: dict[str, Any]) -> str:
    """The first field that is missing or not what it should be, and why; "" where all are right."""
    return find_first_problem(HEADERS[kind], header) if kind in HEADERS else ""
