"""Curves as runs of MLflow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

from chainrule.train.loggers.base import Logger

__all__ = ["MLflowLogger"]

BATCH = 1000
"""So many metrics MLflow takes at once, and so many runs it lists."""

STATUS = {"done": "FINISHED", "stopped": "KILLED"}
"""How a run ended, in MLflow's words; else FAILED."""


@final
class MLflowLogger(Logger):
    """Runs of the experiment ``experiment``, in the database ``mlflow.db`` of a folder.

    ``mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db`` shows them. ``folder`` may be the
    address of a server instead. A training adds a run, as MLflow has it; what ``chainrule log``
    wrote of a study before it replaces. Raises ImportError without ``chainrule[mlflow]``, OSError
    where a server does not answer, ValueError for an experiment that was deleted.
    """

    def __init__(
        self, folder: str | Path, gradient_norm: bool = False, experiment: str = "chainrule"
    ) -> None:
        super().__init__(folder, gradient_norm)
        self.experiment, self._runs = experiment, dict[str, str]()
        self._earlier: dict[str, list[str]] | None = None
        try:
            import mlflow  # noqa: F401 (said now, not after an epoch)
        except ImportError as error:
            raise ImportError("mlflow is missing: pip install 'chainrule[mlflow]'") from error
        self.uri = str(folder) if "://" in str(folder) else f"sqlite:///{self.place('')}/mlflow.db"

    def start_run(self, run: str, about: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        client = self._client()
        number = self._find_experiment(client)
        if "digest" in about:
            for earlier in self._find_runs(client, number, str(about["digest"])).pop(run, ()):
                client.delete_run(earlier)
        made = client.create_run(number, run_name=run or self.experiment)
        self._runs[run] = made.info.run_id
        params = [Param(name, str(value)) for name, value in about.items()]
        client.log_batch(self._runs[run], params=params)

    def log_values(self, run: str, epoch: int, values: Mapping[str, float]) -> None:
        self.log_epochs(run, [(epoch, values)])

    def log_epochs(self, run: str, epochs: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        from mlflow.entities import Metric

        if run not in self._runs:  # of a training that goes on
            self.start_run(run, {})
        now = int(time.time() * 1000)
        metrics = [
            Metric(name, value, now, epoch)
            for epoch, values in epochs
            for name, value in values.items()
        ]
        for i in range(0, len(metrics), BATCH):
            self._client().log_batch(self._runs[run], metrics=metrics[i : i + BATCH])

    def end_run(self, run: str, status: str) -> None:
        if run in self._runs:
            self._client().set_terminated(self._runs[run], STATUS.get(status, "FAILED"))

    def _client(self) -> Any:
        from mlflow.tracking import MlflowClient

        if self.uri.startswith("sqlite:"):
            make_database(Path(self.uri.removeprefix("sqlite:///")))
        return MlflowClient(tracking_uri=self.uri)

    def _find_experiment(self, client: Any) -> str:
        """The number of the experiment, which another process may be making at the same time."""
        try:
            found = client.get_experiment_by_name(self.experiment)
        except Exception as error:  # of MLflow's own kinds, and of those below it
            problem = " ".join(str(error).split())[:200]
            raise OSError(f"{self.uri}: MLflow does not answer: {problem}") from error
        if found is None:
            try:
                return str(client.create_experiment(self.experiment))
            except Exception:
                found = client.get_experiment_by_name(self.experiment)
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise ValueError(
                f"MLflow's experiment {self.experiment!r} was deleted: mlflow experiments restore "
                f"-x {found.experiment_id}, or take another experiment or folder"
            )
        return str(found.experiment_id)

    def _find_runs(self, client: Any, number: str, digest: str) -> dict[str, list[str]]:
        """Name → ids of the runs that were logged of a study, as they were at first."""
        if self._earlier is None:
            self._earlier = {}
            token = None
            while token != "":
                found = client.search_runs(
                    [number], f"params.digest = '{digest}'", max_results=BATCH, page_token=token
                )
                for each in found:
                    self._earlier.setdefault(each.info.run_name, []).append(each.info.run_id)
                token = found.token or ""
        return self._earlier


def make_database(path: Path) -> None:
    """Make MLflow's database where there is none.

    It makes its tables one by one, and two processes that do so in one file disturb each other: so
    it is made elsewhere, and who is second keeps that of the first.
    """
    from mlflow.tracking import MlflowClient

    if path.exists():
        return
    with TemporaryDirectory(dir=path.parent, prefix=".mlflow.") as spare:
        made = Path(spare) / path.name
        MlflowClient(tracking_uri=f"sqlite:///{made}").search_experiments(max_results=1)
        with suppress(FileExistsError):
            os.link(made, path)
