import gzip
import tracemalloc
from contextlib import suppress

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import DataError, read_idx

from .mnist_files import header, idx, images

TENSOR = images(3)[:, :4, :5]
WHOLE = idx(TENSOR)
ZIPPED = gzip.compress(WHOLE, mtime=0)


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "some-idx"
        path.write_bytes(content)
        return read_idx(path, **options)

    return read


@pytest.mark.parametrize("content", [WHOLE, ZIPPED])
def test_a_whole_file_is_read(read, content):
    assert torch.equal(read(content), TENSOR)


def test_a_path_may_be_a_string(tmp_path):
    (tmp_path / "x").write_bytes(WHOLE)
    assert torch.equal(read_idx(str(tmp_path / "x")), TENSOR)


def test_a_file_of_several_chunks_is_read(read):
    content = bytes(range(256)) * 10_000
    assert bytes(read(header(len(content)) + content).tolist()) == content


def test_a_header_of_the_largest_sizes_is_refused_by_number(read):
    with pytest.raises(DataError, match=r"expected 1 to 268435456 bytes .* states \(4294967295, "):
        read(header(2**32 - 1, 2**32 - 1, 2**32 - 1))


def test_data_that_end_early_are_counted(read):
    with pytest.raises(DataError, match=r"expected 60 bytes .*\(3, 4, 5\), got only 59"):
        read(WHOLE[:-1])


def test_data_that_do_not_end_are_refused(read):
    with pytest.raises(DataError, match=r"expected 60 bytes .* got more"):
        read(WHOLE + b"\0")


@pytest.mark.parametrize("zipped", [False, True])
def test_every_truncation_is_refused(read, zipped):
    whole = ZIPPED if zipped else WHOLE
    for length in range(len(whole)):
        with pytest.raises(DataError, match="some-idx: expected"):
            read(whole[:length])


def test_every_flipped_header_bit_is_refused(read):
    for bit in range(8 * 16):
        content = bytearray(WHOLE)
        content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DataError, match="some-idx: expected"):
            read(bytes(content))


def test_no_flipped_bit_of_a_gzip_file_loads_changed(read):
    for bit in range(8 * len(ZIPPED)):
        content = bytearray(ZIPPED)
        content[bit // 8] ^= 1 << bit % 8
        with suppress(DataError):
            assert torch.equal(read(bytes(content)), TENSOR)  # its time stamp and such


@settings(max_examples=150)
@given(content=st.binary(max_size=40), magic=st.sampled_from([b"", b"\0\0\x08\1", b"\x1f\x8b\x08"]))
def test_any_bytes_load_or_are_refused(tmp_path_factory, content, magic):
    path = tmp_path_factory.mktemp("any") / "some-idx"
    path.write_bytes(magic + content)
    with suppress(DataError):  # and nothing but it
        assert read_idx(path).dtype == torch.uint8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an IDX file, .* got an empty file"),
        (b"\0\0\x08", "an IDX file, .* got 00 00 08"),
        (b"PK\3\4" + bytes(20), "an IDX file, .* got 50 4b 03 04"),
        (header() + b"\0", "an IDX file, .* got 00 00 08 00"),
        (header(*[1] * 9) + b"\0", "an IDX file, .* got 00 00 08 09"),
        (header(1, kind=0x0D) + bytes(4), "IDX type 0x08, unsigned bytes, got 0x0d"),
        (header(2, 3)[:-1], "2 sizes, the file ends before"),
        (header(0, 28, 28), r"1 to 268435456 bytes of data, the header states \(0, 28, 28\)"),
        (gzip.compress(b"", mtime=0), "an IDX file, .* got an empty file"),
        (ZIPPED + b"garbage", "a whole gzip file, got: "),
        (ZIPPED[:-8] + bytes(8), "a whole gzip file, got: CRC check failed"),
    ],
)
def test_the_message_says_what_is_wrong(read, content, message):
    with pytest.raises(DataError, match=f"some-idx: expected {message}"):
        read(content)


def test_the_limit_is_the_readers(read):
    assert read(WHOLE, limit=60).numel() == 60
    with pytest.raises(DataError, match="expected 1 to 59 bytes"):
        read(WHOLE, limit=59)


def bomb():
    """A gzip file that states 1000 bytes and holds 256 MiB."""
    return gzip.compress(header(1000) + bytes(1 << 28), compresslevel=1, mtime=0)


PROMISES = {
    "bomb": bomb,
    "zipped promise": lambda: gzip.compress(header(1 << 28), mtime=0),
    "promise": lambda: header(1 << 28),
    "absurd promise": lambda: header(2**31, 2**31),
}


@pytest.mark.parametrize("promise", PROMISES)
def test_memory_is_taken_for_what_is_there_only(read, promise):
    content = PROMISES[promise]()
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            read(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_a_missing_file_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError):
        read_idx(tmp_path)
