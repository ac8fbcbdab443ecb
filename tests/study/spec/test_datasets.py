"""Several data sets in one declaration, and the study of each."""

from __future__ import annotations

import re

import jsonschema
import pytest

from chainrule.study import Study, StudyError
from chainrule.study.spec.datasets import split_datasets
from chainrule.study.spec.schema import build_schema
from chainrule.study.spec.stored import rename_old_fields

FILE = """
name = "two"
rounds = 2
epochs = 2

[data]
name = "table"
standardize = "feature"

[datasets.iris]
bundled = "iris"

[datasets.disk]
name = "disk_points"
train = 50

[net]
name = "table_net"

[loss]
name = "CrossEntropyLoss"

[optimizer]
name = "Adam"

[arms.linear]
net.layers = 0

[arms.deep]

[quick]
rounds = 1
data = { standardize = "all" }
datasets = { disk = { train = 20 } }
"""


def two(**changes):
    return Study.from_toml(FILE).with_overrides(**changes)


def test_each_is_the_data_with_what_it_says_differently():
    found = two().datasets
    assert found["iris"] == {"name": "table", "bundled": "iris", "standardize": "feature"}


def test_another_source_keeps_how_data_are_divided_and_no_argument():
    data = {"name": "table", "bundled": "wine", "rounds": "folds", "standardize": "all"}
    study = two(datasets={}, data=data).with_overrides()
    part = Study(**{**study.as_dict(), "data": data, "datasets": {"disk": {"name": "disk_points"}}})
    assert part.datasets["disk"] == {
        "name": "disk_points",
        "rounds": "folds",
        "standardize": "all",
    }


def test_nets_have_the_sizes_of_each():
    sizes = {
        name: (part.net["inputs"], part.net["outputs"])
        for name, part in split_datasets(two()).items()
    }
    assert sizes == {"iris": (4, 3), "disk": (2, 2)}


def test_a_size_that_is_declared_stays():
    part = split_datasets(two(net={"inputs": 5}))["iris"]
    assert (part.net["inputs"], part.net["outputs"]) == (5, 3)


def test_each_is_the_study_that_it_would_be_alone():
    net = {"name": "table_net", "inputs": 4, "outputs": 3}
    data = {"name": "table", "bundled": "iris", "standardize": "feature"}
    alone = two().as_dict() | {"name": "two.iris", "net": net, "data": data}
    del alone["datasets"], alone["quick"]
    assert split_datasets(two())["iris"].digest == Study(**alone).digest


def test_a_part_says_of_what():
    of = split_datasets(two())["disk"].part_of
    assert (of.study, of.dataset, of.datasets) == ("two", "disk", ("iris", "disk"))
    assert of.digest == two().digest


def test_text_and_study_are_one():
    study = two()
    again = Study.from_toml(study.to_toml())
    assert (again, again.digest) == (study, study.digest)
    assert rename_old_fields(study.as_dict()) == study.as_dict()


def test_the_digest_is_of_all_data_sets():
    digests = {two().digest, two(datasets={"disk": {"train": 51}}).digest, two(seed=1).digest}
    assert len(digests) == 3


def test_what_is_said_of_the_data_is_said_of_each():
    found = two(data={"test": 0.5}).datasets
    assert [data["test"] for data in found.values()] == [0.5, 0.5]


def test_the_quick_form_changes_all_or_one():
    quick = two().quick_form().datasets
    assert [data["standardize"] for data in quick.values()] == ["all", "all"]
    assert (quick["disk"]["train"], "train" in quick["iris"]) == (20, False)


def test_a_csv_file_beside_the_declaration_is_found(tmp_path):
    (tmp_path / "rows.csv").write_text("a,t\n" + "1,x\n2,y\n" * 20)
    text = FILE.replace('bundled = "iris"', 'csv = "rows.csv"\ntarget = "t"\nsha256 = "0"')
    (tmp_path / "two.toml").write_text(text)
    study = Study.load(tmp_path / "two.toml")
    assert study.datasets["iris"]["csv"] == str(tmp_path / "rows.csv")
    assert "csv" not in str(sorted(study.digest))
    with pytest.raises(ValueError, match=r"data set iris: .*sha256: expected '0'"):
        split_datasets(study)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('bundled = "iris"', "rounds = 3"), r"datasets\.iris\.rounds: expected 'fresh', 'fixed'"),
        (('name = "disk_points"', "name = 3"), r"datasets\.disk.*expected a text"),
        (("[datasets.disk]", "[datasets.1]"), r"datasets\.1: expected a letter, then letters"),
        (("rounds = 2", 'rounds.until = "decided"'), r"until decided goes with one data set"),
        (("[net]", "[reported]\ndeep.mean = 1.0\n[net]"), r"reported: one number an arm goes with"),
        (("disk = { train", "disc = { train"), r"quick\.datasets\.disc: not one of the study; did"),
        (('[data]\nname = "table"', "[data]"), r"datasets\.iris\.name: is missing"),
    ],
)
def test_wrong_declarations(change, message):
    with pytest.raises(StudyError, match=message):
        Study.from_toml(FILE.replace(*change))


def test_neither_data_nor_data_sets():
    with pytest.raises(StudyError, match=r"data: is missing; expected \[data\] with name"):
        Study.from_toml(re.sub(r"\[data.*?\n\n|\[datasets.*?\n\n", "", FILE, flags=re.DOTALL))


def test_a_table_that_there_is_not_is_told_with_its_data_set():
    with pytest.raises(ValueError, match=r"data set iris: no table 'irsi'.*did you mean 'iris'"):
        split_datasets(two(datasets={"iris": {"bundled": "irsi"}}))


def test_the_schema_takes_a_declaration_with_data_sets_and_one_without():
    import tomllib

    schema, declared = build_schema(), tomllib.loads(FILE)
    del declared["data"]["name"]
    declared["datasets"]["iris"]["name"] = "table"
    jsonschema.validate(declared, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**declared, "datasets": {}, "data": 3}, schema)
    del declared["datasets"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(declared, schema)
    jsonschema.validate({**declared, "data": "disk_points"}, schema)
