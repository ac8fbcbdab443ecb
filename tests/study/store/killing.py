"""Processes that are killed as they write; run by test_processes.py in a fresh interpreter.

It must be fresh, for it forks: a store opened before would be carried along.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from chainrule.study import open_store
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text


def write(path: Path, rounds: int = 10**9, say=lambda r: None) -> None:
    """Go on where the store is, three rows at a time; say each round that was acknowledged."""
    with open_store(path) as store, store.run_lock():
        study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id
        done = {key.round for key in store.keys(study)}
        for r in range(len(done), rounds):
            store.add(study, [row(r, candidate) for candidate in range(3)])
            say(r)


def start(work) -> tuple[int, int]:
    """(process id, end of the pipe that the work's process writes into)."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    try:
        work(lambda r: os.write(theirs, b"%d\n" % r))
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)


def kill_often(path: Path, times: int) -> None:
    """After each kill: every acknowledged row is there, none twice, none half."""
    draw, acknowledged = random.Random(times), -1
    for _ in range(times):
        pid, pipe = start(lambda say: write(path, say=say))
        begun = draw.choice([b"", b"wait"]) and os.read(pipe, 100)  # else it may only be opening
        time.sleep(0.05 * draw.random())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said = (begun.decode() + os.fdopen(pipe).read()).split("\n")[:-1]
        acknowledged = max([acknowledged, *map(int, said)])
        check(path, acknowledged)
    print(acknowledged)


def check(path: Path, acknowledged: int) -> None:
    if not path.exists() or path.stat().st_size == 0:
        assert acknowledged == -1
        return
    with open_store(path, read_only=True) as store:
        found = [text(store.rows(s.id, curves=True)) for s in store.studies()]
    rows = found[0] if found else []
    rounds, rest = divmod(len(rows), 3)
    assert rest == 0
    assert acknowledged + 1 <= rounds
    assert rows == sorted_text(rounds)


def sorted_text(rounds: int) -> list[str]:
    return text(row(r, candidate) for candidate in range(3) for r in range(rounds))


def begin_together(path: Path) -> None:
    """Five make the same store at the same time, and the same study."""

    def work(say) -> None:
        with open_store(path) as store:
            say(store.open_study("pairs", "abc", DECLARATION, PROVENANCE).id)

    started = [start(work) for _ in range(5)]
    assert {os.waitpid(pid, 0)[1] for pid, _ in started} == {0}
    assert {os.fdopen(pipe).read() for _, pipe in started} == {"1\n"}


def fill(path: Path, limit: str) -> None:
    """Write until an error, which is printed after the number of rounds; no file beyond a limit."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    done = []
    try:
        write(path, say=done.append)
    except OSError as error:
        print(len(done), str(error))


def run(name: str, path: Path, *rest: str) -> None:
    if name == "write":
        write(path, *map(int, rest), say=lambda r: print(r, flush=True))
    elif name == "kill":
        kill_often(path, *map(int, rest))
    elif name == "begin":
        for number in range(int(rest[0])):
            begin_together(path / f"{number}.sqlite")
    else:
        fill(path, *rest)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
