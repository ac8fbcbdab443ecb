"""The benchmarks measure what they say: same work, rows with all keys, no silent difference."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from benchmarks.cases import studies
from benchmarks.cases.disk import work
from benchmarks.cases.engines import simulate_uneven
from benchmarks.ceiling import RUNS, SIZE, WAYS, Ceiling
from benchmarks.options import Options
from benchmarks.peers import torch_eager
from benchmarks.processes import used
from benchmarks.ragged import RaggedWork
from benchmarks.rows import Measured, Row, describe, markdown, read, rows_table, text, write
from benchmarks.sides import Peer, Side, SideError
from benchmarks.task import Net
from benchmarks.work import Work

from benchmarks import cli, measuring, peers, ragged

KEYS = [
    *("workload", "replicas", "peer", "ratio", "low", "high", "ours_us", "peer_us"),
    *("gflops", "ceiling_fraction", "peak_bytes", "peer_peak_bytes", "pairs", "efficiency"),
]

ROW = Row("disk", 10, "a peer", 2.5, 2.0, 3.0, 31.0, 77.5, 3.1, 0.02, 2**20, 2**21, 5)

MEASURED = Measured("a machine", "1234567", "2026-11-29", [ROW])

SMALL = Work("small", Net("mlp", (2, 5, 2), "mse"), 3, 30, 10, 2, "SGD", 0.1)


def test_a_row_has_exactly_these_keys():
    assert [field.name for field in fields(Row)] == KEYS


def test_rows_go_to_a_file_and_back(tmp_path):
    write(MEASURED, tmp_path / "new" / "rows.json")
    assert [*json.loads((tmp_path / "new" / "rows.json").read_text())["rows"][0]] == KEYS
    assert read(tmp_path / "new" / "rows.json") == MEASURED


def test_rows_are_described_with_the_machine_the_commit_and_the_day():
    found = describe([ROW])
    assert "cores" in found.machine
    assert re.fullmatch(r"[0-9a-f]{7,}\+?|unknown", found.commit)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found.date)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "rows.json").write_text('{"rows": [{"workload": 1}]}')
    with pytest.raises(ValueError, match=r"rows\.json: no benchmark rows"):
        read(tmp_path / "rows.json")


def test_tables_show_units_and_both_memories():
    assert "31 µs" in text(rows_table([ROW]))
    assert markdown(rows_table([ROW])).endswith("| 1.0 MiB / 2.0 MiB | 5 |")


def test_the_efficiency_is_a_column_where_a_row_has_one():
    heads, *lines = rows_table([ROW, replace(ROW, efficiency=0.934)])
    assert (heads[-1], [line[-1] for line in lines]) == ("efficiency", ["–", "93%"])


def test_16_simulated_workers_are_a_row_of_the_engines():
    row = simulate_uneven(rounds=10)
    assert (row.workload, row.peer) == ("104 uneven cohorts", "16 simulated workers")
    assert 0.9 < row.efficiency <= 1
    assert 1 / 16 < row.ratio < 1 / 8  # how much longer one would take alone, the tail too


WIDER = replace(SMALL, net=Net("mlp", (2, 7, 2), "mse"))


def test_trainings_of_several_nets_are_dealt_out():
    task = RaggedWork("widths", (SMALL, WIDER)).task()
    assert task.K == 6
    first, second = task.part(0, 3), task.part(3, 6)
    assert [part.seeds for part in first.parts] == [(0, 1), (0,)]
    assert [(part.net, part.seeds) for part in second.parts] == [
        (WIDER.net, (1, 2)),
        (SMALL.net, (2,)),
    ]


def test_losses_of_several_nets_are_in_the_order_of_their_trainings():
    task = RaggedWork("widths", (SMALL, WIDER)).task()
    alone = [torch_eager.Side(part, forms=("for-loop",)) for part in task.parts]
    together = ragged.Side(task, "benchmarks.peers.torch_eager", forms=("for-loop",))
    losses, expected = together.train(2), [side.train(2) for side in alone]
    assert losses.shape == (2, 6)
    assert (losses[:, ::2] == expected[0]).all()
    assert (losses[:, 1::2] == expected[1]).all()


def test_a_task_is_divided_by_replicas():
    task = SMALL.task()
    part = task.part(1, 3)
    assert part.K == 2
    assert (part.inputs == task.inputs[1:]).all()
    assert (part.orders == task.orders[1:]).all()
    assert part.seeds == (1, 2)


def test_candidates_of_a_search_see_the_same_samples():
    alike = replace(SMALL, alike=True, lr=(0.1, 0.2, 0.3)).task()
    assert len(alike.inputs) == len(alike.orders) == 1
    assert (alike.weights[0][0] == alike.weights[0][2]).all()
    assert alike.part(2, 3).lr == 0.3


def test_products_are_counted_without_the_gradient_of_the_input():
    first, second = 10 * 2 * 5, 10 * 5 * 2
    assert SMALL.flops == 2 * (2 * first + 3 * second)


def test_losses_within_tolerance_pass_and_others_do_not():
    ours = np.array([[1.0, 2.0]])
    assert measuring.check("a peer", ours * (1 + 1e-10), ours, 1e-8) == pytest.approx(1e-10, 1e-3)
    with pytest.raises(measuring.DifferenceError, match="a peer computes something else"):
        measuring.check("a peer", ours * 1.1, ours, 1e-2)
    with pytest.raises(measuring.DifferenceError):
        measuring.check("a peer", ours * np.nan, ours, 1e-2)


@pytest.mark.slow
def test_a_peer_computes_the_same_and_with_another_rate_it_is_caught():
    task = SMALL.task()
    with Side(peers.ours(1)) as ours, Side(peers.EAGER_ONE) as peer:
        ours.prepare(task)
        peer.prepare(task)
        expected = ours.train(2)[1]
        assert expected.shape == (2, 3)
        measuring.check("same", peer.train(2)[1], expected, 1e-4)
        peer.prepare(replace(task, lr=task.lr * 1.3))
        with pytest.raises(measuring.DifferenceError):
            measuring.check("other", peer.train(2)[1], expected, 1e-4)


@pytest.mark.slow
def test_replicas_are_split_over_processes_and_come_back_in_order():
    task = SMALL.task()
    with Side(peers.ours(1)) as one, Side(replace(peers.ours(1), processes=2)) as two:
        one.prepare(task)
        two.prepare(task)
        assert np.allclose(one.train(1)[1], two.train(1)[1], rtol=1e-5)


def test_what_fails_in_a_side_is_told_with_its_name():
    broken = Peer("broken", "benchmarks.peers.torch_eager", {"forms": ("none such",)})
    with Side(broken) as side, pytest.raises(SideError, match=r"(?s)broken: .*none such"):
        side.prepare(SMALL.task())


def test_a_missing_peer_is_skipped_with_a_line():
    said = []
    gone = Peer("other library", "nowhere", needs=("no_such_library",))
    assert Options(say=said.append).chosen([gone, peers.EAGER]) == [peers.EAGER]
    assert said == ["other library: skipped, no no_such_library; pip install -e '.[bench]'"]


def test_peers_are_chosen_by_name_and_the_quick_form_compiles_nothing():
    known = [peers.EAGER, peers.FUNC, replace(peers.COMPILED_WIDE, name="torch.compile of vmap")]
    assert Options(peers=("*vmap", "no*")).chosen(known) == known[1:]
    assert Options(quick=True).chosen(known) == known[:2]


def test_no_process_is_without_replicas():
    assert not replace(peers.BOTH, processes=2).fits(1)
    assert peers.COMPILED_LOOP.fits(1)
    assert not peers.COMPILED_LOOP.fits(10)
    assert not replace(peers.JAX_BOTH, least=2).fits(1)


def test_the_table_that_a_study_prints_is_read():
    assert studies.mean_of("name  mean ± std\na 80.00 ± 1.00 30/30 71.00 ± 2.00\nb 90.00 ± –") == 85
    assert studies.mean_of("a 80.00 ± 1.00\n(trivial) 50.00 ± 1.00") == 80


def test_a_command_is_timed_and_its_memory_is_its_own():
    kept = bytearray(2**28)
    found = used([sys.executable, "-S", "-c", "import time; time.sleep(0.2); print('done')"])
    assert found.output == "done\n"
    assert 0.2 < found.seconds < 20
    assert 2**20 < found.peak < 2**26 < len(kept)


def test_a_command_that_fails_is_an_error_with_what_it_said():
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno way"):
        used([sys.executable, "-S", "-c", "import sys; print('no way'); sys.exit(3)"])


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("pair-mlp", "--json", "ratio", "examples:"))


def test_a_file_belongs_to_table_alone(capsys):
    with pytest.raises(SystemExit):
        cli.main(["disk", "rows.json"])
    assert "table needs a FILE" in capsys.readouterr().err


def test_no_file_is_one_line_and_exit_code_1(tmp_path, capsys):
    assert cli.main(["table", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("case", ["disk", "pair-mlp", "conv2", "lenet", "wide", "norm", "packed"])
def test_the_quick_form_of_a_case_runs(case, tmp_path, capsys):
    path = tmp_path / "rows.json"
    arguments = [case, "--quick", "--repeat", "1", "--peers", "*one thread", "--json", str(path)]
    assert cli.main(arguments) == 0
    assert "PyTorch eager, one thread" in capsys.readouterr().out
    rows = read(path).rows
    assert rows
    assert all(row.ratio > 0 and 0 < row.ceiling_fraction < 2 for row in rows)


@pytest.mark.slow
def test_scaling_draws(tmp_path):
    arguments = ["scaling", "--quick", "--repeat", "1", "--peers", "PyTorch*"]
    assert cli.main([*arguments, "--figures", str(tmp_path)]) == 0
    assert {p.name for p in tmp_path.iterdir()} == {"scaling.png", "scaling.svg"}


def test_work_has_a_small_form_for_the_exact_check():
    small = work(1000).smaller()
    assert (small.replicas, small.samples, small.epochs) == (3, 400, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "peer",
    [peers.FUNC, peers.JAX, peers.JAX_MAP],
    ids=lambda peer: peer.name,
)
@pytest.mark.parametrize("kind", ["lenet", "pairs-mlp", "pairs-conv2"])
def test_peers_compute_the_same_in_float64(peer, kind):
    if (line := peer.missing()) is not None:
        pytest.skip(line)
    net = Net(kind, (20,))
    measuring.check_exactly(Work(kind, net, 2, 40, 10, 2, "Adam", 1e-3, 0.5), [peer], print)


@pytest.mark.slow
def test_scikit_learn_computes_the_same_with_cross_entropy():
    if (line := peers.SKLEARN.missing()) is not None:
        pytest.skip(line)
    net = Net("mlp", (784, 30, 20, 10))
    measuring.check_exactly(Work("mlp", net, 2, 40, 10, 2, "SGD", 0.1), [peers.SKLEARN], print)


class TimedSide:
    """A side whose runs take these seconds."""

    def __init__(self, name, *seconds):
        self.peer, self.seconds = Peer(name, "nowhere", processes=2), iter(seconds)

    def train(self, epochs):
        return next(self.seconds), np.zeros((1, 1))


def test_the_ceiling_is_the_fastest_run_of_the_fastest_way():
    ceiling = Ceiling([TimedSide("slow", 4.0, 5.0), TimedSide("fast", 3.0, 2.0)])
    for _ in range(2):
        ceiling.measure()
    assert ceiling.gflops == pytest.approx(2 * RUNS * 2 * SIZE**3 / 2.0 / 1e9)
    assert [*ceiling.best] == ["slow", "fast"]


def test_each_way_to_multiply_does_something():
    assert [*WAYS] == ["PyTorch", "NumPy", "the micro-kernel"]
    for make in WAYS.values():
        make()()


def test_the_file_that_the_scripts_read_is_there():
    assert studies.DIGITS.is_file()
