"""What a command that only reads brings along, and how soon it answers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.test_import import QUIET, min_of, python

COMMAND = """import atexit, sys, time
atexit.register(lambda: print("", time.process_time(), *sys.modules, file=sys.stderr))
from chainrule.cli import main
main()"""

READING = (
    *("list", "schema", "studies runs/tiny.sqlite", "show tiny", "show tiny.toml"),
    *("compare tiny", "compare tiny.toml --all-pairs", "compare tiny --target 0.7"),
    *("plan tiny.toml --no-time", "plan pairs-depth --no-time"),
    *("plan prices --no-time", "plan tables --no-time"),
)


def run_command(command: str, folder) -> tuple[float, set[str]]:
    """The processor seconds of a command in a fresh interpreter, and the modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *command.split()],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        env=QUIET,
        check=True,
    )
    seconds, *loaded = done.stderr.splitlines()[-1].split()
    return float(seconds), set(loaded)


@pytest.mark.parametrize("command", READING)
def test_what_only_reads_loads_no_torch(tiny, finished, command):
    _, loaded = run_command(command, tiny.parent)
    assert "chainrule.cli" in loaded
    unused = {"torch", "matplotlib", "scipy.special", "scipy.stats", "numpy.f2py", "pandas"}
    assert not unused & loaded


def test_no_package_is_looked_through_for_plugins_of_pydantic(tiny):
    about = tiny.parent / "fake-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pydantic]\nfake = fake_plugin:plugin\n")
    (tiny.parent / "fake_plugin.py").write_text("plugin = None\n")
    _, loaded = run_command("list", tiny.parent)
    assert "pydantic.plugin._loader" in loaded
    assert "fake_plugin" not in loaded


@pytest.mark.parametrize("command", ["list", "schema"])
def test_declarations_alone_are_read_without_arrays(tiny, command):
    _, loaded = run_command(command, tiny.parent)
    assert "chainrule.study.spec.study" in loaded
    assert not {"numpy", "scipy", "sqlite3", "rich"} & loaded


def test_a_table_loads_no_tests(tiny, finished):
    _, loaded = run_command("show tiny", tiny.parent)
    assert "chainrule.study.results.round_scores" in loaded
    unused = {"arms.comparison", "arms.family", "datasets.hierarchical", "samples.two_way"}
    assert not {"scipy", *(f"chainrule.statistics.{name}" for name in unused)} & loaded


@pytest.mark.parametrize("command", READING)
def test_a_command_loads_no_other(tiny, finished, command):
    _, loaded = run_command(command, tiny.parent)
    home = "chainrule.cli.commands."
    assert {name for name in loaded if name.startswith(home)} == {home + command.split()[0]}


def test_a_report_of_numbers_loads_no_torch(tiny, finished):
    _, loaded = run_command("report tiny", tiny.parent)
    assert "chainrule.report.html.page" in loaded
    assert not {"torch", "scipy.stats", "pandas"} & loaded


def test_a_loss_that_is_known_by_name_says_its_probabilities_without_torch(tiny):
    code = (
        "import sys; from chainrule.study import Study\n"
        "from chainrule.study.results.predictions.decisions import find_probabilities\n"
        "study = Study.load(sys.argv[1])\n"
        "print(find_probabilities(study, study.all_arms[0].name, None), 'torch' in sys.modules)"
    )
    assert python(code, str(tiny)) == "softmax False"


def test_a_run_loads_no_more_of_torch_than_torch_itself(tiny):
    _, loaded = run_command("run tiny.toml --store new.sqlite --jobs 1", tiny.parent)
    by_itself = python("import sys, torch; print(*sys.modules)").split()
    assert "chainrule.study.execution.training.train_cohort" in loaded
    assert not {name for name in loaded if name.partition(".")[0] == "torch"} - {*by_itself}


@pytest.mark.slow
def test_a_report_is_written_at_once(tiny, finished):
    assert min_of(lambda: run_command("report tiny", tiny.parent)[0], enough=2.5) < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("command", READING)
def test_what_only_reads_answers_at_once(tiny, finished, command):
    assert min_of(lambda: run_command(command, tiny.parent)[0], enough=0.5) < 0.5
