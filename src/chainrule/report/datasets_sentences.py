"""What a study over several data sets found, in sentences that claim no more than its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule._util.words import count_noun
from chainrule.report.numbers import format_p
from chainrule.report.tables.datasets import datasets_unit
from chainrule.study.shares.missing import describe_missing_shares

if TYPE_CHECKING:
    from chainrule.statistics import DatasetsComparison, DatasetsComparisons
    from chainrule.study import DatasetsResult

__all__ = ["datasets_opening", "datasets_progress", "datasets_verdict"]


def datasets_opening(result: DatasetsResult) -> str:
    """What was compared, and by what."""
    study = result.study
    better = "more" if study.direction == "max" else "less"
    arms = count_noun(len(study.all_arms), "arm")
    return (
        f"{arms} on {count_noun(len(result.declared), 'data set')}, compared by "
        f"{study.metric_name} on test data ({better} is better), over "
        f"{count_noun(study.max_rounds, 'round')} of each."
    )


def datasets_progress(result: DatasetsResult) -> str:
    """How much of the study is done."""
    done = sum(of.is_complete for of in result.datasets.values())
    n = len(result.declared)
    if result.is_complete:
        sentence = f"All rounds on all {n} data sets are done." if n > 1 else "All rounds are done."
    else:
        sentence = f"Not finished: {done} of {count_noun(n, 'data set')} complete."
    if missing := describe_missing_shares(*result.datasets.values()):
        sentence = f"{sentence} {missing}"
    failed = {arm: None for of in result.datasets.values() for arm in of.failed_arms}
    if failed:
        sentence = f"{sentence} Failed somewhere: {', '.join(failed)}."
    return f"{sentence} The last run was interrupted." if result.interrupted else sentence


def datasets_verdict(result: DatasetsResult, comparisons: DatasetsComparisons | None) -> list[str]:
    """Which arm has the best mean rank, and what tells it from the others over these data sets."""
    if comparisons is None:
        return []
    n = len(comparisons.comparisons[0].differences)
    scope = f"over these {n} data sets" if n > 1 else "over this data set"
    sentences = []
    if (ranking := comparisons.ranking) is not None:
        best, rank = ranking.arms[0], ranking.mean_ranks[0]
        ties = [
            a for a, r in zip(ranking.arms[1:], ranking.mean_ranks[1:], strict=True) if r == rank
        ]
        also = (
            f", and so {'has' if len(ties) == 1 else 'have'} {' and '.join(ties)}" if ties else ""
        )
        p = format_p(ranking.friedman.p)
        differ = "do differ" if ranking.friedman.p <= ranking.alpha else "are not shown to differ"
        sentences.append(
            f"{best} has the best mean rank {scope}, {rank:.2f} of {len(ranking.arms)}{also}. The "
            f"arms {differ} at all (Friedman's test by Iman and Davenport, p "
            f"{p if p.startswith('<') else f'= {p}'})."
        )
    sentences += [_pair_sentence(c, result, scope) for c in _worth_a_sentence(comparisons)]
    sentences.append(_tally(comparisons, scope))
    sentences.append(
        "That is about these data sets: others may rank the arms differently, and so does each of "
        "them, as its own report says."
    )
    return sentences


def _worth_a_sentence(comparisons: DatasetsComparisons) -> list[DatasetsComparison]:
    """Of the best arm with the baseline or the next; of two arms the one that there is."""
    if (ranking := comparisons.ranking) is None:
        return [*comparisons.comparisons][:1]
    best = ranking.arms[0]
    other = ranking.arms[1] if comparisons.baseline in (None, best) else comparisons.baseline
    return [c for c in comparisons.comparisons if {c.a, c.b} == {best, other}]


def _pair_sentence(c: DatasetsComparison, result: DatasetsResult, scope: str) -> str:
    unit, row = datasets_unit(result), c.as_row()
    p = format_p(c.p_holm)
    counts = f"better on {row['wins']}, worse on {row['losses']}"
    if row["ties"]:
        counts = f"{counts}, as good on {row['ties']}"
    sentence = (
        f"{c.a} differs from {c.b} by {unit.difference(c.difference)}{unit.difference_suffix} on "
        f"average {scope}, {counts} (Wilcoxon, p {p if p.startswith('<') else f'= {p}'} after Holm)"
    )
    if c.conclusion == "undecided":
        return f"{sentence}: no difference found, which does not show that they are equal."
    return f"{sentence}: {c.a} is {c.conclusion}."


def _tally(comparisons: DatasetsComparisons, scope: str) -> str:
    """How many comparisons reject."""
    n = sum(c.conclusion != "undecided" for c in comparisons.comparisons)
    m = len(comparisons.comparisons)
    of = "all pairs" if comparisons.baseline is None else f"the baseline {comparisons.baseline}"
    joined = "of" if comparisons.baseline is None else "with"
    return (
        f"Of {count_noun(m, 'comparison')} {joined} {of} {scope}, {n or 'none'} "
        f"{'is' if n < 2 else 'are'} significant at 5% after Holm."
    )
