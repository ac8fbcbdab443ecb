"""Comparing networks: the declaration, the run, the result."""

from chainrule.study.declaration import Arm, Reported, Study, StudyError
from chainrule.study.result import ArmResult, StudyResult
from chainrule.study.run import run

__all__ = ["Arm", "ArmResult", "Reported", "Study", "StudyError", "StudyResult", "run"]
