"""The lock of a file's runner, where things go wrong."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from chainrule.study import StoreError
from chainrule.study.store import lock
from chainrule.study.store.lock import file_lock, find_holder, process_name


def test_a_lock_file_that_was_left_is_no_lock(tmp_path):
    path = tmp_path / "s.sqlite.lock"
    path.write_text("4242 on a host with a long name, and more of it than will be written")
    with file_lock(tmp_path / "s.sqlite"):
        assert path.read_text() == process_name()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("again", [True, False], ids=["made anew", "gone"])
def test_a_lock_on_a_file_that_lost_its_name_is_none(again, tmp_path, monkeypatch):
    """The holder let go, and took the name away, after this process opened the file."""
    path, tries, real = tmp_path / "s.sqlite.lock", [], lock._try

    def too_late(handle):
        real(handle)
        tries.append(handle)
        if len(tries) == 1:
            path.unlink()
            if again:
                path.touch()

    monkeypatch.setattr(lock, "_try", too_late)
    with file_lock(tmp_path / "s.sqlite"):
        assert len(tries) == 2
        with pytest.raises(StoreError, match=process_name()), file_lock(tmp_path / "s.sqlite"):
            pass


def test_a_holder_that_cannot_be_read_is_not_named(tmp_path, monkeypatch):
    def unreadable(*_, **__):
        raise PermissionError

    with file_lock(tmp_path / "s.sqlite"):
        monkeypatch.setattr(lock.Path, "read_text", unreadable)
        with pytest.raises(StoreError, match=r"process \(not known\) runs studies on it"):
            file_lock(tmp_path / "s.sqlite").__enter__()


def test_a_lock_that_cannot_be_signed_is_an_os_error_by_path(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lock.os, "write", full)
    with pytest.raises(OSError, match=r"cannot write: No space left on device: .*s\.sqlite\.lock"):
        file_lock(tmp_path / "s.sqlite").__enter__()
    assert not list(tmp_path.iterdir())


def test_who_holds_it_is_told_without_touching_the_lock(tmp_path, monkeypatch):
    store = tmp_path / "s.sqlite"
    assert find_holder(store) == ""
    with file_lock(store):
        monkeypatch.setattr(lock, "_try", None)
        assert find_holder(store) == process_name()
    assert find_holder(store) == ""


def test_what_a_killed_process_left_holds_nothing(tmp_path):
    path = tmp_path / "s.sqlite.lock"
    path.write_text(f"{2**22 + 1} on {socket.gethostname()}")  # more than any process has
    assert find_holder(tmp_path / "s.sqlite") == ""
    path.write_text("4242 on another host")
    assert find_holder(tmp_path / "s.sqlite") == "4242 on another host"


def test_a_process_of_another_user_is_alive(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    (tmp_path / "s.sqlite.lock").write_text(process_name())
    assert find_holder(tmp_path / "s.sqlite") == process_name()
