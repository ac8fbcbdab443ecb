"""What is a store's file, what is none, and what a file of format 1 is for ever."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule.study import StoreError, open_store
from chainrule.study.store import sqlite
from chainrule.study.store.predictions import Predictions, encode_predictions
from chainrule.study.store.tables import FORMAT
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text

FORMAT_1 = Path(__file__).with_name("format-1.sqlite")
FORMAT_1_STUDY = Path(__file__).with_name("format-1-study.sqlite")
"""What `run` left of a small study when fields had their first names."""

FORMAT_2 = Path(__file__).with_name("format-2.sqlite")


@pytest.fixture
def path(tmp_path):
    """A store with a study of three rows, closed."""
    path = tmp_path / "s.sqlite"
    with open_store(path) as store:
        store.add(
            store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id,
            [row(0), row(1), row(2)],
        )
    return path


PREDICTED = encode_predictions(Predictions(np.ones(3), np.ones(3), {}, np.arange(3)))


def execute(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


def read(path: Path):
    """All that a store says."""
    with open_store(path, read_only=True) as store:
        return [(record, text(store.rows(record.id, curves=True))) for record in store.studies()]


def test_a_viewer_leaves_nothing_beside_the_store(path):
    before = path.read_bytes()
    read(path)
    assert [p.name for p in path.parent.iterdir()] == ["s.sqlite"]
    assert path.read_bytes() == before


def test_a_viewer_leaves_nothing_beside_a_store_whose_writer_was_killed(path, tmp_path):
    copy = tmp_path / "copy" / "s.sqlite"
    copy.parent.mkdir()
    with open_store(path) as store:
        store.add(1, [row(3)])
        for name in ("s.sqlite", "s.sqlite-wal"):
            shutil.copy(tmp_path / name, copy.with_name(name))
    [(_, rows)] = read(copy)
    assert len(rows) == 4
    assert [p.name for p in copy.parent.iterdir()] == ["s.sqlite"]
    assert read(copy)[0][1] == rows


def test_a_viewer_cannot_write(path):
    with (
        open_store(path, read_only=True) as store,
        pytest.raises(StoreError, match="is open for reading only"),
    ):
        store.remove(1)


def test_a_file_of_the_first_format_loads_for_ever(tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(FORMAT_1, path)
    for read_only in (True, False):
        with open_store(path, read_only=read_only) as store:
            [record] = store.studies()
            rows = store.rows(record.id, curves=True)
        assert (record.name, record.digest) == ("pairs", "def")
        assert record.declaration == {**DECLARATION, "rounds": 4}
        assert record.runs == [PROVENANCE, {"commit": "f00"}]
        expected = [row(r, arm=arm) for arm in ("conv", "mlp") for r in range(3)] + [row(3)]
        assert text(rows) == text(expected)


def test_a_file_without_a_table_of_predictions_loads_for_ever(tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(FORMAT_2, path)
    for read_only in (True, False):
        with open_store(path, read_only=read_only) as store:
            assert text(store.rows(1, curves=True)) == text([row(0), row(1), row(2)])
            assert store.predictions(1) == {}
    with open_store(path) as store:
        store.add(1, [replace(row(3), predictions=PREDICTED)])
        assert [key.round for key in store.predictions(1)] == [3]


def test_rows_of_the_first_format_have_the_names_of_now(tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(FORMAT_1_STUDY, path)
    found = []
    for read_only in (True, False, True):
        with open_store(path, read_only=read_only) as store:
            found.append(text(store.rows(1, curves=True)))
            timed = store.rows(1, stage="timing")
    assert found[0] == found[1] == found[2]
    assert [(row.arm, row.stage, row.cohort_size) for row in timed] == [
        ("a", "timing", 1),
        ("b", "timing", 1),
    ]


def test_a_file_of_the_first_format_gets_the_number_of_now_when_it_is_written(tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(FORMAT_1_STUDY, path)
    for read_only, expected in ((True, 1), (False, FORMAT)):
        open_store(path, read_only=read_only).close()
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA user_version").fetchone() == (expected,)
        connection.close()


def test_a_damaged_file_of_the_first_format_stays_as_it_is(tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(FORMAT_1_STUDY, path)
    execute(path, "UPDATE training SET content = replace(content, 'done', 'gone') WHERE id = 9")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is damaged: the row .* does not match its digest"):
        open_store(path)
    assert path.read_bytes()[100:] == before[100:]  # but for the mark of WAL mode in its header


def test_a_newer_format_is_refused_by_number(path):
    execute(path, "PRAGMA user_version = 7")
    with pytest.raises(StoreError, match=r"s\.sqlite: format 7 is newer than 3: upgrade chainrule"):
        open_store(path)


@pytest.mark.parametrize(
    "data",
    [b"\n", b"accuracy,loss\n0.5,1\n", bytes(range(256)) * 64, bytes(9000), b"SQLite format 3\0"],
    ids=["a byte", "a text", "noise", "zeros", "a beginning"],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_store_is_refused_by_path_and_left_as_it_is(data, read_only, tmp_path):
    path = tmp_path / "other.txt"
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"other\.txt: is not a store of chainrule"):
        open_store(path, read_only=read_only)
    assert path.read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == ["other.txt"]


def test_the_sqlite_file_of_another_program_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "theirs.sqlite"
    execute(path, "CREATE TABLE study (id INTEGER PRIMARY KEY)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"theirs\.sqlite: is not a store of chainrule"):
        open_store(path)
    assert path.read_bytes() == before


def test_an_empty_file_is_used_where_a_new_one_would_be_made(tmp_path):
    path = tmp_path / "s.sqlite"
    path.touch()
    for wanted in ({"read_only": True}, {"create": False}):
        with pytest.raises(StoreError, match=r"s\.sqlite: is empty: no store yet"):
            open_store(path, **wanted)
    assert path.stat().st_size == 0
    open_store(path).close()
    assert read(path) == []


@pytest.mark.parametrize("wanted", [{"read_only": True}, {"create": False}])
def test_a_missing_file_is_not_made_unless_wanted(wanted, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no store: .*s\.sqlite"):
        open_store(tmp_path / "runs" / "s.sqlite", **wanted)
    assert not list(tmp_path.iterdir())


def test_a_new_store_makes_its_folder_at_once_and_its_file_with_the_first_that_is_written(tmp_path):
    with open_store(tmp_path / "runs" / "of today" / "s?#%41.sqlite") as store:
        assert (store.studies(), store.find("abc")) == ([], None)
        assert not list(tmp_path.glob("runs/of today/*"))
        store.open_study("pairs", "abc", DECLARATION, PROVENANCE)
    assert [p.name for p in tmp_path.glob("runs/of today/*")] == ["s?#%41.sqlite"]


def test_a_file_that_another_made_meanwhile_is_gone_on_with(tmp_path):
    path = tmp_path / "s.sqlite"
    with open_store(path) as first, open_store(path) as second:
        study = first.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
        first.add(study, [row(0)])
        assert second.open_study("pairs", "abc", DECLARATION, PROVENANCE).id == study
        second.add(study, [row(1)])
        assert len(text(first.rows(study))) == 2
        assert text(first.rows(study)) == text(second.rows(study))


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        open_store(tmp_path)


def test_a_finished_writer_leaves_one_file(path):
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_finished_writer_leaves_all_in_the_file_beside_a_viewer(path, tmp_path):
    with open_store(path, read_only=True) as viewer:
        with open_store(path) as store, store.run_lock():
            store.add(1, [row(3)])
        shutil.copy(path, tmp_path / "copy")
        assert len(viewer.rows(1)) == 4
    assert read(tmp_path / "copy") == read(path)


def test_two_names_of_a_store_are_one_store_to_runners(path, tmp_path):
    (tmp_path / "link").symlink_to(path)
    with (
        open_store(path) as one,
        open_store(tmp_path / "link") as two,
        one.run_lock(),
        pytest.raises(StoreError, match="runs studies on it"),
        two.run_lock(),
    ):
        pass


def test_another_thread_is_an_error_of_ours(path):
    caught = []

    def look(store):
        try:
            store.rows(1)
        except StoreError as error:
            caught.append(str(error))

    with open_store(path) as store:
        thread = threading.Thread(target=look, args=[store])
        thread.start()
        thread.join()
    assert "cannot be used" in caught[0]


def test_a_writer_that_waits_too_long_says_so(path, monkeypatch):
    monkeypatch.setattr("chainrule.study.store.sqlite.BUSY_SECONDS", 0.1)
    with (
        open_store(path) as one,
        open_store(path) as two,
        one.transaction(write=True),
        pytest.raises(StoreError, match="another process has been writing for"),
    ):
        two.add(1, [row(3)])


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM training WHERE round = 1", "study 1 has 2 rows instead of 3"),
        ("UPDATE training SET round = 7 WHERE round = 1", "has the text of another"),
        ("UPDATE training SET content = replace(content, '0.1', '0.9')", "match its digest"),
        ("UPDATE training SET content = CAST(content AS BLOB)", "does not match its digest"),
        ("DELETE FROM curve WHERE training = 2", "the curves of .* do not match"),
        ("UPDATE curve SET data = zeroblob(80)", "the curves of .* do not match"),
        ("UPDATE curve SET data = 'text'", "the curves of .* do not match"),
        ("UPDATE study SET trainings = 2", "study 1 does not match its digest"),
        ("UPDATE study SET digest = 'def'", "study 1 does not match its digest"),
        ("DROP TABLE curve", "its tables are not those of a store"),
        ("CREATE VIEW more AS SELECT 1", "its tables are not those of a store"),
        ("PRAGMA user_version = 0", "its tables are not those of a store"),
    ],
)
def test_what_another_program_changed_is_found(sql, what, path):
    execute(path, sql)
    with pytest.raises(StoreError, match=rf"s\.sqlite: is damaged: .*{what}.*; restore a copy"):
        read(path)


class Refusing:
    """A connection that is refused the first two times, with this error code."""

    def __init__(self, code: int) -> None:
        self.code, self.asked = code, 0

    def execute(self, sql: str) -> None:
        self.asked += 1
        if self.asked < 3:
            error = sqlite3.OperationalError("refused")
            error.sqlite_errorcode = self.code
            raise error


def test_the_switch_to_wal_waits_for_others_who_switch():
    connection = Refusing(sqlite3.SQLITE_BUSY)
    sqlite._use_wal(connection)
    assert connection.asked == 3


def test_the_switch_to_wal_waits_for_nothing_else_and_not_for_ever(monkeypatch):
    full = Refusing(sqlite3.SQLITE_FULL)
    with pytest.raises(sqlite3.OperationalError, match="refused"):
        sqlite._use_wal(full)
    assert full.asked == 1
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", -1.0)
    with pytest.raises(sqlite3.OperationalError, match="refused"):
        sqlite._use_wal(Refusing(sqlite3.SQLITE_BUSY))
