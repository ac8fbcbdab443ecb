"""Curves as runs of MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from chainrule.train.loggers.base import Logger

__all__ = ["MLflowLogger"]


@final
class MLflowLogger(Logger):
    """Runs of the experiment ``experiment``, in the database ``mlflow.db`` of a folder.

    ``mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db`` shows them. ``folder`` may be the
    address of a server instead. Raises ImportError without ``chainrule[mlflow]``.
    """

    def __init__(
        self, folder: str | Path, gradient_norm: bool = False, experiment: str = "chainrule"
    ) -> None:
        super().__init__(folder, gradient_norm)
        self.experiment, self._runs = experiment, dict[str, str]()
        try:
            import mlflow  # noqa: F401 (said now, not after an epoch)
        except ImportError as error:
            raise ImportError("mlflow is missing: pip install 'chainrule[mlflow]'") from error
        self.uri = str(folder) if "://" in str(folder) else f"sqlite:///{self.place('')}/mlflow.db"

    def start_run(self, run: str, about: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        client = self._client()
        found = client.get_experiment_by_name(self.experiment)
        number = found.experiment_id if found else client.create_experiment(self.experiment)
        made = client.create_run(number, run_name=run or self.experiment)
        self._runs[run] = made.info.run_id
        params = [Param(name, str(value)) for name, value in about.items()]
        client.log_batch(self._runs[run], params=params)

    def log_values(self, run: str, epoch: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        if run not in self._runs:  # of a training that goes on
            self.start_run(run, {})
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, epoch) for name, value in values.items()]
        self._client().log_batch(self._runs[run], metrics=metrics)

    def _client(self) -> Any:
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=self.uri)
