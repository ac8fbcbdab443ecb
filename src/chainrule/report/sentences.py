"""What a study found, in sentences that claim no more than its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from chainrule._util.words import count_noun
from chainrule.report.data import ReportData
from chainrule.report.decisions import find_sensitivity, look_sentences, planned_rounds_text
from chainrule.report.numbers import format_p
from chainrule.statistics import FinitePool, FixedSplit, min_sign_test_rounds
from chainrule.study.shares.missing import describe_missing_shares

if TYPE_CHECKING:
    from chainrule.statistics import Comparison, Comparisons
    from chainrule.study import StudyResult
    from chainrule.study.store.record import TrainingRecord

__all__ = [
    "budget_sentences",
    "failure_sentences",
    "opening_sentence",
    "progress_sentence",
    "stuck_sentences",
    "verdict_sentences",
]


def opening_sentence(result: StudyResult | ReportData) -> str:
    """What was compared, and by what."""
    data = ReportData.wrap(result)
    study, better = data.study, "more" if data.higher_is_better else "less"
    arms = count_noun(len(study.all_arms), "arm")
    if data.search_scope:
        arms = f"{arms}, each in the setting that one search chose"
    rounds = count_noun(study.max_rounds, "declared round")
    if study.sequential is not None:
        looks = ", ".join(map(str, study.looks))
        rounds = f"as many rounds as it takes to decide, looked at after {looks}"
    return (
        f"{arms}, compared by {study.metric_name} on test data ({better} is better), over {rounds}."
    )


def progress_sentence(result: StudyResult | ReportData) -> str:
    """How much of the study is done."""
    result = ReportData.wrap(result).result
    wanted, declared = result.needed_rounds, len(result.study.all_arms)
    rounds = [sum(row.round < wanted for row in arm.rows) for arm in result.arms]
    rounds += [0] * (declared - len(result.arms))
    if not result.arms:
        sentence = f"No round is done yet, of {wanted}."
    elif result.is_complete:
        sentence = _end_sentence(result)
    else:
        until = "" if result.study.sequential is None else ", up to the next look,"
        complete = f"{min(rounds)} of {count_noun(wanted, 'round')}{until} done by every arm"
        behind = sum(n < wanted for n in rounds)
        sentence = (
            f"Not finished: {complete}; {behind} of {count_noun(declared, 'arm')} incomplete."
        )
        if failed := ", ".join(result.failed_arms):
            sentence = f"{sentence} Failed: {failed}."
    if missing := describe_missing_shares(result):
        sentence = f"{sentence} {missing}"
    return f"{sentence} The last run was interrupted." if result.interrupted else sentence


def _end_sentence(result: StudyResult) -> str:
    """How many rounds there were in the end, and why not more."""
    n, most = result.needed_rounds, result.study.max_rounds
    if n < most:
        return f"Ended after {n} of at most {most} rounds: {_describe_end(result)}."
    few = {1: "The round is done.", 2: "Both rounds are done."}
    return few.get(n, f"All {count_noun(n, 'round')} are done.")


def _describe_end(result: StudyResult) -> str:
    """Why a study that is looked at ended before its last look."""
    try:
        found = result.compare()
    except ValueError as error:
        return f"not compared, {error}"
    futile = sum(c.is_futile for c in found.comparisons)
    if not futile:
        return "every comparison is decided"
    count = len(found.comparisons)
    some = f"{futile} of {count}" if futile < count else f"all {count}"
    which = "the comparison" if count == 1 else f"{some} comparisons"
    hardly = f"{which} would hardly be decided by the last look"
    return f"{hardly}, the others are decided" if futile < count else hardly


def failure_sentences(result: StudyResult | ReportData) -> list[str]:
    """What failed of each arm, and with what error; then what one may do. None where nothing did.

    Of an arm with several errors the first one stands for all.
    """
    result = ReportData.wrap(result).result
    rows: dict[str, list[TrainingRecord]] = {}
    for name in result.failed_arms:
        rows[name] = [row for row in result.failures if row.arm == name]
    sentences = [
        f"Arm {name} failed in {_count_failures(result, of)}: {_first_line(of[0].note)}"
        for name, of in rows.items()
    ]
    advice = "What failed is in no mean, and the same run tries it again once the cause is mended."
    return [*sentences, advice] if sentences else []


def stuck_sentences(result: StudyResult | ReportData) -> list[str]:
    """How many rounds of each arm were stuck, and the first reason; none where none was."""
    sentences = []
    for arm in ReportData.wrap(result).arms:
        if stuck := [row for row in arm.rows if row.is_stuck]:
            of = f"{len(stuck)} of {count_noun(arm.n, 'round')}"
            sentences.append(f"Arm {arm.arm} learned nothing in {of}: {_first_line(stuck[0].note)}")
    return sentences


def _first_line(note: str) -> str:
    """An error without the lines of code below it, as the end of a sentence."""
    return f"{note.partition(chr(10))[0].rstrip('.')}."


def _count_failures(result: StudyResult, rows: Sequence[TrainingRecord]) -> str:
    """``3 of 10 rounds``; of trainings that are no round's, those of the search or the timing."""
    rounds = sum(row.stage == "final" for row in rows)
    if rounds:
        done = max(row.round for row in rows) + 1
        return f"{rounds} of {count_noun(max(result.needed_rounds, done), 'round')}"
    searched = sum(row.stage == "search" for row in rows)
    return count_noun(searched, "training") + " of its search" if searched else "the timing alone"


def verdict_sentences(
    result: StudyResult | ReportData, comparisons: Comparisons | None
) -> list[str]:
    """Which arm has the best mean, what tells it from the baseline or the next, and what not.

    Means are over the rounds that all arms have.
    """
    data = ReportData.wrap(result)
    if not data.arms:
        return []
    if problem := data.result.failure_problem:
        return [f"No arm is called the best: {problem}."]
    if not data.ranked_arms:
        return ["No arm is called the best: no round is done by all of those that have begun."]
    best = _best_sentence(data)
    if comparisons is None:
        return [best]
    pair = _find_pair(data, comparisons)
    about = [] if pair is None else [_difference_sentence(pair, data, comparisons)]
    scope = [data.search_scope] if data.search_scope else []
    looked = look_sentences(data)[:1]
    scope += data.later_changes
    tally = [_tally_sentence(comparisons, data)] if not about or comparisons.family > 1 else []
    tally += [*_scope_sentences(comparisons), *_new_sample_sentences(data)]
    return [best, *about, *tally, *looked, *scope]


def _name_compared(data: ReportData) -> Callable[[str], str]:
    """What sentences call an arm: where one search chose its setting, that setting."""
    return "{}'s setting".format if data.search_scope else str


def _best_sentence(data: ReportData) -> str:
    ranked, unit = data.ranked_arms, data.unit
    best = ranked[0]
    level = "highest" if data.higher_is_better else "lowest"
    spread = f"standard deviation {unit.number(best.std)}, " if best.n > 1 else ""
    diverged = "" if best.n_ok == best.n else f", {best.n - best.n_ok} of them diverged"
    common = ""
    if any(arm.n > best.n for arm in data.arms):
        common = ", the round that all arms have" if best.n == 1 else ", those that all arms have"
    mean = f"mean test {data.study.metric_name}: {unit.quantity(best.mean)} "
    mean = f"{mean}({spread}n = {best.n}{common}{diverged})."
    name = _name_compared(data)
    if len(ranked) == 1:
        return f"{name(best.arm)}: {mean}"
    sentence = f"{name(best.arm)} has the {level} {mean}"
    ties = [name(arm.arm) for arm in ranked[1:] if arm.mean == best.mean]
    if ties:
        return f"{sentence} {_join(ties)} {'has' if len(ties) == 1 else 'have'} the same mean."
    if len(ranked) > 2:
        flattery = f"The best of {count_noun(len(ranked), 'mean')} flatters: expect less of it on "
        flattery += "new rounds."
        return f"{sentence} {flattery}"
    return sentence


def _find_pair(data: ReportData, comparisons: Comparisons) -> Comparison | None:
    """The best with the baseline; where it is the baseline, or there is none, with the next."""
    if len(data.ranked_arms) < 2:
        return None
    best, baseline = data.ranked_arms[0].arm, comparisons.baseline
    other = baseline if baseline not in (None, best) else data.ranked_arms[1].arm
    names = {best, other}
    return next((c for c in comparisons.comparisons if {c.a, c.b} == names), None)


def _difference_sentence(c: Comparison, data: ReportData, comparisons: Comparisons) -> str:
    best, unit, m = data.ranked_arms[0].arm, data.unit, comparisons.family
    sign, other = (1, c.b) if c.a == best else (-1, c.a)
    role = "the baseline" if other == comparisons.baseline else "the next"
    low, high = sorted((sign * c.simultaneous_low, sign * c.simultaneous_high))
    name = _name_compared(data)
    size = f"{unit.difference(sign * c.test.difference)}{unit.difference_suffix}"
    interval = f"{c.test.confidence:.0%} interval {unit.interval(low, high)}"
    shared = [f"{m} {_tests(comparisons)}"] if m > 1 else []
    shared += ["looks"] if comparisons.looks else []
    if shared:
        interval = f"{interval} for all {' and '.join(shared)} at once"
    p = f"p {_equals(c.p_holm)}"
    if m > 1:
        p = f"{p} after Holm's correction for {' and '.join(shared)}"
    elif shared:
        p = f"{p} adjusted for the looks"
    if not data.higher_is_better:
        size = f"{size}, where above 0 is better"
    sentence = (
        f"The difference of {name(best)} from {name(other)}, {role}, is {size} ({interval}, "
        f"{c.test.test}, {p})"
    )
    found = [f"{sentence}: {_conclusion(c, data, comparisons)}", *_reservations(c)]
    return " ".join(found)


def _tests(comparisons: Comparisons) -> str:
    """What Holm's correction counts: comparisons alone, or effects of factors too."""
    m = comparisons.family
    return "tests of arms and factors" if m > len(comparisons.comparisons) else "comparisons"


def _conclusion(c: Comparison, data: ReportData, comparisons: Comparisons) -> str:
    """What the tests say: a difference, none that matters, or none found and what could be."""
    level, rope = f"{1 - c.test.confidence:.0%}", data.unit.magnitude(data.study.rope or 0.0)
    test = f"equivalence test, p {_equals(c.equivalence_p_holm)} after Holm"
    if c.conclusion == "equivalent":
        return f"no difference at {level} beyond the rope of {rope} ({test})."
    if c.conclusion == "different within the rope":
        return f"significant at {level}, but too small to matter: within {rope}, the rope ({test})."
    if c.conclusion != "undecided":
        return f"significant at {level}."
    found = f"no difference found at {level}, which does not show that they are equal."
    return " ".join([found, *_sensitivity_sentences(c, data, comparisons)])


def _sensitivity_sentences(
    c: Comparison, data: ReportData, comparisons: Comparisons
) -> Iterator[str]:
    """What so many rounds could have found, and how many would find more."""
    if not c.test.standard_error:
        return
    rope, unit = data.study.rope, data.unit
    found = find_sensitivity(c.test, comparisons, data)
    planned = planned_rounds_text(data, c.test.n)
    finds = f"{found.n} rounds can find nothing at this level and spread."
    if unit.is_possible(found.difference):
        size = unit.magnitude(found.difference)
        finds = f"{found.n} rounds find a difference of {size} with a power of {found.power:.0%}."
    yield f"{planned[0].upper()}{planned[1:]}; {finds}"
    if found.wanted is not None:
        size, why = unit.magnitude(found.wanted), "the rope" if rope else "as here"
        if found.rounds_needed:
            yield f"To find a difference of {size}, {why}, it takes {found.rounds_needed:,} rounds."
        else:
            yield f"No number of rounds like these finds a difference of {size}, {why}."


def _reservations(c: Comparison) -> Iterator[str]:
    """What else the reader must know of the test."""
    rounds = "both" if c.test.n == 2 else f"all {c.test.n}"
    if not c.test.standard_error and c.test.difference:
        yield (
            f"The difference is the same in {rounds} rounds, which is not certainty: p is the "
            "chance that as many signs agree."
        )
    elif not c.test.standard_error:
        yield f"The two have the same values in {rounds} rounds."
    if c.test.n < min_sign_test_rounds():
        yield f"{c.test.n} rounds are few: the test rests on differences that are normal."


def _tally_sentence(comparisons: Comparisons, data: ReportData) -> str:
    """How many comparisons reject, either way, and how many show that there is no difference."""
    kinds = Counter(c.conclusion for c in comparisons.comparisons)
    level = f"{1 - comparisons.comparisons[0].test.confidence:.0%}"
    small, same = kinds["different within the rope"], kinds["equivalent"]
    count = count_noun(len(comparisons.comparisons), "comparison")
    n = kinds["better"] + kinds["worse"] + small
    significant = f"{n or 'none'} {'is' if n < 2 else 'are'} significant at {level} after Holm"
    if comparisons.baseline is None:
        pairs = "all pairs of settings" if data.search_scope else "all pairs"
        sentence = f"Of {count} of {pairs}, {significant}"
    else:
        better = sum(
            c.test.difference > 0
            for c in comparisons.comparisons
            if c.conclusion not in ("equivalent", "undecided")
        )
        sides = f": {better} better, {n - better} worse" if n else ""
        what = "settings with that of the baseline" if data.search_scope else "with the baseline"
        count = f"{count} of {what}" if data.search_scope else f"{count} {what}"
        sentence = f"Of {count} {comparisons.baseline}, {significant}{sides}"
    if small:
        sentence = f"{sentence}; {small} of them too small to matter"
    return f"{sentence}; no difference in {same}." if same else f"{sentence}."


def _scope_sentences(comparisons: Comparisons) -> list[str]:
    """What the comparisons hold for, where that is less than it seems."""
    design = comparisons.design
    if isinstance(design, FixedSplit):
        return ["That holds for this one split."]
    if isinstance(design, FinitePool) and design.shared_test:
        return [f"That holds for these {design.samples:,} test samples."]
    return []


def _new_sample_sentences(data: ReportData) -> list[str]:
    """How many comparisons reject for new test samples, where kept predictions tell."""
    found = data.prediction_data.sample_comparisons
    if not found:
        return []
    test = found[0].test
    n = sum(c.p_holm <= 1 - test.confidence for c in found)
    of = f"{n or 'none'} of {count_noun(len(found), 'comparison')} {'is' if n < 2 else 'are'}"
    level = f"{1 - test.confidence:.0%}"
    by = f"by the predictions of single samples ({test.test})"
    return [f"For new test samples, {by}, {of} significant at {level} after Holm."]


def budget_sentences(result: StudyResult | ReportData) -> list[str]:
    """What the best of half the candidates of a random search, and of all, is expected to be.

    A sentence an arm; none for a search of another kind, or of one candidate.
    """
    data = ReportData.wrap(result)
    sentences = []
    for arm, bests in data.expected_bests.items():
        size = len(bests)
        if size > 1:
            half, whole = bests[size // 2 - 1].mean, bests[-1].mean
            gain = whole - half if data.higher_is_better else half - whole
            sentences.append(
                f"Random search of {arm}: the best of {size // 2} candidates is expected to "
                f"validate at {data.unit.quantity(half)}, the best of all {size} at "
                f"{data.unit.quantity(whole)}: the second half of the budget gains "
                f"{data.unit.magnitude(gain)}."
            )
    return sentences


def _equals(p: float | None) -> str:
    """``= 0.012`` or ``< 0.001``"""
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def _join(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``"""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
