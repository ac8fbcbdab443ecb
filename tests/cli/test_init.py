"""``chainrule init``: a study to start from."""

from __future__ import annotations

import pytest

from chainrule.data import auto_mpg_table
from chainrule.study import Study
from chainrule.study.builtin import NAMES


@pytest.fixture
def cars(tmp_path):
    table = auto_mpg_table()
    lines = [",".join(table.columns), *map(",".join, zip(*table.columns.values(), strict=True))]
    path = tmp_path / "cars.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_what_it_writes_is_right_and_trains(call):
    code, out, err = call("init")
    assert (code, out) == (0, "")
    assert err == (
        "wrote study.toml\n"
        "Next: chainrule check-study study.toml; chainrule run study.toml --quick\n"
    )
    assert call("check-study", "study.toml")[0] == 0
    assert call("run", "study.toml", "--quick", "--jobs", 1)[0] == 0


def test_the_name_is_that_of_the_file(call, tmp_path):
    assert call("init", "new folder/my nets.toml")[0] == 0
    path = tmp_path / "new folder" / "my nets.toml"
    assert Study.load(path).name == "my-nets"
    assert "# What is searched for every arm" in path.read_text("utf-8")


def test_a_file_that_is_there_stays(call, tmp_path):
    (tmp_path / "study.toml").write_text("mine")
    code, _, err = call("init")
    assert code == 1
    assert err == ("chainrule: study.toml is there already: choose another name, or move it away\n")
    assert (tmp_path / "study.toml").read_text() == "mine"


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_study_is_copied_with_its_comments(call, tmp_path, name):
    assert call("init", "mine.toml", "--from", name)[0] == 0
    text = (tmp_path / "mine.toml").read_text("utf-8")
    assert text.startswith("# ")
    assert (
        Study.from_toml(text).digest
        == Study.from_toml(text.replace('name = "mine"', f'name = "{name}"', 1))
        .with_overrides(name="mine")
        .digest
    )


def test_an_unknown_study_lists_the_known_ones(call):
    code, _, err = call("init", "--from", "pairs")
    assert code == 1
    assert "no study 'pairs'" in err
    assert "pairs-depth" in err


def test_a_table_of_ones_own_is_filled_in(call, tmp_path, cars):
    code, _, err = call("init", "cars.toml", "--csv", cars, "--target", "mpg")
    assert code == 0, err
    assert "name: left out" in err
    text = (tmp_path / "cars.toml").read_text("utf-8")
    study = Study.from_toml(text)
    assert study.data.arguments["target"] == "mpg"
    assert study.net["inputs"] == 9
    assert (study.name, study.rounds) == ("cars", 10)
    assert 'name = "cars"\n' in text
    assert "rounds = 10\n" in text
    assert "[arms.linear]\nnet.layers = 0\n" in text
    assert "# What is searched for every arm" in text
    assert call("check-study", "cars.toml")[0] == 0


def test_a_built_in_study_is_written_with_another_table(call, tmp_path, cars):
    code, _, err = call("init", "a.toml", "--csv", cars, "--target", "weight", "--from", "prices")
    assert code == 0, err
    text = (tmp_path / "a.toml").read_text("utf-8")
    study = Study.from_toml(text)
    assert study.data.arguments["target"] == "weight"
    assert study.failure_value > 3000
    assert study.all_arms[0].name == "linear"
    assert text.count("[data]") == 1
    assert "# One factor at a time" in text


def test_a_table_needs_its_target(call, cars):
    code, _, err = call("init", "cars.toml", "--csv", cars)
    assert code == 2
    assert "--csv FILE and --target COLUMN go together" in err


def test_a_file_of_another_kind_is_a_wrong_call(call):
    code, _, err = call("init", "study.csv")
    assert code == 2
    assert "ends in .toml" in err


def test_a_table_whose_path_no_study_can_have_is_told(call, tmp_path):
    name = b"h\xe4user.csv".decode("utf-8", "surrogateescape")
    (tmp_path / name).write_text("a,price\n" + "1,2.5\n3,4.5\n" * 9, encoding="utf-8")
    for words in (("init", "new.toml"), ("run", "prices")):
        code, out, err = call(*words, "--csv", name, "--target", "price")
        assert (code, out) == (1, "")
        assert "user.csv: a study's file cannot have this path, some of which is no UTF-8: " in err
    assert not (tmp_path / "new.toml").exists()
