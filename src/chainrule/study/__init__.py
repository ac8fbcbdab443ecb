"""Comparing networks: the declaration, the run, the result.

What only reads a study does without torch: that is imported with what trains one.
"""

from typing import TYPE_CHECKING

from chainrule._util.lazy_names import import_when_used

if TYPE_CHECKING:
    from chainrule.recipes.component import Component
    from chainrule.recipes.errors import StudyError
    from chainrule.recipes.recipe import Recipe, Schedule
    from chainrule.study.execution.final_nets import retrain_nets
    from chainrule.study.execution.run_datasets import run_datasets
    from chainrule.study.execution.runner import run
    from chainrule.study.execution.scheduling.progress import Progress
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
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            ".execution.final_nets": "retrain_nets",
            ".execution.run_datasets": "run_datasets",
            ".execution.runner": "run",
            ".execution.scheduling.progress": "Progress",
            ".results.arm_result": "ArmResult Candidate",
            ".results.datasets_result": "DatasetsResult load_datasets_result",
            ".results.ensembles": "EnsembleResult EnsembleRound select_ensembles",
            ".results.looks": "Look",
            ".results.study_result": "StudyResult load_result",
            ".results.targets": "TargetTest TimeToTarget compare_with_target time_to_target",
            ".rules.base": "Finding",
            ".rules.review": "Review review",
            ".shares.merge": "MergedStudy merge_stores",
            ".spec.sections": "Data Halving Race Reported Search Selection",
            ".spec.sections.arms": "Arm",
            ".spec.sections.rounds": "SequentialRounds",
            ".spec.sections.space": "Dimension",
            ".spec.study": "Study",
            ".store": "Store StoreError open_store",
            ".store.predictions": "Predictions",
            ".store.record": "TrainingRecord",
            "chainrule.recipes.component": "Component",
            "chainrule.recipes.errors": "StudyError",
            "chainrule.recipes.recipe": "Recipe Schedule",
        },
    )

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
