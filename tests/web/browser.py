"""A running app, and a page of it in the system's Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def app_process(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(the address, the process) of an app that was started in this folder."""
    command = [sys.executable, "-m", "chainrule", "app", "--no-browser"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running_app(folder: Path) -> Iterator[str]:
    """The address of an app that was started in this folder; Ctrl-C ends it cleanly."""
    with app_process(folder) as (address, process):
        yield address
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=10)
        assert said == "Ctrl-C stops it.\nstopped\n"


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser. Skips the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page in a context of its own; at its end no error may have been logged."""
    context = browser.new_context(**options)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: said.type == "error" and problems.append(said.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert not problems


@contextmanager
def measured_thread(page: Any) -> Iterator[Callable[[], float]]:
    """What tells the seconds of processor time that the page's own thread has worked."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")

    yield seconds
    session.detach()


def read_number(page: Any, name: str) -> float:
    """A number that the page keeps for who watches it."""
    return float(page.get_attribute("body", f"data-{name}") or "nan")


def wait_until(condition: Any, seconds: float = 60) -> None:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
