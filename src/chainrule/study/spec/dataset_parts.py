"""A study over several data sets as a study of each, as it is declared: no samples are made."""

from __future__ import annotations

from chainrule.study.spec.declaration import declare_part
from chainrule.study.spec.study import Study, validate_study

__all__ = ["declare_datasets"]


def declare_datasets(study: Study, digest: str = "") -> dict[str, Study]:
    """Data set → the study over it alone, with the same seeds, so of the same rows.

    ``digest`` is the whole study's, where it is known. Nets have the sizes that are declared.
    """
    whole = {"study": study.name, "digest": digest, "datasets": [*study.datasets]}
    return {
        name: validate_study(
            {**declare_part(study, name), "part_of": {**whole, "dataset": name}},
            f"study {study.name}, data set {name}",
        )
        for name in study.datasets
    }
