"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import chainrule
from chainrule import nn, save
from chainrule.cli import main
from chainrule.studies import NAMES, find

ARMS = ["mlp", "mlp-sharing", "mlp-aux", "mlp-sharing-aux"]
QUICK = ("run", "pairs-depth", "--rounds", "2", "--epochs", "2")


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Run the command line in a folder of its own: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chainrule", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run


def said(text: str) -> str:
    """A message without the frame that it may stand in, and on one line."""
    return re.sub(r"[│╭╮╰╯─\s]+", " ", text)


# help and version


def test_version(call):
    assert call("--version") == (0, f"chainrule {chainrule.__version__}\n", "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_the_commands(call, flag):
    code, out, _ = call(flag)
    assert code == 0
    assert all(f" {command} " in out for command in ("list", "run", "check"))


def test_without_a_command_it_shows_the_help(call):
    code, out, err = call()
    assert code == 2
    assert "Usage" in out + err


def test_an_unknown_command_is_a_wrong_call(call):
    code, out, err = call("nosuch")
    assert code == 2
    assert not out
    assert "nosuch" in err


def test_help_has_no_colours_where_none_are_wanted(call, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3\dm", call("--help")[1])


def test_the_installed_script_runs():
    script = Path(sys.executable).with_name("chainrule")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"chainrule {chainrule.__version__}\n"


# list


def test_list_names_the_studies_and_their_arms(call):
    code, out, err = call("list")
    assert code == 0
    assert not err
    for name in NAMES:
        assert name in out
        assert all(f"    {arm.name}\n" in out for arm in find(name).arms)


def test_list_as_json(call):
    code, out, _ = call("list", "--json")
    (pairs,) = [row for row in json.loads(out) if row["study"] == "pairs-depth"]
    assert code == 0
    assert pairs["arms"] == ARMS
    assert pairs["summary"]


# run


def test_run_as_json_prints_rows_on_stdout_and_all_else_on_stderr(call):
    code, out, err = call(*QUICK, "--arms", "mlp", "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert (row["arm"], row["metric"], row["n"], row["n_ok"]) == ("mlp", "accuracy", 2, 2)
    assert row["mean"] == pytest.approx(sum(row["values"]) / 2)
    assert 0.4 < row["mean"] < 1
    assert row["std"] == pytest.approx(abs(row["values"][0] - row["values"][1]) / 2**0.5)
    assert row["solo_seconds"] > 0
    assert row["amortised_seconds"] > 0
    assert "mlp: 2/2 epochs, 2 replica(s)" in err


def test_a_single_round_has_no_std(call):
    _, out, _ = call(*QUICK, "--arms", "mlp", "--json", "--rounds", "1", "--epochs", "1")
    assert json.loads(out)[0]["std"] is None


def test_the_same_seed_gives_the_same_values_and_another_others(call):
    values = [
        json.loads(call(*QUICK, "--arms", "mlp-sharing", "--json", "--seed", seed)[1])[0]["values"]
        for seed in (5, 5, 6)
    ]
    assert values[0] == values[1] != values[2]


def test_the_table_fits_80_columns_with_every_name_whole(call):
    code, out, _ = call(*QUICK, "--rounds", "10", "--epochs", "1")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert [line.split()[0] for line in out.splitlines() if line.strip().startswith("mlp")] == ARMS
    assert "…" not in out
    for whole in ("mean ± std", "80.28 ± 1.30", "ok"):
        assert whole in out


def test_the_table_has_no_escape_codes_in_a_file(call):
    assert "\x1b" not in call(*QUICK, "--arms", "mlp", "--epochs", "1")[1]


def test_figures_go_to_the_folder(call, tmp_path):
    _, _, err = call(*QUICK, "--arms", "mlp", "--figures", "a/b")
    for name in ("train_loss.png", "test_accuracy.png"):
        path = tmp_path / "a" / "b" / name
        assert path.read_bytes().startswith(b"\x89PNG")
        assert f"wrote {Path('a/b') / name}" in err
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_figures_go_to_a_folder_of_the_study_unless_told(call, tmp_path):
    call(*QUICK, "--arms", "mlp", "--epochs", "1")
    assert (tmp_path / "runs" / "pairs-depth" / "train_loss.png").exists()


def test_a_folder_that_cannot_be_made_is_named(call, tmp_path):
    (tmp_path / "taken").write_text("a file")
    code, _, err = call(*QUICK, "--arms", "mlp", "--epochs", "1", "--figures", "taken")
    assert code == 1
    assert "taken" in err


def test_an_unknown_study_lists_those_that_there_are(call):
    code, out, err = call("run", "nosuch")
    assert (code, out) == (1, "")
    assert err.startswith("chainrule: no study 'nosuch'; built-in studies: pairs-depth")


def test_unknown_arms_list_those_that_there_are(call):
    code, out, err = call("run", "pairs-depth", "--arms", "cnn*")
    assert (code, out) == (1, "")
    assert err == f"chainrule: study pairs-depth: no arm matches 'cnn*'; arms: {', '.join(ARMS)}\n"


@pytest.mark.parametrize("option", ["--rounds", "--epochs"])
@pytest.mark.parametrize("value", ["0", "-3", "many", "2.5"])
def test_a_number_that_makes_no_sense_is_a_wrong_call(call, option, value):
    code, out, err = call("run", "pairs-depth", option, value)
    assert (code, out) == (2, "")
    assert f"Invalid value for '{option}'" in said(err)


def test_a_seed_is_a_whole_number(call):
    code, _, err = call("run", "pairs-depth", "--seed", "x")
    assert code == 2
    assert "'--seed'" in said(err)


def test_an_unknown_option_is_a_wrong_call(call):
    code, _, err = call("run", "pairs-depth", "--nosuch")
    assert code == 2
    assert "--nosuch" in err


# check


@pytest.mark.parametrize(("net", "lines"), [("disk", 9), ("pairs", 12)])
def test_built_in_nets_are_right(call, net, lines):
    code, out, err = call("check", net)
    assert code == 0
    assert not err
    assert len(out.splitlines()) == lines
    assert all(re.match(r"ok    \d\.\de-\d\d  ", line) for line in out.splitlines())
    assert out.splitlines()[-1].endswith("the whole net")


def test_the_paths_of_the_layers_are_shown(call):
    _, out, _ = call("check", "disk")
    assert [line.split(None, 2)[2] for line in out.splitlines()[:2]] == [
        "0  Linear(2, 25)",
        "1  ReLU()",
    ]


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "net.safetensors"
    save(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), path)
    return path


def test_a_saved_net_is_checked(call, saved):
    code, out, _ = call("check", saved, "--shape", "5,3")
    assert code == 0
    assert "BatchNorm1d(4)" in out
    assert len(out.splitlines()) == 4


def test_a_saved_net_needs_a_shape(call, saved):
    code, out, err = call("check", saved)
    assert (code, out) == (1, "")
    assert err == (
        f"chainrule: {saved} is a saved net: say the shape of an input, e.g. --shape 5,2\n"
    )


def test_a_shape_that_does_not_fit_names_the_layer(call, saved):
    code, _, err = call("check", saved, "--shape", "5,2")
    assert code == 1
    assert err == "chainrule: Sequential[0] Linear(3, 4): expected input (…, 3), got (5, 2)\n"


@pytest.mark.parametrize(
    "shape", ["5,x", "", ",", "5;2", "5.0,2", "5,,2", "-1,2", "0,2", "99999999999999,2"]
)
def test_a_shape_is_whole_numbers_with_commas(call, shape):
    code, out, err = call("check", "disk", f"--shape={shape}")
    assert (code, out) == (1, "")
    assert err == (f"chainrule: --shape is whole numbers with commas, e.g. 5,2, got {shape!r}\n")


def test_a_damaged_file_is_named(call, saved):
    data = bytearray(saved.read_bytes())
    data[-3] ^= 16
    saved.write_bytes(data)
    code, out, err = call("check", saved, "--shape", "5,3")
    assert (code, out) == (1, "")
    assert err == f"chainrule: {saved}: damaged: its contents do not match its SHA-256\n"


def test_a_file_of_another_kind_is_refused(call, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    code, _, err = call("check", "notes.txt", "--shape", "5,3")
    assert code == 1
    assert "notes.txt: cut short, or not a chainrule file" in err


def test_a_folder_is_no_net(call, tmp_path):
    code, _, err = call("check", tmp_path, "--shape", "5,3")
    assert code == 1
    assert str(tmp_path) in err


def test_a_file_that_is_not_there_lists_the_built_in_nets(call):
    code, _, err = call("check", "nosuch")
    assert code == 1
    assert err == "chainrule: no file nosuch, and no built-in net; built in: disk, pairs\n"


class WrongTanh(nn.Module):
    def forward(self, x):
        y = x.tanh()
        return y, lambda g: g * y


def test_a_wrong_layer_fails_the_check(call, monkeypatch):
    monkeypatch.setattr("chainrule.zoo.disk_net", lambda: nn.Sequential(WrongTanh()))
    code, out, _ = call("check", "disk")
    assert code == 1
    assert out.startswith("FAIL ")
    assert "0  WrongTanh()" in out
    assert "input: the gradient is off by" in out


# ends


def test_an_interrupt_ends_with_130(call, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.study.run", interrupt)
    assert call("run", "pairs-depth")[0] == 130


def test_an_interrupt_before_any_command_ends_with_130(call, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.cli.app", interrupt)
    assert call() == (130, "", "interrupted\n")


def test_a_package_that_is_missing_is_named(call, monkeypatch):
    def missing():
        raise ImportError("pandas is missing: pip install 'chainrule[pandas]'")

    monkeypatch.setattr("chainrule.cli.app", missing)
    assert call() == (1, "", "chainrule: pandas is missing: pip install 'chainrule[pandas]'\n")


def test_an_interrupted_study_prints_the_arms_that_are_done(call, monkeypatch):
    from chainrule.train.progress import ProgressLine

    def interrupt(self, trainer):
        if self.title == "mlp-sharing":
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "on_epoch_end", interrupt)
    code, out, err = call(*QUICK, "--json")
    assert code == 130
    assert [row["arm"] for row in json.loads(out)] == ["mlp"]
    assert "interrupted: the table has the arms that were done" in err


def test_ctrl_c_ends_a_real_run_within_two_seconds(tmp_path):
    for _ in range(3):  # the machine may be busy with something else
        taken = interrupted_run(tmp_path)
        if taken < 2:
            break
    assert taken < 2


def interrupted_run(folder: Path) -> float:
    """Seconds from Ctrl-C to the end of a run whose standard error is a terminal."""
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "run", "pairs-depth", "--epochs", "100000", "--json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    try:
        shown = read_until(terminal, b"epoch 1/100000")
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        shown += read_until(terminal, None)
        out, _ = process.communicate(timeout=30)
        taken = time.perf_counter() - start
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert process.returncode == 130
    assert json.loads(out) == []
    assert b"Traceback" not in shown
    assert b"interrupted: no arm was done" in shown
    return taken


def read_until(terminal: int, text: bytes | None) -> bytes:
    """What a terminal shows, up to this text or to its end."""
    shown = b""
    while text is None or text not in shown:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how the end of a pty looks
            part = b""
        if not part:
            break
        shown += part
    assert text is None or text in shown
    return shown


def test_a_reader_that_went_away_is_no_error(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert process.returncode == 1


def test_threads_are_left_alone(call):
    before = torch.get_num_threads()
    call(*QUICK, "--arms", "mlp", "--epochs", "1")
    assert torch.get_num_threads() == before
