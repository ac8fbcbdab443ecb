"""What a study has decided, and when; and what it could have found where it has not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chainrule._util.words import count_noun
from chainrule.report.data import ReportData

if TYPE_CHECKING:
    from chainrule.statistics import Comparisons, Effects, PairedTest, Sensitivity
    from chainrule.study import StudyResult

__all__ = [
    "find_sensitivity",
    "look_sentences",
    "null_effect_sentences",
    "null_sentences",
    "planned_rounds_text",
]


def planned_rounds_text(data: ReportData, compared: int) -> str:
    """``10 rounds were planned``, or how many of them are compared."""
    most = data.study.max_rounds
    at_most = "" if data.study.sequential is None else "at most "
    planned = f"{at_most}{count_noun(most, 'round')} {'was' if most == 1 else 'were'} planned"
    return planned if compared == most else f"{planned}, {compared} are compared"


def find_sensitivity(
    test: PairedTest, table: Comparisons | Effects, data: ReportData
) -> Sensitivity:
    """What a test could have found, and how many rounds find the rope, or what was seen."""
    wanted = data.study.rope or abs(test.difference) or None
    return table.find_sensitivity(test, wanted=wanted)


def null_sentences(data: ReportData, comparisons: Comparisons) -> list[str]:
    """No difference found, and what could be; then no difference, as tests of equivalence show."""
    all_of, rope = comparisons.comparisons, data.unit.magnitude(data.study.rope or 0.0)
    undecided = [c for c in all_of if c.conclusion == "undecided"]
    equal = [c for c in all_of if c.conclusion == "equivalent"]
    of = f"of {count_noun(len(all_of), 'comparison')}"
    sentences = []
    if undecided:
        among = f" in {len(undecided)} {of}" if len(all_of) > 1 else ""
        sentences.append(f"No difference found{among}, which does not show that there is none.")
        sentences += _sensitivity_sentences([c.test for c in undecided], comparisons, data)
    if equal:
        sentences.append(
            f"No difference beyond the rope of {rope}"
            f"{f' in {len(equal)} {of}' if len(all_of) > 1 else ''}: tests of equivalence show it."
        )
    return sentences


def null_effect_sentences(data: ReportData, effects: Effects) -> list[str]:
    """No effect found, and what could be."""
    undecided = [effect.test for effect in effects.effects if not effect.is_significant]
    if not undecided:
        return []
    n = len(effects.effects)
    among = f" in {len(undecided)} of {n} effects" if n > 1 else ""
    found = f"No effect found{among}, which does not show that there is none."
    return [found, *_sensitivity_sentences(undecided, effects, data)]


def _sensitivity_sentences(
    undecided: Sequence[PairedTest], table: Comparisons | Effects, data: ReportData
) -> Iterator[str]:
    unit, tests = data.unit, [test for test in undecided if test.standard_error]
    planned = planned_rounds_text(data, undecided[0].n)
    if not tests:
        yield f"{planned[0].upper()}{planned[1:]}; what they find is not known at a spread of 0."
        return
    found = [find_sensitivity(test, table, data) for test in tests]
    possible = [s.difference for s in found if unit.is_possible(s.difference)]
    if not possible:
        few = "so few can find nothing at this level and spread"
        yield f"{planned[0].upper()}{planned[1:]}; {few}."
        return
    least, most = (unit.magnitude(f(possible)) for f in (min, max))
    bare = least.removesuffix(unit.difference_suffix)
    size = least if least == most else f"{bare} to {most}, as they spread"
    if len(possible) < len(found):
        size = f"{size}; in {len(found) - len(possible)} of these comparisons none"
    yield (
        f"{planned[0].upper()}{planned[1:]}; with a power of {found[0].power:.0%} these find a "
        f"difference of {size}."
    )
    wanted = [s for s in found if s.wanted is not None]
    needed = [s.rounds_needed for s in wanted if s.rounds_needed]
    rope = data.study.rope
    what = f"a difference of {unit.magnitude(rope)}, the rope," if rope else "the difference seen,"
    if needed:
        low, high = min(needed), max(needed)
        rounds = count_noun(high, "round")
        rounds = rounds if low == high else f"{low:,} to {rounds}"
        yield f"To find {what} it takes {rounds}."
    if len(needed) < len(wanted):
        among = "" if not needed else f" in {len(wanted) - len(needed)} of these"
        yield f"No number of rounds like these finds {what if needed else what.rstrip(',')}{among}."


def look_sentences(result: StudyResult | ReportData) -> list[str]:
    """When a study was looked at, and what it has decided; none where that was once, at the end."""
    data = ReportData.wrap(result)
    study, looks = data.study, data.result.looks
    if study.sequential is None and all(look.is_planned(study) for look in looks):
        return []
    try:
        found = data.comparisons
    except ValueError as error:
        return [f"Nothing is decided: {error}."]
    if found.looks is None:
        return []
    n = len(found.comparisons)
    decided = sum(c.conclusion != "undecided" for c in found.comparisons)
    count = f"{decided or 'None'} of {n} comparisons {'is' if decided < 2 else 'are'} decided."
    if n == 1:
        count = f"The comparison is {'decided' if decided else 'not decided'}."
    return [found.looks.describe(found.comparisons[0].test.n), count]
