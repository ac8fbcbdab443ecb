"""Each rule finds what is planted in a study, and nothing in a clean one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chainrule import seeds
from chainrule.study import StudyError, StudyResult, review, run
from chainrule.study.round_data import round_seed
from chainrule.study.rules.review import RULES
from tests.study.rules.studies import CLEAN, study

DATA = CLEAN["data"]
ALONE = {"space": {}, "search": {}, "optimizer": {"name": "SGD", "lr": 0.3, "momentum": 0.9}}

PLANTED = {
    "R001": {"space": {"optimizer.lr": [1e-5, 1e-4, 0.3]}},
    "R002": {**ALONE, "epochs": 2, "schedule": None, "optimizer": {"name": "SGD", "lr": 0.03}},
    "R003": {**ALONE, "seed": 1, "data": {**DATA, "noise": 1.0}},
    "R004": {**ALONE, "data": {**DATA, "train": 40, "noise": 0.4}, "epochs": 60, "schedule": None},
    "R005": {**ALONE, "rope": None, "rounds": 3},
    "R006": {**ALONE, "arms": {"narrow": {}, "wild": {"optimizer": {"lr": 1e12}}}},
    "R007": {"space": {"optimizer.lr": [0.28, 0.3, 0.32]}},
    "R009": {**ALONE, "data": {**DATA, "rounds": "fixed"}},
    "R011": {**ALONE, "data": {**DATA, "test": 50}},
}


@pytest.fixture(scope="module")
def clean() -> StudyResult:
    return run(study())


def codes(result: StudyResult) -> list[str]:
    return list(dict.fromkeys(finding.code for finding in review(result).findings))


def test_nothing_is_found_in_a_clean_study(clean):
    found = review(clean)
    assert [(f.code, f.message) for f in found.findings] == []
    assert found.skipped == {}


@pytest.mark.parametrize("code", PLANTED)
def test_what_is_planted_is_found(code):
    assert code in codes(run(study(**PLANTED[code])))


def test_a_leak_of_a_later_round_is_found():
    """``run`` looks at two rounds."""
    drawn = seeds.derive(round_seed(study(), 4), "data")
    result = run(study(**ALONE, data={**DATA, "leak_at": drawn}))
    assert result.seen_design.leaks  # by the run, which made these samples anyway
    [finding] = [f for f in review(result).findings if f.code == "R008"]
    assert "round 4" in finding.message


def test_unequal_rounds_are_found(tmp_path):
    where = tmp_path / "store.sqlite"
    run(study(**ALONE, rounds=2), store=where)
    result = run(study(**ALONE, rounds=4), store=where, arms="narrow", extend=True)
    [finding] = [f for f in review(result).findings if f.code == "R010"]
    assert finding.numbers["rounds"] == {"narrow": 4, "wide": 2}
    assert "wide 2" in finding.message


def test_the_same_number_of_other_rounds_is_unequal(clean):
    gone = {("narrow", 0), ("wide", 5)}
    rows = [r for r in clean.rows if r.stage != "final" or (r.arm, r.round) not in gone]
    assert "R010" in codes(replace(clean, rows=rows))


def test_rules_have_codes_in_order_and_all_their_words():
    assert [rule.code for rule in RULES] == [f"R{i:03}" for i in range(1, 12)]
    for rule in RULES:
        assert rule.severity in ("error", "warning")
        assert all(text.endswith(".") and len(text) > 30 for text in (rule.why, rule.advice))
        assert not rule.title.endswith(".")


def test_rules_are_chosen_and_left_out(clean):
    result = replace(clean, rows=[row for row in clean.rows if row.round != 3 or row.arm == "wide"])
    assert "R010" in codes(result)
    assert not review(result, ignore=["r010"]).findings
    assert {f.code for f in review(result, select=["R010"]).findings} == {"R010"}
    assert not review(result, select=["R001", "R010"], ignore=["R010"]).findings


def test_an_unknown_code_is_refused(clean):
    with pytest.raises(StudyError, match=r"no rule 'R099'.*R001, R002"):
        review(clean, select=["R099"])


def test_rules_that_need_samples_say_where_these_cannot_be_made(clean):
    other = study(data={**DATA, "name": "tests.study.rules.studies:no_clouds"})
    kept = ("accuracy", "train_accuracy")
    older = [
        replace(r, metrics={n: x for n, x in r.metrics.items() if n in kept}) for r in clean.rows
    ]
    found = review(replace(clean, study=other, rows=older, seen_design=None))
    assert {*found.skipped} >= {"R003", "R004", "R008"}
    assert all("no clouds today" in why for why in found.skipped.values())


def test_findings_are_json_data():
    found = review(run(study(**PLANTED["R006"])))
    back = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert [row["code"] for row in back["findings"]] == [f.code for f in found.findings]
    assert found.has_errors
    [row] = [row for row in back["findings"] if row["code"] == "R006"]
    assert (row["arm"], row["numbers"]["diverged"]) == ("wild", 6)
    assert "clip_norm = 1.0" in row["advice"]


@pytest.mark.parametrize(
    ("values", "edge", "declared"),
    [
        ([0.01, 0.03, 0.3], 0.3, "[0.01, 0.03, 0.3, 3]"),
        ([0.3, 1e5], 0.3, None),
    ],
)
def test_what_lies_beyond_the_edge_is_said(values, edge, declared):
    result = run(study(space={"optimizer.lr": values}, rounds=2))
    found = [f for f in review(result, select=["R001"]).findings if f.arm == "narrow"]
    assert [f.numbers["edge"] for f in found] == [edge]
    if declared:
        assert found[0].advice.endswith(declared)


def test_zero_is_no_edge():
    result = run(
        study(
            space={"optimizer.weight_decay": [0.0, 10.0]},
            rounds=2,
            optimizer=ALONE["optimizer"],
        )
    )
    chosen = [c for c in result.candidates("wide") if c.chosen]
    assert {c.setting["optimizer.weight_decay"] for c in chosen} == {0.0}
    assert "R001" not in codes(result)


def test_the_rope_is_the_question():
    """With a rope so small that these rounds do not find it, they are too few; they name how many
    would.
    """
    result = run(study(**ALONE, rope=1e-3))
    [finding] = review(result, select=["R005"]).findings
    needed = finding.numbers["rounds_needed"]
    assert needed > 6
    assert finding.advice == f"chainrule run clean --rounds {needed} --extend"


def test_a_rule_says_the_command_that_was_typed(clean):
    typed = ["/bin/chainrule", "run", "my study.toml", "--rounds", "6", "--jobs", "2"]
    result = replace(clean, runs=({"command": typed},))
    rows = [row for row in clean.rows if row.round < 1 or row.stage != "final"]
    [finding] = review(replace(result, rows=rows), select=["R005"]).findings
    assert finding.advice == "chainrule run 'my study.toml' --jobs 2 --rounds 10 --extend"


@pytest.mark.parametrize(
    ("space", "said", "advice"),
    [
        ({"low": 1e-5, "high": 2e-3, "log": True}, "near 0.002, the upper end", "log = true"),
        ({"low": 1e-5, "high": 2e-3}, "near 0.002, the upper end of 1e-05 to 0.002", "low = 1e-05"),
    ],
    ids=["log", "linear"],
)
def test_the_edge_of_a_range_is_told_with_a_wider_range(space, said, advice):
    how = {"search": {"method": "random", "candidates": 40}, "arms": {"narrow": {}}, "rounds": 2}
    result = run(study(**how, space={"optimizer.lr": space}, baseline=None))
    found = next(f for f in review(result, select=["R001"]).findings if "upper" in f.message)
    assert said in found.message
    assert advice in found.advice
