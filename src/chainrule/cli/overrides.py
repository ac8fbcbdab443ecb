"""``--data NAME=VALUE``: a study on other data of the same kind."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from chainrule.study import Study

__all__ = ["with_data"]


def with_data(study: Study, given: Sequence[str] | None) -> Study:
    """The study with these arguments of its data, ``root=/data/mnist`` or ``train=500``.

    Raises typer.BadParameter for what is not NAME=VALUE, StudyError for what does not fit.
    """
    return study.with_overrides(data=dict(map(split_assignment, given))) if given else study


def split_assignment(text: str) -> tuple[str, Any]:
    """("train", 500) of ``train=500``; a value that is not TOML is a text."""
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise typer.BadParameter(f"expected NAME=VALUE, such as train=500, got {text!r}")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value
