"""Ray: a cluster that is there, or one of this machine's own."""

from __future__ import annotations

import logging
import socket
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, TypeVar, final
from urllib.parse import urlsplit

from chainrule.recipes.errors import StudyError
from chainrule.study.execution.executors.base import Engine

__all__ = ["RayEngine"]

T = TypeVar("T")

CLIENT_PORT = 10001
"""Where a head listens for drivers unless it is told otherwise: Ray's own number."""

TRIES = 2
"""How often a head is asked that listens, which may be busy: Ray gives each up after 30 s."""

UNANSWERED = (
    "who listens there does not answer as Ray's head does: is it the port of its clients, and does "
    "it want a token that is not here (ray get-auth-token)?"
)

SECONDS_TO_CONNECT = 10
SECONDS_BETWEEN_COUNTS = 1.0


@final
class RayEngine(Engine):
    """The CPUs of a Ray cluster, a cohort for each.

    ``address``: as ``ray.init`` takes it, HOST:PORT or ray://HOST:PORT; "" begins a cluster of
    ``jobs`` CPUs here. ``options`` are those of ``ray.init``. Raises StudyError where no cluster
    answers, ImportError where Ray is not installed.
    """

    is_remote = True

    def __init__(self, address: str, jobs: int, options: Mapping[str, Any]) -> None:
        self._ray: Any = import_module("ray")
        errors = self._ray.exceptions
        self.lost = (
            CancelledError,
            ConnectionError,
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.LocalRayletDiedError,
            errors.ObjectLostError,
            errors.OutOfMemoryError,
            errors.TaskCancelledError,
        )
        self.address = address.removeprefix("ray://") or "of this machine"
        self._is_client = address.startswith("ray://")
        begun: dict[str, Any] = (
            {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
        )
        show_own_token()
        quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        try:
            self._connect({**begun, **quiet, **options})
        except (OSError, RuntimeError) as error:
            what = f"answers at {self.address}" if address else "could be begun on this machine"
            raise StudyError(f"no Ray cluster {what}\n  {error}") from None
        self._refs: dict[Future[Any], Any] = {}
        self._remote = cache(self._ray.remote)  # a function goes there once
        self._counted, self._workers = -SECONDS_BETWEEN_COUNTS, 0

    def _connect(self, options: Mapping[str, Any]) -> None:
        """Begin a cluster, or find one. A head that is busy, but listens, is asked again."""
        with warnings.catch_warnings(action="ignore"):
            if not self._is_client:
                self._ray.init(**options)
                return
            for _ in range(TRIES):
                self._knock()  # else Ray tries for half a minute
                with suppress(ConnectionError):
                    self._ray.init(**options)
                    return
        raise ConnectionError(UNANSWERED)

    def _knock(self) -> None:
        """Raise OSError where nobody listens at the address."""
        place = urlsplit(f"//{self.address}")
        at = place.hostname or "", place.port or CLIENT_PORT
        socket.create_connection(at, SECONDS_TO_CONNECT).close()

    def check(self) -> None:
        try:
            if self._is_client:
                self._knock()
        except OSError:
            raise StudyError(self._describe_loss()) from None

    def _describe_loss(self) -> str:
        return (
            f"the Ray cluster {self.address} is gone, or the network to it; what is done is kept: "
            "when it is there again, give the same command"
        )

    @property
    def max_workers(self) -> int:
        """The CPUs of all machines that there are now."""
        if time.monotonic() - self._counted > SECONDS_BETWEEN_COUNTS:
            with suppress(ConnectionError):  # the cluster is gone: a lost job will tell
                self._workers = int(self._ray.cluster_resources().get("CPU", 0))
            self._counted = time.monotonic()
        return self._workers

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        try:
            return self._begin(f, *args, num_cpus=1)
        except ConnectionError:  # also where another head listens at the address by now
            raise StudyError(self._describe_loss()) from None

    def deliver(self, f: Callable[[T], None], content: T, place: str) -> Future[None]:
        strategies: Any = import_module("ray.util.scheduling_strategies")
        host = place.partition(":")[0]
        for node in self._ray.nodes():
            if node["Alive"] and node["NodeManagerHostname"] == host:
                there = strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=True)
                return self._begin(f, content, num_cpus=0, scheduling_strategy=there)
        return self.submit(f, content)

    def _begin(self, f: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Begin f(*args); ``options``: those of a task of Ray's."""
        with warnings.catch_warnings(action="ignore"):  # that so many cohorts are many bytes
            ref = self._remote(f).options(max_retries=0, **options).remote(*args)
        future: Future[T] = Future()
        self._refs[future] = ref
        future.set_running_or_notify_cancel()

        def take(done: Future[T]) -> None:
            self._refs.pop(future, None)
            if (error := done.exception()) is None:
                future.set_result(done.result())
            else:  # what f raised, without what Ray says about it
                future.set_exception(getattr(error, "cause", None) or error)

        ref.future().add_done_callback(take)
        return future

    def stop(self, run: str) -> None:
        """Drop what waits, and interrupt what runs: all of it is of this run."""
        for ref in [*self._refs.values()]:
            with suppress(Exception):
                self._ray.cancel(ref, force=False)

    def close(self) -> None:
        with suppress(Exception):
            self._ray.shutdown()


def show_own_token() -> None:
    """Let Ray's client show a head the token that this user has: all else of Ray's does.

    A cluster that Ray began by itself leaves a token behind, and heads want it from then on.
    """
    with suppress(ImportError, AttributeError):  # older ones know no tokens
        tokens: Any = import_module("ray._private.authentication.authentication_token_setup")
        logging.getLogger(tokens.__name__).setLevel(logging.CRITICAL)
        tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
