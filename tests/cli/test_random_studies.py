"""Every sentence of compare, show and report over random studies: none says more than its numbers.

The studies are stored and read back, and what is checked is the text that the commands print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from chainrule.report.html import page_figures
from chainrule.study import Look, Study, StudyResult, load_result, open_store
from tests.report.conftest import diverged, row
from tests.study.small import small

STUDIES = 60
QUICK = 5
"""So many of them are made in every run of the tests."""

WRONG = {
    "a number that is none": r"\bnan\b(?! or infinity)|\bNone\b(?!\.| of \d)|\binf\b",
    "a p of 0": r"p = 0\.0+ |p < 0\b(?!\.)",
    "a difference of 0 that is significant": r"[+-]0\.0+( points)? [^.:]*: significant",
    "several arms that has": r"\w, \S+ has |and \S+ has ",
    "one that are": r"\b1 (comparisons|rounds|looks|arms|tests|effects)\b|\b1 are\b",
    "several that is": r"\b([2-9]|\d\d+) (comparison|round|look|arm|test|effect)\b(?! of)",
    "a negative 0": r"-0\.0+(?![0-9])",
    "an empty name": r" ,|\(\)| \.",
    "a share of more than all": r"find a difference of (\d{3,}\.\d+|∞) points",
    "a count of 0 in digits": r"\b0 of \d+ comparisons (are|is) |, 0 (are|is) ",
    "a sign that is turned unsaid": r"test loss: .* is \+[^,(]+ \(",
    "a doubled word": r"\b([a-z]{2,}) \1\b",
}


def draw_study(draw: np.random.Generator) -> Study:
    """Two to five arms, or the four of two factors; fixed rounds, or until decided."""
    factors = {}
    arms = {f"arm{i}": {"net": {"hidden": 3 + i}} for i in range(draw.integers(2, 6))}
    if draw.random() < 0.25:
        factors = {
            "size": {"small": {}, "large": {"net": {"hidden": 9}}},
            "rate": {"low": {}, "high": {"optimizer": {"lr": 0.1}}},
        }
        arms = {}
    rounds = int(draw.integers(2, 13))
    if draw.random() < 0.35:
        method = str(draw.choice(["pocock", "obrien-fleming", "anytime"]))
        rounds = {"until": "decided", "looks": [3, 6], "max": 12, "method": method}
    loss = draw.random() < 0.4
    data = {"name": "disk_points", "train": 20, "test": 20}
    return small(
        rounds=rounds,
        arms=arms,
        factors=factors,
        rope=draw.choice([None, 0.005, 0.1]),
        data={**data, "rounds": str(draw.choice(["fresh", "fixed", "resplit", "folds"]))},
        **({"metric": "loss", "direction": "min", "failure_value": 1.0} if loss else {}),
    )


def draw_rows(study: Study, draw: np.random.Generator) -> Iterator:
    """Scores that tie, repeat and are discrete; rounds that are missing, diverged or failed."""
    most = int(draw.integers(2, study.max_rounds + 1))
    steps, noise = draw.choice([2, 20, 50, 10**7]), draw.choice([0.0, 1e-3, 0.1])
    for arm in study.all_arms:
        gain = draw.choice([0.0, 0.0, 1e-7, 0.02, 0.2])
        fewer = int(draw.integers(most)) if draw.random() < 0.3 else 0
        for r in range(most - fewer):
            score = 0.5 + gain + noise * draw.normal()
            made = row(
                arm.name, "final", 0, r, float(np.clip(np.round(score * steps) / steps, 0, 1))
            )
            made = replace(made, setting={})
            chance = draw.random()
            if chance < 0.04:
                made = diverged(made)
            elif chance < 0.07:
                made = replace(made, status="failed", metrics={}, curves={}, note="torn")
            yield made


def draw_looks(study: Study, draw: np.random.Generator) -> list[Look]:
    """Some that the declaration plans, some that it does not."""
    if draw.random() < 0.7:
        return []
    return [Look(n, f"2026-01-0{n}T00:00:00+00:00", (n,), None) for n in (2, 4)]


@pytest.fixture(
    params=[pytest.param(i, marks=[pytest.mark.slow] if i >= QUICK else []) for i in range(STUDIES)]
)
def stored(request, tmp_path) -> StudyResult:
    """A random study, stored as ``random`` and read back."""
    draw = np.random.default_rng(request.param)
    study = draw_study(draw)
    baseline = draw.choice([None, study.all_arms[0].name])
    study = study.with_overrides(baseline=baseline, name="random")
    declaration = {"toml": study.to_toml()}
    if looks := draw_looks(study, draw):
        declaration["looks"] = [look.as_row() for look in looks]
    (tmp_path / "runs").mkdir()
    with open_store(tmp_path / "runs" / "random.sqlite") as store:
        rows = list(draw_rows(study, draw))
        record = store.open_study(study.name, study.digest, declaration, {"versions": {}}, rows)
        return load_result(store, record.id)


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch):
    """Captions are read, lines and axes are not: they take most of the time."""
    monkeypatch.setattr(page_figures, "inline_svg", lambda figure, name, caption: "<svg></svg>")


def page_text(html: str) -> str:
    """What a reader of the page sees, but for tables and the declaration."""
    body = re.sub(r"<(style|script|svg|table|pre|dl|nav)\b.*?</\1>", " ", html, flags=re.DOTALL)
    body = re.sub(r'<p class="downloads">.*?</p>', " ", body, flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


def texts(call, tmp_path) -> dict[str, str]:
    """What each command says, on one line."""
    said = {}
    for name, args in {
        "compare": ("compare", "random"),
        "all pairs": ("compare", "random", "--all-pairs"),
        "show": ("show", "random"),
        "show loss": ("show", "random", "--metric", "loss"),
        "report": ("report", "random", "-o", "page.html"),
    }.items():
        code, out, err = call(*args)
        assert code in (0, 1), (name, err)
        said[name] = re.sub(r"\s+", " ", f"{out} {err}")
    said["page"] = page_text((tmp_path / "page.html").read_text())
    return said


def check_words(said: dict[str, str]) -> None:
    """No sentence is wrong in itself."""
    for command, text in said.items():
        for what, pattern in WRONG.items():
            found = re.search(pattern, text)
            near = text[max(0, found.start() - 80) : found.end() + 40] if found else ""
            assert not found, f"{command}: {what}: …{near}…"


def check_decisions(said: dict[str, str], result: StudyResult) -> None:
    """No difference found, no difference, and looks are said where the numbers say so."""
    try:
        found = result.compare()
    except ValueError as error:
        problem = str(error)
    else:
        problem = ""
    if problem:
        assert problem in said["compare"]
        return
    kinds = [c.conclusion for c in found.comparisons]
    undecided, equal = kinds.count("undecided"), kinds.count("equivalent")
    of = f" of {len(kinds)} comparisons"
    among, same = (f" in {n}{of}" if len(kinds) > 1 else "" for n in (undecided, equal))
    for text in (said["compare"], said["page"]):
        assert text.count(f"No difference found{among}, which") == bool(undecided)
        assert (f"{same}: tests of equivalence show it" in text) == bool(equal)
    for name in ("compare", "show", "page"):
        assert ("Looked at" in said[name]) == (found.looks is not None), name
    for c in found.comparisons:
        assert c.p_holm > 0
        if c.test.standard_error:
            assert (c.simultaneous_low < 0 < c.simultaneous_high) == (c.p_holm > 0.05)


def check_means(said: dict[str, str], result: StudyResult, call) -> None:
    """The best is so over common rounds, and what diverged counts in every table."""
    shown = json.loads(call("show", "random", "--json")[1])
    metric = json.loads(call("show", "random", "--metric", result.study.metric_name, "--json")[1])
    assert [r["mean"] for r in metric] == [r["mean"] for r in shown if r["n"]]
    best = max if result.study.direction == "max" else min
    means = {arm.arm: arm.mean for arm in result.common_arms if arm.n}
    for arm in re.findall(r"(\S+) has the (?:highest|lowest) mean", said["page"]):
        assert means[arm] == best(means.values())


def test_no_sentence_says_more_than_its_numbers(call, tmp_path, stored):
    said = texts(call, tmp_path)
    check_words(said)
    check_decisions(said, stored)
    check_means(said, stored, call)
