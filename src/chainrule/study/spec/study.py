"""What a study is: data x arms x search x rounds, as a TOML file or in Python."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from chainrule._util.display import html_table
from chainrule._util.plain_data import flatten_dict
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.component import Component, Named, normalize_component, tuples_to_lists
from chainrule.recipes.errors import StudyError
from chainrule.recipes.fields import StrictModel, find_unknown
from chainrule.recipes.importing import add_import_path
from chainrule.recipes.problems import (
    NAMED_PART,
    Place,
    check_plain,
    format_errors,
    list_problems,
    raise_problems,
)
from chainrule.recipes.recipe import EarlyStop, Recipe, deep_merge
from chainrule.study.spec.arms import Arm, build_arms
from chainrule.study.spec.rounds import Rounds, SequentialRounds
from chainrule.study.spec.sections import (
    Data,
    Halving,
    PartOf,
    Race,
    Reported,
    Search,
    Selection,
    merge_datasets,
    spread_data,
)
from chainrule.study.spec.space import Space, grid
from chainrule.study.spec.toml_lines import find_line, find_lines, guess_place

__all__ = ["Study", "digest_declaration", "semantic_content"]


def normalize_draft(given: Any) -> Any:
    """A component as a table. Raises, in a validator, for what no file could hold."""
    part = normalize_component(given)
    if not isinstance(part, Mapping):
        raise ValueError(f"expected {NAMED_PART}, got {given!r}")
    check_plain(part)
    return part


DraftComponent = Annotated[dict[str, Any], BeforeValidator(normalize_draft)]
"""A component that is complete only when an arm has added to it."""


def normalize_overrides(given: Any) -> Any:
    """Overrides with their parts as tables. Raises, in a validator, for what no file could hold."""
    if not isinstance(given, Mapping):
        return given
    parts = {"data", "net", "loss", "optimizer", "schedule", "init", "augment", "trainer"}
    full = {
        k: normalize_component(value) if k in parts else tuples_to_lists(value)
        for k, value in given.items()
    }
    check_plain(full)
    return full


Overrides = Annotated[dict[str, Any], BeforeValidator(normalize_overrides)]
"""What an arm, a level of a factor or the quick form says differently."""


class Study(StrictModel):
    """A declared comparison.

    The recipe that all arms start from stands at the top level: its fields are those of
    :class:`Recipe`. The arms are written out in ``arms``, or are the product of the levels of
    ``factors``; each says what is different. ``space`` maps paths such as ``optimizer.lr`` to
    values; a path that an arm sets itself is not searched in that arm.

    ``metric`` names the one that selects and is tested, by default the first of ``metrics``;
    ``direction`` says which way is better, ``failure_value`` what a diverged training counts as.
    ``rounds``: a number, or a table that says until when, see :class:`SequentialRounds`.
    ``rope``: a difference that does not matter, in the metric's unit. ``precision``: bfloat16 is
    float32, but for the products of convolutions. ``compile`` is the Trainer's of all arms that
    chainrule's own trains: it is no part of what the study is, and rows tell which way they were
    computed. ``cohort_size``: trainings a cohort, by default what fits a cache.
    ``keep="predictions"``: what each net says of each sample that it is judged on is kept beside
    its row. ``timing``: each arm is trained once more alone, for its time. ``callbacks``: what
    looks on, such as a logger; no part of what the study is. ``datasets``: several, each with what
    it says differently from ``data``, see :func:`split_datasets`. In ``sources`` and ``part_of`` a
    run writes the SHA-256 of your modules, and of what study this is a part.

    Raises StudyError, with a line a problem, which names the field and what would be right.
    """

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

    @field_validator("arms", "factors", "quick")
    @classmethod
    def _check_names(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        raise_problems(find_unknown_names(given, str(info.field_name), cls))
        return given

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        check_metric(self)
        check_named_arms(self)
        check_search(self)
        check_datasets(self)
        check_quick_form(self)
        return self

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

    def select(self, pattern: str = "*") -> list[Arm]:
        """The arms whose names match a glob pattern such as ``mlp*``.

        Raises StudyError, which lists the names, where none does.
        """
        found = [arm for arm in self.all_arms if fnmatchcase(arm.name, pattern)]
        if not found:
            names = [arm.name for arm in self.all_arms]
            known = f"{did_you_mean(pattern, names)}arms: {', '.join(names)}"
            raise StudyError(f"study {self.name}: no arm matches {pattern!r}; {known}")
        return found

    def with_overrides(self, **changes: Any) -> Study:
        """The study with other values in some fields; None leaves one as it is."""
        given = spread_data({k: v for k, v in changes.items() if v is not None}, self.datasets)
        return validate_study(deep_merge(self.as_dict(), given), f"study {self.name}")

    def quick_form(self) -> Study:
        """The small form that the study declares in ``quick``, under a name of its own.

        What others reported is left out: it is not the same study. Raises StudyError where there
        is none.
        """
        if not self.quick:
            raise StudyError(f"study {self.name} declares no quick form ([quick] in its file)")
        return validate_study(merge_quick_form(self), f"study {self.name}, quick form")

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

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        """What was declared, for its repr; pydantic shows the defaults too."""
        return self.as_dict().items()

    def _repr_html_(self) -> str:
        rows = [(path, str(value)) for path, value in flatten_dict(self.as_dict()).items()]
        return html_table(("", "declared"), rows, f"study {self.name}, {len(self.all_arms)} arms")

    @property
    def digest(self) -> str:
        """A fingerprint of all that decides a number in the result.

        In what order things are written down counts for factors, which name the arms, and for the
        space, which numbers the candidates.
        """
        content = semantic_content(self)
        content |= {"metric": self.metric_name, "order": [[*self.factors], [*self.space]]}
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @classmethod
    def from_toml(cls, text: str, source: str = "study") -> Study:
        """The study that a TOML text declares. Raises StudyError with a line a problem."""
        return validate_study(parse_toml(text, source), source, text=text)

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """The study in a TOML file; a CSV file that it names may stand beside it.

        Raises OSError or StudyError, naming the file.
        """
        declared, text = read_study_file(Path(path))
        return validate_study(declared, str(path), text=text)


def read_study_file(path: Path) -> tuple[dict[str, Any], str]:
    """What a TOML file declares, with the files that it names beside it, and its text."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not a text in UTF-8, save it as one: {error}") from None
    if ".py:" in text:  # a file of the user's
        add_import_path(path.resolve().parent)
    return find_csv_beside(parse_toml(text, str(path)), path.parent), text


def find_unknown_names(
    given: dict[str, Any], field: str, model: type[Study]
) -> Iterator[tuple[Place, str]]:
    """What arms, factors or the quick form name that there is not."""
    depth = {"arms": 1, "factors": 2, "quick": 0}[field]
    yield from find_unknown(given, Recipe if depth else model, depth)
    if field == "quick":
        for inner, levels in (("arms", 1), ("factors", 2)):
            yield from find_unknown(given.get(inner) or {}, Recipe, levels, (inner,))


def merge_quick_form(study: Study) -> dict[str, Any]:
    """What the small form of a study declares."""
    small = {"name": f"{study.name}-quick"} | spread_data(study.quick, study.datasets)
    plain = {k: v for k, v in study.as_dict().items() if k not in ("quick", "reported")}
    return deep_merge(plain, small)


def check_quick_form(study: Study) -> None:
    """Raise, in a validator, what is wrong in the small form that the study declares."""
    for field in ("arms", "factors", "datasets"):
        there: dict[str, Any] = getattr(study, field)
        for name in study.quick.get(field, {}):
            if name not in there:
                hint = did_you_mean(name, there)
                listed = ", ".join(there) or "none"
                problem = f"not one of the study; {hint}{field}: {listed}"
                raise_problems([(("quick", field, name), problem)])
    if study.quick:
        try:
            Study.model_validate(merge_quick_form(study))
        except ValidationError as error:
            raise_problems((("quick", *place), text) for place, text in list_problems(error))


def check_datasets(study: Study) -> None:
    """Raise, in a validator, what is wrong in the study of one of its data sets."""
    for name in study.datasets:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            problem = "expected a letter, then letters, digits, hyphens and underscores"
            raise_problems([(("datasets", name), problem)])
        try:
            Study.model_validate(declare_part(study, name))
        except ValidationError as error:
            raise_problems(
                (("datasets", name, *place[place[:1] == ("data",) :]), text)
                for place, text in list_problems(error)
            )
    if study.datasets and study.sequential is not None:
        raise ValueError(
            "rounds: until decided goes with one data set, for several are not tested after each "
            "look; expected a number"
        )
    if study.datasets and study.reported:
        raise ValueError("reported: one number an arm goes with one data set")


def declare_part(study: Study, name: str) -> dict[str, Any]:
    """The declaration of a study over several data sets for one of them alone."""
    whole = study.as_dict()
    part = {k: v for k, v in whole.items() if k not in ("datasets", "quick")}
    return {**part, "name": f"{study.name}.{name}", "data": whole["datasets"][name]}


def check_metric(study: Study) -> None:
    """Raise ValueError where the metric, its direction and its failure value do not agree."""
    if study.metric_name not in {*study.metrics, "loss"}:
        known = [*study.metrics, "loss"]
        hint = did_you_mean(study.metric, known)
        raise ValueError(f"metric: {hint}expected one of {known}, got {study.metric!r}")
    if study.metric_name == "loss" and study.direction == "max":
        raise ValueError("direction: a loss is better when it is smaller; expected 'min'")
    if study.direction == "min" and study.failure_value == 0:
        raise ValueError(
            "failure_value: with direction 'min', 0 would be the best; expected a large value, "
            "which a training that diverged counts as"
        )


def check_named_arms(study: Study) -> None:
    """Raise ValueError where what is said of arms does not fit those that there are."""
    names = [arm.name for arm in study.all_arms]
    for field, given in (
        ("baseline", [study.baseline or names[0]]),
        ("reported", study.reported),
    ):
        if unknown := [name for name in given if name not in names]:
            hint = did_you_mean(unknown[0], names)
            listed = ", ".join(names)
            raise ValueError(f"{field}: no arm {', '.join(unknown)}; {hint}arms: {listed}")
    if study.sequential is not None and len(names) < 2:
        raise ValueError(
            f"rounds: until decided, and {names[0]} is the only arm: there is nothing to "
            "decide; expected a number, or another arm"
        )


def semantic_content(study: Study) -> dict[str, Any]:
    """What was declared of all that decides a number; of a file its SHA-256, not its place."""
    content = {k: v for k, v in study.as_dict().items() if k not in NON_SEMANTIC_FIELDS}
    search = {k: v for k, v in content.pop("search", {}).items() if k != "each_round"}
    search |= {"each_round": True} if study.searches_each_round else {}
    content |= {"search": search} if search else {}
    if study.sequential is not None:
        content["rounds"] = {**study.sequential.model_dump(), "looks": study.looks, "max": None}
    remove_compile(content)
    if study.datasets:
        content["datasets"] = {k: forget_place(v) for k, v in content["datasets"].items()}
    else:
        content["data"] = forget_place(content["data"])
    return content


def forget_place(data: dict[str, Any]) -> dict[str, Any]:
    """A data set without where its CSV file is: its SHA-256 names the content."""
    return {k: v for k, v in data.items() if k != "csv" or "sha256" not in data}


def remove_compile(content: dict[str, Any]) -> None:
    """Take out who computes: an argument of chainrule's trainer, which decides no number."""
    levels = [level for of in content.get("factors", {}).values() for level in of.values()]
    is_default = content.get("trainer", {}).get("name", "Trainer") == "Trainer"
    for drafts in (*content.get("arms", {}).values(), *levels, content):
        trainer = drafts.get("trainer", {})
        if "compile" in trainer and trainer.get("name", "Trainer") == "Trainer":
            drafts["trainer"] = {k: v for k, v in trainer.items() if k != "compile"}
            if is_default and not drafts["trainer"].keys() - {"name"}:
                del drafts["trainer"]


def check_search(study: Study) -> None:
    """Raise ValueError where search, space and selection do not go together."""
    search = study.search
    if study.space and search.method == "fixed":
        raise ValueError(
            f"search: there is a space ({', '.join(study.space)}), and no method to search it; "
            'expected [search] with method = "grid", "random", "tpe" or "gp"'
        )
    if not study.space and search.method != "fixed":
        raise ValueError(
            f"space: search.method is {search.method!r}, and there is nothing to search; "
            'expected [space] with values for a path, such as "optimizer.lr" = [0.01, 0.1]'
        )
    if search.method in ("random", "tpe", "gp") and search.candidates is None:
        raise ValueError(
            f"search.candidates: {search.method} needs to know how many; expected a number, such "
            "as candidates = 20"
        )
    if search.method == "grid":
        grid(study.space)
    if search.parameters is not None and not study.space:
        raise ValueError("search.parameters: bounds the candidates of a space, and there is none")
    if study.space and study.data.divides_one_draw and not study.searches_each_round:
        raise ValueError(
            "search.each_round: with re-splits or folds of one data set, a search before the "
            "first round would see other rounds' test data; expected true"
        )
    if search.halving:
        check_halving(study, search.halving)
    if search.race:
        check_race(study, search.race)
    if not study.selection.refit and study.selection.splits > 1:
        raise ValueError("selection.refit: without it, one hold-out is needed; expected true")


def check_halving(study: Study, halving: Halving) -> None:
    """Raise ValueError where candidates cannot be halved so."""
    if study.search.method not in ("grid", "random"):
        raise ValueError(
            "search.halving: goes with method grid or random, whose candidates begin together"
        )
    searched = [arm for arm in study.all_arms if arm.space]
    if any("epochs" in arm.space for arm in searched):
        raise ValueError("search.halving: decides on the epochs; expected none in the space")
    least = min((arm.recipe.epochs for arm in searched), default=study.epochs)
    if halving.min_epochs >= least:
        raise ValueError(f"search.halving.min_epochs: expected less than epochs = {least}")


def check_race(study: Study, race: Race) -> None:
    """Raise ValueError where candidates cannot race so."""
    if study.search.method not in ("grid", "random"):
        raise ValueError(
            "search.race: goes with method grid or random, whose candidates begin together"
        )
    if study.search.halving:
        raise ValueError("search.race: ends candidates by splits, halving by epochs; expected one")
    if race.min_splits >= study.selection.splits:
        raise ValueError(
            f"search.race.min_splits: expected less than the {study.selection.splits} splits that "
            'judge a candidate ([selection] split = "kfold", folds, repeats)'
        )


def digest_declaration(study: Study) -> str:
    """SHA-256 of all that is declared, rope and baseline too: of the text that a store keeps."""
    return sha256(study.to_toml().encode()).hexdigest()


NON_SEMANTIC_FIELDS = {
    *("summary", "baseline", "rope", "reported", "quick", "failure_value"),
    *("keep", "compile", "timing", "callbacks", "part_of"),
}
"""What changes how results are shown and compared, but no training."""


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises StudyError, which names the source, for any other text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{source}: not TOML: {error}") from None


def find_csv_beside(declared: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The declaration with the whole path of each CSV file that stands in this folder."""
    found = dict(declared)
    if isinstance(datasets := declared.get("datasets"), dict):
        found["datasets"] = {name: find_csv(data, folder) for name, data in datasets.items()}
    if "data" in declared:
        found["data"] = find_csv(declared["data"], folder)
    return found


def find_csv(data: Any, folder: Path) -> Any:
    """One data set with the whole path of its CSV file."""
    csv = data.get("csv") if isinstance(data, dict) else None
    if not isinstance(csv, str) or not (folder / csv).is_file():
        return data
    return {**data, "csv": str((folder / csv).resolve())}


def validate_study(
    declared: Mapping[str, Any], source: str, *, text: str | None = None, stored: bool = False
) -> Study:
    """The study that these data declare. Raises StudyError with a line for each problem.

    ``text``: the TOML that it was read from, for the number of the line in it. ``stored``: it ran
    already, so what is no longer allowed in a new one is read as it was.
    """
    try:
        return Study.model_validate(declared, context={"stored": True} if stored else None)
    except ValidationError as error:
        problems = zip(list_problems(error), format_errors(error), strict=True)
        found = [locate_problem(place, problem, source, text) for (place, _), problem in problems]
        lines = "\n  ".join(line for _, line in sorted(found, key=itemgetter(0)))
        raise StudyError(f"{source} is not a study:\n  {lines}") from None


def locate_problem(place: Place, problem: str, source: str, text: str | None) -> tuple[int, str]:
    """The line of a problem, and the problem with its line in front, or that there is none.

    Without the text that was read there is no line to tell.
    """
    place = place or guess_place(problem)
    line = find_line(find_lines(text or ""), place)
    if line is None and text is not None and place and place[0] in Study.model_fields:
        return 0, f"nowhere in {source}, {problem}"
    return line or 0, f"line {line}, {problem}" if line else problem
