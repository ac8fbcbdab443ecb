"""``chainrule explain``."""

from __future__ import annotations

import json

import pytest

from chainrule import nn, save


@pytest.mark.parametrize(("net", "lines"), [("deep", 22), ("disk", 8), ("pairs", 11)])
def test_built_in_nets_have_a_line_a_layer(call, net, lines):
    code, out, err = call("explain", net, "--json")
    assert (code, err) == (0, "")
    assert len(json.loads(out)) == lines


def test_the_gradient_of_a_deep_sigmoid_net_is_seen_to_vanish(call):
    _, out, _ = call("explain", "deep", "--layers", 10, "--init", "XavierUniform", "--json")
    norms = [row["dw"] for row in json.loads(out) if row["dw"] is not None]
    assert norms[0] < 1e-5 * norms[-1]


def test_the_table_names_the_net_and_explains_its_columns(call):
    code, out, _ = call("explain", "deep", "--layers", 2, "--activation", "ReLU", "--hidden", 7)
    assert code == 0
    assert out.startswith("2 hidden layers of 7 ReLU: 200 points, cross-entropy.\n")
    assert "Linear 7" in out
    assert "dead: units of ReLU" in out
    assert max(map(len, out.splitlines())) <= 80


def test_several_initializations_are_compared_and_drawn(call, tmp_path):
    inits = ["--init", "HeNormal", "--init", "Zeros"]
    code, out, err = call("explain", "deep", "--layers", 3, *inits, "-o", "deep.png")
    assert code == 0
    assert "Normal" in out
    assert "Zeros" in out
    assert err == "wrote deep.png\n"
    assert (tmp_path / "deep.png").read_bytes().startswith(b"\x89PNG")


def test_a_saved_net_gets_random_numbers_and_keeps_its_weights(call, tmp_path):
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid())
    save(net, tmp_path / "net.safetensors")
    code, out, _ = call("explain", "net.safetensors", "--shape", "5,3", "--json")
    assert code == 0
    assert json.loads(out)[0]["w"] == pytest.approx(float(net[0].weight.data.norm()), rel=1e-5)


def test_a_function_of_a_net_is_looked_at_with_data_as_for_train(call):
    code, out, err = call("explain", "plane_net", "disk_points", "--init", "Zeros", "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [row["layer"] for row in rows[:2]] == ["Linear", "ReLU"]
    assert rows[0]["dw"] == 0


def test_a_trained_net_knows_its_inputs_and_prepares_new_ones(call, tmp_path):
    rows = "\n".join(f"{x},{'ab'[x % 2]},{x * x}" for x in range(40))
    (tmp_path / "new.csv").write_text(f"x,kind,y\n{rows}\n", encoding="utf-8")
    call("train", "table_net", "new.csv", "--target", "y", "--epochs", 1, "-o", "net.safetensors")
    assert call("explain", "net.safetensors")[0] == 0
    code, out, _ = call("explain", "net.safetensors", "new.csv")
    assert code == 0
    assert out.startswith("net.safetensors: 40 samples of new.csv, MSELoss.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["disk", "--layers", 3], "--layers is an option of the net deep, got disk"),
        (["deep", "--shape", "5,2"], "--shape is for a saved net; deep is built in"),
        (["deep", "disk_points"], "DATA goes with a saved net or a function"),
        (["plane_net"], "plane_net: say with which data, e.g. explain plane_net disk_points"),
        (["deep", "--activation", "Sigmod"], "no activation 'Sigmod'; did you mean 'Sigmoid'?"),
        (["deep", "--init", "Zero"], "no initialization 'Zero'; did you mean 'Zeros'?"),
        (["nosuch"], "no file nosuch, and no built-in net; built in: deep, disk, pairs"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(call, words, message):
    code, out, err = call("explain", *words)
    assert (code, out) == (1, "")
    assert err.startswith(f"chainrule: {message}")


def test_a_figure_of_another_format_is_refused_before_any_work(call):
    code, out, err = call("explain", "deep", "-o", "deep.gif")
    assert (code, out) == (2, "")
    assert "-o FILE ends in .png, .svg or .pdf, got deep.gif" in err
