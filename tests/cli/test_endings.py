"""How commands end from outside: signals, and readers that read no further."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from chainrule._util.endings import hear_signals
from chainrule.cli import main
from chainrule.study import StoreError, open_store
from chainrule.study.execution.resume import read_records
from tests.cli.conftest import TINY, begin


@pytest.fixture(autouse=True)
def hangups_heard():
    """Whoever ran the tests by nohup ignores SIGHUP, and so would all that they start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


# who reads no further


EACH = pytest.mark.slow  # a process each, which takes its seconds


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("list",),
        ("show", "tiny"),
        pytest.param(("run", "--help"), marks=EACH),
        pytest.param(("--version",), marks=EACH),
        pytest.param(("list", "--json"), marks=EACH),
        pytest.param(("studies",), marks=EACH),
        pytest.param(("schema",), marks=EACH),
        pytest.param(("plan", "disk-torch", "--no-time"), marks=EACH),
        pytest.param(("show", "tiny", "--format", "csv"), marks=EACH),
        pytest.param(("compare", "tiny"), marks=EACH),
        pytest.param(("check", "disk"), marks=EACH),
        pytest.param(("explain", "deep"), marks=EACH),
    ],
    ids=" ".join,
)
def test_a_reader_that_has_gone_is_no_error(tmp_path, finished, words):
    process = begin(tmp_path, *words)
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    said = [line for line in err.splitlines() if not line.startswith("study 1 of")]
    assert (process.returncode, said) == (0, [])


def test_standard_input_that_is_closed_says_neither_yes_nor_no(call, finished, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    code, _, err = call("remove", "runs/tiny.sqlite/1")
    sys.stdin.close()
    assert code == 1
    assert err.startswith("chainrule: nothing was removed: say --yes")


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed_before_the_command_begins_is_no_error(monkeypatch, closed):
    monkeypatch.setattr(sys, closed, None)
    monkeypatch.setattr(sys, "argv", ["chainrule", "explain", "deep", "--no-such-option"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert getattr(sys, closed).name == os.devnull
    getattr(sys, closed).close()


def test_a_run_whose_words_nobody_reads_goes_on_to_its_end(tmp_path, tiny):
    process = begin(tmp_path, "run", tiny, "--jobs", 1, stderr=subprocess.STDOUT)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0
    with open_store(tmp_path / "runs" / "tiny.sqlite", read_only=True) as store:
        assert {row.round for row in store.rows(1, stage="final")} == {0, 1, 2}


def test_another_broken_pipe_is_an_error(call, monkeypatch):
    def break_pipe(name):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("chainrule.study.builtin.load_builtin", break_pipe)
    assert call("list")[0] == 1


# signals


@pytest.fixture
def long(tmp_path) -> Path:
    """A study of which two searches are done at once, before two trainings that do not end."""
    text = TINY.replace("no = {}", "no = { epochs = 1 }")
    text = text.replace("lr = 1e-3 }", "lr = 1e-3, epochs = 1000000 }")
    path = tmp_path / "long.toml"
    path.write_text(text, encoding="utf-8")
    return path


def kept_rows(folder: Path) -> int:
    """How many rows the store of that study has."""
    with suppress(StoreError):  # it is being made
        return sum(each.trainings for each in read_records(str(folder / "runs" / "tiny.sqlite")))
    return 0


@pytest.mark.parametrize(
    ("name", "to_all"),
    [
        pytest.param("SIGTERM", False, marks=EACH),
        ("SIGHUP", True),  # a terminal that closes
        pytest.param("SIGINT", True, marks=EACH),
        pytest.param("SIGTERM", True, marks=EACH),
        pytest.param("SIGHUP", False, marks=EACH),
    ],
)
def test_a_signal_ends_a_run_and_what_was_done_is_kept(tmp_path, long, name, to_all):
    process = begin(tmp_path, "run", long, "--jobs", 2)
    try:
        until = time.monotonic() + 60
        while kept_rows(tmp_path) < 1 and time.monotonic() < until:
            time.sleep(0.1)
        (os.killpg if to_all else os.kill)(process.pid, getattr(signal, name))
        _, err = process.communicate(timeout=20)  # whoever is left would hold the pipe
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "interrupted: what was done is kept in runs/tiny.sqlite; go on with:" in err
    assert "Traceback" not in err
    assert kept_rows(tmp_path) >= 1
    assert not (tmp_path / "runs" / "tiny.sqlite-wal").exists()


def test_signals_of_one_moment_interrupt_once_and_a_later_one_again(monkeypatch):
    """The first may have come within a destructor, where Python drops what it raises."""
    clock = SimpleNamespace(monotonic=iter([100.0, 100.1, 104.9, 105.1]).__next__)
    monkeypatch.setattr("chainrule._util.endings.time", clock)
    with hear_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_the_command_line_is_loaded_ends_it_as_later(tmp_path, name):
    """Its first library never comes to an end; where Python itself begins, nobody can hear."""
    (tmp_path / "typer.py").write_text(
        "import time\nprint('begun', flush=True)\ntime.sleep(60)\n", encoding="utf-8"
    )
    process = begin(tmp_path, "list")  # whose current folder is looked in first
    assert process.stdout.readline() == "begun\n"
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "interrupted\n")


LOADS = """
import signal
for _ in range(2):
    signal.raise_signal(signal.{name})
is_whole = True
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_waits_until_a_library_is_loaded_and_comes_once(tmp_path, monkeypatch, name):
    """torch drops one that comes while it loads numpy, and goes on with half of that."""
    (tmp_path / "loads.py").write_text(LOADS.format(name=name), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("chainrule._util.endings.LOADED_WHOLE", "loads")
    number = getattr(signal, name)
    before = signal.getsignal(number)

    def load():
        import_module("loads")
        time.sleep(20)

    with hear_signals():
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            load()
        assert time.monotonic() - began < 10  # what sleeps is woken
        time.sleep(0.2)  # another would come now
    assert sys.modules.pop("loads").is_whole
    assert signal.getsignal(number) is before


def test_who_is_told_to_ignore_a_hangup_ignores_it():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hear_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_does_not_disturb_the_end():
    def end_slowly():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with hear_signals(), pytest.raises(KeyboardInterrupt):
        end_slowly()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


INSIDE_EXEC = """
import os, signal
from chainrule._util.endings import end_quietly, hear_signals
with hear_signals(), end_quietly():
    exec("os.kill(os.getpid(), signal.SIGTERM)\\nfor _ in range(10**9): pass")
"""


def test_a_signal_while_a_text_is_executed_ends_with_130_too(tmp_path):
    (tmp_path / "own.py").write_text(INSIDE_EXEC, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "own"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_current_folder_that_was_removed_is_said(call, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code, _, err = call("init", "a.toml")
    assert (code, err) == (
        1,
        "chainrule: the current folder is no longer there: change to another\n",
    )


# the end itself


ENDING = """\
import atexit, sys
from chainrule._util.endings import end_at_once

class Kept:
    def __del__(self):
        print("taken apart")

kept = Kept()
kept.itself = kept
with end_at_once():
    atexit.register(print, "registered")
    print("printed")
    raise SystemExit({code})
"""


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        ("0", 0, "printed\nregistered\n"),
        ("3", 3, "printed\nregistered\n"),
        ("None", 0, "printed\nregistered\n"),
        ("'a text'", 1, "printed\nregistered\ntaken apart\n"),  # which Python prints
    ],
)
def test_a_process_ends_after_what_was_registered_and_is_not_taken_apart(code, expected, said):
    done = subprocess.run(
        [sys.executable, "-c", ENDING.format(code=code)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (expected, said)
    assert done.stderr == ("a text\n" if expected == 1 else "")


def test_a_process_whose_streams_are_closed_ends_so_too():
    code = "import os, sys\nfrom chainrule._util.endings import end_at_once\n"
    code += "with end_at_once():\n    sys.stdout = None\n    raise SystemExit(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_what_cannot_be_printed_at_the_end_is_told():
    code = "import sys\nfrom chainrule._util.endings import end_at_once\nwith end_at_once():\n"
    code += "    print('lost')\n    raise SystemExit(0)"
    env = {**os.environ, "PYTHONUNBUFFERED": ""}  # so that it is printed at the end
    command = [sys.executable, "-c", code]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=env)
    assert done.returncode == 120
    assert b"No space left" in done.stderr
