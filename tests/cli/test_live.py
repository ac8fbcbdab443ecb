"""What is shown while a study runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chainrule.cli.live import (
    LiveDisplay,
    PlainDisplay,
    ProgressSnapshot,
    choose_display,
    format_clock,
    order_by_interest,
)
from chainrule.report import Unit
from chainrule.study import Study, run
from tests.cli.conftest import ARMS, TINY

PERCENT = Unit(100.0, 2, " %", " points")


def console(height: int = 24) -> Console:
    return Console(file=io.StringIO(), width=80, height=height, force_terminal=True, no_color=True)


def plain() -> Console:
    return Console(file=io.StringIO(), width=80)


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_a_line_when_it_begins_and_when_an_arm_is_done():
    display = PlainDisplay("tiny", PERCENT, plain(), now=lambda: 0.0)
    with display:
        run(Study.from_toml(TINY), on_progress=display.watch)
    lines = text(display.console).splitlines()
    assert lines[0].startswith("tiny: 0 of 24 trainings, 0 cohorts, 0:00:0")
    assert lines[-1].startswith("tiny: 24 of 24 trainings, 6 cohorts, 0:00:0")
    done = [line.partition("; done: ")[2] for line in lines[1:]]
    assert sorted(done) == sorted(ARMS)
    assert display.has_trained


def test_lines_are_two_seconds_apart():
    times = iter([0.0, 1.0, 1.9, 2.1])
    display = PlainDisplay("x", PERCENT, plain(), now=lambda: next(times))
    for done in range(4):
        before = display.snapshot
        display.snapshot = ProgressSnapshot(arms={"a": (done, 9)}, cohorts=done)
        display.update(before)
    assert [line.split()[1] for line in text(display.console).splitlines()] == ["0", "3"]


def test_nothing_is_said_where_all_is_done(tmp_path):
    study = Study.from_toml(TINY)
    run(study, store=tmp_path / "tiny.sqlite")
    display = PlainDisplay("tiny", PERCENT, plain())
    run(study, store=tmp_path / "tiny.sqlite", on_progress=display.watch)
    assert not text(display.console)
    assert not display.has_trained


def test_the_time_left_runs_down_between_two_cohorts():
    shown = ProgressSnapshot(
        arms={"a": (3, 9)}, cohorts=1, seconds=10.0, seconds_left=100.0, taken_at=50.0
    )
    assert shown.format_line(50.0) == "3 of 9 trainings, 1 cohort, 0:00:10, about 0:01:40 left"
    assert shown.format_line(80.0) == "3 of 9 trainings, 1 cohort, 0:00:40, about 0:01:10 left"
    assert shown.format_line(999.0).endswith("about 0:00:00 left")


def test_the_format_clock():
    assert [format_clock(s) for s in (0.4, 72, 3725)] == ["0:00:00", "0:01:12", "1:02:05"]


def test_the_panel_shows_a_bar_and_the_best_of_each_arm():
    display = LiveDisplay("tiny", PERCENT, console())
    with display:
        run(Study.from_toml(TINY), on_progress=display.watch)
        display.console.print(display.render())
    shown = text(display.console)
    assert "24 of 24 trainings" in shown
    assert "━" in shown
    assert "small-slow" in shown
    assert " %" in shown


@pytest.mark.parametrize("height", [8, 24])
def test_no_more_arms_than_the_screen_has_lines(height):
    display = LiveDisplay("many", PERCENT, console(height))
    display.snapshot = ProgressSnapshot(
        arms={f"arm-{i}": (0, 9) for i in range(16)}, best={"arm-1": 0.815}
    )
    display.console.print(display.render())
    shown = text(display.console)
    assert len(shown.splitlines()) <= height
    assert ("and 13 more" in shown) == (height == 8)
    assert "81.50 %" in shown


def test_arms_that_are_trained_come_first_and_those_done_last():
    shown = ProgressSnapshot(
        arms={"done": (9, 9), "new": (0, 9), "begun": (3, 9), "active": (1, 9)}
    )
    assert order_by_interest(shown, {"active"}) == ["active", "begun", "new", "done"]


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"FORCE_COLOR": "1", "TERM": "xterm"}, LiveDisplay),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, PlainDisplay),
        ({}, PlainDisplay),
    ],
)
def test_a_terminal_gets_the_panel_and_a_file_lines(monkeypatch, environment, kind):
    for name in ("FORCE_COLOR", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert type(choose_display(Study.from_toml(TINY))) is kind
