"""What a study declares, field by field, and what follows from it alone."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from chainrule.recipes.component import Component, Named, normalize_component
from chainrule.recipes.fields import StrictModel
from chainrule.recipes.recipe import EarlyStop, Recipe, deep_merge
from chainrule.study.spec.sections import (
    Data,
    PartOf,
    Reported,
    Search,
    Selection,
    merge_datasets,
    spread_data,
)
from chainrule.study.spec.sections.arms import Arm, build_arms
from chainrule.study.spec.sections.drafts import DraftComponent, Overrides
from chainrule.study.spec.sections.rounds import Rounds, SequentialRounds
from chainrule.study.spec.sections.space import Space

__all__ = ["Declaration", "declare_part", "declare_quick_form"]


class Declaration(StrictModel):
    """The fields of a study; :class:`Study` says what they mean, and checks them together."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    summary: str = ""
    seed: int = 0
    rounds: Rounds = 10
    data: Annotated[Data, BeforeValidator(normalize_component)]
    datasets: dict[str, DraftComponent] = Field({})
    part_of: PartOf | None = None
    metrics: dict[str, Named] = Field({"accuracy": Component(name="Accuracy")})
    metric: str = ""
    direction: Literal["max", "min"] = "max"
    failure_value: float = Field(default=0.0, allow_inf_nan=False)
    baseline: str | None = None
    rope: float | None = Field(default=None, ge=0)
    device: str = "cpu"
    precision: Literal["float32", "float64", "bfloat16"] = "float32"
    compile: bool | Literal["auto"] = "auto"
    cohort_size: int | None = Field(default=None, ge=1)

    net: DraftComponent = Field({})
    loss: DraftComponent = Field({})
    optimizer: DraftComponent = Field({})
    schedule: DraftComponent | None = None
    init: DraftComponent | None = None
    augment: DraftComponent | None = None
    epochs: int = Field(default=25, ge=1)
    batch_size: int = Field(default=100, ge=1)
    drop_last: bool = False
    accumulate: int = Field(default=1, ge=1)
    evaluate_every: int = Field(default=1, ge=1)
    clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    clip_value: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    early_stopping: EarlyStop | None = None
    freeze: list[str] = Field([])
    ensemble_size: int = Field(default=1, ge=1, le=10_000)
    trainer: DraftComponent | None = None

    arms: dict[str, Overrides] = Field({})
    factors: dict[str, dict[str, Overrides]] = Field({})
    space: Space = Field({})
    search: Search = Search()
    selection: Selection = Selection()
    reported: dict[str, Reported] = Field({})
    keep: Literal["predictions"] | None = None
    timing: bool = False
    callbacks: list[Named] = Field([])
    quick: Overrides = Field({})
    sources: dict[str, str] = Field({})

    _merge_datasets = model_validator(mode="before")(merge_datasets)

    @property
    def metric_name(self) -> str:
        """The metric that selects and is tested."""
        return self.metric or next(iter(self.metrics), "loss")

    @property
    def sequential(self) -> SequentialRounds | None:
        """Until when there are rounds; None where their number is fixed."""
        return self.rounds if isinstance(self.rounds, SequentialRounds) else None

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many rounds the study is looked at; one number where that is fixed."""
        return self.rounds.plan if isinstance(self.rounds, SequentialRounds) else (self.rounds,)

    @property
    def max_rounds(self) -> int:
        """The most rounds that there will be."""
        return self.looks[-1]

    @cached_property
    def all_arms(self) -> list[Arm]:
        """Every arm with its recipe, in the declared order."""
        base = self.model_dump(include={*Recipe.model_fields}, exclude_none=True)
        return build_arms(base, self.arms, self.factors, self.space)

    @cached_property
    def searches_each_round(self) -> bool:
        """Whether each round has a search of its own: the default where arms are compared.

        And where rounds divide one data set, as a search before them would see their test samples.
        """
        if self.search.each_round is not None:
            return self.search.each_round
        return bool(self.space) and (len(self.all_arms) > 1 or self.data.divides_one_draw)

    def as_dict(self) -> dict[str, Any]:
        """What was declared as JSON data, without what is left at its default."""
        declared = self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return {k: v for k, v in declared.items() if k != "data" or not self.datasets}

    def to_toml(self) -> str:
        """The declaration as the text of a TOML file, which says when the search is made."""
        import tomli_w

        declared = self.as_dict()
        if self.space:
            declared["search"] = {**declared["search"], "each_round": self.searches_each_round}
        return tomli_w.dumps(declared)


def declare_quick_form(study: Declaration) -> dict[str, Any]:
    """What the small form of a study declares."""
    small = {"name": f"{study.name}-quick"} | spread_data(study.quick, study.datasets)
    plain = {k: v for k, v in study.as_dict().items() if k not in ("quick", "reported")}
    return deep_merge(plain, small)


def declare_part(study: Declaration, name: str) -> dict[str, Any]:
    """The declaration of a study over several data sets for one of them alone."""
    whole = study.as_dict()
    part = {k: v for k, v in whole.items() if k not in ("datasets", "quick")}
    return {**part, "name": f"{study.name}.{name}", "data": whole["datasets"][name]}
