"""What a study found, in sentences that claim no more than its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.report.data import ReportData
from chainrule.report.numbers import format_p

if TYPE_CHECKING:
    from chainrule.statistics import Comparison, Comparisons
    from chainrule.study import StudyResult

__all__ = ["opening_sentence", "progress_sentence", "verdict_sentences"]

LEVEL = 0.05


def opening_sentence(result: StudyResult | ReportData) -> str:
    """What was compared, and by what."""
    data = ReportData.wrap(result)
    study, better = data.study, "more" if data.higher_is_better else "less"
    arms = _count(len(study.all_arms), "arm")
    return (
        f"{arms}, compared by {study.metric_name} on test data ({better} is better), over "
        f"{_count(study.rounds, 'round')} declared."
    )


def progress_sentence(result: StudyResult | ReportData) -> str:
    """How much of the study is done."""
    result = ReportData.wrap(result).result
    wanted, declared = result.study.rounds, len(result.study.all_arms)
    rounds = [arm.n for arm in result.arms] + [0] * (declared - len(result.arms))
    if not result.arms:
        sentence = f"No round is done yet, of {wanted}."
    elif result.is_complete:
        sentence = (
            f"All {_count(wanted, 'round')} are done." if wanted > 1 else "The round is done."
        )
    else:
        complete = f"{min(rounds)} of {_count(wanted, 'round')} done by every arm"
        behind = _count(sum(n < wanted for n in rounds), "arm")
        sentence = f"Not finished: {complete}; {behind} of {declared} not complete."
    return f"{sentence} The last run was interrupted." if result.interrupted else sentence


def verdict_sentences(
    result: StudyResult | ReportData, comparisons: Comparisons | None
) -> list[str]:
    """Which arm has the best mean, what tells it from the baseline or the next, and what not."""
    data = ReportData.wrap(result)
    if not data.arms:
        return []
    if problem := data.result.failure_problem:
        return [f"No arm is called the best: {problem}."]
    best = _best_sentence(data)
    if comparisons is None:
        return [best]
    pair = _find_pair(data, comparisons)
    difference = [] if pair is None else [_difference_sentence(pair, data, comparisons)]
    return [best, *difference, _tally_sentence(comparisons)]


def _best_sentence(data: ReportData) -> str:
    ranked, unit = data.ranked_arms, data.unit
    best = ranked[0]
    level = "highest" if data.higher_is_better else "lowest"
    spread = f"standard deviation {unit.number(best.std)}, " if best.n > 1 else ""
    diverged = "" if best.n_ok == best.n else f", {best.n - best.n_ok} of them diverged"
    mean = f"mean test {data.study.metric_name}: {unit.quantity(best.mean)} "
    mean = f"{mean}({spread}n = {best.n}{diverged})."
    if len(ranked) == 1:
        return f"{best.arm}: {mean}"
    sentence = f"{best.arm} has the {level} {mean}"
    ties = [arm.arm for arm in ranked[1:] if arm.mean == best.mean]
    if ties:
        return f"{sentence} {', '.join(ties)} has the same mean."
    if len(ranked) > 2:
        flattery = f"The best of {len(ranked)} means flatters: expect less of it on new rounds."
        return f"{sentence} {flattery}"
    return sentence


def _find_pair(data: ReportData, comparisons: Comparisons) -> Comparison | None:
    """The best with the baseline; where it is the baseline, or there is none, with the next."""
    best, baseline = data.ranked_arms[0].arm, comparisons.baseline
    other = baseline if baseline not in (None, best) else data.ranked_arms[1].arm
    names = {best, other}
    return next((c for c in comparisons.comparisons if {c.a, c.b} == names), None)


def _difference_sentence(c: Comparison, data: ReportData, comparisons: Comparisons) -> str:
    best, unit = data.ranked_arms[0].arm, data.unit
    sign, other = (1, c.b) if c.a == best else (-1, c.a)
    role = "the baseline" if other == comparisons.baseline else "the next"
    low, high = sorted((sign * c.test.low, sign * c.test.high))
    size = f"{unit.difference(sign * c.test.difference)}{unit.difference_suffix}"
    interval = f"{c.test.confidence:.0%} interval {unit.interval(low, high)}"
    p = format_p(c.p_holm) if c.p_holm < 0.001 else f"= {format_p(c.p_holm)}"
    count = _count(len(comparisons.comparisons), "comparison")
    sentence = (
        f"The difference of {best} from {other}, {role}, is {size} ({interval}, {c.test.test}, "
        f"p {p} after Holm's correction for {count})"
    )
    if c.p_holm < LEVEL:
        return f"{sentence}: significant at {LEVEL:.0%}."
    return f"{sentence}: not significant at {LEVEL:.0%}, which does not show that they are equal."


def _tally_sentence(comparisons: Comparisons) -> str:
    """How many comparisons reject, either way."""
    significant = [c for c in comparisons.comparisons if c.p_holm < LEVEL]
    count = _count(len(comparisons.comparisons), "comparison")
    if comparisons.baseline is None:
        n = len(significant)
        return f"Of {count} of all pairs, {n} are significant at {LEVEL:.0%} after Holm."
    better = sum(c.test.difference > 0 for c in significant)
    return (
        f"Of {count} with the baseline {comparisons.baseline}, {len(significant)} are significant "
        f"at {LEVEL:.0%} after Holm: {better} better, {len(significant) - better} worse."
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
