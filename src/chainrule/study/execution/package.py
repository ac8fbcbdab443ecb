"""What goes to a worker with each cohort, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.study.store.record import TrainingRecord

__all__ = ["JobResult", "StudyPackage"]


@dataclass(frozen=True)
class StudyPackage:
    """A study as workers get it: the same for all cohorts of a run.

    ``declared`` is the study as JSON text; ``run`` names the run, so that a worker may be asked to
    stop what it does for it.
    """

    declared: str
    run: str = ""


@dataclass(frozen=True)
class JobResult:
    """What a cohort gave: its rows, and where they are wanted its nets.

    ``nets``: the path in the folder of nets → the bytes of the file. Who wanted them writes them:
    workers need no disk that all of them see.
    """

    rows: Sequence[TrainingRecord]
    nets: Mapping[str, bytes] = field(default_factory=dict)
