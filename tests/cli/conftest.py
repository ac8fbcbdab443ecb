"""The command line, called as from a shell, in a folder of its own; and a study of a second."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule.cli import main
from chainrule.study import Study, run

Call = Callable[..., tuple[int, str, str]]

TINY = """\
name = "tiny"
summary = "two sizes of net, with and without a fixed rate"
rounds = 3
epochs = 2
batch_size = 20
baseline = "small"
loss = "CrossEntropyLoss"
optimizer = "Adam"

[data]
name = "disk_points"
train = 40
test = 40

[net]
name = "disk_net"
hidden = 4

[factors.size]
small = {}
large = { net.hidden = 7 }

[factors.slow]
no = {}
yes = { optimizer.lr = 1e-3 }

[space]
"optimizer.lr" = [1e-2, 3e-2]

[search]
method = "grid"

[quick]
rounds = 2
epochs = 1
"""

ARMS = ["small", "small-slow", "large", "large-slow"]


def begin(folder: Path, *args: object, **options: object) -> subprocess.Popen[str]:
    """A command in a process group of its own, both of its streams a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "chainrule", *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        process_group=0,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        **{"stderr": subprocess.PIPE, **options},
    )


@pytest.fixture
def call(monkeypatch, capfd, tmp_path) -> Call:
    """Run the command line: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    # by which click would call it "python -m pytest.chainrule"
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None, raising=False)

    def run_it(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chainrule", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run_it


@pytest.fixture
def tiny(tmp_path) -> Path:
    """The file of a study of 4 arms and 3 rounds."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def _whole(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("store") / "tiny.sqlite"
    run(Study.from_toml(TINY), store=path)
    return path.read_bytes()


@pytest.fixture
def finished(tmp_path, _whole) -> Path:
    """The store of that study, run to its end, where the command line looks for it."""
    path = tmp_path / "runs" / "tiny.sqlite"
    path.parent.mkdir()
    path.write_bytes(_whole)
    return path
