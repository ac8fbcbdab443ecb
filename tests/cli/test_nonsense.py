"""Values that make no sense, for every option of every command: a sentence, never a traceback."""

from __future__ import annotations

import random

import pytest
import typer

from chainrule.cli import load_commands
from tests.readable import check_readable

USUAL = {
    "list": (),
    "init": ("new.toml",),
    "check-study": ("tiny.toml",),
    "schema": (),
    "plan": ("tiny.toml", "--no-time"),
    "run": ("tiny.toml", "--jobs", "1", "--epochs", "1", "--rounds", "2", "--store", "r/a.sqlite"),
    "studies": (),
    "remove": ("runs/tiny.sqlite/9",),
    "show": ("tiny",),
    "log": ("tiny", "logs", "--to", "jsonl"),
    "compare": ("tiny",),
    "ensemble": ("tiny",),
    "review": ("tiny",),
    "nets": ("tiny", "-o", "nets", "--jobs", "1"),
    "plot": ("tiny", "boxes", "-o", "p.svg"),
    "report": ("tiny", "-o", "r.html"),
    "train": ("table_net", "rows.csv", "--target", "kind", "--epochs", "1"),
    "predict": ("m.safetensors", "rows.csv"),
    "check": ("disk",),
    "explain": ("deep",),
    "export": ("m.safetensors", "-o", "m.onnx"),
}
"""What each command is called with otherwise; a new command is tried without anything."""

NONSENSE = [
    *("", "-1", "0", "1.5", "1e30", "nan", "inf", "999999999999999999999", "true", "null", "-"),
    *("abc", "größer", "x" * 300, "*", "[", "{", "'", "1,2", "a=b", "a=", "=b", "net=1"),
    *("net.hidden=", "net.hidden=-3", "lr=nan", "optimizer.lr=abc", "trian=5", "train=0"),
    *("/", ".", "/nope/x", "tiny.toml", "rows.csv", "m.safetensors", "runs/tiny.sqlite"),
    *("sqlite:///nope/x", "postgresql://nobody@localhost:1/x"),
]
SKIPPED = {"--engine", "--jobs", "--verbose", "-v"}
"""Options that begin processes, or ask for the traceback."""

COMMANDS = typer.main.get_command(load_commands()).commands
"""All but ``app``, which serves until it is ended, are tried."""


def draw_call(draw: random.Random, command: str) -> list[str]:
    """The command with one or two of its words or options another."""
    words = [*USUAL.get(command, ())]
    options = [
        p
        for p in typer.main.get_command(load_commands()).commands[command].params
        if p.opts[0][0] == "-"
    ]
    for _ in range(draw.choice([1, 1, 1, 2])):
        option = draw.choice(options)
        name = draw.choice([*option.opts, *option.secondary_opts])
        if words and draw.random() < 0.2:
            words[draw.randrange(len(words))] = draw.choice(NONSENSE)
        elif name not in SKIPPED:
            words += [name] if option.is_flag else [name, draw.choice(NONSENSE)]
    return [command, *words]


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"app"}))
def test_no_value_ends_in_a_traceback(call, tiny, finished, tmp_path, command):
    rows = "a,b,kind\n" + "".join(f"{i * 7 % 11},{i * 3 % 5},{'xy'[i % 2]}\n" for i in range(40))
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    assert call(*("train", *USUAL["train"]), "-o", "m.safetensors")[0] == 0
    draw = random.Random(command)
    for _ in range(20):
        words = draw_call(draw, command)
        code, _, err = call(*words)
        assert code in (0, 1, 2), words
        if code != 2:
            assert "Error: " not in err, words
            check_readable(err)
