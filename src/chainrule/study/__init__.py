"""Comparing networks: the declaration, the run, the result."""

from chainrule.study.arm_result import ArmResult, Candidate
from chainrule.study.arms import Arm
from chainrule.study.declaration import Study
from chainrule.study.engine import run
from chainrule.study.parts import Part, StudyError
from chainrule.study.progress import Progress
from chainrule.study.recipe import Recipe, Schedule
from chainrule.study.result import StudyResult, result_of
from chainrule.study.row import Row
from chainrule.study.sections import Data, Halving, Reported, Search, Selection
from chainrule.study.space import Dimension
from chainrule.study.store import Store, StoreError, open_store

__all__ = [
    "Arm",
    "ArmResult",
    "Candidate",
    "Data",
    "Dimension",
    "Halving",
    "Part",
    "Progress",
    "Recipe",
    "Reported",
    "Row",
    "Schedule",
    "Search",
    "Selection",
    "Store",
    "StoreError",
    "Study",
    "StudyError",
    "StudyResult",
    "open_store",
    "result_of",
    "run",
]
