"""Every rule over one result."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, final

from chainrule._util.argument_checks import check_arguments
from chainrule._util.suggest import did_you_mean
from chainrule.recipes.errors import StudyError
from chainrule.study.results.study_result import StudyResult
from chainrule.study.rules.base import Finding, Rule
from chainrule.study.rules.diverged_arms import DivergedArms
from chainrule.study.rules.edge_of_space import EdgeOfSpace
from chainrule.study.rules.few_rounds import FewRounds
from chainrule.study.rules.last_epoch import LastEpoch
from chainrule.study.rules.metric_step import MetricStep
from chainrule.study.rules.search_noise import SearchNoise
from chainrule.study.rules.seeds_alone import SeedsAlone
from chainrule.study.rules.selection_leak import SelectionLeak
from chainrule.study.rules.training_gap import TrainingGap
from chainrule.study.rules.trivial_answer import TrivialAnswer
from chainrule.study.rules.unequal_rounds import UnequalRounds

__all__ = ["RULES", "Review", "review"]

RULES: Sequence[Rule] = (
    *(EdgeOfSpace(), LastEpoch(), TrivialAnswer(), TrainingGap(), FewRounds(), DivergedArms()),
    *(SearchNoise(), SelectionLeak(), SeedsAlone(), UnequalRounds(), MetricStep()),
)
"""In the order of their codes."""


@final
@dataclass(frozen=True)
class Review:
    """What the rules found in a study; ``skipped``: code of a rule that could not look → why."""

    study: str
    findings: Sequence[Finding]
    skipped: dict[str, str]

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error: what the study seems to say does not follow."""
        return any(finding.severity == "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        rows = [finding.as_row() for finding in self.findings]
        return {"study": self.study, "findings": rows, "skipped": self.skipped}


@check_arguments
def review(
    result: StudyResult, *, select: Collection[str] = (), ignore: Collection[str] = ()
) -> Review:
    """What is wrong with a study that can be seen in its results, by the rules of these codes.

    All rules unless ``select`` names some, less those of ``ignore``. Samples are made anew; where
    that fails, the rules that need them are ``skipped``. Raises StudyError for an unknown code.
    """
    chosen = {code.upper() for code in select} or {rule.code for rule in RULES}
    dropped = {code.upper() for code in ignore}
    codes = [rule.code for rule in RULES]
    for code in sorted(chosen | dropped):
        if code not in codes:
            hint = did_you_mean(code, codes)
            raise StudyError(f"no rule {code!r}; {hint}rules: {', '.join(codes)}")
    findings: list[Finding] = []
    skipped: dict[str, str] = {}
    for rule in RULES:
        if rule.code not in chosen - dropped:
            continue
        try:
            findings += rule.find(result)
        except Exception as error:  # a file that is gone, whatever a function of the user raises
            if not rule.reads_samples:
                raise
            skipped[rule.code] = f"{error}"
    return Review(result.study.name, findings, skipped)
