"""Comparing networks: the declaration, the run, the result."""

from chainrule.recipes.component import Component
from chainrule.recipes.errors import StudyError
from chainrule.recipes.recipe import Recipe, Schedule
from chainrule.study.execution.progress import Progress
from chainrule.study.execution.runner import run
from chainrule.study.results.arm_result import ArmResult, Candidate
from chainrule.study.results.study_result import StudyResult, load_result
from chainrule.study.spec.arms import Arm
from chainrule.study.spec.sections import Data, Halving, Reported, Search, Selection
from chainrule.study.spec.space import Dimension
from chainrule.study.spec.study import Study
from chainrule.study.store import Store, StoreError, open_store
from chainrule.study.store.record import TrainingRecord

__all__ = [
    "Arm",
    "ArmResult",
    "Candidate",
    "Component",
    "Data",
    "Dimension",
    "Halving",
    "Progress",
    "Recipe",
    "Reported",
    "Schedule",
    "Search",
    "Selection",
    "Store",
    "StoreError",
    "Study",
    "StudyError",
    "StudyResult",
    "TrainingRecord",
    "load_result",
    "open_store",
    "run",
]
