"""``--csv FILE --target COLUMN``: another file is another study."""

from __future__ import annotations

import json

import pytest

from chainrule.study.spec.csv_data import round_up

CARS = """\
name = "cars"
rounds = 2
epochs = 1
direction = "min"
failure_value = 40.0
loss = "MSELoss"
optimizer = "Adam"
[data]
name = "table"
rounds = "resplit"
missing = "median"
standardize = "feature"
standardize_target = true
[metrics]
rmse = "RootMeanSquaredError"
[net]
name = "table_net"
hidden = 3
[arms.small]
[arms.large]
net.hidden = 5
"""

ROWS = [f"{i},{40 + i * 7 % 50},{'AB'[i % 2]},{100 + i * 13 % 70}" for i in range(40)]
HOUSES = "\n".join(["id,area,town,price", *ROWS, "40,?,A,100", "41,60,B,", ""])
ASKED = ("--jobs", "1", "--csv", "houses.csv", "--target", "price")


@pytest.fixture
def cars(tmp_path):
    (tmp_path / "houses.csv").write_text(HOUSES, encoding="utf-8")
    path = tmp_path / "cars.toml"
    path.write_text(CARS, encoding="utf-8")
    return path


def test_a_table_of_ones_own_is_run_and_what_was_done_is_said(call, cars):
    code, out, err = call("run", cars, *ASKED, "--json")
    assert code == 0
    assert [(r["arm"], r["n_ok"], r["parameters"]) for r in json.loads(out)] == [
        ("small", 2, 28),
        ("large", 2, 56),
    ]
    assert err.splitlines()[0].endswith("houses.csv: 41 rows, 3 inputs")
    assert [line.strip() for line in err.splitlines()[1:5]] == [
        "1 rows without price are left out",
        "id: left out, it numbers the rows",
        "area: missing in 1 of 41 rows, taken as the training median",
        "town: text, one-hot, 2 levels",
    ]


def test_arms_with_another_net_get_the_inputs_of_the_table_too(call, cars):
    cars.write_text(f'{CARS}[arms.sure]\nnet = "gaussian_net"\nloss = "GaussianNLLLoss"\n')
    code, out, _ = call("run", cars, *ASKED, "--json")
    assert code == 0
    assert json.loads(out)[-1]["n_ok"] == 2


def test_a_target_that_never_changes_is_refused(call, cars, tmp_path):
    (tmp_path / "houses.csv").write_text("area,price\n1,7\n2,7\n", encoding="utf-8")
    code, _, err = call("run", cars, *ASKED)
    assert code == 1
    assert "expected a target that varies; price is 7 in every row that has it (2)" in err


def test_the_same_file_goes_on_and_a_changed_one_is_another_study(call, cars, tmp_path):
    call("run", cars, *ASKED)
    assert "nothing was left to train" in call("run", cars, *ASKED)[2]
    (tmp_path / "houses.csv").write_text(HOUSES.replace("0,40,", "0,44,"), encoding="utf-8")
    code, _, err = call("run", cars, *ASKED)
    assert code == 0
    assert "sha256" in err
    assert "nothing was left to train" not in err
    assert "study 2 of 2" in call("show", "cars")[2]


def test_a_file_that_changes_after_it_was_declared_is_refused(call, cars, tmp_path):
    digest = "0" * 64
    text = CARS.replace(
        '"table"', f'"table"\ncsv = "houses.csv"\ntarget = "price"\nsha256="{digest}"'
    )
    cars.write_text(text, encoding="utf-8")
    code, _, err = call("run", cars, "--jobs", "1")
    assert code == 1
    assert f"houses.csv: expected SHA-256 {digest}, got" in err


def test_a_plan_of_a_table_of_ones_own(call, cars):
    code, out, err = call("plan", cars, *ASKED, "--no-time", "--json")
    assert code == 0
    assert json.loads(out)["arms"][0]["parameters"] == [28, 28]
    assert "town: text, one-hot" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--csv", "houses.csv", "--target", "prize"), "no column 'prize'; did you mean 'price'?"),
        (("--csv", "houses.csv", "--target", "town"), "line 2, column 'town': expected a number"),
        (("--csv", "none.csv", "--target", "price"), "No such file"),
    ],
)
def test_what_is_wrong_with_the_table_is_said(call, cars, options, message):
    code, out, err = call("run", cars, *options)
    assert (code, out) == (1, "")
    assert message in err
    assert "runs" not in [path.name for path in cars.parent.iterdir()]


def test_the_two_options_go_together(call, cars):
    code, _, err = call("run", cars, "--csv", "houses.csv")
    assert code == 2
    assert "--csv FILE and --target COLUMN go together" in err


def test_a_study_of_something_else_takes_no_table(call, tiny, cars):
    code, _, err = call("run", tiny, *ASKED)
    assert code == 1
    assert "study tiny: its data are disk_points; --csv goes with a study whose data are" in err


def test_another_metric_than_the_one_that_selects(call, cars):
    call("run", cars, *ASKED)
    code, out, _ = call("show", "cars", "--metric", "loss")
    assert code == 0
    assert out.startswith("cars: test loss, mean ± standard deviation")
    code, _, err = call("show", "cars", "--metric", "lost")
    assert code == 1
    assert "no metric 'lost'; metrics: rmse, loss" in err.replace("loss, rmse", "rmse, loss")


@pytest.mark.parametrize(("x", "up"), [(37.6, 37.6), (69, 69), (123456, 124000), (0.04321, 0.0433)])
def test_the_worst_is_rounded_up(x, up):
    assert round_up(x) == pytest.approx(up)
