"""Run a study over several data sets: a study of each, one after the other."""

from __future__ import annotations

from typing import Any

from chainrule.study.execution.runner import run
from chainrule.study.results.datasets_result import DatasetsResult
from chainrule.study.spec.datasets import split_datasets
from chainrule.study.spec.study import Study

__all__ = ["run_datasets"]


def run_datasets(study: Study, **options: Any) -> DatasetsResult:
    """Train what is missing of a study on each of its data sets, and return the results.

    ``options`` are those of :func:`run`. Each data set is a study of its own in the store, with the
    rows that it would have alone. Ctrl-C ends the run. Raises as :func:`run` and
    :func:`split_datasets`; what was trained before stays.
    """
    results, interrupted = {}, False
    for name, part in split_datasets(study).items():
        results[name] = run(part, **options)
        if interrupted := results[name].interrupted:
            break
    return DatasetsResult(study.name, results, [*study.datasets], interrupted)
