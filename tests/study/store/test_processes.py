"""Several processes on one store, and those that are killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from chainrule.study import StoreError, open_store
from tests.study.store.killing import sorted_text, write
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(sys.platform == "win32", reason="kills, forks and limits as POSIX does")


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tests.study.store.killing", *map(str, words)]


def result(*words: object) -> str:
    done = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@posix
@pytest.mark.parametrize("times", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_a_killed_writer_loses_no_acknowledged_row(times, tmp_path):
    path = tmp_path / "s.sqlite"
    rounds = int(result("kill", path, times)) + 1
    assert rounds > 0
    write(path, rounds + 20)  # the next writer just goes on
    with open_store(path, read_only=True) as store:
        found = text(store.rows(1, curves=True))
    assert len(found) >= 3 * (rounds + 20)
    assert found == sorted_text(len(found) // 3)


@posix
def test_the_same_store_begun_by_many_at_once_is_one(tmp_path):
    result("begin", tmp_path, 8)


def test_viewers_and_the_writer_do_not_disturb_each_other(tmp_path):
    path, seen = tmp_path / "s.sqlite", []
    with subprocess.Popen(command("write", path, 120), cwd=ROOT, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        with open_store(path, read_only=True) as stays:
            while writer.poll() is None:
                with open_store(path, read_only=True) as comes:
                    for store in (stays, comes):
                        rows = store.rows(1, curves=True)
                        assert text(rows) == sorted_text(len(rows) // 3)
                seen.append(len(rows))
        writer.stdout.read()
    assert writer.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 2


def test_the_right_to_run_ends_with_the_process(where):
    code = """
import sys
from pathlib import Path
from chainrule.study.store import open_store
with open_store(sys.argv[1]) as store, store.run_lock():
    print("runs", flush=True)
    sys.stdin.read()
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(where)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other, open_store(where) as store:
        assert other.stdout.readline() == b"runs\n"
        with pytest.raises(StoreError, match=f"process {other.pid} on "), store.run_lock():
            pass
        study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
        other.kill()
        other.wait()
        retry(store, study)


def retry(store, study: int) -> None:
    """A server needs a moment to see that a client is gone."""
    for attempt in range(100):
        try:
            with store.run_lock():
                store.add(study, [row()])
                return
        except StoreError:
            if attempt == 99:
                raise
            time.sleep(0.05)


# a full disk, a folder that may not be written


@posix
def test_a_file_that_cannot_grow_keeps_what_was_acknowledged(tmp_path):
    path = tmp_path / "s.sqlite"
    rounds, _, message = result("limit", path, 200_000).partition(" ")
    assert f"as it was: '{path}'" in message
    with open_store(path) as store:
        assert text(store.rows(1, curves=True)) == sorted_text(int(rounds))
        store.add(1, [row(int(rounds), candidate) for candidate in range(3)])
    assert [p.name for p in tmp_path.iterdir()] == ["s.sqlite"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(tmp_path)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_keeps_what_was_acknowledged(small_disk):
    path, done = small_disk / "s.sqlite", []
    with pytest.raises(OSError, match=f"the disk is full; what was there is as it was: '{path}'"):
        write(path, say=done.append)
    with open_store(path, read_only=True) as store:
        assert text(store.rows(1, curves=True)) == sorted_text(len(done))


def test_a_new_store_on_a_full_disk_is_an_error_by_path(small_disk):
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(400_000))
    path = small_disk / "s.sqlite"
    with open_store(path) as store, pytest.raises(OSError, match=r"the disk is full.*s\.sqlite"):
        store.open_study("pairs", "abc", DECLARATION, PROVENANCE)


def leave_a_wal(folder: Path) -> None:
    """What a killed writer leaves, after a copy that took the rows but not the index."""
    with open_store(folder / "s.sqlite") as store:
        store.add_run(1, {"commit": "f00"})
        shutil.copy(folder / "s.sqlite", folder / "live.sqlite")
        shutil.copy(folder / "s.sqlite-wal", folder / "live.sqlite-wal")


@pytest.fixture
def read_only_folder():
    """A folder with a store, and one that is in two files; this process may read them."""
    folder = Path(tempfile.mkdtemp())  # others may not enter pytest's own
    write(folder / "s.sqlite", 2)
    leave_a_wal(folder)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


@posix
def test_a_viewer_reads_where_nothing_may_be_written(read_only_folder):
    with open_store(read_only_folder / "s.sqlite", read_only=True) as store:
        assert text(store.rows(1, curves=True)) == sorted_text(2)


@posix
def test_a_viewer_is_told_where_a_killed_run_left_rows(read_only_folder):
    with pytest.raises(PermissionError, match="a killed run left rows beside it"):
        open_store(read_only_folder / "live.sqlite", read_only=True)


@posix
def test_a_runner_is_told_where_nothing_may_be_written(read_only_folder):
    path = read_only_folder / "s.sqlite"
    with (
        pytest.raises(PermissionError, match=str(path)),
        open_store(path) as store,
        store.run_lock(),
    ):
        pass
    with pytest.raises(PermissionError, match=r"new\.sqlite"):
        open_store(read_only_folder / "new.sqlite")
    assert {p.name for p in read_only_folder.iterdir()} == {
        "s.sqlite",
        "live.sqlite",
        "live.sqlite-wal",
    }
