"""Simulated workers: how busy one run keeps them, and what it costs to do so."""

from __future__ import annotations

import pytest
from benchmarks.driver import SimulatedWorkers, declare_study, main, run_simulated


@pytest.mark.parametrize("spread", [0.7, 1.8])  # of 1.8: one in a hundred takes 66 times as long
def test_sixteen_workers_with_uneven_cohorts_are_busy_until_the_tail(spread):
    workers = SimulatedWorkers(16, 10.0, spread)
    run_simulated(declare_study(rounds=20), workers)
    assert workers.busy_until_tail() > 0.9


def test_workers_wait_for_nothing_where_cohorts_are_even():
    workers = SimulatedWorkers(4, seconds=1.0, spread=0.0)
    run_simulated(declare_study(rounds=20), workers)
    assert workers.busy() > 0.95


@pytest.mark.slow
def test_the_tables_lines_are_printed(capsys):
    main()
    lines = capsys.readouterr().out.splitlines()
    firsts = ["driver:", "tpe", "tpe", "tpe", "gp", "store:", "network:", "16", "1,000"]
    assert [line.split()[0] for line in lines] == firsts
