import gzip
import io
import pickle
import zipfile

import pytest
import torch

from chainrule.data import DataError, digits
from chainrule.data.files.bundled import FILE, read_bundled

from .mnist_files import NAMES, header, idx, images, labels, write_split


class Trap:
    """A pickle that would write a file if it were loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_package_has_250_of_each_digit_in_turn(split):
    data = digits(split)
    assert data.inputs.shape == (2500, 1, 28, 28)
    assert torch.equal(data.targets, torch.arange(2500) % 10)


def test_pixels_are_from_0_to_1():
    x = digits().inputs
    assert (x.dtype, x.min(), x.max()) == (torch.float32, 0, 1)


def test_no_image_is_in_both_splits():
    both = torch.cat((digits("train").inputs, digits("test").inputs)).flatten(1)
    assert len(both.unique(dim=0)) == 5000


def test_most_test_digits_look_like_training_digits_of_their_label():
    # The nearest neighbour names 91 % of them; wrong labels or images turned round would not do.
    train, test = digits("train"), digits("test").subset(torch.arange(300))
    nearest = torch.cdist(test.inputs.flatten(1), train.inputs.flatten(1)).argmin(1)
    assert (train.targets[nearest] == test.targets).float().mean() > 0.85


def test_digits_stand_upright():
    # A 7 has its bar above, a 6 its loop below.
    data = digits()
    upper = data.inputs[:, 0, :14].sum((1, 2)) / data.inputs.sum((1, 2, 3))
    assert upper[data.targets == 7].mean() > 0.5 > upper[data.targets == 6].mean()


def test_who_writes_into_the_digits_harms_nobody():
    digits().inputs.zero_()
    digits().targets.zero_()
    assert digits().inputs.max() == 1
    assert digits().targets.max() == 9


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split 'train' or 'test', got 'valid'"):
        digits("valid")


@pytest.mark.parametrize("length", [0, 1, 100, 350_000, FILE.stat().st_size - 1])
def test_a_cut_package_file_is_refused(tmp_path, length):
    path = tmp_path / "digits.npz"
    path.write_bytes(FILE.read_bytes()[:length])
    with pytest.raises(DataError, match=r"digits\.npz: expected SHA-256 .*; reinstall"):
        read_bundled(path)


@pytest.mark.parametrize("place", range(0, FILE.stat().st_size, 50_000))
def test_a_changed_byte_of_the_package_file_is_refused(tmp_path, place):
    content = bytearray(FILE.read_bytes())
    content[place] ^= 1
    path = tmp_path / "digits.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"digits\.npz: expected SHA-256"):
        read_bundled(path)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_pickle_under_the_name_of_the_package_file_is_not_run(tmp_path, zipped):
    path, sprung = tmp_path / "digits.npz", tmp_path / "sprung"
    content = pickle.dumps(Trap(sprung))
    if zipped:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("images.npy", content)
        content = archive.getvalue()
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_bundled(path)
    assert not sprung.exists()


def dotted(name):
    return name.replace("-idx", ".idx")


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(("suffix", "zipped"), [("", False), (".gz", True)])
@pytest.mark.parametrize("change", [str, dotted])
def test_root_takes_every_spelling(tmp_path, split, suffix, zipped, change):
    write_split(tmp_path, split, 12, suffix, zipped, change)
    data = digits(split, root=tmp_path)
    assert torch.equal(data.inputs, images(12).unsqueeze(1) / 255)
    assert torch.equal(data.targets, labels(12).long())


def test_root_may_be_below_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_split(tmp_path)
    assert len(digits(root="~")) == 12


def test_a_missing_file_names_folder_and_names(tmp_path):
    write_split(tmp_path, "train")
    with pytest.raises(FileNotFoundError) as error:
        digits("test", root=tmp_path)
    for part in (str(tmp_path), "t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte.gz"):
        assert part in str(error.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: expected one of the files train-images"):
        digits(root=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("which", "content", "message"),
    [
        (0, idx(labels(12)), r"images \(N, 28, 28\), got \(12,\)"),
        (0, header(12, 28, 27) + bytes(12 * 28 * 27), r"images \(N, 28, 28\), got \(12, 28, 27\)"),
        (1, idx(images(12)), r"labels \(N,\), got \(12, 28, 28\)"),
        (1, idx(labels(11)), "12 labels as train-images-idx3-ubyte, got 11"),
        (1, idx(labels(11)) + b"\0", "11 bytes of data"),
        (1, idx(torch.tensor([10] * 12)), "labels 0 … 9, got 10"),
        (1, gzip.compress(idx(labels(12)), mtime=0)[:-1], "a whole gzip file"),
        (0, pickle.dumps([1, 2]), "an IDX file"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, which, content, message):
    write_split(tmp_path)
    name = NAMES["train"][which]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: expected {message}"):
        digits(root=tmp_path)
