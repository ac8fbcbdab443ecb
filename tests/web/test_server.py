"""The command and its socket: where it listens, what it prints, how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path

import pytest

import chainrule
from chainrule.cli import main
from chainrule.web import open_socket, page_address
from tests.web.browser import wait_until

STATIC = Path(chainrule.__file__).parent / "web" / "static"


@pytest.fixture
def listener():
    with open_socket(port=free_port()) as listening:
        yield listening


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_a_port_that_is_taken_is_said(listener):
    port = listener.getsockname()[1]
    with pytest.raises(OSError, match=f"port {port} is taken: choose another with --port"):
        open_socket(port=port)


def test_without_a_port_any_is_good():
    with open_socket() as first, open_socket() as second:
        assert first.getsockname() != second.getsockname()


def test_a_host_that_is_none_of_this_machine_is_said():
    with pytest.raises(OSError, match="--host is a name or a number of this machine"):
        open_socket("203.0.113.7")


def test_the_address_is_one_that_a_browser_opens():
    with open_socket("0.0.0.0") as listening:
        port = listening.getsockname()[1]
        assert page_address(listening, "t") == f"http://localhost:{port}/?token=t"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_an_address_that_answers_and_a_signal_ends_it_cleanly(number):
    command = [sys.executable, "-m", "chainrule", "app", "--no-browser", "--port", free_port()]
    process = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{20,}", address)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(address, timeout=30) as page:
            assert b"<h1>Playground</h1>" in page.read()
        os.kill(process.pid, number)
        rest, said = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, rest, said) == (0, "", "Ctrl-C stops it.\nstopped\n")


@pytest.mark.parametrize("ended", [True, False])
def test_python_ends_by_itself_unless_a_training_goes_on(ended, monkeypatch, capfd):
    exits = []
    monkeypatch.setattr(os, "_exit", exits.append)
    monkeypatch.setattr("chainrule.web.run_server", lambda *_: None)
    monkeypatch.setattr("chainrule.web.join_sessions", lambda seconds: ended)
    monkeypatch.setattr(sys, "argv", ["chainrule", "app", "--no-browser"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert (stopped.value.code, exits) == (0, [] if ended else [0])


def test_the_command_opens_the_page_that_it_prints(monkeypatch, capfd):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("chainrule.web.run_server", lambda *_: wait_until(lambda: opened))
    monkeypatch.setattr(sys, "argv", ["chainrule", "app", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        main()
    said, problems = capfd.readouterr()
    assert (ended.value.code, [said.strip()], problems) == (0, opened, "")


def test_what_the_browser_runs_is_whole_and_from_here_alone():
    """No module or style of ours names another server; the library comes with its licence."""
    assert "MIT License" in (STATIC / "vendor" / "LICENSE-uPlot.txt").read_text()
    files = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".html")]
    ours = [path for path in files if "vendor" not in path.parts]
    assert ours
    for path in ours:
        assert not re.search(r"https?://(?!www\.w3\.org)", path.read_text(encoding="utf-8")), path
