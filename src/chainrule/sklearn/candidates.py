"""The candidates of a search on one fold: earlier steps of a pipeline once, then all nets."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from chainrule.sklearn.cohort import CohortFit, make_cohorts
from chainrule.sklearn.estimator import NetEstimator
from chainrule.sklearn.settings import value_key
from sklearn import get_config

__all__ = ["FoldCandidate", "Setting", "check_searchable", "prepare_candidates"]

Setting = Mapping[str, Any]


@dataclass
class FoldCandidate:
    """One setting on one fold.

    ``estimator``: what is scored; ``net``: its last step, or itself; ``head``: the steps before,
    which candidates share, and are fitted; ``cohort``: the fit of its net, and others, None where
    the head's has failed with ``head_problem``.
    """

    estimator: BaseEstimator
    net: NetEstimator
    head: Pipeline | None = None
    head_problem: Exception | None = None
    cohort: CohortFit | None = None

    @property
    def problem(self) -> Exception | None:
        """What was wrong, if anything, when the cohort is fitted."""
        return self.head_problem if self.cohort is None else self.cohort.problems[id(self.net)]


def check_searchable(estimator: Any) -> NetEstimator:
    """Its net. Raises TypeError for other than one of ours, or a pipeline that ends in one."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, NetEstimator):
        raise TypeError(
            "expected an estimator of chainrule.sklearn, or a Pipeline that ends in one, got "
            f"{type(last).__name__}; sklearn.model_selection.GridSearchCV takes any"
        )
    return last


def prepare_candidates(
    estimator: Any, settings: Sequence[Setting], X: Any, y: Any, params: Mapping[str, Any]
) -> list[FoldCandidate]:
    """Each candidate, in their order, fitted but for its net; ``params`` are those of ``fit``.

    Raises TypeError for a candidate whose net is no estimator of ours.
    """
    if isinstance(estimator, Pipeline):
        return prepare_pipelines(estimator, settings, X, y, params)
    nets = [set_cloned(clone(estimator), setting) for setting in settings]
    candidates = [FoldCandidate(net, net) for net in nets]
    give_cohorts(candidates, X, y, params)
    return candidates


def give_cohorts(
    candidates: Sequence[FoldCandidate], X: Any, y: Any, params: Mapping[str, Any]
) -> None:
    """Let each candidate know the cohort in which its net is to be fitted on these samples."""
    cohorts = make_cohorts([each.net for each in candidates], X, y, params)
    by_net = {id(net): cohort for cohort in cohorts for net in cohort.members}
    for each in candidates:
        each.cohort = by_net[id(each.net)]


def set_cloned(estimator: Any, setting: Setting) -> Any:
    """The estimator with copies of these values."""
    return estimator.set_params(**clone(dict(setting), safe=False)) if setting else estimator


def prepare_pipelines(
    pipeline: Pipeline, settings: Sequence[Setting], X: Any, y: Any, params: Mapping[str, Any]
) -> list[FoldCandidate]:
    """Those that prepare X alike share the fitted steps."""
    net = pipeline.steps[-1][0]
    groups: dict[object, list[int]] = {}
    for i, setting in enumerate(settings):
        groups.setdefault(head_key(setting, net), []).append(i)
    found: dict[int, FoldCandidate] = {}
    for indices in groups.values():
        made = make_pipelines(pipeline, [settings[i] for i in indices])
        fit_head(made, X, y, params)
        found |= zip(indices, made, strict=True)
    return [found[i] for i in range(len(settings))]


def head_key(setting: Setting, net: str) -> object:
    """The same for settings that differ in those of the last step, called ``net``, alone."""
    return tuple(
        (name, value_key(value))
        for name, value in sorted(setting.items())
        if not name.startswith(f"{net}__")
    )


def make_pipelines(pipeline: Pipeline, settings: Sequence[Setting]) -> list[FoldCandidate]:
    """A pipeline a setting; they differ in their nets' settings, and share the other steps."""
    name = pipeline.steps[-1][0]
    own = [{k: v for k, v in s.items() if k.startswith(f"{name}__")} for s in settings]
    shared = {k: v for k, v in settings[0].items() if k not in own[0]}
    whole = set_cloned(clone(pipeline), shared)
    name, net = whole.steps[-1][0], check_searchable(whole)
    made = []
    for setting in own:
        each = set_cloned(clone(net), {k.partition("__")[2]: v for k, v in setting.items()})
        candidate = copy.copy(whole)
        candidate.steps = [*whole.steps[:-1], (name, each)]
        made.append(FoldCandidate(candidate, each))
    return made


def fit_head(
    candidates: Sequence[FoldCandidate], X: Any, y: Any, params: Mapping[str, Any]
) -> None:
    """Fit the steps that these have in common, and let their nets know the samples behind them."""
    pipeline: Any = candidates[0].estimator
    head = pipeline[:-1]
    try:
        head_params, net_params = split_fit_params(pipeline, params)
        inputs = head.fit_transform(X, y, **head_params) if head.steps else X
    except Exception as error:  # as of a fit: a row of the results says it
        for each in candidates:
            each.head_problem = error
    else:
        give_cohorts(candidates, inputs, y, net_params)
    for each in candidates:
        each.head = head if head.steps else None
        each.estimator.steps[:-1] = head.steps


def split_fit_params(
    pipeline: Pipeline, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(those of the earlier steps as their ``fit_transform`` takes them, those of the net)."""
    net = pipeline.steps[-1][0]
    routed = pipeline._check_method_params(method="fit", props=dict(params))
    if get_config()["enable_metadata_routing"]:
        taken = get_routing_for_object(pipeline[:-1]).consumes("fit_transform", params.keys())
    else:
        taken = [name for name in params if not name.startswith(f"{net}__")]
    return {name: params[name] for name in taken}, dict(routed[net]["fit"])
