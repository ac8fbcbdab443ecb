import functools
import gzip
import hashlib
import logging
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from chainrule.data import digit_pairs, digits
from chainrule.data.files import download
from chainrule.data.files.download import MIRRORS, SHA256

from .mnist_files import NAMES, images, write_split

FILES = [f"{name}.gz" for name in NAMES["train"]]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Counting(Quiet):
    asked = 0

    def do_GET(self):
        Counting.asked += 1
        super().do_GET()


@pytest.fixture(autouse=True)
def _no_proxy_no_log(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    logging.getLogger("pooch").setLevel(logging.ERROR)


@pytest.fixture
def served(tmp_path):
    """The folder of a local mirror, with a small training split in it."""
    folder = tmp_path / "served"
    folder.mkdir()
    write_split(folder, suffix=".gz", zipped=True)
    return folder


@pytest.fixture
def mirror(served, monkeypatch):
    """The local mirror's address, its checksums being those that are expected."""
    for name in NAMES["train"]:
        digest = hashlib.sha256((served / f"{name}.gz").read_bytes()).hexdigest()
        monkeypatch.setitem(SHA256, name, digest)
    Counting.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Counting, directory=served))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dead():
    """An address where nothing answers."""
    return "http://127.0.0.1:1/"


@pytest.fixture
def only(monkeypatch):
    return lambda *mirrors: monkeypatch.setattr(download, "MIRRORS", mirrors)


def test_the_published_files_are_named_with_their_checksums():
    assert set(SHA256) == {name for names in NAMES.values() for name in names}
    assert all(len(digest) == 64 for digest in SHA256.values())
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in MIRRORS)


def test_a_download_goes_to_root_and_is_read(only, mirror, tmp_path):
    only(mirror)
    data = digits(root=tmp_path / "new" / "root", download=True)
    assert torch.equal(data.inputs, images(12).unsqueeze(1) / 255)
    assert sorted(p.name for p in (tmp_path / "new" / "root").iterdir()) == sorted(FILES)


def test_a_file_that_is_there_is_not_asked_for_again(only, mirror, dead, tmp_path):
    only(mirror)
    digits(root=tmp_path / "root", download=True)
    assert Counting.asked == 2
    only(dead)
    assert len(digits(root=tmp_path / "root", download=True)) == 12


def test_a_damaged_file_is_replaced(only, mirror, tmp_path):
    only(mirror)
    (tmp_path / FILES[0]).write_bytes(b"damaged")
    assert len(digits(root=tmp_path, download=True)) == 12


def test_the_second_mirror_serves_where_the_first_does_not(only, mirror, dead, tmp_path):
    only(dead, mirror)
    assert len(digits(root=tmp_path, download=True)) == 12


def test_pairs_download_too(only, mirror, tmp_path):
    only(mirror)
    assert len(digit_pairs(6, root=tmp_path, download=True)) == 6


def test_without_a_network_the_message_says_what_to_do(only, dead, tmp_path):
    only(dead)
    with pytest.raises(OSError, match="no mirror gave the file") as error:
        digits("test", root=tmp_path, download=True)
    for part in (*(f"{dead}{name}.gz" for name in SHA256), str(tmp_path), "root="):
        assert part in str(error.value)


def test_another_file_than_the_published_one_is_refused(only, mirror, served, tmp_path):
    only(mirror)
    (served / FILES[1]).write_bytes(gzip.compress(b"something else"))
    root = tmp_path / "root"
    with pytest.raises(OSError, match=rf"{FILES[1]}: no mirror .*(.|\n)*hash"):
        digits(root=root, download=True)
    assert [p.name for p in root.iterdir()] == [FILES[0]]  # neither kept nor left half done


def test_a_file_the_mirror_does_not_have_is_refused(only, mirror, served, tmp_path):
    only(mirror)
    (served / FILES[0]).unlink()
    with pytest.raises(OSError, match="404"):
        digits(root=tmp_path, download=True)


def test_the_default_folder_is_the_users_cache(only, mirror, tmp_path, monkeypatch):
    only(mirror)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    digits(download=True)
    assert (tmp_path / "cache" / "chainrule" / FILES[0]).is_file()


def test_without_a_home_the_temporary_folder_serves(only, mirror, tmp_path, monkeypatch):
    only(mirror)
    # What the cache's path is when neither HOME nor the password file knows a home.
    monkeypatch.setattr("pooch.os_cache", lambda name: Path("~/.cache") / name)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    digits(download=True)
    assert (tmp_path / "chainrule" / FILES[0]).is_file()


def test_home_unset_needs_no_cache_for_the_packages_own(monkeypatch):
    monkeypatch.delenv("HOME")
    assert len(digits()) == 2500


def test_without_pooch_the_message_gives_the_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[download\]'"):
        digits(root=tmp_path / "root", download=True)
    assert not (tmp_path / "root").exists()


def test_a_root_that_is_a_file_is_an_oserror(tmp_path):
    (tmp_path / "root").write_text("")
    with pytest.raises(OSError, match="root"):
        digits(root=tmp_path / "root", download=True)


def test_importing_the_package_leaves_pooch_alone():
    code = "import chainrule.data, sys; sys.exit('pooch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
