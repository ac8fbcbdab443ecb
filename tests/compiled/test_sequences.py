"""Sequences on the compiled path: recurrent layers, attention, positions."""

import pytest
import torch

from chainrule import nn, zoo
from chainrule._util.threads import torch_threads
from chainrule.data import Dataset
from chainrule.train import Trainer
from tests.compiled.agreement import SEEDS, B, K, assert_equal, make_data, sgd, train_net

RECURRENT = [
    nn.RNN(3, 5, batch_first=True),
    nn.RNN(3, 5, nonlinearity="relu", bias=False, batch_first=True),
    nn.LSTM(3, 5, batch_first=True),
    nn.LSTM(3, 4, num_layers=2, bias=False, bidirectional=True, batch_first=True),
    nn.LSTM(3, 5, batch_first=True, truncate=2),
    nn.GRU(3, 5, batch_first=True),
    nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True, truncate=3),
    nn.GRU(3, 5, bias=False, batch_first=True),
    nn.RNN(3, 5, num_layers=2, dropout=0.3, batch_first=True),
    nn.LSTM(3, 4, num_layers=3, dropout=0.4, bidirectional=True, batch_first=True),
]


def recurrent_net(layer, *before):
    width = layer.hidden_size * (2 if layer.bidirectional else 1)
    return nn.Sequential(*before, layer, nn.Item(0), nn.Select(1, -1), nn.Linear(width, 2))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layer", RECURRENT, ids=repr)
def test_recurrent_layers_agree(layer, first):
    before = [] if first else [nn.Linear(2, 3), nn.Tanh()]
    shape = (4, 3) if first else (4, 2)
    assert_equal(recurrent_net(layer, *before), nn.MSELoss(), sgd, shape, 2, batch_size=20)


@pytest.mark.parametrize("layer", [RECURRENT[2], RECURRENT[6]], ids=repr)
def test_all_states_may_be_read(layer):
    width = layer.hidden_size * (2 if layer.bidirectional else 1)
    net = nn.Sequential(layer, nn.Item(0), nn.Linear(width, 2), nn.Flatten(), nn.Linear(6, 2))
    assert_equal(net, nn.MSELoss(), sgd, (3, 3), 2)


def test_a_sequence_of_one_step_agrees():
    assert_equal(recurrent_net(RECURRENT[5]), nn.MSELoss(), sgd, (1, 3), 2)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_recurrent_layer_may_be_used_for_both_of_a_pair(dropout, joint):
    layer = nn.GRU(3, 4, num_layers=3 if dropout else 1, batch_first=True, dropout=dropout)
    reader = nn.Sequential(layer, nn.Item(0), nn.Select(1, -1))
    net = nn.Sequential(nn.Siamese(reader, joint_batch=joint), nn.Flatten(), nn.Linear(8, 2))
    assert_equal(net, nn.MSELoss(), sgd, (2, 3, 3), 2)


ENCODER = {"d_model": 4, "nhead": 2, "dim_feedforward": 5, "dropout": 0.0, "batch_first": True}
ATTENTION = [
    nn.Sequential(nn.MultiheadAttention(4, 2, batch_first=True), nn.Item(0)),
    nn.Sequential(
        nn.MultiheadAttention(4, 1, bias=False, batch_first=True, causal=True), nn.Item(0)
    ),
    nn.TransformerEncoderLayer(**ENCODER),
    nn.TransformerEncoderLayer(**ENCODER, norm_first=True, activation="gelu", causal=True),
    nn.TransformerEncoderLayer(**ENCODER, bias=False, layer_norm_eps=0.1),
    nn.PositionalEncoding(4, batch_first=True),
    nn.Siamese(nn.TransformerEncoderLayer(**ENCODER)),
    nn.Sequential(nn.MultiheadAttention(4, 2, 0.3, batch_first=True, causal=True), nn.Item(0)),
    nn.TransformerEncoderLayer(**ENCODER | {"dropout": 0.3}),
    nn.TransformerEncoderLayer(**ENCODER | {"dropout": 0.2}, norm_first=True, activation="gelu"),
    nn.Siamese(nn.TransformerEncoderLayer(**ENCODER | {"dropout": 0.3}), joint_batch=True),
    nn.Siamese(nn.TransformerEncoderLayer(**ENCODER | {"dropout": 0.3})),
]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layer", ATTENTION, ids=lambda layer: repr(layer)[:40])
def test_attention_agrees(layer, first):
    shape = (2, 3, 4) if isinstance(layer, nn.Siamese) else (3, 4)
    before = [] if first else [nn.PositionalEncoding(4, batch_first=True), nn.Linear(4, 4)]
    if isinstance(layer, nn.Siamese):
        before = []
    net = nn.Sequential(*before, layer, nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 2))
    assert_equal(net, nn.MSELoss(), sgd, shape, 2)


def test_what_picks_another_item_takes_the_plain_path():
    picked = nn.Item(1), nn.Item(0), nn.Select(0, 0)
    net = nn.Sequential(nn.LSTM(3, 4, batch_first=True), *picked, nn.Linear(4, 2))
    net = net.replicate(K, SEEDS)
    trainer = Trainer(net, nn.MSELoss(), sgd(net), batch_size=B, seed=SEEDS)
    trainer.fit(make_data((4, 3), 2, torch.float32), epochs=1, progress=False)
    why = "LSTM(3, 4, batch_first=True) without an Item(0) after it"
    assert why in str(trainer.backend_status)


def train_reader(reader, seed, net, data, compile="auto"):  # noqa: A002
    trainer = Trainer(net, nn.MSELoss(), sgd(net), batch_size=16, seed=seed, compile=compile)
    trainer.fit(data, epochs=2, progress=False)
    assert str(trainer.backend_status) == ("compiled" if compile else "plain"), reader
    return trainer


DROPPING = [
    nn.Sequential(nn.GRU(2, 5, 2, batch_first=True, dropout=0.3), nn.Item(0), nn.Flatten()),
    nn.Sequential(nn.TransformerEncoderLayer(2, 1, 3, 0.3, batch_first=True), nn.Flatten()),
]
READERS = [
    *(zoo.sequence_net(reader, hidden=8) for reader in ("RNN", "LSTM", "GRU", "attention")),
    *(
        nn.Sequential(each, nn.Linear(width, 1))
        for each, width in zip(DROPPING, (30, 12), strict=True)
    ),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda net: repr(net[0])[:40])
def test_a_replica_that_reads_sequences_has_the_same_bits_anywhere(reader):
    data, found = make_data((6, 2), 1, torch.float32), []
    for threads in (1, 2):
        with torch_threads(threads):
            cohort = train_reader(reader, SEEDS, reader.replicate(K, SEEDS), data)
            net = reader.replicate(K, SEEDS).replica(1)
            alone = train_reader(reader, SEEDS[1], net, data.replica(1))
        found += [cohort.optimizer.flats[0].data[1], alone.optimizer.flats[0].data[0]]
    assert all(torch.equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize("reader", ["LSTM", "attention"])
def test_tokens_are_read_alike(reader):
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 7, (40, 5), generator=generator)
    y = torch.randn(40, 3, 2, generator=generator, dtype=torch.float64)
    found = []
    for compile in (False, "auto"):  # noqa: A001
        net = zoo.sequence_net(reader, 4, 8, 3, tokens=7, places=2).initialize(3)
        trainer = train_reader(reader, 3, net.to(torch.float64), Dataset(x, y), compile)
        found.append((trainer.optimizer.flats[0].data, trainer.predict(Dataset(x, y))))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


PLACES = [
    nn.CrossEntropyLoss(),
    nn.CrossEntropyLoss([0.5, 1.0, 2.0], ignore_index=1, label_smoothing=0.1),
    nn.CrossEntropyLoss([0.5, 1.0, 2.0], reduction="sum"),
    nn.NLLLoss(ignore_index=0),
]


@pytest.mark.parametrize("criterion", PLACES, ids=repr)
def test_classes_at_several_places_agree(criterion):
    data = make_data((4,), 6, torch.float64)
    generator = torch.Generator().manual_seed(7)
    data = Dataset(data.inputs, torch.randint(0, 3, (K, len(data), 2), generator=generator), K)
    net, found = nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (3, 2)), nn.LogSoftmax(1)), []
    for compiled in (False, True):
        trainer = train_net(compiled, net, criterion, sgd, data)
        found.append((trainer.optimizer.flats[0].data, trainer.history.curves))
        found[-1] += (trainer.predict(data),)
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)
