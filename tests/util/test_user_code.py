"""What an error says of the user's own files."""

from __future__ import annotations

import pytest

from chainrule._util.user_code import add_user_lines, describe_error


def fail(deeper: int) -> None:
    if deeper:
        fail(deeper - 1)
    raise KeyError("lost")


def error_of(call, *args) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 (whatever it is)
        call(*args)
    return caught.value


def test_the_kind_of_an_error_stands_before_its_message_and_the_lines_below():
    message, *lines = describe_error(error_of(fail, 0)).splitlines()
    assert message == "KeyError: 'lost'"
    assert lines[-1].endswith('in fail: raise KeyError("lost")')


def test_at_most_four_lines_are_shown():
    assert len(describe_error(error_of(fail, 9)).splitlines()) == 5


def test_a_line_that_the_message_has_is_not_said_twice():
    error = error_of(fail, 0)
    once = add_user_lines("what", error)
    assert add_user_lines(once, error) == once


def test_a_line_that_is_no_python_is_shown(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("x = 1\ndef net(:\n", encoding="utf-8")
    error = error_of(compile, path.read_text(encoding="utf-8"), str(path), "exec")
    assert describe_error(error).splitlines()[-1] == f"  {path}:2, in <module>: def net(:"
