"""Dask: a cluster that is there, or one of this machine's own."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar, final

from chainrule.recipes.errors import StudyError
from chainrule.study.execution.executors.base import Engine
from chainrule.study.execution.workers.stop_requests import request_stop
from chainrule.study.execution.workers.travel import name_place

__all__ = ["DaskEngine"]

T = TypeVar("T")

UNANSWERED = (
    "who listens there does not answer as a scheduler does: is it the port of its dashboard?"
)

SECONDS_TO_CONNECT = 10
SECONDS_TO_STOP = 3.0
SECONDS_BETWEEN_COUNTS = 1.0


@final
class DaskEngine(Engine):
    """The workers of a Dask scheduler, a cohort for each of their threads.

    ``address``: HOST:PORT, or the path of the scheduler's file (``….json``); "" begins ``jobs``
    workers here. ``options`` are those of ``distributed.Client``, or of ``LocalCluster``. Raises
    StudyError where no scheduler answers, ImportError where Dask is not installed.
    """

    is_remote = True

    def __init__(self, address: str, jobs: int, options: Mapping[str, Any]) -> None:
        distributed: Any = import_module("distributed")

        self.lost = (CancelledError, distributed.KilledWorker)
        self.given_up = (distributed.KilledWorker,)  # Dask has given it to several workers by then
        for name in ("distributed", "distributed.client", "tornado.application"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # a run says it in its own words
        self._cluster: Any = None
        given: dict[str, Any] = {"timeout": SECONDS_TO_CONNECT}
        if not address:
            local: dict[str, Any] = {
                "n_workers": jobs,
                "threads_per_worker": 1,
                "dashboard_address": "127.0.0.1:0",
            }
            local |= {"silence_logs": logging.CRITICAL, **options}
            self._cluster = distributed.LocalCluster(**local)
            given["address"] = self._cluster
        else:
            given |= {"address": address, **options}
        try:
            if address.endswith(".json"):
                given["address"] = read_scheduler_file(Path(address), SECONDS_TO_CONNECT)
            self._client: Any = connect(distributed.Client, given)
        except OSError as error:
            raise StudyError(f"no Dask scheduler answers at {address}\n  {error}") from None
        self._executor: Any = self._client.get_executor(pure=False, retries=0)
        self.address = address or "of this machine"
        self._counted, self._workers = -SECONDS_BETWEEN_COUNTS, 0

    @property
    def max_workers(self) -> int:
        """The threads of all workers that there are now."""
        if time.monotonic() - self._counted > SECONDS_BETWEEN_COUNTS:
            with suppress(OSError, TimeoutError):  # the scheduler is gone: a lost job will tell
                self._workers = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        return self._workers

    def submit(self, f: Callable[..., T], /, *args: Any) -> Future[T]:
        self.check()
        with warnings.catch_warnings():  # a data file goes along, where a worker asked for it
            warnings.filterwarnings("ignore", "Sending large graph")
            future: Future[T] = self._executor.submit(f, *args)
        return future

    def deliver(self, f: Callable[[T], None], content: T, place: str) -> Future[None]:
        future: Future[None] = Future()
        try:
            places = self._client.run(name_place, on_error="ignore")
            first = next(address for address, name in places.items() if name == place)
            future.set_result(self._client.run(f, content, workers=[first])[first])
        except Exception as error:  # a worker that is gone, most likely: who lacks it asks again
            future.set_exception(error)
        return future

    def check(self) -> None:
        if self._client.status != "running":
            raise StudyError(
                f"the Dask scheduler {self.address} is gone, or the network to it; what is done is "
                "kept: when it is there again, give the same command"
            )

    def stop(self, run: str) -> None:
        """Drop what waits, and ask the workers to end what they do for this run, and no other."""
        asking = Thread(target=self._ask_to_stop, args=(run,), daemon=True)
        asking.start()
        asking.join(SECONDS_TO_STOP)

    def _ask_to_stop(self, run: str) -> None:
        with suppress(Exception):  # the scheduler, or a worker, may be what is gone
            self._executor.shutdown(wait=False)
            self._client.run(request_stop, run, on_error="ignore")

    def close(self) -> None:
        with suppress(Exception):
            self._client.close(SECONDS_TO_STOP)
        if self._cluster is not None:
            with suppress(Exception):
                self._cluster.close(SECONDS_TO_STOP)


def connect(client: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """A client of these options. Raises OSError also where who listens there answers nothing.

    A client whose address is of another service, such as the scheduler's dashboard, waits for ever.
    """
    seconds: float = import_module("dask.utils").parse_timedelta(given["timeout"])
    found: Future[Any] = Future()

    def begin() -> None:
        try:
            found.set_result(client(**given, set_as_default=False))
        except BaseException as error:
            found.set_exception(error)

    Thread(target=begin, daemon=True).start()
    try:
        return found.result(seconds + SECONDS_TO_CONNECT)
    except TimeoutError as error:
        raise OSError(f"{error}" or UNANSWERED) from None


def read_scheduler_file(path: Path, seconds: float) -> str:
    """The address that a scheduler has written, or is about to. Raises OSError if none has."""
    end = time.monotonic() + seconds
    while True:
        with suppress(OSError, ValueError, KeyError, TypeError):  # it may be half written
            return str(json.loads(path.read_text(encoding="utf-8"))["address"])
        if time.monotonic() > end:
            raise OSError(f"it has not written {path}: dask scheduler --scheduler-file {path} does")
        time.sleep(0.05)
