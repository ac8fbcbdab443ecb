"""Which way rows were computed is recorded, and those of one arm never mix unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from chainrule._util.notices import print_once
from chainrule.compiled import BuildError, build, kernel
from chainrule.report import results_table
from chainrule.study import StudyError, run
from chainrule.study.results.backends import describe_backends
from chainrule.study.spec.digests import semantic_content
from tests.study.small import small


def backends(result, arm):
    return {row.backend for row in result.rows if row.arm == arm}


def test_each_row_tells_which_way_it_was_computed_and_by_which_kernel():
    result = run(small(arms={"known": {}, "unknown": {"net": "tests.study.small:halved"}}))
    known, unknown = (backends(result, name) for name in ("known", "unknown"))
    assert known == {"compiled"}
    reason = "there is no compiled form of Halve.forward, which is not chainrule's"
    assert unknown == {f"plain: {reason}"}
    assert {row.kernel for row in result.rows if row.arm == "known"} == {kernel(torch.float32).key}
    assert result.runs[-1]["kernel"] == kernel(torch.float32).key


def test_who_computes_is_no_part_of_a_studys_identity():
    study = small()
    declared = small(trainer={"name": "Trainer", "compile": True})
    own = {"trainer": {"name": "Trainer", "compile": False}}
    in_an_arm = small(arms={"narrow": own, "wide": study.arms["wide"]})
    by_torch = small(trainer={"name": "TorchTrainer"}, arms={"a": {}, "b": own})
    assert study.with_overrides(compile=False).digest == study.digest
    assert declared.digest == study.digest
    assert in_an_arm.digest == study.digest
    assert semantic_content(by_torch)["arms"] == {"a": {}, "b": {"trainer": {"name": "Trainer"}}}


@pytest.mark.parametrize(("before", "after"), [(False, "auto"), ("auto", False)])
def test_an_arm_does_not_go_on_another_way_unless_asked(tmp_path, before, after):
    few, more = small(rounds=2), small(rounds=3)
    store = tmp_path / "a.sqlite"
    run(few.with_overrides(compile=before), store=store)
    more = more.with_overrides(compile=after)
    with pytest.raises(StudyError, match=r"arm narrow: trained [\s\S]*--mix-backends"):
        run(more, store=store, extend=True)
    result = run(more, store=store, extend=True, mix_backends=True)
    assert result.is_complete
    assert len(backends(result, "narrow")) == 2
    kept = run(more.with_overrides(compile=before), store=store)  # nothing is left to train
    assert kept.is_complete


def test_the_way_it_was_goes_on_without_being_asked(tmp_path):
    store = tmp_path / "a.sqlite"
    run(small(rounds=2, compile=False), store=store)
    result = run(small(rounds=3, compile=False), store=store, extend=True)
    assert backends(result, "narrow") == {"plain"}


def test_rows_from_before_it_was_recorded_are_of_the_plain_path(tmp_path, monkeypatch):
    from chainrule.study.execution.training import records

    store = tmp_path / "a.sqlite"
    with monkeypatch.context() as patch:

        def unrecorded(**values):
            return replace(record(**values), backend="", kernel="")

        record = records.TrainingRecord
        patch.setattr(records, "TrainingRecord", unrecorded)
        run(small(rounds=2), store=store)
    with pytest.raises(StudyError, match="arm narrow: trained on the plain path so far"):
        run(small(rounds=3), store=store, extend=True)


def test_an_arm_whose_settings_go_different_ways_goes_on(tmp_path):
    study = small(
        arms={"one": {}},
        space={"net.name": ["disk_net", "tests.study.small:halved"]},
        search={"method": "grid"},
    )
    store = tmp_path / "a.sqlite"

    def stop(progress):
        if progress.cohorts == 2:
            raise KeyboardInterrupt

    first = run(study, store=store, on_progress=stop)
    assert first.interrupted
    assert run(study, store=store).is_complete


def test_without_a_compiler_the_whole_run_is_plain_and_a_line_says_so(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(build, "compiler", lambda: None)
    build.load_kernel.cache_clear()
    print_once.cache_clear()
    result = run(small())
    assert {row.backend for row in result.rows} == {"plain"}
    assert capsys.readouterr().err.splitlines()[-1] == (
        "chainrule: trainings take the plain path: there is no C++ compiler: install g++ or "
        "clang++, or set CXX"
    )
    with pytest.raises(BuildError):
        run(small(compile=True))
    build.load_kernel.cache_clear()


def test_who_insists_has_a_failed_row_for_what_the_kernel_does_not_know():
    study = small(arms={"known": {}, "unknown": {"net": "tests.study.small:halved"}}, compile=True)
    result = run(study)
    assert {row.arm for row in result.failures} == {"unknown"}
    assert "compile=True: there is no compiled form" in result.failures[0].note


def test_the_table_says_which_way_each_arm_was_computed():
    result = run(small(arms={"known": {}, "unknown": {"net": "tests.study.small:halved"}}))
    notes = " ".join(results_table(result).notes)
    assert f"known: trained in the compiled kernel {kernel(torch.float32).key}." in notes
    assert "unknown: trained on the plain path (there is no compiled form of Halve" in notes


def test_in_words():
    rows = run(small(rounds=2, arms={"a": {}, "b": {}})).rows
    rows = [replace(row, backend="compiled", kernel="k") for row in rows]
    assert describe_backends(rows) == ["Trained in the compiled kernel k."]
    assert describe_backends([replace(row, backend="") for row in rows]) == []
    mixed = [replace(r, backend="plain") if r.round and r.arm == "b" else r for r in rows]
    assert describe_backends(mixed) == [
        "a: trained in the compiled kernel k.",
        "b: trained in the compiled kernel k, or on the plain path.",
    ]
