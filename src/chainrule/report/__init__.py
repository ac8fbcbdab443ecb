"""Figures and tables of results; it reads results and nothing else."""

from chainrule.report.figures import learning_curves, plane
from chainrule.report.tables import study_table

__all__ = ["learning_curves", "plane", "study_table"]
