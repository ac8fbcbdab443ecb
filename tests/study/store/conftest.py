"""The three kinds of store; a PostgreSQL of the test's own where its programs are installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest

from chainrule.study import open_store

NUMBER = count()


@pytest.fixture(scope="session")
def server():
    """The folder of a running server's socket."""
    initdb, postgres = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL's initdb and postgres are not installed")
    pytest.importorskip("psycopg")
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if user is not None:
        shutil.chown(folder, user)
    data = [f"--pgdata={folder}/data", "--username=chainrule", "--auth=trust", "--no-sync"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([initdb, *data, "--encoding=UTF8"], check=True, user=user, **quiet)
    options = ["-D", f"{folder}/data", "-k", str(folder), "-c", "listen_addresses=", "-F"]
    process = subprocess.Popen([postgres, *options], user=user, **quiet)
    try:
        wait_for(folder)
        yield folder
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing is kept
        process.wait(30)
        shutil.rmtree(folder)


def wait_for(folder: Path) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(f"host={folder} user=chainrule dbname=postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not start")


@pytest.fixture
def postgres(server):
    """The URL of an empty database."""
    import psycopg

    name = f"test{next(NUMBER)}"
    address = f"host={server} user=chainrule dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://chainrule@/{name}?host={server}"


@pytest.fixture(params=["path", "sqlite URL", "postgres"])
def where(request, tmp_path):
    """Where a store can be, each kind of place."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    path = tmp_path / "a study.sqlite"
    if request.param == "path":
        return path
    pytest.importorskip("sqlalchemy")
    return f"sqlite+pysqlite:///{path}"


@pytest.fixture
def store(where):
    with open_store(where) as opened:
        yield opened
