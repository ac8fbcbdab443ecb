"""``chainrule list``, ``check-study`` and ``schema``."""

from __future__ import annotations

import json
import tomllib

import jsonschema
import pytest

from chainrule.study.builtin import NAMES, load_builtin
from tests.cli.conftest import TINY


def test_list_names_the_studies_and_their_arms_in_80_columns(call):
    code, out, err = call("list")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    words = out.replace(",", "").split()
    for name in NAMES:
        assert {name, *(arm.name for arm in load_builtin(name).all_arms)} <= set(words)


def test_list_says_how_to_run_the_small_form(call):
    assert "chainrule run pairs-depth --quick" in " ".join(call("list")[1].split())


def test_list_as_json(call):
    code, out, _ = call("list", "--json")
    (pairs,) = [row for row in json.loads(out) if row["study"] == "pairs-depth"]
    assert code == 0
    assert len(pairs["arms"]) == 16
    assert (pairs["rounds"], pairs["candidates"], pairs["quick"]) == (30, 48, True)
    assert pairs["summary"]


# check-study


def test_a_right_study_says_its_size_and_what_it_can_conclude(call, tiny):
    # 2 arms search 2 candidates in each round; each arm has 3 rounds and one training alone
    assert call("check-study", tiny) == (
        0,
        (
            f"{tiny}: ok: tiny, 4 arms, 3 rounds, 24 trainings\n"
            "  Paired t test: every round has data of its own, so rounds are independent.\n"
        ),
        "",
    )


def test_what_it_can_conclude_fits_the_terminal(call, tiny, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out = call("check-study", tiny)[1]
    assert out.splitlines()[1:] == [
        "  Paired t test: every round has data of",
        "  its own, so rounds are independent.",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("rounds = 3", "rounds = 0", "rounds: "),
        ("rounds = 3", "runds = 3", "runds: "),
        ('name = "disk_net"', 'name = "disk_nett"', "net 'disk_nett' is not known"),
        ("hidden = 4", "hiden = 4", "net disk_net(hiden=4"),
        ("net.hidden = 7", "net.hidden = -7", "arms large, large-slow: "),
        ('"Adam"', '"Adamant"', "optimizer 'Adamant' is not known"),
        ('"CrossEntropyLoss"', '"BCELoss"', "BCELoss"),
        ("[1e-2, 3e-2]", "[1e-2, -3e-2]", "arms small, large: "),
        ('"disk_points"', '"disk_point"', "data 'disk_point' is not known"),
        ("train = 40", "trian = 40", "data disk_points"),
        ("[search]", "[seach]", "seach: "),
    ],
)
def test_what_is_wrong_is_named(call, tiny, right, wrong, said):
    assert right in TINY
    tiny.write_text(TINY.replace(right, wrong), encoding="utf-8")
    code, out, err = call("check-study", tiny)
    assert (code, out) == (1, "")
    assert str(tiny) in err
    assert said in err


def test_a_file_that_is_no_toml_is_named(call, tiny):
    tiny.write_text("name = ", encoding="utf-8")
    code, _, err = call("check-study", tiny)
    assert code == 1
    assert f"{tiny}: not TOML" in err


def test_every_file_is_checked(call, tiny, tmp_path):
    code, out, err = call("check-study", tmp_path / "nosuch.toml", tiny, "pairs-deph")
    assert code == 1
    assert "tiny.toml: ok" in out
    assert "nosuch.toml" in err
    assert "no study 'pairs-deph'; did you mean 'pairs-depth'?" in err


def test_a_study_may_be_written_in_python(call, tmp_path):
    (tmp_path / "own_studies.py").write_text(
        "from chainrule.study import Study\n\n"
        f"text = '''{TINY}'''\nmine = Study.from_toml(text).with_overrides(name='mine')\n",
        encoding="utf-8",
    )
    assert "ok: mine, 4 arms" in call("check-study", "own_studies.py:mine")[1]
    assert "ok: mine, 4 arms" in call("check-study", "own_studies:mine")[1]
    code, _, err = call("check-study", "own_studies.py:text")
    assert code == 1
    assert "'text' is no Study in own_studies.py; there are: mine" in err
    assert "no file other.py" in call("check-study", "other.py:mine")[2]


def test_a_study_may_name_functions_of_a_module_beside_it(call, tiny, tmp_path):
    (tmp_path / "beside_it.py").write_text("from chainrule.zoo import disk_net\n", encoding="utf-8")
    tiny.write_text(TINY.replace('"disk_net"', '"beside_it:disk_net"'), encoding="utf-8")
    assert call("check-study", tiny)[0] == 0


# schema


@pytest.fixture
def validator(call):
    schema = json.loads(call("schema")[1])
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def test_the_schema_accepts_studies_in_short_and_long_forms(validator):
    assert validator.is_valid(tomllib.loads(TINY))
    for name in NAMES:
        assert validator.is_valid(json.loads(json.dumps(load_builtin(name).as_dict())))
        assert validator.is_valid(tomllib.loads(load_builtin(name).to_toml()))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("rounds = 3", 'rounds = "3 of them"'),
        ("rounds = 3", "runds = 3"),
        ('"grid"', '"gird"'),
        ('"Adam"', "3"),
        ("[1e-2, 3e-2]", "0.01"),
        ("[1e-2, 3e-2]", "[]"),
    ],
)
def test_the_schema_refuses_what_is_no_study(validator, right, wrong):
    assert not validator.is_valid(tomllib.loads(TINY.replace(right, wrong)))


def test_the_schema_explains(validator):
    assert "Where the samples come from" in validator.schema["$defs"]["Data"]["description"]


def test_the_schema_goes_to_a_file(call, tmp_path):
    code, out, err = call("schema", "-o", "study.schema.json")
    assert (code, out, err) == (0, "", "wrote study.schema.json\n")
    assert (tmp_path / "study.schema.json").read_text(encoding="utf-8") == call("schema")[1]


def test_a_store_that_cannot_be_read_hides_no_other(call, finished):
    (finished.parent / "broken.sqlite").write_bytes(b"no store at all, but text " * 99)
    code, out, err = call("studies")
    assert code == 1
    assert "tiny/1" in out
    assert "broken.sqlite" in err
    assert call("studies", "runs/broken.sqlite")[0] == 1


def test_where_nothing_was_run_it_says_what_makes_studies(call):
    assert call("studies")[2].endswith("chainrule run makes them\n")
