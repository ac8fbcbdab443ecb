"""The table of what a run would train."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._util.words import count_noun
from chainrule.report.tables.table import Cell, Column, Table
from chainrule.study.plan.plan import ArmCounts, ArmPlan, Plan

__all__ = ["datasets_plan_table", "plan_table"]

COUNTS = ("arm", "cand.", "search", "final")
SIZES = ("cohorts", "K", "params", "mult.", "time", "MiB")

COUNTS_LEGEND = (
    "cand.: candidates of a search. All is as declared: nothing was made, tried or measured, so "
    "neither sizes nor times are known, nor what rounds share."
)
LEGEND = (
    "cand.: candidates of a search. K: trainings in a cohort. mult.: multiply-adds. time: on one "
    "core. Final trainings are reckoned with the largest net of the search."
)
TIMING = "Of each arm's final trainings one runs alone, for its time."


def plan_table(plan: Plan) -> Table:
    """A row an arm; the totals above it, and below it what must be known to read it."""
    heads = COUNTS + SIZES if plan.sizes else COUNTS
    columns = [Column(head, head, numeric=head != "arm") for head in heads]
    cells = [[Cell(text, text) for text in _arm_cells(arm)] for arm in plan.arms]
    legend = LEGEND if plan.sizes else COUNTS_LEGEND
    notes = [
        f"{legend} {TIMING}" if plan.study.timing else legend,
        *_cost_notes(plan),
        *_search_notes(plan),
        *_race_notes(plan),
        *_unused_notes(plan),
        *_power_notes(plan),
    ]
    return Table("plan", _caption(plan), columns, cells, plan.as_rows(), notes)


DATASET_COUNTS = ("data set", "search", "final")
DATASET_SIZES = ("cohorts", "params", "mult.", "time", "MiB")
DATASETS_LEGEND = (
    "params: of the smallest and the largest net. mult.: multiply-adds. time: on all workers."
)
DATASETS_SCOPE = (
    "Each data set is a study of its own; arms are compared over data sets by their ranks."
)


def datasets_plan_table(plans: Sequence[Plan]) -> Table:
    """A row a data set, of the plans of a study over several; the totals above it."""
    has_sizes = all(plan.sizes for plan in plans)
    heads = DATASET_COUNTS + DATASET_SIZES if has_sizes else DATASET_COUNTS
    columns = [Column(head, head, numeric=head != "data set") for head in heads]
    cells = [[Cell(text, text) for text in _dataset_cells(plan)] for plan in plans]
    totals = [plan.totals() for plan in plans]
    search, final = (sum(sums[kind] for sums in totals) for kind in ("search", "final"))
    name = next((p.study.part_of.study for p in plans if p.study.part_of), plans[0].study.name)
    caption = (
        f"{name}: {count_noun(search + final, 'training')} "
        f"({search:,} to search and {count_noun(final, 'final one')})."
    )
    times = [plan.seconds for plan in plans if plan.seconds is not None]
    workers = count_noun(plans[0].jobs, "worker")
    notes = [
        *([DATASETS_LEGEND] if has_sizes else []),
        *([f"About {format_duration(sum(times))} with {workers}."] if times else []),
        DATASETS_SCOPE,
        *dict.fromkeys(plan.design.scope for plan in plans if plan.design),
    ]
    rows = [
        {"dataset": _dataset_name(plan), **sums} for plan, sums in zip(plans, totals, strict=True)
    ]
    return Table("plan", caption, columns, cells, rows, notes)


def _dataset_name(plan: Plan) -> str:
    return plan.study.name if plan.study.part_of is None else plan.study.part_of.dataset


def _dataset_cells(plan: Plan) -> list[str]:
    """A row, as DATASET_COUNTS and DATASET_SIZES name it."""
    sums, sizes = plan.totals(), [size for arm in plan.sizes for size in arm.parameters]
    counts = [_dataset_name(plan), str(sums["search"]), str(sums["final"])]
    if not sizes:
        return counts
    return [
        *counts,
        str(sums["cohorts"]),
        format_range(format_count(min(sizes)), format_count(max(sizes))),
        f"{sums['multiply_adds']:.1g}",
        "–" if plan.seconds is None else format_duration(plan.seconds),
        f"{sums['bytes'] / 2**20:.0f}",
    ]


def _arm_cells(arm: ArmCounts) -> list[str]:
    """A row, as COUNTS and SIZES name it."""
    counts = [arm.arm, str(arm.candidates), str(arm.search), str(arm.final)]
    return [*counts, *_size_cells(arm)] if isinstance(arm, ArmPlan) else counts


def _size_cells(arm: ArmPlan) -> list[str]:
    return [
        str(arm.cohorts),
        format_range(*map(str, arm.cohort_sizes)),
        format_range(*map(format_count, arm.parameters)),
        f"{arm.multiply_adds:.1g}",
        "–" if arm.seconds is None else format_duration(arm.seconds),
        f"{arm.bytes / 2**20:.0f}",
    ]


def _caption(plan: Plan) -> str:
    """The sums over the arms."""
    sums = plan.totals()
    kinds = f"{sums['search']:,} to search and {count_noun(sums['final'], 'final one')}"
    text = f"{plan.study.name}: {count_noun(plan.trainings, 'training')} ({kinds})"
    if not plan.sizes:
        return f"{text}."
    cohorts, steps = count_noun(sums["cohorts"], "cohort"), count_noun(sums["steps"], "step")
    return f"{text} in {cohorts}, {steps}."


def _cost_notes(plan: Plan) -> list[str]:
    """About how long and how large the whole is, where times were measured."""
    if plan.seconds is None:
        return []
    workers = count_noun(plan.jobs, "worker")
    memory = f"{plan.totals()['bytes'] / 2**20:.0f} MiB"
    return [f"About {format_duration(plan.seconds)} with {workers}, {memory} besides PyTorch."]


def _search_notes(plan: Plan) -> list[str]:
    """What it costs to search in each round, and once: what is declared, and what could be."""
    prices = {
        each_round: count_noun(n, "training")
        + ("" if seconds is None else f", about {format_duration(seconds)}")
        for each_round, (n, seconds) in plan.price_searches().items()
    }
    if not prices:
        return []
    if False not in prices:
        note = f"Each round searches for itself: {prices[True]}."
    elif plan.study.searches_each_round:
        note = (
            f"Each round searches for itself: {prices[True]}. With each_round = false, one search "
            f"before the rounds: {prices[False]}; conclusions are then about the settings found."
        )
    else:
        note = (
            f"One search before the rounds: {prices[False]}. With each_round = true, a search in "
            f"each round: {prices[True]}; conclusions are then about the arms."
        )
    return [note]


def _race_notes(plan: Plan) -> list[str]:
    """What a race is expected to train, and at most."""
    expected = sum(arm.search for arm in plan.arms)
    most = sum(arm.most_search for arm in plan.arms)
    if plan.study.search.race is None or not most:
        return []
    note = (
        f"The candidates race: of {count_noun(most, 'training')} of the search about {expected:,} "
        "are expected, if half of those in the race leave it after each split that is judged."
    )
    return [note]


def _unused_notes(plan: Plan) -> list[str]:
    """What of the space does nothing, and where."""
    arms: dict[tuple[int | None, int, tuple[str, ...]], list[str]] = {}
    for arm in plan.arms:
        if arm.unused_paths:
            arms.setdefault((arm.declared, arm.candidates, arm.unused_paths), []).append(arm.arm)
    return [
        (f"{n} in the grid, {k} distinct: " if n else "")
        + f"{', '.join(paths)} {'do' if len(paths) > 1 else 'does'} nothing in {', '.join(names)}."
        for (n, k, paths), names in arms.items()
    ]


def _power_notes(plan: Plan) -> list[str]:
    """What a conclusion will be about, how many rounds are planned, and what they will find."""
    found = plan.find_sensitivity()
    n, m, effect = found["rounds"], found["tests"], found.get("detectable_effect")
    if effect is None or plan.design is None:
        return []
    is_seen = plan.sizes or plan.study.data.rounds != "fresh"
    scopes = [*filter(None, [plan.design.scope if is_seen else "", plan.search_scope])]
    arms = len(plan.study.all_arms)
    pairs = arms - 1 if plan.study.baseline else arms * (arms - 1) // 2
    counted = count_noun(m, "comparison") if m == pairs else f"{m} tests (of factors too)"
    least = (
        f"with {counted}, they find a difference of {effect:.3g} standard deviations of the "
        "rounds' differences with a power of 80%"
    )
    if plan.looks is None:
        needed = found["rounds_for_1"]
        enough = f"{needed} rounds find" if needed else "No number of rounds finds"
        planned = f"{count_noun(n, 'round')} {'is' if n == 1 else 'are'} planned"
        return [*scopes, f"{planned}: {least}. {enough} one of 1."]
    looks = ", ".join(map(str, plan.study.looks))
    until = (
        f"At most {n} rounds are planned, until each comparison is decided at one of the looks "
        f"({looks}; {plan.looks.method}, p at most {plan.looks.levels[-1]:.2g} at the last)"
    )
    means = ""
    if "mean_rounds" in found:
        mean, one = found["mean_rounds"], found["mean_rounds_for_1"]
        means = (
            f", if it is there after {mean:.0f} rounds on average. One of 1 is found with "
            f"{found['power_for_1']:.0%}, after {one:.0f}"
        )
    return [*scopes, f"{until}: {least}{means}."]


def format_range(low: str, high: str) -> str:
    """``1-48``, or one of them where they are the same."""
    return low if low == high else f"{low}-{high}"


def format_count(n: int) -> str:
    """Such as 950, 12k, 1.3M."""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.2g}{sign}" if n < 10 * size else f"{n / size:.0f}{sign}"
    return str(n)


def format_duration(seconds: float) -> str:
    """Such as 0.4 s, 12 s, 3.5 min, 12 min, 1.2 h."""
    for size, sign in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{int(seconds < 10 * size)}f} {sign}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
