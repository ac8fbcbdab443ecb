"""The built-in studies, and the parts of one over several data sets."""

from __future__ import annotations

from chainrule.study import Study
from chainrule.study.spec.datasets import split_datasets


def parts(study: Study) -> list[Study]:
    """The study over each of its data sets; where it has one, itself."""
    return [*split_datasets(study).values()] or [study]
