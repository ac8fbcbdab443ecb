"""A study whose nets are trained in C++."""

from __future__ import annotations

from chainrule.study.round_data import study_dtype
from chainrule.study.spec.study import Study
from chainrule.train import build_kernel

__all__ = ["compile_trainer"]


def compile_trainer(study: Study) -> Study:
    """The study with ``compile`` for each arm that chainrule's own trainer trains.

    Raises BuildError, an OSError, where there is no compiler.
    """
    if (study.trainer or {}).get("name", "Trainer") != "Trainer":
        return study
    build_kernel(study_dtype(study))  # once, and not by each process
    return study.with_overrides(trainer={"name": "Trainer", "compile": True})
