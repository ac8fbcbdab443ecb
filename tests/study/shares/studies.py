"""Studies that are trained by shares, and an executor that makes their rows from names alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule import seeds
from chainrule.study import Study, StudyResult, load_result, open_store, run
from chainrule.study.execution.cohorts import CohortJob
from chainrule.study.store.record import TrainingRecord
from tests.study.scored import ScoringExecutor
from tests.study.small import lasting


class NamingExecutor(ScoringExecutor):
    """Each training has a score that follows from its name."""

    def __init__(self) -> None:
        super().__init__(lambda arm, r: 0.0)

    def _row(self, job: CohortJob, training: Any) -> TrainingRecord:
        made = super()._row(job, training)
        score = seeds.derive(7, *map(str, made.key)) / 2**63
        return replace(made, metrics={"accuracy": score})


def run_share(study: Study, store: Path, share: str, **options: Any) -> StudyResult:
    """A share whose rows nobody trains."""
    return run(
        study, store=store, share=share, executor=NamingExecutor(), mix_backends=True, **options
    )


def load(store: Path) -> StudyResult:
    """The one study of a store."""
    with open_store(store, read_only=True) as opened:
        [record] = opened.studies()
        return load_result(opened, record.id)


def rows_of(result: StudyResult) -> list[TrainingRecord]:
    """Its rows, without in how large a cohort each was."""
    return [replace(row, cohort_size=0) for row in lasting(result.rows)]
