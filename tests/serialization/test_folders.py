"""Folders with a net: what is in them, the way back, and what is refused."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file as write_tensors

from chainrule import load, nn, save_folder
from chainrule._util import atomic
from chainrule.interop import to_torch
from chainrule.serialization import FileError, load_metadata
from chainrule.serialization.folder import digest_config, is_saved
from tests.serialization.test_headers import OTHERS, find_places, forge, refused
from tests.train.test_files import NETS, same, tied

ORIGIN = {"study": "pairs", "digest": "ab12", "seed": 3, "commit": "cd34", "round": 0}


@pytest.fixture
def folder(tmp_path):
    save_folder(tied(), tmp_path / "net", ORIGIN)
    return tmp_path / "net"


def read_config(folder: Path):
    return json.loads((folder / "config.json").read_text())


def rewrite(folder: Path, config) -> None:
    """Write a config whose digest is right."""
    config["config_sha256"] = digest_config(config)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("K", [None, 3])
@pytest.mark.parametrize("make", NETS)
def test_a_net_comes_back_as_it_was(make, K, tmp_path):
    net = make() if K is None else make().replicate(K, [1, 2, 3])
    next(net.children()).eval()
    save_folder(net, tmp_path / "net")
    again = load(tmp_path / "net")
    assert same(net, again)
    assert again.replicas == K
    assert [m.training for m in again.modules()] == [m.training for m in net.modules()]
    assert [m.seeds for m in again.modules()] == [m.seeds for m in net.modules()]


def test_what_is_known_of_it_goes_along(folder):
    assert load_metadata(folder) == ORIGIN
    page = (folder / "README.md").read_text()
    for name, value in ORIGIN.items():
        assert f"| {name} | {value} |" in page
    assert "license: unknown\n" in page
    assert "| licence | not stated |" in page
    assert 'chainrule.load("net")' in page


def test_ties_are_written_once_and_come_back(folder):
    assert [*load_file(folder / "model.safetensors")] == ["0.bias", "0.weight", "2.bias"]
    again = load(folder)
    assert again[0].weight is again[2].weight


def test_others_read_the_tensors_by_their_names(tmp_path):
    net = nn.Residual(nn.Linear(3, 3)).initialize(0)
    save_folder(net, tmp_path / "net", license="BSD-3-Clause")
    module = to_torch(nn.Residual(nn.Linear(3, 3)).initialize(1))
    module.load_state_dict(load_file(tmp_path / "net" / "model.safetensors"))
    x = torch.randn(2, 3)
    assert torch.allclose(module(x), net(x), atol=1e-6)
    page = (tmp_path / "net" / "README.md").read_text()
    assert "license: bsd-3-clause\n" in page
    assert "| licence | BSD-3-Clause |" in page


def test_the_page_is_a_table_whatever_the_metadata_are(tmp_path):
    said = {"arm": "a|b\nc", "of": "<script>", "none": None, "inner": {"a": 1}, "share": 0.25}
    save_folder(nn.ReLU(), tmp_path / "net", said)
    lines = (tmp_path / "net" / "README.md").read_text().splitlines()
    assert "| arm | a\\|b c |" in lines
    assert "| of | &lt;script> |" in lines
    assert "| share | 0.25 |" in lines
    assert not [line for line in lines if line.startswith(("| none", "| inner"))]
    assert load_metadata(tmp_path / "net") == said
    with pytest.raises(ValueError, match="license: expected a name such as bsd-3-clause"):
        save_folder(nn.ReLU(), tmp_path / "other", license="x\ny: z")
    assert not (tmp_path / "other").exists()


def test_the_page_may_be_changed_and_the_others_laid_out_anew(folder):
    (folder / "README.md").write_text("# My net\n")
    config = read_config(folder)
    (folder / "config.json").write_text(json.dumps(dict(reversed(config.items()))))
    assert same(load(folder), load(folder))
    (folder / "README.md").unlink()
    load(folder)


# what is refused


@pytest.mark.parametrize(
    ("name", "message"),
    [("model.safetensors", "model.safetensors: is missing"), ("config.json", "g.json: is missing")],
)
def test_a_folder_that_is_not_whole_is_refused(folder, name, message):
    (folder / name).unlink()
    assert is_saved(folder)
    with pytest.raises(FileError, match=message):
        load(folder)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileError, match=r": a folder without a net: .*json in it, got notes\.txt$"):
        load(tmp_path)
    assert not is_saved(tmp_path)
    for text, problem in [
        ("{", "is no JSON"),
        ("[]", "model_type: expected 'chainrule', got None"),
        ('{"model_type": "bert"}', "model_type: expected 'chainrule', got 'bert'"),
        ('{"model_type": "chainrule"}', "does not describe a net: architecture: is missing"),
        ('{"model_type": "chainrule", "format": 99}', "format 99 is newer than 2: upgrade"),
    ]:
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(FileError, match=problem):
            load(tmp_path)
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match=r"config\.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_no_bit_flips_unseen(folder, name):
    whole = (folder / name).read_bytes()
    draw = random.Random(0)
    before = read_config(folder)
    for _ in range(100):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (folder / name).write_bytes(content)
        with contextlib.suppress(ValueError):
            if read_config(folder) == before and name == "config.json":
                continue  # white space
        with pytest.raises(FileError, match=name):
            load(folder)
        (folder / name).write_bytes(whole[: draw.randrange(len(whole))])
        with pytest.raises(FileError, match=name):
            load(folder)


def test_the_tensors_of_another_net_are_refused(folder, tmp_path):
    save_folder(tied(), tmp_path / "other")
    other = (tmp_path / "other" / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(other)
    with pytest.raises(FileError, match=r"model\.safetensors: .* model_sha256"):
        load(folder)


@pytest.mark.parametrize("change", ["gone", "more", "shape", "dtype"])
def test_forged_tensors_are_refused_by_name(folder, change):
    path, config = folder / "model.safetensors", read_config(folder)
    tensors = load_file(path)
    bias = tensors.pop("2.bias")
    if change == "more":
        tensors |= {"2.bias": bias, "3.bias": torch.ones(2)}
    elif change == "shape":
        tensors["2.bias"] = bias[:-1].clone()
    elif change == "dtype":
        tensors["2.bias"] = bias.double()
    write_tensors(tensors, path)
    rewrite(folder, config | {"model_sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    with pytest.raises(FileError, match=r"config\.json: does not describe a net: .*[23]\.bias"):
        load(folder)
    path.write_bytes(b"no tensors")
    rewrite(folder, config | {"model_sha256": hashlib.sha256(b"no tensors").hexdigest()})
    with pytest.raises(FileError, match=r"model\.safetensors: damaged"):
        load(folder)


def test_forged_fields_are_refused_or_right(folder):
    config = read_config(folder)
    changes = [*itertools.product(find_places(config), (..., *OTHERS))]
    for place, value in random.Random(0).sample(changes, 150):
        rewrite(folder, forge(config, place, value))
        with refused():
            net = load(folder)
            with contextlib.suppress(nn.LayerError):
                net(torch.ones(2, 3))


# writing


def test_a_folder_that_is_there_is_not_overwritten_unless_asked(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = nn.Linear(2, 2).initialize(0)
    with pytest.raises(FileExistsError, match=r"it has README.md, config.json, model.*overwrite"):
        save_folder(other, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "notes.txt").write_text("mine")
    save_folder(other, folder, overwrite=True)
    assert same(load(folder), other)
    assert (folder / "notes.txt").read_text() == "mine"


def test_an_empty_folder_and_a_link_are_written_to(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    save_folder(tied(), tmp_path / "link")
    assert load(tmp_path / "empty") is not None
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("written", [0, 1, 2])
def test_what_fails_leaves_nothing(tmp_path, monkeypatch, written):
    calls = itertools.count()
    write = atomic.write_atomically

    def fail(path, data):
        if next(calls) == written:
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(atomic, "write_atomically", fail)
    with pytest.raises(OSError, match=r"No space left.*net"):
        save_folder(tied(), tmp_path / "net")
    assert not [*tmp_path.iterdir()]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(path, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "write_atomically", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_folder(tied(), tmp_path / "net")
    assert not [*tmp_path.iterdir()]


def test_a_place_where_none_can_be_is_named(tmp_path):
    with pytest.raises(OSError, match=r"No such file or directory.*no/net"):
        save_folder(tied(), tmp_path / "no" / "net")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="file"):
        save_folder(tied(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(TypeError, match=r"chainrule\.nn"):
        save_folder(torch.nn.Linear(2, 2), tmp_path / "net")


def test_a_replacing_that_stops_half_way_is_refused_when_it_is_loaded(folder, monkeypatch):
    write = atomic.write_atomically

    def stop(path, data):
        if path.name == "config.json":
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(atomic, "write_atomically", stop)
    with pytest.raises(KeyboardInterrupt):
        save_folder(nn.Linear(2, 2).initialize(0), folder, overwrite=True)
    with pytest.raises(FileError, match=r"model\.safetensors: .*model_sha256"):
        load(folder)
