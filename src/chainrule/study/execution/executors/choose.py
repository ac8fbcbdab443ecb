"""The engine that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from chainrule._util.suggest import did_you_mean
from chainrule._util.user_code import describe_error
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import import_user_module
from chainrule.study.execution.executors.base import Engine, Executor
from chainrule.study.execution.executors.dask import DaskEngine
from chainrule.study.execution.executors.futures import FuturesEngine
from chainrule.study.execution.executors.processes import ProcessExecutor
from chainrule.study.execution.executors.ray import RayEngine
from chainrule.study.execution.executors.serial import SerialExecutor

__all__ = ["open_engine", "use_engine"]

CLUSTERS: dict[str, Callable[[str, int, Mapping[str, Any]], Engine]] = {
    "dask": DaskEngine,
    "ray": RayEngine,
}

EXPECTED = (
    "expected processes, serial, dask, dask://HOST:PORT, ray, ray://HOST:PORT, or package.module:"
    "FUNCTION that makes an executor"
)


@contextmanager
def use_engine(executor: Executor | str | None, jobs: int) -> Iterator[Engine]:
    """What trains: the user's executor, an engine by its name, or so many processes.

    One job is done in this process. What was opened here is closed. Raises as :func:`open_engine`.
    """
    if isinstance(executor, Engine):
        yield executor
    elif executor is None or isinstance(executor, str):
        with open_engine(executor or "processes", jobs) as engine:
            yield engine
    else:
        yield FuturesEngine(executor)


def open_engine(name: str, jobs: int, options: Mapping[str, Any] | None = None) -> Engine:
    """The engine of this name, which who opened it closes.

    ``processes`` or ``serial``; ``dask`` or ``ray``, a cluster of ``jobs`` workers that is begun
    here; ``dask://HOST:PORT``, ``dask://FILE.json`` (a scheduler's file) or ``ray://HOST:PORT``,
    one that is there; ``package.module:FUNCTION`` or ``file.py:FUNCTION``, which makes an executor.
    ``options`` go to what makes it. Raises StudyError for another name, where what it needs is not
    installed, where no cluster answers, and for an option that it does not have.
    """
    kind, is_there, address = name.partition("://")
    options = options or {}
    try:
        if kind in CLUSTERS and bool(is_there) == bool(address):
            return open_cluster(name, jobs, options)
        if name in ("processes", "serial"):
            if options:
                raise TypeError(f"it takes no options, got {', '.join(options)}")
            alone = jobs <= 1 or name == "serial"
            return SerialExecutor() if alone else ProcessExecutor(jobs)
        if ":" in name and "://" not in name:
            return make_engine(name, options)
    except ImportError as error:
        raise StudyError(
            f"engine {name}: {error}: python -m pip install 'chainrule[{kind}]'"
        ) from None
    except TypeError as error:
        raise StudyError(f"engine {name}: {error}") from None
    hint = did_you_mean(kind, [*CLUSTERS, "processes", "serial"])
    raise StudyError(f"engine {name!r} is not known; {hint}{EXPECTED}")


def open_cluster(name: str, jobs: int, options: Mapping[str, Any]) -> Engine:
    """A cluster's engine. Raises StudyError with the library's words for what it makes nothing of,
    ImportError where it is not installed.
    """
    kind, _, address = name.partition("://")
    try:
        return CLUSTERS[kind](address if kind == "dask" or not address else name, jobs, options)
    except (StudyError, ImportError):
        raise
    except Exception as error:  # an address or an option that the library does not understand
        first: BaseException = error
        while first.__cause__ is not None:  # the others say no more than that there was one
            first = first.__cause__
        raise StudyError(f"engine {name}: {describe_error(first)}") from None


def make_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """What a function of the user's makes: an engine, or an executor that is made anew if broken.

    Raises StudyError for a function that is not there, and where it makes something else.
    """
    module, _, function = import_user_module(name).rpartition(":")
    make = getattr(import_module(module), function, None)
    if not callable(make):
        raise StudyError(f"engine {name}: {module} has no function {function!r}")

    def remake() -> Any:
        return make(**options)

    made = remake()
    if isinstance(made, Engine):
        return made
    if not callable(getattr(made, "submit", None)):
        raise StudyError(f"engine {name}: expected it to make an executor, got {made!r}")
    return FuturesEngine(made, make=remake)
