"""What a study found, in sentences that claim no more than its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.report.numbers import Unit, p_value, unit_of

if TYPE_CHECKING:
    from chainrule.statistics import Comparison, Comparisons
    from chainrule.study.results.arm_result import ArmResult
    from chainrule.study.results.study_result import StudyResult

__all__ = ["best_first", "opening", "progress", "verdict"]

LEVEL = 0.05


def opening(result: StudyResult) -> str:
    """What was compared, and by what."""
    study, better = result.study, "more" if result.study.goal == "max" else "less"
    arms = _count(len(study.all_arms), "arm")
    return (
        f"{arms}, compared by {study.metric_name} on test data ({better} is better), over "
        f"{_count(study.rounds, 'round')} declared."
    )


def progress(result: StudyResult) -> str:
    """How much of the study is done."""
    wanted, declared = result.study.rounds, len(result.study.all_arms)
    rounds = [arm.n for arm in result.arms] + [0] * (declared - len(result.arms))
    if not result.arms:
        said = f"No round is done yet, of {wanted}."
    elif result.done:
        said = f"All {_count(wanted, 'round')} are done." if wanted > 1 else "The round is done."
    else:
        whole = f"{min(rounds)} of {_count(wanted, 'round')} done by every arm"
        part = sum(n < wanted for n in rounds)
        said = f"Not finished: {whole}; {_count(part, 'arm')} of {declared} not complete."
    return f"{said} The last run was interrupted." if result.interrupted else said


def best_first(result: StudyResult) -> list[ArmResult]:
    """The arms by their mean, the best first; equal ones as declared."""
    sign = -1 if result.study.goal == "max" else 1
    return sorted(result.arms, key=lambda arm: sign * arm.mean)


def verdict(result: StudyResult, found: Comparisons | None) -> list[str]:
    """Which arm has the best mean, what tells it from the baseline or the next, and what not."""
    if not result.arms:
        return []
    unit, ranked = unit_of(result), best_first(result)
    said = [_best(result, ranked, unit)]
    if found is None:
        return said
    pair = _pair(ranked, found)
    if pair is not None:
        said.append(_difference(pair, ranked[0].arm, found, unit))
    return [*said, _tally(found)]


def _best(result: StudyResult, ranked: Sequence[ArmResult], unit: Unit) -> str:
    best = ranked[0]
    level = "highest" if result.study.goal == "max" else "lowest"
    spread = f"standard deviation {unit.number(best.std)}, " if best.n > 1 else ""
    lost = "" if best.n_ok == best.n else f", {best.n - best.n_ok} of them diverged"
    said = f"mean test {result.study.metric_name}: {unit.worded(best.mean)} "
    whole = f"{best.arm} has the {level} {said}({spread}n = {best.n}{lost})."
    if len(ranked) == 1:
        return f"{best.arm}: {said}({spread}n = {best.n}{lost})."
    ties = [arm.arm for arm in ranked[1:] if arm.mean == best.mean]
    if ties:
        return f"{whole} {', '.join(ties)} has the same mean."
    if len(ranked) > 2:
        return f"{whole} The best of {len(ranked)} means flatters: expect less of it on new rounds."
    return whole


def _pair(ranked: Sequence[ArmResult], found: Comparisons) -> Comparison | None:
    """The best with the baseline; where it is the baseline, or there is none, with the next."""
    best = ranked[0].arm
    other = found.baseline if found.baseline not in (None, best) else ranked[1].arm
    names = {best, other}
    return next((c for c in found.comparisons if {c.a, c.b} == names), None)


def _difference(c: Comparison, best: str, found: Comparisons, unit: Unit) -> str:
    turn = 1 if c.a == best else -1
    other = c.b if c.a == best else c.a
    role = "the baseline" if other == found.baseline else "the next"
    low, high = sorted((turn * c.test.low, turn * c.test.high))
    size = f"{unit.signed(turn * c.test.difference)}{unit.gap}"
    level = f"{c.test.confidence:.0%} interval {unit.interval(low, high)}"
    p = p_value(c.p_holm) if c.p_holm < 0.001 else f"= {p_value(c.p_holm)}"
    holm = f"p {p} after Holm's correction for {_many(len(found.comparisons))}"
    shown = (
        f"The difference of {best} from {other}, {role}, is {size} ({level}, {c.test.test}, {holm})"
    )
    if c.p_holm < LEVEL:
        return f"{shown}: significant at {LEVEL:.0%}."
    return f"{shown}: not significant at {LEVEL:.0%}, which does not show that they are equal."


def _tally(found: Comparisons) -> str:
    """How many comparisons reject, either way."""
    sure = [c for c in found.comparisons if c.p_holm < LEVEL]
    m = len(found.comparisons)
    if found.baseline is None:
        return f"Of {_many(m)} of all pairs, {len(sure)} are significant at {LEVEL:.0%} after Holm."
    better = sum(c.test.difference > 0 for c in sure)
    return (
        f"Of {_many(m)} with the baseline {found.baseline}, {len(sure)} are significant at "
        f"{LEVEL:.0%} after Holm: {better} better, {len(sure) - better} worse."
    )


def _many(m: int) -> str:
    return _count(m, "comparison")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
