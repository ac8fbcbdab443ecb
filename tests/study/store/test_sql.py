"""What is special to a store behind a URL."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from chainrule.study import StoreError, open_store
from chainrule.study.store import sql
from chainrule.study.store.tables import FORMAT
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text

sa = pytest.importorskip("sqlalchemy")


@pytest.fixture
def url(tmp_path):
    return f"sqlite+pysqlite:///{tmp_path}/s.sqlite"


def execute(url: str, sql: str) -> None:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text(sql))
    engine.dispose()


def fill(url: str) -> int:
    with open_store(url) as store:
        study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
        store.add(study, [row(0), row(1)])
    return study


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM training WHERE round = 0", "has 1 row instead of 2"),
        ("UPDATE training SET content = replace(content, '0.1', '0.9')", "does not match"),
        ("UPDATE curve SET data = substring(data, 2)", "the curves of .* do not match"),
        ("UPDATE study SET trainings = 3", "study 1 does not match its digest"),
    ],
)
def test_what_another_program_changed_is_found(sql, what, postgres):
    study = fill(postgres)
    if sql.startswith("DELETE"):
        execute(postgres, "DELETE FROM curve")
    execute(postgres, sql)
    with open_store(postgres, read_only=True) as store, pytest.raises(StoreError, match=what):
        store.rows(study, curves=True)


def test_two_writers_on_postgres_wait_for_each_other(postgres):
    study = fill(postgres)

    def write(arm):
        with open_store(postgres) as store:
            for r in range(20):
                store.add(study, [row(r, arm=arm), row(r, arm="both")])

    threads = [threading.Thread(target=write, args=[arm]) for arm in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_store(postgres, read_only=True) as store:
        for arm in ("a", "b", "both"):
            rows = store.rows(study, arm=arm, curves=True)
            assert text(rows) == text(row(r, arm=arm) for r in range(20))


def test_a_lower_format_is_read_and_gets_the_number_of_now_when_it_is_written(url):
    study = fill(url)
    execute(url, "UPDATE store SET format = 1")
    for read_only in (True, False):
        with open_store(url, read_only=read_only) as store:
            assert text(store.rows(study)) == text([replace(row(r), curves={}) for r in range(2)])
            assert store.read_format() == (1 if read_only else FORMAT)


def test_a_newer_format_is_refused_by_number(url):
    fill(url)
    execute(url, "UPDATE store SET format = 7")
    with pytest.raises(StoreError, match=r"expected format 3, got \[7\]: a newer one needs"):
        open_store(url)


def test_tables_of_others_are_left_alone(url):
    execute(url, "CREATE TABLE study (id INTEGER)")
    with pytest.raises(StoreError, match="has other tables named study"):
        open_store(url)


@pytest.mark.parametrize("wanted", [{"read_only": True}, {"create": False}])
def test_no_store_is_made_unless_wanted(wanted, url):
    with pytest.raises(StoreError, match="has no store yet"):
        open_store(url, **wanted)


@pytest.mark.parametrize("wanted", [{"read_only": True}, {"create": False}])
def test_no_file_is_made_unless_wanted(wanted, tmp_path):
    with pytest.raises(StoreError, match="has no store yet"):
        open_store(f"sqlite:///{tmp_path / 'nowhere.sqlite'}", **wanted)
    assert not [*tmp_path.iterdir()]


def test_another_kind_of_database_is_refused_without_its_password():
    with pytest.raises(StoreError, match=r"mysql://me:\*\*\*@host/db: expected a path or postgre"):
        open_store("mysql://me:secret@host/db")


def test_a_server_that_is_not_there_is_an_os_error_without_the_password(tmp_path):
    pytest.importorskip("psycopg")
    with pytest.raises(OSError, match=r"me:\*\*\*@") as caught:
        open_store(f"postgresql://me:secret@/db?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_a_host_that_is_not_known_is_told_in_words_of_ours():
    pytest.importorskip("psycopg")
    with pytest.raises(OSError, match="no such host is known here: is its name right"):
        open_store("postgresql://me:secret@no-host.invalid/db")


def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setitem(sql.PATIENCE, "connect_timeout", 2)  # the least that there is
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(OSError, match=r"the database does not answer: .* firewall"):
            open_store(f"postgresql://me@127.0.0.1:{port}/db")


def test_a_connection_that_is_lost_is_told_with_what_to_do(postgres):
    with open_store(postgres) as store:
        mine = store.fetch_all("SELECT pg_backend_pid()")[0][0]
        execute(postgres, f"SELECT pg_terminate_backend({mine})")
        with pytest.raises(OSError, match=r"was lost: .*; what was kept is there: give the same"):
            store.studies()


@pytest.mark.parametrize("failed", [False, True])
def test_many_rows_take_as_many_statements_as_one(failed, url, monkeypatch):
    count = []
    with open_store(url) as store:
        study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
        if failed:
            store.add(study, [replace(row(epochs=0), status="failed", note="no memory")])
        for name in ("fetch_all", "execute_many"):
            monkeypatch.setattr(store, name, counted(getattr(store, name), count))
        for rows in ([row(0)], [row(r, arm="other") for r in range(20)]):
            count.clear()
            store.add(study, rows)
            assert len(count) < 14
        assert [each.status for each in store.rows(study) if each.arm == row().arm] == ["done"]


def counted(f: Callable[..., object], count: list[str]) -> Callable[..., object]:
    """f, which notes that it is called."""

    def g(*args: object, **named: object) -> object:
        count.append(str(args[0]))
        return f(*args, **named)

    return g


def test_a_url_that_is_none_is_refused():
    with pytest.raises(StoreError, match="expected a path or postgresql://"):
        open_store("://")


@pytest.mark.parametrize("package", ["sqlalchemy", "psycopg"])
def test_a_missing_package_is_named_with_its_extra(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{package} is missing: pip install 'chainrule\[post"):
        open_store("postgresql://host/db")
