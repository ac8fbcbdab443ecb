"""A study that tells numbers, made to tell classes, for a table whose target is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.recipes.errors import StudyError
from chainrule.study.spec.study import Study, validate_study

__all__ = ["check_tells_numbers", "tell_classes"]

OF_NUMBERS = {"GaussianNLLLoss", "HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss"}
OF_CLASSES = {"BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss"}
"""Losses by what the target is."""

ERRORS = {"Coverage", "MeanAbsoluteError", "RootMeanSquaredError"}
"""Metrics of a number."""


def check_tells_numbers(study: Study, target: str) -> None:
    """Raise StudyError where the study's loss is one of classes."""
    if (loss := study.loss.get("name")) in OF_CLASSES:
        raise StudyError(
            f"study {study.name}: {loss} is a loss of classes, but {target} is taken for a number; "
            "else: --task classification; for numbers, a study with the loss MSELoss"
        )


def tell_classes(study: Study) -> tuple[Study, list[str]]:
    """(the study with a loss and metrics of classes, what was changed); one that has them stays.

    Arms with a loss of numbers of their own are left out, and what was reported is. Splits are
    stratified unless the study says otherwise. Raises StudyError where no arm is left, or a factor
    chooses losses of numbers.
    """
    declared = study.as_dict()
    declared.setdefault("selection", {}).setdefault("stratify", True)
    if study.loss.get("name") not in OF_NUMBERS:
        return validate_study(declared, f"study {study.name}"), []
    if any(names_loss(level) for levels in study.factors.values() for level in levels.values()):
        raise StudyError(
            f"study {study.name}: a factor has losses of numbers, but the target is a class; "
            "else: --task regression"
        )
    arms = {name: arm for name, arm in declared.get("arms", {}).items() if not names_loss(arm)}
    left_out = [name for name in declared.get("arms", {}) if name not in arms]
    if left_out and not arms:
        problem = "all its arms tell numbers, but the target is a class"
        raise StudyError(f"study {study.name}: {problem}")
    metrics = {k: m for k, m in declared.get("metrics", {}).items() if m["name"] not in ERRORS}
    for field in ("metric", "direction", "failure_value", "reported", "rope", "metrics"):
        declared.pop(field, None)
    if declared.get("baseline") in left_out:
        del declared["baseline"]
    declared |= {"loss": {"name": "CrossEntropyLoss"}, "data": {**declared["data"]}}
    declared |= {"arms": arms} if arms else {}
    declared |= {"metrics": metrics} if metrics else {}
    declared["data"].pop("standardize_target", None)
    if "arms" in declared.get("quick", {}):
        quick = {name: arm for name, arm in declared["quick"]["arms"].items() if name in arms}
        declared["quick"] = {**declared["quick"], "arms": quick}
    changed = f"the loss is CrossEntropyLoss, the metric {next(iter(metrics), 'accuracy')}"
    without = f"; left out, for they tell numbers: {', '.join(left_out)}" if left_out else ""
    return validate_study(declared, f"study {study.name}"), [f"{changed}{without}"]


def names_loss(overrides: Mapping[str, Any]) -> bool:
    """Whether an arm or a level has a loss of numbers."""
    loss = overrides.get("loss", {})
    return (loss.get("name") if isinstance(loss, Mapping) else loss) in OF_NUMBERS
