"""A study made with the user's own code or file is what that code and that file are."""

from __future__ import annotations

import importlib
import py_compile
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.study import Study, StudyError, run
from chainrule.study.execution.resume import find_changes, read_records
from chainrule.study.extension import is_extension
from chainrule.study.spec.own_files import loaded_code, own_code
from chainrule.study.spec.own_files.own_code import check_pinned, own_files, pin_sources
from tests.study.small import small

NET = """import math, numpy, torch
from chainrule import nn
from own_width import WIDTH

def net(layers=1):
    return nn.Sequential(nn.Linear(2, WIDTH), nn.Linear(WIDTH, 2))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own_net.py").write_text(NET)
    (tmp_path / "own_width.py").write_text("WIDTH = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(own_code, "LOADED", {})
    yield tmp_path
    for name in ("own_net", "own_width"):
        sys.modules.pop(name, None)


def own(**changes):
    return small(net="own_net:net", arms={"a": {}}, rounds=1, **changes)


def test_the_module_and_what_it_imports_of_the_users_are_pinned(folder):
    assert {*own_files(own())} == {"own_net", "own_width"}
    assert {*pin_sources(own()).sources} == {"own_net", "own_width"}


def test_a_study_of_our_own_components_has_the_digest_that_it_had():
    assert pin_sources(small()) == small()


@pytest.mark.parametrize("file", ["own_net.py", "own_width.py"])
def test_other_code_is_another_study(folder, file):
    before = pin_sources(own())
    (folder / file).write_text((folder / file).read_text() + "X = 1\n")
    after = pin_sources(own())
    assert before.digest != after.digest
    assert not is_extension(before, after)


def test_wherever_a_component_is_named(folder):
    for changes in (
        {"arms": {"a": {"net": "own_net:net"}}},
        {"factors": {"f": {"x": {"net": "own_net:net"}}}, "arms": {}},
        {"metrics": {"m": "own_net:net"}},
        {"loss": "own_net:net"},
        {"data": "own_net:net"},
        {"trainer": "own_net:net"},
    ):
        assert "own_net" in pin_sources(small(**changes)).sources


def test_a_study_in_the_same_file_may_be_extended(folder):
    file = folder / "own_net.py"
    file.write_text(NET + "from chainrule.study import Study\nstudy = Study(\n    rounds=3,\n)\n")
    three = pin_sources(own())
    file.write_text(NET + "from chainrule.study import Study\nstudy = Study(\n    rounds=5,\n)\n")
    assert pin_sources(own()).sources == three.sources


def test_a_run_after_a_change_begins_anew_and_says_why(folder, tmp_path):
    store = str(tmp_path / "store.sqlite")
    first = run(own(), store=store)
    assert first.study.sources
    (folder / "own_width.py").write_text("WIDTH = 4\n")
    for name in ("own_net", "own_width"):
        sys.modules.pop(name, None)
    changed = pin_sources(own())
    assert [c.split(":")[0] for c in find_changes(read_records(store), changed)] == [
        "sources.own_width"
    ]
    for name in ("own_net", "own_width"):
        sys.modules.pop(name, None)
    second = run(own(), store=store)
    assert second.study.sources != first.study.sources
    assert len(second.rows) == len(first.rows)


@pytest.mark.parametrize(
    "line",
    [
        "from importlib import import_module; WIDTH = import_module('own_width').WIDTH",
        "import importlib\ndef f(): return importlib.import_module('own_width')",
        "WIDTH = __import__('own_width').WIDTH",
    ],
)
def test_a_module_that_is_imported_by_a_call_is_pinned_too(folder, line):
    (folder / "own_net.py").write_text(NET.replace("from own_width import WIDTH", line))
    assert {*own_files(own())} == {"own_net", "own_width"}


def test_a_module_that_is_imported_by_a_relative_call_is_pinned_too(folder):
    (folder / "own_package").mkdir()
    (folder / "own_package" / "__init__.py").touch()
    for name in ("a", "b"):
        (folder / "own_package" / f"{name}.py").touch()
    lines = 'import_module(".a", __package__)\nimport_module(".b", package="own_package")\n'
    (folder / "own_package" / "nets.py").write_text(f"from importlib import import_module\n{lines}")
    study = small(net="own_package.nets:net", arms={"a": {}})
    assert {*own_files(study)} >= {"own_package.a", "own_package.b"}


def test_a_function_of_the_program_itself_is_refused():
    with pytest.raises(StudyError, match="__main__ is another program in each process: put what"):
        pin_sources(small(net="__main__:net"))


def test_a_file_in_a_package_is_told_how_it_is_named(folder):
    (folder / "own_file.py").write_text("from . import other\n")
    study = small(net="own_file:net", arms={"a": {}})
    with pytest.raises(StudyError, match=r"name what is in a package as package\.module:NAME"):
        run(study)


def test_a_module_in_a_folder_without_init_is_pinned_and_nothing_is_loaded(folder):
    (folder / "own_folder").mkdir()
    (folder / "own_folder" / "nets.py").write_text(NET)
    study = small(net="own_folder.nets:net", arms={"a": {}}, rounds=1)
    assert {*own_files(study)} == {"own_folder.nets", "own_width"}
    assert not {"own_folder", "own_folder.nets", "own_width"} & sys.modules.keys()


@pytest.mark.parametrize("file", ["own_net.py", "own_width.py"])
def test_a_file_that_changed_after_it_was_loaded_is_refused_until_it_is_loaded_anew(folder, file):
    run(own())
    (folder / file).write_text((folder / file).read_text() + "X = 1\n")
    with pytest.raises(StudyError, match=rf"{file} was changed after this process had loaded own_"):
        run(own())
    importlib.reload(sys.modules[file.removesuffix(".py")])
    assert run(own()).study.sources


@pytest.mark.parametrize("file", ["own_net.py", "own_width.py"])
def test_a_file_that_changed_after_it_was_loaded_is_refused_though_it_is_first_looked_at(
    folder, file
):
    importlib.import_module("own_net")
    text = (folder / file).read_text()
    (folder / file).write_text(
        text.replace("WIDTH = 3", "WIDTH = 5").replace("layers=1", "layers=2")
    )
    with pytest.raises(StudyError, match=rf"{file} was changed after this process had loaded own_"):
        pin_sources(own())
    (folder / file).write_text(text)
    assert pin_sources(own()).sources


WITHOUT_BYTECODE = [
    ("LAYERS = {'a': [3, 4]}\n", "LAYERS = {'a': [3, 5]}\n", "was changed after"),
    ("LAYERS = [3, 4]\n", "LAYERS = [3, 5]\n", "was changed after"),
    ("N = int('3')\n", "N = int('5')\n", "may have been changed"),
    ("N: int = 3\n", "N: int = 5\n", "was changed after"),
    ("class A:\n    n = 3\n", "class A:\n    n = 5\n", "was changed after"),
    ("class A:\n    n: int = 3\n", "class A:\n    n: int = 5\n", "was changed after"),
    ("class A:\n    n = [3]\n", "class A:\n    n = [5]\n", "was changed after"),
    ("class A:\n    _n = 3\n", "class A:\n    _n = 5\n", "was changed after"),
    ("def f(*, n=3): pass\n", "def f(*, n=5): pass\n", "was changed after"),
    ("class A:\n    def f(n=3): pass\n", "class A:\n    def f(n=5): pass\n", "was changed after"),
    (
        "class A:\n    @staticmethod\n    def f(n=3): pass\n",
        "class A:\n    @staticmethod\n    def f(n=5): pass\n",
        "was changed after",
    ),
    ("class A:\n    n = 3 * 2\n", "class A:\n    n = 3 * 3\n", "may have been changed"),
]


@pytest.mark.parametrize(("before", "after", "said"), WITHOUT_BYTECODE)
def test_what_changed_is_refused_without_bytecode_until_it_is_loaded_anew(
    folder, monkeypatch, before, after, said
):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (folder / "own_width.py").write_text(f"WIDTH = 3\n{before}")
    importlib.import_module("own_net")
    (folder / "own_width.py").write_text(f"WIDTH = 3\n{after}")
    monkeypatch.setattr(own_code, "PROCESS_START", (folder / "own_net.py").stat().st_mtime + 1e-6)
    for _ in range(2):
        with pytest.raises(StudyError, match=rf"own_width\.py {said}"):
            pin_sources(own())
    importlib.reload(sys.modules["own_width"])
    assert pin_sources(own()).sources


def test_a_file_as_old_as_the_process_is_taken_whatever_was_put_into_its_module(
    folder, monkeypatch
):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.import_module("own_width").WIDTH = 7
    monkeypatch.setattr(own_code, "PROCESS_START", time.time() + 9)
    assert pin_sources(own()).sources


def test_a_new_file_that_a_study_loads_is_taken_and_one_changed_since_is_not(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # as in many containers
    assert own().all_arms[0].recipe.make_net()
    assert pin_sources(own()).sources
    (folder / "own_width.py").write_text("WIDTH = 3\nN = int('5')\n")
    monkeypatch.setattr(own_code, "LOADED", {})
    with pytest.raises(StudyError, match=r"own_width\.py may have been changed"):
        pin_sources(own())


def test_a_process_knows_when_it_began():
    began = loaded_code.PROCESS_START
    assert began is None or 0 < time.time() - began < 24 * 3600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("class A:\n    n = 3\n", "class A:\n    n = 5\n"),
        ("class A:\n    def f(self, n=3): pass\n", "class A:\n    def f(self, n=5): pass\n"),
        ("N: int = 3\n", "N: int = 5\n"),
    ],
)
def test_a_constant_that_changed_is_seen_though_another_process_has_loaded_the_file(
    folder, before, after
):
    (folder / "own_width.py").write_text(f"WIDTH = 3\n{before}")
    importlib.import_module("own_net")
    (folder / "own_width.py").write_text(f"WIDTH = 3\n{after}")
    py_compile.compile(str(folder / "own_width.py"))
    with pytest.raises(StudyError, match=r"own_width\.py was changed after this process had"):
        pin_sources(own())


def test_a_process_is_told_by_ps_when_it_began():
    asked, known = loaded_code.ask_process_start(), loaded_code.PROCESS_START
    assert asked is None or known is None or abs(known - asked) < 3


@pytest.mark.parametrize(
    ("said", "seconds"), [("  01:05\n", 65), ("2:00:00", 7200), ("3-00:00:01", 259201)]
)
def test_days_hours_and_minutes_are_read(monkeypatch, said, seconds):
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert time.time() - loaded_code.ask_process_start() == pytest.approx(seconds + 1, abs=1)


def test_without_ps_it_is_not_known(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Path("/nope").read_text())
    assert loaded_code.ask_process_start() is None


def test_a_function_that_changed_is_seen_though_another_process_has_loaded_the_file(folder):
    importlib.import_module("own_net")
    (folder / "own_net.py").write_text(
        NET.replace("nn.Linear(2, WIDTH)", "nn.Linear(2, WIDTH + 0)")
    )
    py_compile.compile(str(folder / "own_net.py"))
    with pytest.raises(StudyError, match=r"own_net\.py was changed after this process had loaded"):
        pin_sources(own())


@pytest.mark.parametrize(
    "more",
    [
        "class A:\n    @property\n    def a(self):\n        return {1.5, 'a', 'b', 'c'}\n",
        "import functools\n@functools.cache\ndef f(x=(1, 2)):\n    return {1e999, 'a', 'b'}\n",
        "f = lambda x: [y for y in range(x)]\n",
        "def f():\n    def g():\n        yield 0j, -0.0\n    return g\n",
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n    x: int = 3\n",
        "from math import sqrt as f\nfrom os.path import join\n",
        "assert WIDTH\nf = print\n",
        "D = {}\nD['a'] = 1\nL = []\nL.append(1)\nF = [1]\n",
        "N = 1\ndef f():\n    global N\n    N = N + 1\nf()\n",
        "import enum\nclass E(enum.Enum):\n    A = 1\nN = 1\nN += 1\nM = 1\nM = 2\n",
        "class A:\n    n = 1\n    s = []\nA.n = 2\nA.s.append(3)\n",
        "class A:\n    n = 1\n    n = 2\n    def f(self): self.n = 3\nA().f()\n",
        "class A:\n    n = 1\n    @classmethod\n    def f(cls): cls.n += 1\nA.f()\n",
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass D:\n    x: int = 3\n",
        "class A:\n    x = 3\n    def f(self, *, a=1, b=[2]): return a\ndel A.x\n",
        "import functools\n@functools.lru_cache\ndef f(x, *, y=(1, 2)): return x\nN: int\n",
    ],
)
def test_a_file_that_is_as_it_was_is_taken_whatever_is_in_it(folder, more):
    for _ in range(2):  # the second time from what Python wrote beside it
        (folder / "own_net.py").write_text(f'"""A net."""\n{NET}{more}')
        sys.modules.pop("own_net", None)
        importlib.import_module("own_net")
        assert {*pin_sources(own()).sources} == {"own_net", "own_width"}


def test_what_a_worker_loads_is_what_the_run_began_with(folder):
    study = pin_sources(own())
    (folder / "own_width.py").write_text("WIDTH = 5\n")
    with pytest.raises(StudyError, match=r"own_width\.py was changed after this run began"):
        check_pinned(study)


def test_a_module_that_is_not_there_is_left_to_who_needs_it():
    assert pin_sources(small(net="no_such_module:net")).sources == {}


TABLE = """
name = "mine"
net = { name = "table_net", inputs = 1 }
loss = "MSELoss"
optimizer = "Adam"
metric = "loss"
direction = "min"
failure_value = 100
[data]
name = "table"
csv = "rows.csv"
target = "y"
rounds = "resplit"
sha256 = "0"
"""


def test_a_csv_file_is_found_beside_the_declaration_and_its_place_is_no_matter(tmp_path):
    studies = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.csv").write_text("x,y\n1,2\n")
        (tmp_path / name / "study.toml").write_text(TABLE)
        studies.append(Study.load(tmp_path / name / "study.toml"))
        assert studies[-1].data.arguments["csv"] == str(tmp_path / name / "rows.csv")
    assert studies[0] != studies[1]
    assert studies[0].digest == studies[1].digest
