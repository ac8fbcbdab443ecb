"""What a user has set for all studies on this machine: where they are trained."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError

if TYPE_CHECKING:
    from chainrule.study.execution.executors import Engine

__all__ = ["UserConfig", "choose_engine", "config_path", "load_user_config", "open_named_engine"]


@dataclass(frozen=True)
class UserConfig:
    """``engine``: as ``--engine`` names it; ``engines``: the options of each, by dask, ray, …"""

    engine: str | None = None
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def options(self, engine: str) -> Mapping[str, Any]:
        """Those of an engine: of ``dask://node1:8786`` what is said of it, or else of ``dask``."""
        return self.engines.get(engine, self.engines.get(engine.partition("://")[0], {}))


def config_path() -> Path:
    """Where it is: on Linux ``~/.config/chainrule/config.toml``."""
    return Path(typer.get_app_dir("chainrule")) / "config.toml"


def load_user_config() -> UserConfig:
    """What the file says; nothing where there is none.

    Raises OSError where it cannot be read, StudyError, naming it, for what it cannot say.
    """
    path = config_path()
    try:
        declared = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):  # a home that is a file, as /dev/null
        return UserConfig()
    except ValueError as error:
        raise StudyError(f"{path}: {error}") from None
    if problem := find_config_problem(declared):
        raise StudyError(f"{path}: {problem}")
    return UserConfig(**declared)


def find_config_problem(declared: Mapping[str, Any]) -> str:
    """What is wrong in the file; "" where nothing is."""
    for name, value in declared.items():
        if name == "engine" and not isinstance(value, str):
            return f"engine: expected a name such as 'dask', got {value!r}"
        if name == "engines" and not isinstance(value, dict):
            return f"engines: expected a table for each engine, [engines.dask], got {value!r}"
        if name not in ("engine", "engines"):
            hint = did_you_mean(name, ["engine", "engines"])
            return f"{name}: not known; {hint}expected engine, engines"
    for name, options in declared.get("engines", {}).items():
        if not isinstance(options, dict):
            return f"engines.{name}: expected a table, [engines.{name}], got {options!r}"
    return ""


def choose_engine(name: str | None) -> str:
    """What was asked for, or what the user has set, or processes. Raises as the file's reading."""
    return (load_user_config().engine or "processes") if name is None else name


@contextmanager
def open_named_engine(name: str, jobs: int) -> Iterator[Engine | None]:
    """The engine that was asked for, with the user's options; None for processes, as ``run`` has.

    Raises StudyError, see :func:`chainrule.study.execution.executors.open_engine`.
    """
    options = load_user_config().options(name)
    if name == "processes" and not options:
        yield None
        return
    from chainrule.study.execution.executors import open_engine

    with open_engine(name, jobs, options) as engine:
        yield engine
