"""Nets and trainings in files: whole or not at all, right or not at all."""

from __future__ import annotations

import errno
import json
import os
import pickle
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import chainrule
from chainrule import load, nn, optim, save
from chainrule._util.atomic import write_atomically
from chainrule.data import disk
from chainrule.optim import lr_scheduler
from chainrule.serialization.safetensors_file import pack, read_file, unpack, write_file
from chainrule.train import (
    Accuracy,
    Checkpoint,
    EarlyStopping,
    FileError,
    Trainer,
)
from chainrule.zoo import disk_net, pair_mlp


def tied() -> nn.Module:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second)


def everything() -> nn.Module:
    shared = nn.Linear(4, 4, init=nn.init.HeNormal())
    return nn.Sequential(
        nn.Linear(2, 4, bias=False),
        nn.BatchNorm1d(4, momentum=None),
        nn.Residual(nn.Sequential(shared, nn.Dropout(0.25))),
        shared,
        nn.Heads(
            main=nn.Sequential(nn.PReLU(4), nn.Linear(4, 2)), other=nn.Concat(nn.ReLU(), nn.Tanh())
        ),
    )


NETS = [disk_net, tied, everything, lambda: pair_mlp(4, share=True, aux=True), lambda: pair_mlp(4)]


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
    return repr(a) == repr(b) and all(m == n and torch.equal(s, t) for (m, s), (n, t) in pairs)


@pytest.mark.parametrize("make", NETS)
@pytest.mark.parametrize("K", [None, 3])
def test_a_net_comes_back_without_its_code(make, K, tmp_path):
    net = make() if K is None else make().replicate(K, [1, 2, 3])
    net.eval()
    save(net, tmp_path / "net")
    again = load(tmp_path / "net")
    assert same(net, again)
    assert again.replicas == K
    assert not again.training
    assert [m.seeds for m in again.modules()] == [m.seeds for m in net.modules()]


def test_ties_and_shared_modules_come_back_as_such(tmp_path):
    save(tied(), tmp_path / "net")
    again = load(tmp_path / "net")
    assert again[0].weight is again[2].weight
    save(everything(), tmp_path / "net")
    again = load(tmp_path / "net")
    assert again[2].module[0] is again[3]


def test_a_loaded_net_has_gradients_of_zero_and_learns(tmp_path):
    save(disk_net(), tmp_path / "net")
    again = load(tmp_path / "net")
    assert all(not p.grad.any() for p in again.parameters())
    again(torch.rand(3, 2))
    again.backward(torch.ones(3, 2))
    assert any(p.grad.any() for p in again.parameters())


def test_float64_and_per_replica_numbers_come_back(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).replicate(2, [1, 2]).to(torch.float64)
    net[1].p = torch.tensor([0.25, 0.75])
    save(net, tmp_path / "net")
    again = load(tmp_path / "net")
    assert again[0].weight.data.dtype == torch.float64
    assert again[1].p.tolist() == [0.25, 0.75]
    assert again.replica(1)[1].p == 0.75


# a training


def build(seed: int = 0):
    data, test = disk(48, seed=[1, 2]), disk(20, seed=[3, 4])
    net = nn.Sequential(
        nn.Linear(2, 6), nn.Dropout(0.3), nn.Tanh(), nn.BatchNorm1d(6), nn.Linear(6, 2)
    )
    net = net.replicate(2, [7, 8])
    optimizer = optim.Adam(net, lr=torch.tensor([0.05, 0.01]), amsgrad=True)
    trainer = Trainer(
        net,
        nn.CrossEntropyLoss(),
        optimizer,
        scheduler=lr_scheduler.ReduceLROnPlateau(optimizer, patience=1),
        batch_size=16,
        seed=[seed, seed + 1],
        metrics={"accuracy": Accuracy()},
        callbacks=[EarlyStopping("test_loss", patience=50)],
    )
    return trainer, data, test


def test_a_resumed_training_goes_on_bit_for_bit(tmp_path):
    straight, data, test = build()
    straight.fit(data, test, epochs=6)
    first, data, test = build()
    first.fit(data, test, epochs=1)  # and its early stopping's best is not restored half way
    first, data, test = build()
    first.callbacks[0].restore_best = False
    straight.callbacks[0].restore_best = False
    first.fit(data, test, epochs=3)
    first.save(tmp_path / "training")
    second, data, test = build(seed=99)
    second.callbacks[0].restore_best = False
    second.load(tmp_path / "training")
    second.fit(data, test, epochs=6)
    whole, data, test = build()
    whole.callbacks[0].restore_best = False
    whole.fit(data, test, epochs=6)
    assert same(second.net, whole.net)
    assert all(torch.equal(second.history[n], whole.history[n]) for n in whole.history.curves)
    pairs = zip(
        second.optimizer.state_dict()["state"].values(),
        whole.optimizer.state_dict()["state"].values(),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_checkpoint_in_another_process_goes_on_bit_for_bit(tmp_path):
    code = """
import sys
sys.path.insert(0, {root!r})
from tests.train.test_files import build
trainer, data, test = build()
trainer.callbacks[0].restore_best = False
trainer.fit(data, test, epochs=2)
trainer.save({path!r})
"""
    path = str(tmp_path / "training")
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", code.format(root=root, path=path)], check=True, timeout=120
    )
    trainer, data, test = build()
    trainer.callbacks[0].restore_best = False
    trainer.load(path)
    trainer.fit(data, test, epochs=4)
    whole, data, test = build()
    whole.callbacks[0].restore_best = False
    whole.fit(data, test, epochs=4)
    assert same(trainer.net, whole.net)


def test_a_checkpoint_callback_writes_as_it_goes(tmp_path):
    trainer, data, test = build()
    trainer.callbacks.append(Checkpoint(tmp_path / "training", every=2))
    trainer.fit(data, test, epochs=4)
    assert read_file(tmp_path / "training")[0] == "training"
    assert same(load(tmp_path / "training"), trainer.net)
    with pytest.raises(ValueError, match="at least 1 epoch"):
        Checkpoint(tmp_path / "x", every=0)


def test_the_training_of_another_net_is_refused_and_nothing_changes(tmp_path):
    trainer, data, test = build()
    trainer.fit(data, test, epochs=1)
    trainer.save(tmp_path / "training")
    net = disk_net()
    other = Trainer(net, nn.MSELoss(), optim.SGD(net, lr=0.1))
    before = [t.clone() for t in other.net.state_dict().values()]
    with pytest.raises(FileError, match="training of another net"):
        other.load(tmp_path / "training")
    assert all(
        torch.equal(s, t) for s, t in zip(before, other.net.state_dict().values(), strict=True)
    )


def test_the_training_with_another_optimizer_is_refused_and_nothing_changes(tmp_path):
    trainer, data, test = build()
    trainer.fit(data, test, epochs=1)
    trainer.save(tmp_path / "training")
    other, data, test = build()
    other.state.optimizer = optim.SGD(other.net, lr=0.1)
    before = [t.clone() for t in other.net.state_dict().values()]
    with pytest.raises(FileError, match="its optimizer is Adam, not SGD"):
        other.load(tmp_path / "training")
    assert all(
        torch.equal(s, t) for s, t in zip(before, other.net.state_dict().values(), strict=True)
    )
    assert other.epoch == 0


def test_a_net_is_not_a_training(tmp_path):
    save(disk_net(), tmp_path / "net")
    with pytest.raises(FileError, match="holds a net, not a training"):
        build()[0].load(tmp_path / "net")


# damage


def test_no_kind_of_damage_loads_silently_changed(tmp_path):
    net = disk_net(5).replicate(2, [1, 2])
    save(net, tmp_path / "net")
    good = (tmp_path / "net").read_bytes()
    rng = random.Random(0)
    path = tmp_path / "damaged"
    named = refused = 0
    start = time.perf_counter()
    for kind in range(300):
        bad = bytearray(good)
        where = rng.randrange(len(bad))
        match kind % 6:
            case 0:
                bad[where] ^= 1 << rng.randrange(8)
            case 1:
                del bad[where:]
            case 2:
                del bad[where : where + rng.randrange(1, 64)]
            case 3:
                bad[where:where] = rng.randbytes(rng.randrange(1, 64))
            case 4:
                bad[where : where + 16] = rng.randbytes(16)
            case 5:
                bad[: rng.randrange(1, 32)] = rng.randbytes(rng.randrange(1, 32))
        path.write_bytes(bytes(bad))
        try:
            again = load(path)
        except FileError as error:
            named, refused = named + (str(path) in str(error)), refused + 1
        else:
            assert same(again, net)
    assert named == refused > 290
    assert time.perf_counter() - start < 30


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short"),
        (b"hello", "cut short"),
        (pickle.dumps({"a": 1}), "a pickle or zip file"),
        (b"PK\x03\x04" + bytes(100), "a pickle or zip file"),
        ((2**62).to_bytes(8, "little") + bytes(50), "cut short"),
        ((2).to_bytes(8, "little") + b"{}", "header is no JSON"),
        ((3).to_bytes(8, "little") + b"[[[", "header is no JSON"),
        ((20000).to_bytes(8, "little") + b"[" * 20000, "header is no JSON"),
        ((19).to_bytes(8, "little") + b'{"__metadata__":{}}', "not one of chainrule's"),
    ],
)
def test_files_of_other_kinds_are_refused_by_name(content, message, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_newer_format_is_refused_by_number(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.serialization.safetensors_file.FORMAT", 3)
    save(disk_net(), tmp_path / "net")
    monkeypatch.undo()
    with pytest.raises(FileError, match="format 3 is newer than 2"):
        load(tmp_path / "net")


def lie(path, change) -> None:
    """A file with a right SHA-256 whose header was changed."""
    kind, tensors, header = read_file(path)
    change(header, tensors)
    write_file(path, kind, tensors, header)


@pytest.mark.parametrize(
    "change",
    [
        lambda header, tensors: header.update(
            architecture={"module": "os.system", "arguments": {}}
        ),
        lambda header, tensors: header.update(architecture={"module": "Module", "arguments": {}}),
        lambda header, tensors: header.update(architecture=[]),
        lambda header, tensors: header.update(architecture={"again": 3}),
        lambda header, tensors: header.pop("ties"),
        lambda header, tensors: header.update(replicas=7),
        lambda header, tensors: header.update(ties={"0.weight": "9.weight"}),
        lambda header, tensors: header["architecture"]["arguments"]["layers"][0][
            "arguments"
        ].update(in_features=10**9, out_features=10**9),
        lambda header, tensors: tensors.pop("net.0.bias"),
        lambda header, tensors: tensors.update({"net.x": torch.zeros(1)}),
        lambda header, tensors: header.update(modes={}),
        lambda header, tensors: header.update(rng_state={}),
    ],
)
def test_a_header_that_does_not_describe_a_net_is_refused(change, tmp_path):
    path = tmp_path / "net"
    save(disk_net(), path)
    lie(path, change)
    with pytest.raises(FileError, match="does not describe a net"):
        load(path)


# writing


def test_what_was_there_stays_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "net"
    save(disk_net(), path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="cannot write: No space left on device") as caught:
        save(disk_net(), path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_writing_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "net", b"data")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OSError, match="cannot write") as caught:
        save(disk_net(), tmp_path / "missing" / "net")
    assert "missing" in caught.value.filename
    with pytest.raises(FileNotFoundError, match="net"):
        load(tmp_path / "net")


def test_nested_values_come_back_as_they_were():
    value = {"a": [1, (2.5, None)], "b": {"t": torch.arange(3), "u": "x"}}
    tensors: dict[str, torch.Tensor] = {}
    text = json.loads(json.dumps(pack(value, tensors)))
    again = unpack(text, tensors)
    assert again["a"] == value["a"]
    assert torch.equal(again["b"]["t"], torch.arange(3))
    assert again["b"]["u"] == "x"


def test_the_top_level_names_are_the_same_functions():
    assert chainrule.save is save
    assert chainrule.load is load


# early stopping, links and modes


@pytest.mark.parametrize("order", [1, -1])
def test_early_stopping_that_restores_its_best_goes_on_bit_for_bit(order, tmp_path):
    path = tmp_path / "training"

    def run(*epochs, resume=False):
        trainer, data, test = build()
        trainer.state.callbacks = [*trainer.callbacks, Checkpoint(path)][::order]
        if resume:
            trainer.load(path)
        for n in epochs:
            trainer.fit(data, test, epochs=n)
        return trainer

    whole = run(8)
    run(3)
    resumed = run(8, resume=True) if order == 1 else run(3, 8)
    for name, curve in whole.history.curves.items():
        assert torch.equal(curve, resumed.history[name])
    assert same(whole.net, resumed.net)


@pytest.mark.parametrize("saved", [True, False])
def test_a_training_with_a_schedule_is_not_one_without(saved, tmp_path):
    with_one, data, test = build()
    without, _, _ = build()
    without.state.scheduler = None
    first, second = (with_one, without) if saved else (without, with_one)
    first.fit(data, test, epochs=1)
    first.save(tmp_path / "training")
    before = [t.clone() for t in second.net.state_dict().values()]
    with pytest.raises(FileError, match="its scheduler is"):
        second.load(tmp_path / "training")
    assert all(
        torch.equal(s, t) for s, t in zip(before, second.net.state_dict().values(), strict=True)
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither modes nor links like these")
def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    save(disk_net(), target)
    umask = os.umask(0)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    target.chmod(0o640)
    link.symlink_to(target)
    save(disk_net(), link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "change",
    [
        lambda header, tensors: header.update(ties=[]),
        lambda header, tensors: header.update(ties={"0.bias": "0.weight"}),
        lambda header, tensors: header.update(rng_state={p: ["a", 3] for p in header["rng_state"]}),
        lambda header, tensors: header.update(
            rng_state={p: [[1, 2], 3] for p in header["rng_state"]}
        ),
    ],
)
def test_a_strange_header_is_refused_too(change, tmp_path):
    save(disk_net(), tmp_path / "net")
    lie(tmp_path / "net", change)
    with pytest.raises(FileError, match="does not describe a net"):
        load(tmp_path / "net")


def test_keys_with_dots_are_kept_apart():
    tensors: dict[str, torch.Tensor] = {}
    value = {"a.b": torch.zeros(1), "a": {"b": torch.ones(1)}}
    again = unpack(pack(value, tensors), tensors)
    assert [float(again["a.b"]), float(again["a"]["b"])] == [0.0, 1.0]
