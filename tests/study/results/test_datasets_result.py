"""What a study over several data sets found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainrule.statistics import StatisticsError
from chainrule.study import (
    DatasetsResult,
    Study,
    StudyError,
    load_datasets_result,
    open_store,
    run,
    run_datasets,
)
from chainrule.study.spec.datasets import split_datasets
from tests.study.small import SMALL, lasting
from tests.study.spec.test_datasets import two


def disks(**changes):
    """Two arms on three disks of other sizes, without sizes of nets to find."""
    sizes = {"few": {"train": 40}, "some": {"train": 60}, "many": {"train": 80}}
    return Study(**{**SMALL, "datasets": sizes, **changes})


@pytest.fixture(scope="module")
def result():
    return run_datasets(disks())


def test_the_rows_are_those_of_each_alone(result):
    for name, train in (("few", 40), ("many", 80)):
        data = {"name": "disk_points", "train": train, "test": 30}
        alone = run(Study(**{**SMALL, "data": data}))
        assert lasting(alone.rows) == lasting(result[name].rows)


def test_a_study_alone_and_a_part_of_the_same_name_are_one_in_a_store(tmp_path):
    part = split_datasets(disks())["few"]
    alone = Study(**{k: v for k, v in part.as_dict().items() if k != "part_of"})
    before = run(alone, store=tmp_path / "s.sqlite")
    after = run_datasets(disks(), store=tmp_path / "s.sqlite")["few"]
    assert after.rows == before.rows


def test_run_says_how_several_are_run():
    with pytest.raises(StudyError, match=r"\(few, some, many\): expected run_datasets"):
        run(disks())


def test_rows_of_all(result):
    rows = result.as_rows()
    assert [(row["dataset"], row["arm"]) for row in rows][:3] == [
        ("few", "narrow"),
        ("few", "wide"),
        ("some", "narrow"),
    ]
    assert "dataset" in repr(result)


def test_a_store_gives_back_what_was_run(tmp_path):
    path = tmp_path / "disks.sqlite"
    ran = run_datasets(disks(), store=path)
    with open_store(path, read_only=True) as store:
        loaded = load_datasets_result(store, disks().digest)
        with pytest.raises(StudyError, match="no study over several data sets"):
            load_datasets_result(store, "another")
    assert loaded.as_rows() == ran.as_rows()
    assert [*loaded.datasets] == ["few", "some", "many"]
    assert loaded.is_complete


def test_an_interrupted_run_goes_on(tmp_path):
    def stop(progress):
        if progress.scheduler.study.name == "small.some" and progress.cohorts:
            raise KeyboardInterrupt

    path = tmp_path / "disks.sqlite"
    half = run_datasets(disks(), store=path, on_progress=stop)
    assert (half.interrupted, [*half.datasets], half.is_complete) == (True, ["few", "some"], False)
    assert half.left_out[-1] == "many"
    whole = run_datasets(disks(), store=path)
    assert whole.is_complete
    assert lasting(whole.rows) == lasting(run_datasets(disks()).rows)


def test_more_rounds_extend_each(tmp_path):
    path = tmp_path / "disks.sqlite"
    run_datasets(disks(), store=path)
    with pytest.raises(StudyError, match=r"small\.few: .*say --extend"):
        run_datasets(disks(rounds=4), store=path)
    more = run_datasets(disks(rounds=4), store=path, extend=True)
    assert [arm.n for of in more.datasets.values() for arm in of.arms] == [4] * 6


def test_a_data_set_more_leaves_the_others_as_they_are(tmp_path):
    path = tmp_path / "disks.sqlite"
    before = run_datasets(disks(), store=path)
    sizes = {
        name: {"train": n} for name, n in (("new", 50), ("few", 40), ("some", 60), ("many", 80))
    }
    after = run_datasets(disks(datasets=sizes), store=path)
    assert [*after.datasets] == ["new", "few", "some", "many"]
    assert after["few"].rows == before["few"].rows


def test_a_data_set_that_lacks_an_arm_is_left_out(result):
    few = result["few"]
    rows = [row for row in few.rows if row.arm == "narrow"]
    part = DatasetsResult(
        "small", {**result.datasets, "few": replace(few, rows=rows)}, result.declared
    )
    assert [*part.compared_arms] == ["some", "many"]
    assert part.left_out == ["few"]
    assert len(part.compare().comparisons[0].differences) == 2


def test_one_data_set_alone_is_no_comparison(result):
    one = DatasetsResult("small", {"few": result["few"]}, result.declared)
    with pytest.raises(StatisticsError, match="on at least two data sets"):
        one.compare()


def test_nothing_begun():
    with pytest.raises(StudyError, match="no data set is begun"):
        DatasetsResult("small", {}, ["few"])


def test_less_is_better_where_the_direction_says_so():
    study = disks(metric="loss", direction="min", failure_value=100.0)
    result = run_datasets(study)
    [comparison] = result.compare().comparisons
    means = [(of.arm("narrow").mean, of.arm("wide").mean) for of in result.datasets.values()]
    assert comparison.differences == pytest.approx([b - a for a, b in means])


def test_nets_follow_the_data_set():
    result = run_datasets(two())
    assert [arm.parameters for of in result.datasets.values() for arm in of.arms] == [
        *(4 * 3 + 3, 4 * 20 + 20 + 20 * 20 + 20 + 20 * 3 + 3),
        *(2 * 2 + 2, 2 * 20 + 20 + 20 * 20 + 20 + 20 * 2 + 2),
    ]
