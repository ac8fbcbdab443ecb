"""A damaged store is an error or says what it said before: never anything else."""

from __future__ import annotations

import random
import shutil
import time

import pytest

from chainrule.study import StoreError, open_store
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text

PAGE = 4096


def fill(path):
    """Write a store; stop after each writing."""
    store = open_store(path)
    for digest in ("abc", "def"):
        study = store.open_study("pairs", digest, DECLARATION, PROVENANCE).id
        yield
        for r in range(4):
            rows = [row(r, c, arm=arm, epochs=9) for c in range(4) for arm in ("mlp", "conv")]
            store.add(study, rows)
            yield
    store.close()


def read(path, read_only=True):
    """All that a store says."""
    with open_store(path, read_only=read_only, create=False) as store:
        return [
            (record, text(store.rows(record.id, curves=True)), text(store.rows(record.id)))
            for record in store.studies()
        ]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / "whole.sqlite"
    for _ in fill(path):
        pass
    return path


def cut(data, draw):
    del data[draw.choice([draw.randrange(len(data)), PAGE * draw.randrange(len(data) // PAGE)]) :]


def zero_a_page(data, draw):
    start = PAGE * draw.randrange(len(data) // PAGE)
    data[start : start + PAGE] = bytes(PAGE)


def flip_a_bit(data, draw):
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def flip_a_bit_of_a_head(data, draw):
    """Where a page says what is in it; on the first page, what the file is."""
    start = PAGE * draw.randrange(len(data) // PAGE)
    data[start + draw.randrange(120)] ^= 1 << draw.randrange(8)


def noise(data, draw):
    start, size = draw.randrange(len(data)), draw.choice([1, 4, 100, 5000])
    size = min(size, len(data) - start)
    data[start : start + size] = draw.randbytes(size)


def swap_pages(data, draw):
    a, b = (PAGE * page for page in draw.sample(range(len(data) // PAGE), 2))
    data[a : a + PAGE], data[b : b + PAGE] = data[b : b + PAGE], data[a : a + PAGE]


def copy_a_page(data, draw):
    a, b = (PAGE * page for page in draw.sample(range(len(data) // PAGE), 2))
    data[a : a + PAGE] = data[b : b + PAGE]


DAMAGES = [cut, zero_a_page, flip_a_bit, flip_a_bit_of_a_head, noise, swap_pages, copy_a_page]


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_damage_reads_as_other_rows(damage, path, tmp_path):
    whole, draw = read(path), random.Random(damage.__name__)
    refused = harmless = 0
    for number in range(43):
        data = bytearray(path.read_bytes())
        damage(data, draw)
        hurt = tmp_path / f"{number}.sqlite"
        hurt.write_bytes(data)
        start = time.monotonic()
        try:
            assert read(hurt, read_only=number % 2 == 0) == whole
        except StoreError as error:
            refused += str(error).startswith(f"{hurt}: ")
        else:
            harmless += 1
        assert time.monotonic() - start < 10
    assert refused > 0
    assert refused + harmless == 43  # each error named the file


def test_a_name_that_is_no_text_is_damage(path, tmp_path):
    """SQLite quotes it in its message, which Python then cannot decode."""
    hurt = tmp_path / "hurt.sqlite"
    data = path.read_bytes()
    assert data.count(b"sqlite_autoindex_study_1") == 1
    hurt.write_bytes(
        data.replace(b"sqlite_autoindex_study_1", b"sqlite_autoindex_\xf1\xaaT\x14\xa8o\xc4")
    )
    with pytest.raises(StoreError, match=r"hurt\.sqlite: is damaged"):
        read(hurt)


def test_of_a_damaged_wal_at_most_its_end_is_missing(tmp_path):
    """What SQLite cannot see: a killed writer's last rows, lost later. Never other rows."""
    path, said = tmp_path / "live.sqlite", [[]]
    writing = fill(path)
    for _ in range(8):
        next(writing)
        said.append(read(path))
    data, draw = (tmp_path / "live.sqlite-wal").read_bytes(), random.Random(1)
    for number in range(50):
        hurt, other = bytearray(data), tmp_path / f"{number}.sqlite"
        draw.choice([flip_a_bit, noise, cut])(hurt, draw)
        shutil.copy(path, other)
        (tmp_path / f"{number}.sqlite-wal").write_bytes(hurt)
        assert read(other) in said
