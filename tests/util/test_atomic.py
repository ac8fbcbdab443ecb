"""What a file is written over, and what is given the bytes instead."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from chainrule._util.atomic import write_atomically


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"abc")
    reader.join(10)
    assert read == [b"abc"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [*tmp_path.iterdir()] == [pipe]
