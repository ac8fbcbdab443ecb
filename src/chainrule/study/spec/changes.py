"""In what two declarations differ."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule._util.plain_data import flatten_dict
from chainrule.study.spec.study import Study

__all__ = ["describe_changes"]


def describe_changes(old: Study, new: Study) -> Iterator[str]:
    """``epochs: 25 → 5`` for each field that is not the same."""
    a, b = (
        flatten_dict(study.model_dump(mode="json"))
        | {"search.each_round": study.searches_each_round}
        for study in (old, new)
    )
    for path in a | b:
        if a.get(path) != b.get(path):
            yield f"{path}: {a.get(path)} → {b.get(path)}"
