"""Comparing networks: the declaration, the run, the result.

What only reads a study does without torch: that is imported with what trains one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule.recipes.component import Component
from chainrule.recipes.errors import StudyError
from chainrule.recipes.recipe import Recipe, Schedule
from chainrule.study.results.arm_result import ArmResult, Candidate
from chainrule.study.results.datasets_result import DatasetsResult, load_datasets_result
from chainrule.study.results.ensembles import EnsembleResult, EnsembleRound, select_ensembles
from chainrule.study.results.looks import Look
from chainrule.study.results.study_result import StudyResult, load_result
from chainrule.study.results.targets import (
    TargetTest,
    TimeToTarget,
    compare_with_target,
    time_to_target,
)
from chainrule.study.rules.base import Finding
from chainrule.study.rules.review import Review, review
from chainrule.study.shares.merge import MergedStudy, merge_stores
from chainrule.study.spec.sections import Data, Halving, Race, Reported, Search, Selection
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.rounds import SequentialRounds
from chainrule.study.spec.sections.space import Dimension
from chainrule.study.spec.study import Study
from chainrule.study.store import Store, StoreError, open_store
from chainrule.study.store.predictions import Predictions
from chainrule.study.store.record import TrainingRecord

if TYPE_CHECKING:
    from chainrule.study.execution.final_nets import retrain_nets
    from chainrule.study.execution.run_datasets import run_datasets
    from chainrule.study.execution.runner import run
    from chainrule.study.execution.scheduling.progress import Progress

__all__ = [
    "Arm",
    "ArmResult",
    "Candidate",
    "Component",
    "Data",
    "DatasetsResult",
    "Dimension",
    "EnsembleResult",
    "EnsembleRound",
    "Finding",
    "Halving",
    "Look",
    "MergedStudy",
    "Predictions",
    "Progress",
    "Race",
    "Recipe",
    "Reported",
    "Review",
    "Schedule",
    "Search",
    "Selection",
    "SequentialRounds",
    "Store",
    "StoreError",
    "Study",
    "StudyError",
    "StudyResult",
    "TargetTest",
    "TimeToTarget",
    "TrainingRecord",
    "compare_with_target",
    "load_datasets_result",
    "load_result",
    "merge_stores",
    "open_store",
    "retrain_nets",
    "review",
    "run",
    "run_datasets",
    "select_ensembles",
    "time_to_target",
]

_TRAINING = {
    "Progress": "chainrule.study.execution.scheduling.progress",
    "run": "chainrule.study.execution.runner",
    "run_datasets": "chainrule.study.execution.run_datasets",
    "retrain_nets": "chainrule.study.execution.final_nets",
}


def __getattr__(name: str) -> Any:
    if name not in _TRAINING:
        raise AttributeError(f"module 'chainrule.study' has no attribute {name!r}")
    return getattr(import_module(_TRAINING[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
