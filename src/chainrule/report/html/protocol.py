"""How a study was made: protocol, randomness, times, and the provenance of its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule._util.plain_data import flatten_dict
from chainrule._util.words import count_noun
from chainrule.report.data import ReportData
from chainrule.report.numbers import MISSING, format_value

if TYPE_CHECKING:
    from chainrule.study import StudyResult

__all__ = ["Facts", "protocol_facts", "randomness_facts", "run_facts", "timing_facts"]

Facts: TypeAlias = list[tuple[str, str]]
"""(what, how it was) each."""

ROUNDS = {
    "fresh": "training and test data are drawn anew in every round",
    "fixed": "training and test data are the same in every round",
    "resplit": "one data set, divided anew into training and test data in every round",
    "folds": "one data set in {} folds; each round tests on another",
}


def protocol_facts(result: StudyResult | ReportData) -> Facts:
    """How settings were chosen, and nets trained and judged."""
    data = ReportData.wrap(result)
    study, worst = data.study, format_value(data.study.failure_value)
    return [
        ("rounds", ROUNDS[study.data.rounds].format(study.data.folds)),
        *_look_facts(data),
        *_search_facts(data),
        (
            "a diverged training",
            f"counts as {worst}, the declared failure value, never left out of its mean",
        ),
        ("data", _describe_sizes(data)),
        *_column_facts(data),
    ]


def _column_facts(data: ReportData) -> Facts:
    """What a net takes of each column of a table, where its file is as it was."""
    if data.study.data.name != "table" or "csv" not in data.study.data.arguments:
        return []
    from chainrule.study.spec.own_files.csv_data import describe_columns

    try:
        return [("columns", "; ".join(describe_columns(data.study.data)))]
    except (OSError, ValueError) as error:  # gone, changed, or of an older version
        return [("columns", f"not known any more: {error}")]


def _look_facts(data: ReportData) -> Facts:
    """When all arms were looked at; a look that was planned otherwise says how."""
    study, looks = data.study, data.result.looks
    facts = []
    if study.sequential is not None:
        plan = ", ".join(map(str, study.looks))
        facts.append(("until", f"each comparison is decided; looks at {plan} rounds"))
    made = [
        f"{look.rounds} rounds, {look.time or 'date not known'}"
        + ("" if look.is_planned(study) else f" (planned then: {', '.join(map(str, look.plan))})")
        for look in looks
    ]
    return [*facts, ("looked at", "; ".join(made))] if made else facts


def _search_facts(data: ReportData) -> Facts:
    study, search = data.study, data.study.search
    if not study.space:
        return [("search", "none: one setting an arm, as declared")]
    count = "" if search.candidates is None else f", {count_noun(search.candidates, 'candidate')}"
    when = "in every round" if study.searches_each_round else "once, before the first round"
    refit = "trained anew on the whole training set" if study.selection.refit else "kept as it is"
    facts = [
        ("search", f"{search.method}{count}, {when}"),
        ("selection", f"mean validation {study.metric_name} on {_describe_split(data)}"),
        ("the chosen setting", refit),
    ]
    if search.halving:
        first = count_noun(search.halving.min_epochs, "epoch")
        halving = f"first after {first}, by {search.halving.factor}"
        facts.append(("successive halving", halving))
    if search.race:
        splits, level = search.race.min_splits, search.race.alpha
        race = f"those behind the best after {splits} splits or more leave, at {level:g}"
        facts.append(("race of the candidates", race))
    return facts


def _describe_split(data: ReportData) -> str:
    selection = data.study.selection
    part = f"a hold-out of {selection.fraction:.0%} of the training data"
    folds = f"{selection.folds} folds of the training data"
    times = f", {selection.repeats} times" if selection.repeats > 1 else ""
    strata = ", stratified" if selection.stratify else ""
    return f"{folds if selection.split == 'kfold' else part}{times}{strata}"


def _describe_sizes(data: ReportData) -> str:
    sizes = {(row.n_train, row.n_test) for arm in data.arms for row in arm.rows}
    return "; ".join(f"{a:,} to learn from, {b:,} to test on" for a, b in sorted(sizes)) or MISSING


def randomness_facts(result: StudyResult | ReportData) -> Facts:
    """What was drawn, and from which seed."""
    found = ReportData.wrap(result).result
    purposes = list(dict.fromkeys(name for row in found.rows for name in row.seeds))
    return [
        ("root seed", str(found.study.seed)),
        ("drawn, each from a seed of its own", ", ".join(purposes) or MISSING),
    ]


def timing_facts(result: StudyResult | ReportData) -> Facts:
    """Seconds of computing by kind of training, as cohort time / cohort width."""
    facts: Facts = []
    names = {"search": "search", "final": "final trainings", "timing": "one an arm, timed alone"}
    for stage, name in names.items():
        rows = [row for row in ReportData.wrap(result).result.rows if row.stage == stage]
        if rows:
            total = sum(row.seconds / row.cohort_size for row in rows)
            facts.append((name, f"{total:,.1f} s in all, {count_noun(len(rows), 'training')}"))
    return facts


def run_facts(result: StudyResult | ReportData) -> list[Facts]:
    """The provenance of each run, flat: ``versions.torch``."""
    runs = ReportData.wrap(result).result.runs
    return [
        [(path, _format_fact(path, x)) for path, x in flatten_dict(run).items()] for run in runs
    ]


def _format_fact(path: str, x: Any) -> str:
    if path == "machine.memory" and isinstance(x, int):
        return f"{x / 2**30:.1f} GiB"
    if isinstance(x, list | tuple):
        return " ".join(map(str, x)) or MISSING
    return MISSING if x is None else str(x)
