"""``--engine``, and what a user has set for all studies in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainrule.cli.user_config import UserConfig, config_path, load_user_config

OWN = """\
from concurrent.futures import ThreadPoolExecutor


def make(max_workers=1):
    print(f"{max_workers} workers")
    return ThreadPoolExecutor(max_workers)


def number():
    return 3
"""


@pytest.fixture
def config(monkeypatch, tmp_path) -> Path:
    """Where the user's file would be."""
    path = tmp_path / "settings" / "chainrule" / "config.toml"
    path.parent.mkdir(parents=True)
    monkeypatch.setattr("chainrule.cli.user_config.config_path", lambda: path)
    return path


@pytest.fixture
def own(tmp_path) -> Path:
    """A module of the user's that makes executors."""
    path = tmp_path / "mypool.py"
    path.write_text(OWN, encoding="utf-8")
    return path


def rows_of(call, *args):
    code, out, err = call("run", *args, "--json")
    assert code == 0, err
    lines = out.splitlines()
    start = lines.index("[")
    return lines[:start], [
        {k: v for k, v in row.items() if "seconds" not in k}
        for row in json.loads("\n".join(lines[start:]))
    ]


def test_each_engine_gives_the_same_table(call, tiny, own):
    _, expected = rows_of(call, tiny, "--engine", "serial", "--store", "a.sqlite")
    for i, engine in enumerate(["mypool:make", "mypool.py:make"]):
        said, rows = rows_of(call, tiny, "--engine", engine, "--store", f"{i}.sqlite")
        assert (said, rows) == (["1 workers"], expected)


def test_the_engine_and_its_options_may_be_in_the_users_file(call, tiny, own, config):
    config.write_text(
        'engine = "mypool:make"\n\n[engines."mypool:make"]\nmax_workers = 2\n', encoding="utf-8"
    )
    said, _ = rows_of(call, tiny)
    assert said == ["2 workers"]
    code, out, err = call("run", tiny, "--engine", "serial")
    assert (code, "workers" in out) == (0, False)
    assert "nothing was left to train" in err  # it is no part of the study


def test_the_final_nets_are_trained_again_by_an_engine(call, tiny, own, finished):
    code, out, err = call("nets", "tiny", "-o", "nets", "--engine", "mypool:make")
    assert (code, out, err) == (0, "1 workers\n", "wrote 12 nets to nets\n")


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("daks", "engine 'daks' is not known; did you mean 'dask'? expected processes, serial, "),
        ("slurm://x", "engine 'slurm://x' is not known; expected processes, serial, dask, "),
        ("nowhere:make", "nowhere:make: cannot import nowhere (No module named 'nowhere')"),
        ("mypool:nothing", "engine mypool:nothing: mypool has no function 'nothing'"),
        ("mypool:number", "engine mypool:number: expected it to make an executor, got 3"),
        ("dask://", "engine 'dask://' is not known; did you mean 'dask'? expected "),
        ("dask://127.0.0.1:9", "no Dask scheduler answers at 127.0.0.1:9\n"),
        ("dask://127.0.0.1", "engine dask://127.0.0.1: missing port number in address '127.0.0.1'"),
        ("dask://no.json", "no Dask scheduler answers at no.json\n  it has not written no.json: "),
    ],
)
def test_an_engine_that_cannot_be_used_is_told(call, tiny, own, monkeypatch, engine, message):
    monkeypatch.setattr("chainrule.study.execution.executors.dask.SECONDS_TO_CONNECT", 0.5)
    code, out, err = call("run", tiny, "--engine", engine)
    assert (code, out) == (1, "")
    assert f"chainrule: {message}" in err
    assert not list(Path("runs").glob("*.sqlite"))


def test_an_engine_that_is_not_installed_says_how_to_get_it(call, tiny, monkeypatch):
    def nothing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr("chainrule.study.execution.executors.ray.import_module", nothing)
    _, _, err = call("run", tiny, "--engine", "ray")
    assert "engine ray: No module named 'ray': python -m pip install 'chainrule[ray]'" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("engine = 3\n", "engine: expected a name such as 'dask', got 3"),
        ('engin = "dask"\n', "engin: not known; did you mean 'engine'? expected engine, engines"),
        ("engine =\n", "Invalid value"),
        ('[engines]\ndask = "x"\n', "engines.dask: expected a table, [engines.dask], got 'x'"),
        ("engines = 3\n", "engines: expected a table for each engine, [engines.dask], got 3"),
    ],
)
def test_a_file_that_is_not_right_is_named(call, tiny, config, text, message):
    config.write_text(text, encoding="utf-8")
    code, _, err = call("run", tiny)
    assert code == 1
    assert f"{config}: {message}" in err


def test_an_option_that_there_is_not_is_told(call, tiny, own, config):
    config.write_text('[engines."mypool:make"]\nworkers = 2\n', encoding="utf-8")
    code, _, err = call("run", tiny, "--engine", "mypool:make")
    assert code == 1
    assert "engine mypool:make: make() got an unexpected keyword argument 'workers'" in err


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("processes", "it takes no options, got nonsense"),
        ("dask", "TypeError: Server.__init__() got an unexpected keyword argument 'nonsense'"),
        ("dask://127.0.0.1:9", "Unexpected keyword arguments: ['nonsense']"),
    ],
)
def test_so_is_one_of_an_engine_that_comes_along(call, tiny, config, engine, message):
    kind = engine.partition(":")[0]
    config.write_text(f"[engines.{kind}]\nnonsense = 3\n", encoding="utf-8")
    code, _, err = call("run", tiny, "--engine", engine, "--jobs", "1")
    assert (code, f"engine {engine}: {message}" in err) == (1, True)


def test_where_there_is_no_file_nothing_is_set(config):
    assert load_user_config() == UserConfig()


def test_a_home_that_is_a_file_sets_nothing(config):
    config.parent.rmdir()
    config.parent.write_text("", encoding="utf-8")
    assert load_user_config() == UserConfig()


def test_the_file_is_in_the_folder_that_the_system_has_for_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path().name == "config.toml"
    assert config_path().parent.name == "chainrule"


def test_an_address_takes_the_options_of_its_kind():
    config = UserConfig(engines={"dask": {"a": 1}, "dask://b:2": {"a": 3}})
    assert [config.options(name) for name in ("dask", "dask://b:2", "dask://c:2", "ray")] == [
        {"a": 1},
        {"a": 3},
        {"a": 1},
        {},
    ]
