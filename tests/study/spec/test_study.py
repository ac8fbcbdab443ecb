"""A study as a file, in Python and as JSON: one thing, checked where it is declared."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import nn
from chainrule.study import (
    Component,
    Data,
    Dimension,
    Halving,
    Recipe,
    Search,
    Selection,
    Study,
    StudyError,
)
from chainrule.study.spec.stored import read_declaration, rename_old_fields
from chainrule.study.store import StudyRecord
from chainrule.train import Accuracy
from tests.study import small as toys
from tests.study.small import SEARCH, SMALL, searched, small

TOML = """
name = "small"
rounds = 3
epochs = 2
batch_size = 20
loss = "CrossEntropyLoss"

[data]
name = "disk_points"
train = 60
test = 30

[net]
name = "disk_net"
hidden = 3

[optimizer]
name = "Adam"
lr = 0.03

[arms.narrow]
[arms.wide.net]
hidden = 7
"""

# three forms of one study


def test_a_file_and_python_declare_the_same():
    assert Study.from_toml(TOML) == small()


FORMS = {
    "plain": small(),
    "searched": searched(),
    "factors": small(arms={}, factors={"aux": {"no": {}, "yes": {"net": {"hidden": 9}}}}),
    "tuples": small(optimizer=Component(name="Adam", betas=(0.8, 0.9))),
    "functions": small(net=toys.fragile, arms={"a": {"net": toys.deadly}}),
    "reported": small(reported={"wide": {"mean": 0.5, "std": 0.1}}, rope=0.01),
    "quick": small(quick={"rounds": 1, "data": {"train": 20}}),
    "least": small(
        direction="min", metric="loss", failure_value=9.5, arms={"a": {"schedule": "ConstantLR"}}
    ),
}


@pytest.mark.parametrize("study", FORMS.values(), ids=FORMS)
def test_there_and_back(study):
    for again in (
        Study.from_toml(study.to_toml()),
        Study.model_validate_json(study.model_dump_json()),
        Study(**study.as_dict()),
    ):
        assert again == study
        assert again.digest == study.digest


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.lists(
    st.one_of(numbers, st.booleans(), texts), min_size=1, max_size=4, unique_by=repr
).map(lambda given: Dimension(values=tuple(given)))
ends = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=2).map(sorted)
ranges = st.builds(
    lambda ends, kind: Dimension(low=ends[0], high=ends[1], **kind),
    ends,
    st.sampled_from([{}, {"log": True}, {"step": 9e3}, {"batchable": False}]),
)


@given(st.dictionaries(st.sampled_from(["optimizer.lr", "net.hidden", "loss.x"]), values | ranges))
def test_any_space_goes_there_and_back(space):
    how = {"method": "random", "candidates": 3} if space else {"method": "fixed"}
    study = small(space=space, search=how)
    assert Study.from_toml(study.to_toml()).space == space
    assert Study.model_validate_json(study.model_dump_json()).space == space


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t], ids=["CRLF", "BOM"]
)
def test_files_of_other_editors(tmp_path, change):
    path = tmp_path / "small.toml"
    path.write_bytes(change(TOML).encode())
    assert Study.load(path) == small()


# short forms


def test_a_name_alone_is_a_part():
    assert small(loss="CrossEntropyLoss") == small(loss={"name": "CrossEntropyLoss"})


def test_a_part_and_a_section_may_be_given_as_objects():
    objects = small(
        net=Component(name="disk_net", hidden=3), data=Data(name="disk_points", train=60, test=30)
    )
    assert objects == small()
    assert searched(search=Search(method="grid", each_round=False)).digest == searched().digest


def test_a_function_stands_for_its_name():
    assert small(net=toys.fragile).net == {"name": "tests.study.small:fragile"}


def test_a_function_in_an_arm_stands_for_its_name():
    study = small(arms={"a": {"net": toys.fragile}})
    assert study.all_arms[0].recipe.net.name == "tests.study.small:fragile"


def test_a_list_of_values_is_a_dimension():
    listed, full = [0.1, 0.2], {"values": [0.1, 0.2]}
    assert searched(space={"optimizer.lr": listed}) == searched(space={"optimizer.lr": full})


# what is refused


def local():
    def net():
        return nn.Linear(2, 2)

    return net


WRONG = {
    "no name": ({"name": None}, "name: expected a text, got None"),
    "name of a path": (
        {"name": "a/b"},
        "name: expected letters, digits, dots, hyphens and underscores, got 'a/b'",
    ),
    "rounds": ({"rounds": 0}, "rounds: expected at least 1, got 0"),
    "text for a number": ({"epochs": "many"}, "epochs: expected a whole number, got 'many'"),
    "unknown field": ({"round": 3}, r"round: no such field; did you mean 'rounds'\?"),
    "argument of the optimizer": (
        {"momentum": 0.9, "optimizer": {"name": "SGD"}},
        r"momentum: no such field; did you mean 'optimizer.momentum'\?",
    ),
    "argument of another optimizer": (
        {"momentum": 0.9, "optimizer": {"name": "Adam"}},
        "momentum: no such field; 'optimizer.momentum' is an argument of Muon, RMSprop, SGD",
    ),
    "a file of no reader": ({"data": {"csv": "a.csv"}}, 'data.name: .* expected name = "table"'),
    "more rounds than anybody trains": ({"rounds": 10**20}, "rounds: expected at most 100000, "),
    "date for a name": (
        {"loss": date(2020, 5, 1)},
        "loss: expected a name, or a table with one, got 2020-05-01 without quotes",
    ),
    "argument of the net": ({"hiden": 3}, r"hiden: no such field; did you mean 'net.hidden'\?"),
    "field of a section": ({"method": "grid"}, r"method: .* did you mean 'search.method'\?"),
    "field of the quick form": ({"quick": {"epoch": 3}}, r"quick.epoch: .* mean 'epochs'\?"),
    "argument in an arm": (
        {"arms": {"a": {"lr": 3}}},
        r"arms.a.lr: no such field; did you mean 'optimizer.lr'\?",
    ),
    "value of a few": (
        {"search": {"method": "gird"}},
        r"search.method: expected 'fixed', .* or 'gp', got 'gird'; did you mean 'grid'\?",
    ),
    "unknown field of a section": (
        {"search": {"methods": "grid"}},
        r"search.methods: no such field; did you mean 'method'\?",
    ),
    "allowed values": (
        {"data": {"name": "pairs", "rounds": "new"}},
        "data.rounds: expected 'fresh', 'fixed', 'resplit' or 'folds', got 'new'",
    ),
    "no data": (
        {"data": {}},
        r"data.name: is missing; expected \[data\] with name = .*, disk_points, ",
    ),
    "part that is a number": ({"net": 3}, "net: expected a name, or a table with one, got 3"),
    "precision": (
        {"precision": "half"},
        "precision: expected 'float32', 'float64' or 'bfloat16', got 'half'",
    ),
    "lambda": ({"loss": lambda: None}, r"loss: <lambda>: a study names what it is made of"),
    "local function": ({"net": local()}, "net: local.<locals>.net: a study names what it is"),
    "method": (
        {"net": Study.with_overrides},
        "net: Study.with_overrides: a study names what it is",
    ),
    "lambda in an arm": ({"arms": {"a": {"net": lambda: 0}}}, "arms.a: <lambda>: a study names"),
    "object": ({"loss": nn.CrossEntropyLoss()}, r"loss: expected the function or class that makes"),
    "metric object": (
        {"metrics": {"a": Accuracy()}},
        r'metrics.a: .* {"name": "Accuracy"',
    ),
    "object argument": (
        {"net": {"name": "disk_net", "activation": nn.ReLU()}},
        "  net.activation: expected finite numbers, texts and lists",
    ),
    "argument not finite": (
        {"optimizer": {"name": "Adam", "lr": float("inf")}},
        "  optimizer.lr: expected a finite number, got inf",
    ),
    "nothing in an arm": (
        {"arms": {"a": {"schedule": None}}},
        "arms.a.schedule: expected finite numbers, texts and lists of them, got None",
    ),
    "unknown field of an arm": (
        {"arms": {"a": {"nets": "x"}}},
        r"arms.a.nets: no such field; did you mean 'net'\?",
    ),
    "arm without a net": (
        {"net": {}, "arms": {"a": {}}},
        r"arm a: net.name: is missing; expected \[net\] with name = .*, plane_net, ",
    ),
    "arms and factors": (
        {"factors": {"f": {"a": {}}}},
        "arms are written out or the product of factors; expected one of the two",
    ),
    "factor without levels": (
        {"arms": {}, "factors": {"f": {}}},
        "factors: every factor needs at least one level",
    ),
    "metric": ({"metric": "auc"}, r"metric: expected one of \['accuracy', 'loss'\], got 'auc'"),
    "baseline": ({"baseline": "big"}, "baseline: no arm big; arms: narrow, wide"),
    "reported": ({"reported": {"big": {"mean": 1}}}, "reported: no arm big; arms: narrow, wide"),
    "largest loss": (
        {"metric": "loss"},
        "direction: a loss is better when it is smaller;",
    ),
    "worst is best": (
        {"metric": "loss", "direction": "min"},
        "failure_value: with direction 'min', 0 would be the best; expected a large value",
    ),
    "worst is infinite": (
        {"failure_value": float("inf")},
        "failure_value: expected a finite number, got inf",
    ),
    "space without search": (
        {"space": SEARCH["space"]},
        r"search: there is a space .optimizer.lr., and no method to search it; expected \[search\]",
    ),
    "search without space": (
        {"search": {"method": "grid"}},
        r"space: search.method is 'grid', and there is nothing to search; expected \[space\]",
    ),
    "how many": (
        {**SEARCH, "search": {"method": "random"}},
        "search.candidates: random needs to know how many",
    ),
    "grid of a range": (
        {**SEARCH, "space": {"optimizer.lr": {"low": 0.1, "high": 1}}},
        "space optimizer.lr: a grid needs values, or a range with a step",
    ),
    "values of a dimension": (
        {**SEARCH, "space": {"optimizer.lr": {"step": 0.1}}},
        "space.optimizer.lr: expected either values, or low and high",
    ),
    "path of a space": (
        {**SEARCH, "space": {"optimiser.lr": [0.1]}},
        r"arm narrow: path 'optimiser.lr': no such field; did you mean 'optimizer.lr'\?",
    ),
    "path of nothing": (
        {**SEARCH, "space": {"schedule.gamma": [0.1]}},
        "arm narrow: path 'schedule.gamma': the recipe has no schedule with arguments",
    ),
    "leaking search": (
        {**SEARCH, "data": {"name": "disk_points", "rounds": "folds"}},
        "search.each_round: with re-splits or folds .* expected true",
    ),
    "long first rung": (
        {**SEARCH, "search": {"method": "grid", "halving": {"min_epochs": 2}}},
        "search.halving.min_epochs: expected less than epochs = 2",
    ),
    "no refit of folds": (
        {"selection": {"split": "kfold", "refit": False}},
        "selection.refit: without it, one hold-out is needed; expected true",
    ),
    "part of hold-out": (
        {"selection": {"fraction": 1.0}},
        "selection.fraction: expected less than 1, got 1.0",
    ),
}


OLD_NAMES = {
    "goal": ({"goal": "min"}, "goal: is called direction now"),
    "worst": ({"worst": 1.0}, "worst: is called failure_value now"),
    "members": ({"members": 2}, "members: is called ensemble_size now"),
    "members of an arm": (
        {"arms": {"a": {"members": 2}}},
        "arms.a.members: is called ensemble_size now",
    ),
    "members in a space": (
        {**SEARCH, "space": {"members": [1, 2]}},
        "arm narrow: path 'members': is called ensemble_size now",
    ),
    "width": ({"width": 2}, "width: is called cohort_size now"),
    "last": ({"selection": {"last": 2}}, "selection.last: is called average_last now"),
    "first": (
        {**SEARCH, "search": {"method": "grid", "halving": {"first": 1}}},
        "search.halving.first: is called min_epochs now",
    ),
    "whole": (
        {**SEARCH, "space": {"epochs": {"low": 1, "high": 2, "whole": True}}},
        "space.epochs.whole: is called integer now",
    ),
    "shared": (
        {**SEARCH, "space": {"optimizer.lr": {"values": [0.1], "shared": True}}},
        "space.optimizer.lr.shared: is called batchable now",
    ),
    "quick": ({"quick": {"members": 2}}, "quick.members: is called ensemble_size now"),
}


@pytest.mark.parametrize(("changes", "message"), OLD_NAMES.values(), ids=OLD_NAMES)
def test_the_old_name_of_a_field_is_answered_with_the_new_one(changes, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        declared(changes)


def test_an_argument_may_be_called_as_a_field_was():
    study = declared({"net": {"name": "disk_net", "width": 3, "last": 1}})
    assert study.all_arms[0].recipe.net.arguments == {"width": 3, "last": 1}


@pytest.mark.parametrize(
    ("section", "field", "new"),
    [
        (Dimension, "whole", "integer"),
        (Dimension, "shared", "batchable"),
        (Selection, "last", "average_last"),
        (Halving, "first", "min_epochs"),
        (Recipe, "members", "ensemble_size"),
    ],
)
def test_a_constructor_knows_the_old_name_too(section, field, new):
    with pytest.raises(ValueError, match=f"{field}: is called {new} now"):
        section(**{field: 1})


def test_a_study_of_the_first_format_is_read_with_the_names_of_now():
    old = {
        "goal": "min",
        "worst": 9.0,
        "members": 2,
        "width": 3,
        "net": {"width": 4},
        "arms": {"a": {"members": 1, "net": {"members": 5}}},
        "factors": {"f": {"yes": {"members": 6}}},
        "selection": {"last": 7},
        "search": {"halving": {"first": 8}},
        "space": {"members": [1], "net.hidden": {"low": 1, "high": 2, "whole": True}},
        "quick": {"members": 1, "selection": {"last": 1}},
    }
    assert rename_old_fields(old) == {
        "direction": "min",
        "failure_value": 9.0,
        "ensemble_size": 2,
        "cohort_size": 3,
        "net": {"width": 4},
        "arms": {"a": {"ensemble_size": 1, "net": {"members": 5}}},
        "factors": {"f": {"yes": {"ensemble_size": 6}}},
        "selection": {"average_last": 7},
        "search": {"halving": {"min_epochs": 8}},
        "space": {
            "ensemble_size": [1],
            "net.hidden": {"low": 1, "high": 2, "integer": True},
        },
        "quick": {"ensemble_size": 1, "selection": {"average_last": 1}},
    }


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(StudyError, match=message) as caught:
        small().with_overrides() if not changes else declared(changes)
    assert str(caught.value).startswith("study small is not a study:\n  ")


def declared(changes):
    from chainrule.study.spec.study import validate_study

    return validate_study({**SMALL, **changes}, "study small")


def test_python_gets_a_value_error_that_names_the_field():
    with pytest.raises(StudyError, match="rounds") as caught:
        small(rounds=-1)
    assert isinstance(caught.value, ValueError)


def test_each_problem_has_a_line_of_its_own():
    with pytest.raises(StudyError) as caught:
        Study.from_toml("rounds = 0", "a.toml")
    lines = str(caught.value).split("\n")
    assert lines[0] == "a.toml is not a study:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "nowhere in a.toml, name",
        "nowhere in a.toml, data",
        *(f"nowhere in a.toml, {part}.name" for part in ("net", "loss", "optimizer")),
        "line 1, rounds",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "name: is missing"),
        (b"name = = 3", "not TOML: Invalid value .at line 1"),
        (b"name = '\xff\xfe'", "not a text in UTF-8"),
        (b"\x00\x01", "not TOML"),
        (b"name = 'a'\nname = 'b'", "not TOML: Cannot overwrite a value"),
    ],
    ids=["empty", "syntax", "encoding", "binary", "twice"],
)
def test_a_file_that_is_none_is_named(tmp_path, content, message):
    path = tmp_path / "wrong.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=message) as caught:
        Study.load(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.toml"):
        Study.load(tmp_path / "none.toml")


# other values


def test_having_changes_what_it_names_and_nothing_else():
    study = small()
    assert study.with_overrides(rounds=5, epochs=None) == small(rounds=5)
    assert study.rounds == 3


def test_having_goes_level_by_level():
    assert small().with_overrides(optimizer={"lr": 0.5}).optimizer == {"name": "Adam", "lr": 0.5}


def test_a_part_of_another_name_begins_anew():
    assert small().with_overrides(optimizer={"name": "SGD"}).optimizer == {"name": "SGD"}
    assert small().with_overrides(optimizer="SGD").optimizer == {"name": "SGD"}


def test_having_refuses_what_a_study_does_not_have():
    with pytest.raises(
        StudyError,
        match=r"study small is not a study:\n  speed: no such field; did you mean",
    ):
        small().with_overrides(speed=3)


def test_the_quick_form_has_a_name_of_its_own_and_is_not_quicker_still():
    quick = small(quick={"rounds": 1, "data": {"train": 20}}).quick_form()
    assert (quick.name, quick.rounds, quick.epochs) == ("small-quick", 1, 2)
    assert quick.data.arguments == {"train": 20, "test": 30}
    assert not quick.quick


def test_a_quick_space_takes_the_place_of_the_whole():
    quick = searched(quick={"space": {"optimizer.lr": [0.1]}}).quick_form()
    assert quick.space["optimizer.lr"].values == (0.1,)


def test_no_quick_form_is_said():
    with pytest.raises(StudyError, match="study small declares no quick form"):
        small().quick_form()


@pytest.mark.parametrize(
    ("quick", "message"),
    [
        ({"rounds": 0}, "quick.rounds: expected at least 1, got 0"),
        ({"search": {"metod": "grid"}}, r"quick.search.metod: .* mean 'method'\?"),
        ({"arms": {"narow": {}}}, r"quick.arms.narow: .* mean 'narrow'\?"),
        ({"arms": {"wide": {"epoch": 2}}}, r"quick.arms.wide.epoch: .* mean 'epochs'\?"),
        ({"metric": "acc"}, r"quick: metric: did you mean 'accuracy'\?"),
    ],
)
def test_a_wrong_quick_form_is_named(quick, message):
    with pytest.raises(StudyError, match=message):
        small(quick=quick)


# the digest

DECIDES = {
    "name": "other",
    "seed": 1,
    "rounds": 4,
    "epochs": 3,
    "batch_size": 10,
    "precision": "float64",
    "cohort_size": 2,
    "metrics": {"accuracy": {"name": "Accuracy", "threshold": 0.4}},
    "net": {"name": "disk_net", "hidden": 4},
    "data": {"name": "disk_points", "train": 60, "test": 31},
    "arms": {"narrow": {}},
    "selection": {"fraction": 0.4},
}


@pytest.mark.parametrize(("field", "value"), DECIDES.items(), ids=DECIDES)
def test_what_decides_a_number_changes_the_digest(field, value):
    assert small(**{field: value}).digest != small().digest


SHOWS = {
    "summary": "other words",
    "baseline": "wide",
    "rope": 0.5,
    "failure_value": 0.1,  # one that diverged is never chosen before another
    "reported": {"wide": {"mean": 0.5}},
    "quick": {"rounds": 1},
    "metric": "accuracy",  # the default
    "seed": 0,
}


@pytest.mark.parametrize(("field", "value"), SHOWS.items(), ids=SHOWS)
def test_what_only_shows_it_does_not(field, value):
    assert small(**{field: value}).digest == small().digest


def test_the_order_of_lines_does_not_change_the_digest():
    arms = {"wide": {"net": {"hidden": 7}}, "narrow": {}}
    assert small(arms=arms, net={"hidden": 3, "name": "disk_net"}).digest == small().digest


def test_the_order_of_the_space_does_for_it_numbers_the_candidates():
    a, b = {"optimizer.lr": [0.1, 0.2]}, {"net.hidden": [3, 5]}
    assert searched(space={**a, **b}).digest != searched(space={**b, **a}).digest


def test_the_order_of_values_does_too():
    assert searched(space={"optimizer.lr": [0.3, 0.03, 0.003]}).digest != searched().digest


# when it searches

GRID = {**SEARCH, "search": {"method": "grid"}}


@pytest.mark.parametrize(
    ("changes", "each_round"),
    [
        ({}, False),  # nothing to search
        (GRID, True),
        ({**GRID, "arms": {"only": {}}}, False),
        (
            {**GRID, "arms": {"only": {}}, "data": {"name": "disk_points", "rounds": "resplit"}},
            True,
        ),
        ({**GRID, "search": {"method": "grid", "each_round": False}}, False),
    ],
)
def test_where_arms_are_compared_each_round_searches(changes, each_round):
    study = small(**changes)
    assert study.searches_each_round is each_round
    again = Study.from_toml(study.to_toml())
    assert (again.searches_each_round, again.digest) == (each_round, study.digest)


def test_what_is_the_default_has_the_digest_of_what_says_so():
    each = small(**{**GRID, "search": {"method": "grid", "each_round": True}})
    assert small(**GRID).digest == each.digest
    assert small(**GRID).digest != searched().digest


STORED = """
name = "old"
[data]
name = "DATA"
[net]
name = "disk_net"
[loss]
name = "CrossEntropyLoss"
[optimizer]
name = "Adam"
[arms.narrow]
[arms.wide.net]
hidden = 7
[space]
"optimizer.lr" = [0.003, 0.03]
[search]
method = "grid"
"""
"""As a store has it from when one search, and fresh rounds, were the default of all."""

DIGESTS = {
    "disk_points": "d61cb49bbad7cd8db65f54218384e862f42e8b57da66380f30d51133788cddbf",
    "table": "de9fbb0df5f0b31de09b197db78c2a1595fda528dc7794f83e80eba4a8118b8c",
}
"""What the digest was then."""


def stored(data: str) -> Study:
    toml = STORED.replace("DATA", data)
    return read_declaration(StudyRecord(1, "old", "", {"toml": toml}, {}, ""))


def test_a_stored_declaration_is_read_once():
    assert stored("disk_points") is stored("disk_points")


@pytest.mark.parametrize("data", DIGESTS)
def test_a_stored_study_keeps_the_defaults_that_it_ran_with(data):
    study = stored(data)
    assert not study.searches_each_round
    assert study.data.rounds == "fresh"
    assert study.digest == DIGESTS[data]


def test_a_new_study_of_the_same_text_searches_in_each_round():
    study = Study.from_toml(STORED.replace("DATA", "disk_points"))
    assert study.searches_each_round
    assert study.digest != stored("disk_points").digest


# the rounds of a file


def test_rounds_of_a_table_are_re_splits_unless_said():
    assert small(data="table").data.rounds == "resplit"
    assert small(data={"name": "table", "rounds": "folds"}).data.rounds == "folds"
    again = Study.from_toml(small(data="table").to_toml())
    assert again.data.rounds == "resplit"


def test_rounds_of_a_table_are_never_fresh():
    with pytest.raises(StudyError, match=r"the same rows in every round.*expected .resplit."):
        small(data={"name": "table", "rounds": "fresh"})
