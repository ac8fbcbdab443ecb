"""``--csv FILE --target COLUMN``: another file is another study."""

from __future__ import annotations

import json
import math
import re
from hashlib import sha256

import pytest

from chainrule.study.spec.own_files.csv_data import round_up

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
    assert [line.strip() for line in err.splitlines()[1:6]] == [
        "price: 40 different numbers, so regression (else: --task classification)",
        "1 row without price left out",
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
    assert f"houses.csv: sha256: expected '{digest}', got" in err


def test_a_plan_of_a_table_of_ones_own(call, cars):
    code, out, err = call("plan", cars, *ASKED, "--json")
    assert code == 0
    assert json.loads(out)["arms"][0]["parameters"] == [28, 28]
    assert "town: text, one-hot" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--csv", "houses.csv", "--target", "prize"), "no column 'prize'; did you mean 'price'?"),
        (
            ("--csv", "houses.csv", "--target", "town", "--task", "regression"),
            "line 2, column 'town': expected a number",
        ),
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
    assert "no metric 'lost'; did you mean 'loss'? metrics: " in err


@pytest.mark.parametrize(("x", "up"), [(37.6, 37.6), (69, 69), (123456, 124000), (0.04321, 0.0433)])
def test_the_worst_is_rounded_up(x, up):
    assert round_up(x) == pytest.approx(up)


# a class for a target, and files as other programs write them


def flowers(separator=",", point=".", ends="\n", missing="?"):
    lines = [separator.join(["id", "länge", "breite", "ort", "art", "stufe"])]
    for i in range(48):
        x, y = math.sin(i), math.cos(3 * i)
        level = (x > 0) + (y > 0)
        size = missing if i == 7 else f"{x:.3f}".replace(".", point)
        cells = [
            str(i),
            size,
            f"{y:.3f}".replace(".", point),
            "abc"[i % 3],
            "XYZ"[level],
            str(level),
        ]
        lines.append(separator.join(cells))
    return ends.join([*lines, ""])


QUICK = ("prices", "--csv", "flowers.csv", "--quick", "--arms", "base")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_text(flowers(), encoding="utf-8")
    return path


def test_a_study_of_numbers_tells_the_classes_of_a_table(call, table):
    code, out, err = call("run", *QUICK, "--target", "art", "--jobs", "1", "--json")
    assert code == 0
    [row] = json.loads(out)
    assert (row["n_ok"], row["parameters"]) == (2, (6 + 1) * 20 + 21 * 20 + 21 * 3)
    assert 0.2 < row["mean"] <= 1
    said = [line.strip() for line in err.splitlines()]
    assert "art: 3 different texts, so classification" in said
    assert any("gaussian, gaussian-tanh, gaussian-long" in line for line in said)


@pytest.mark.parametrize(
    ("more", "said", "outputs"),
    [
        ((), "stufe: 3 different numbers, so classification (else: --task regression)", 3),
        (("--task", "regression"), "stufe: regression, as told", 1),
        (("--data", "task=regression"), "stufe: regression, as told", 1),
    ],
)
def test_whole_numbers_are_classes_unless_told(call, table, more, said, outputs):
    code, out, err = call("plan", *QUICK, "--target", "stufe", "--json", *more)
    assert code == 0
    assert said in err
    (arm,) = json.loads(out)["arms"]
    assert arm["parameters"][0] == (8 + 1) * 20 + 21 * 20 + 21 * outputs


@pytest.mark.parametrize(
    ("text", "encoding", "options"),
    [
        (flowers(";", ","), "utf-8-sig", ()),
        (flowers(";", ",", "\r\n"), "utf-16", ()),
        (flowers(";", ","), "latin-1", ("--encoding", "latin-1")),
        (flowers("\t", ","), "utf-16-le", ("--encoding", "utf-16-le")),
        (flowers(",", ".", "\r\n", "keine"), "utf-8", ("--na", "keine")),
        (flowers(";", ".", "\n"), "utf-8", ("--decimal", ".")),
    ],
)
def test_a_file_of_another_program_is_the_same_table(call, table, text, encoding, options):
    table.write_bytes(text.encode(encoding))
    asked = ("--target", "art", "--json", *options)
    code, _, err = call("plan", *QUICK, *asked, "--ignore", "stufe")
    assert code == 0
    assert "48 rows, 5 inputs" in err
    assert "länge: missing in 1 of 48 rows" in err
    options = ("--epochs", "1", *options)
    code, _, err = call("train", "table_net", table, "--target", "art", *options)
    assert code == 0
    assert "länge: missing in 1 of 30 rows" in err


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        (flowers(";", ","), "latin-1", "--encoding latin-1, or encoding = "),
        (flowers(";", ","), "utf-16-le", "--encoding utf-16-le, or encoding = "),
        (
            flowers(missing="keine Angabe"),
            "utf-8",
            "'keine Angabe' in line 9 is not: taken as missing by --na 'keine Angabe', or na = [",
        ),
    ],
)
def test_what_is_not_read_is_said_with_the_option(call, table, text, encoding, said):
    table.write_bytes(text.encode(encoding))
    for command in (("plan", *QUICK), ("train", "table_net", table, "--epochs", "1")):
        assert said in call(*command, "--target", "art")[2]


def test_a_number_for_a_study_of_classes_is_refused(call, table, cars):
    text = CARS.replace('direction = "min"\nfailure_value = 40.0\n', "").replace(
        "MSE", "CrossEntropy"
    )
    text = text.replace('rmse = "RootMeanSquaredError"', 'accuracy = "Accuracy"')
    cars.write_text(text.replace("standardize_target = true\n", ""), encoding="utf-8")
    asked = ("--csv", table, "--jobs", "1", "--json", "--target")
    code, _, err = call("run", cars, *asked, "breite")
    assert code == 1
    assert "CrossEntropyLoss is a loss of classes, but breite is taken for a number" in err
    code, out, _ = call("run", cars, *asked, "art")
    assert code == 0
    assert [row["arm"] for row in json.loads(out)] == ["small", "large"]


def test_a_declared_table_has_its_nets_filled_in_wherever_it_lies(call, table, tmp_path):
    declared = """\
name = "flowers"
rounds = 2
epochs = 1
loss = "CrossEntropyLoss"
optimizer = "Adam"
net = "table_net"
[data]
name = "table"
csv = "flowers.csv"
target = "art"
missing = "median"
standardize = "feature"
sha256 = "none"
"""
    (tmp_path / "flowers.toml").write_text(declared, encoding="utf-8")
    code, _, err = call("check-study", "flowers.toml")
    assert code == 1
    digest = re.search(r'write sha256 = "(\w+)"', err)[1]
    declared = declared.replace('"none"', f'"{digest}"')
    (tmp_path / "flowers.toml").write_text(declared, encoding="utf-8")
    code, out, err = call("run", "flowers.toml", "--jobs", "1", "--json")
    assert code == 0
    assert "48 rows, 6 inputs\n  id: left out, it numbers the rows\n" in err
    assert json.loads(out)[0]["parameters"] == (6 + 1) * 20 + 21 * 20 + 21 * 3
    (tmp_path / "else").mkdir()
    for name in ("flowers.csv", "flowers.toml"):
        (tmp_path / name).rename(tmp_path / "else" / name)
    assert "nothing was left to train" in call("run", "else/flowers.toml", "--jobs", "1")[2]
    (tmp_path / "else" / "flowers.csv").unlink()
    assert call("show", "else/flowers.toml")[0] == 0


def test_a_study_of_classes_to_start_from(call, table):
    assert call("init", "mine.toml", "--csv", table, "--target", "art", "--ignore", "id")[0] == 0
    assert call("check-study", "mine.toml")[0] == 0


NO_MEDIAN = """\
name = "cells"
rounds = 2
epochs = 1
loss = "MSELoss"
optimizer = "Adam"
metric = "loss"
direction = "min"
failure_value = 9.0
net = "table_net"
[data]
name = "table"
csv = "cells.csv"
target = "b"
"""


def test_missing_numbers_that_nothing_fills_are_refused_before_all_nets_diverge(call, tmp_path):
    cells = "a,b\n" + "".join(f"{i * 7 % 11},{i}\n" for i in range(20)) + "?,3\n"
    (tmp_path / "cells.csv").write_text(cells, encoding="utf-8")
    digest = sha256(cells.encode()).hexdigest()
    declared = f'{NO_MEDIAN}sha256 = "{digest}"\n'
    (tmp_path / "cells.toml").write_text(declared, encoding="utf-8")
    for command in (("check-study",), ("run", "--jobs", "1")):
        code, _, err = call(command[0], "cells.toml", *command[1:])
        assert code == 1
        assert "a: missing in 1 of 21 rows\n" in err
        assert "numbers are missing in 1 of 21 rows, and a net of nan diverges; expected mi" in err
    (tmp_path / "cells.toml").write_text(f'{declared}missing = "median"\n', encoding="utf-8")
    code, _, err = call("run", "cells.toml", "--jobs", "1")
    assert code == 0
    assert "a: missing in 1 of 21 rows, taken as the training median\n" in err
