"""Layers on the compiled path and on the plain one: the same numbers up to rounding."""

import copy

import pytest
import torch

import chainrule.compiled.compile as assembly
from chainrule import nn, optim, zoo
from chainrule._util.threads import torch_threads
from chainrule.compiled import Unsupported, compile_training
from chainrule.compiled.lowering.layers.activations import MAPS
from chainrule.compiled.lowering.net import CONTAINERS, LOWERINGS, MOVING
from chainrule.data import Dataset
from chainrule.train import Trainer
from tests.compiled import test_images
from tests.compiled.agreement import SEEDS, K, assert_equal, make_data, sgd

MAPPED = [
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.SiLU(),
    nn.Softplus(1.5, threshold=0.7),
    nn.Exp(),
    nn.LeakyReLU(-0.4),
    nn.ELU(-0.7),
    nn.CELU(0.7),
    nn.Mish(),
    nn.LogSigmoid(),
    nn.Tanhshrink(),
    nn.Hardshrink(0.2),
    nn.Softshrink(0.2),
    nn.Hardsigmoid(),
    nn.Hardswish(),
    nn.Threshold(0.1, -0.3),
    nn.PReLU(),
    nn.PReLU(6, init=0.3),
]


@pytest.mark.parametrize("layer", MAPPED, ids=repr)
def test_activations_that_need_their_input_agree(layer):
    net = nn.Sequential(nn.Linear(3, 6), layer, nn.Linear(6, 4))
    assert_equal(net, nn.MSELoss(), sgd, (3,), 4)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.ReLU(), nn.Linear(3, 4)],
        [nn.Linear(3, 4), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.SELU()],
        [nn.GELU(), nn.Linear(3, 4), nn.Softmax(-1), nn.Tanh()],
        [nn.Linear(3, 6), nn.Unflatten(1, (2, 3)), nn.Softmax(1), nn.Flatten(), nn.Linear(6, 4)],
        [nn.Linear(3, 6), nn.Unflatten(1, (2, 3)), nn.LogSoftmax(2), nn.Flatten(), nn.Linear(6, 4)],
        [nn.Linear(3, 6), nn.Unflatten(1, (3, -1)), nn.Select(1, -1), nn.Linear(2, 4)],
        [nn.Linear(3, 6), nn.Unflatten(1, (2, 3)), nn.Linear(3, 2), nn.ReLU(), nn.Flatten()],
        [nn.Linear(3, 6), nn.Maxout(2), nn.Linear(3, 4)],
        [nn.Softmin(1), nn.Linear(3, 4), nn.Softmin(-1)],
    ],
    ids=repr,
)
def test_layers_in_any_order_agree(layers):
    assert_equal(nn.Sequential(*layers), nn.MSELoss(), sgd, (3,), 4)


SHARED = nn.Linear(6, 6)
CONTAINED = [
    nn.Residual(nn.Linear(6, 6)),
    nn.Residual(nn.Sequential(nn.Tanh(), nn.Residual(nn.Linear(6, 6)), nn.ReLU())),
    nn.Residual(nn.Identity()),
    nn.Sum(nn.Linear(6, 6), nn.Tanh(), nn.Identity()),
    nn.Sum(SHARED, nn.Sequential(nn.ReLU(), SHARED)),
    nn.Concat(nn.Linear(6, 2), nn.Identity(), nn.Sequential(nn.Linear(6, 3), nn.GELU())),
    nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Concat(nn.Linear(3, 2), nn.Identity(), dim=2)),
    nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Concat(nn.Identity(), nn.SiLU(), dim=-2)),
]
PAIR = nn.Unflatten(1, (2, 3)), nn.Unbind()
OF_SEVERAL = [
    nn.Sequential(*PAIR, nn.Parallel(nn.Linear(3, 4), nn.Tanh()), nn.Item(0)),
    nn.Sequential(
        *PAIR, nn.Parallel(nn.Linear(3, 4), nn.Tanh()), nn.Concat(nn.Item(1), nn.Item(0))
    ),
    nn.Sequential(*PAIR, nn.Identity(), nn.Sum(nn.Item(0), nn.Item(1), nn.Item(0))),
    nn.Sequential(*PAIR, nn.Siamese(nn.Linear(3, 5)), nn.Sum(nn.Item(0), nn.Item(1))),
    nn.Sequential(
        *PAIR,
        nn.Siamese(nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5)), share=False),
        nn.Parallel(SHARED_5 := nn.Linear(5, 5), nn.Sequential(SHARED_5, nn.Dropout(0.3))),
        nn.Concat(nn.Item(0), nn.Item(1)),
    ),
    nn.Sequential(
        nn.Unflatten(1, (3, 2)), nn.Unbind(-2), nn.Parallel(*[nn.Flatten()] * 3), nn.Item(2)
    ),
]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("container", [*CONTAINED, *OF_SEVERAL], ids=repr)
def test_containers_agree(container, first):
    width = container(torch.ones(2, 6)).numel() // 2
    before = [] if first else [nn.Linear(6, 6), nn.Tanh()]
    net = nn.Sequential(*before, container, nn.Flatten(), nn.Linear(width, 4))
    assert_equal(net, nn.MSELoss(), sgd, (6,), 4)


NORMS = [
    nn.LayerNorm(6),
    nn.LayerNorm(6, elementwise_affine=False, eps=0.1),
    nn.LayerNorm(6, bias=False),
    nn.RMSNorm(6),
    nn.RMSNorm(6, eps=0.1, elementwise_affine=False),
    nn.GroupNorm(2, 6),
    nn.GroupNorm(1, 6, affine=False),
    nn.Sequential(nn.Unflatten(1, (2, 3)), nn.LayerNorm(3), nn.Flatten()),
    nn.Sequential(nn.Unflatten(1, (2, 3)), nn.GroupNorm(2, 2, bias=False), nn.Flatten()),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("layer", NORMS, ids=repr)
def test_normalizations_within_a_sample_agree(layer, threads):
    net = nn.Sequential(nn.Linear(3, 6), layer, nn.ReLU(), nn.Linear(6, 4))
    with torch_threads(threads):
        assert_equal(net, nn.MSELoss(), sgd, (3,), 4)


IMAGE_LAYERS = [
    [nn.GroupNorm(2, 4), nn.ReLU()],
    [nn.InstanceNorm2d(4), nn.ReLU()],
    [nn.Flatten(2), nn.InstanceNorm1d(4, eps=0.1, affine=True)],
    [nn.LayerNorm((4, 5, 5)), nn.GELU()],
    [nn.PReLU(4)],
    [nn.Maxout(2), nn.AdaptiveAvgPool2d(1)],
    [nn.AdaptiveAvgPool2d((5, None))],
    [nn.Residual(nn.Conv2d(4, 4, 3, padding=1)), nn.Softmax(1)],
    [nn.Concat(nn.Conv2d(4, 3, 1), nn.MaxPool2d(1)), nn.Conv2d(7, 2, 3)],
]


@pytest.mark.parametrize("layers", IMAGE_LAYERS, ids=repr)
def test_layers_of_images_agree(layers):
    body = nn.Sequential(nn.Conv2d(2, 4, 3), *layers, nn.Flatten())
    width = body(torch.ones(1, 2, 7, 7)).shape[1]
    net = nn.Sequential(*body, nn.Linear(width, 4))
    assert_equal(net, nn.MSELoss(), sgd, (2, 7, 7), 4)


CONVOLUTIONS = [
    nn.Conv2d(4, 6, 3, groups=2),
    nn.Conv2d(4, 4, 2, groups=4, bias=False),
    nn.Conv2d(4, 8, (1, 3), stride=2, groups=2, padding=1),
    nn.Conv2d(4, 3, 3, padding=2, padding_mode="reflect"),
    nn.Conv2d(4, 3, 3, padding=(0, 1), padding_mode="replicate"),
    nn.Conv2d(4, 3, 2, padding="same", padding_mode="circular"),
    nn.MaxPool2d(3, 2, padding=1),
    nn.MaxPool2d((2, 3), ceil_mode=True),
    nn.MaxPool2d(2, dilation=2, padding=1, ceil_mode=True),
    nn.AvgPool2d(3, 2, padding=1),
    nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False),
    nn.AvgPool2d(2, 2, ceil_mode=True),
    nn.AvgPool2d((2, 1), divisor_override=3),
]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layer", CONVOLUTIONS, ids=repr)
def test_windows_of_all_kinds_agree(layer, first):
    before = [] if first else [nn.Conv2d(4, 4, 2), nn.Tanh()]
    body = nn.Sequential(*before, layer, nn.Tanh(), nn.Flatten())
    width = body(torch.ones(1, 4, 6, 7)).shape[1]
    net = nn.Sequential(body, nn.Linear(width, 4))
    assert_equal(net, nn.MSELoss(), sgd, (4, 6, 7), 4)


ROWS = [
    nn.Conv1d(4, 6, 3),
    nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2, bias=False),
    nn.Conv1d(4, 6, 3, dilation=2, padding=2, padding_mode="reflect"),
]


@pytest.mark.parametrize("layer", ROWS, ids=repr)
def test_convolutions_of_rows_agree(layer):
    body = nn.Sequential(layer, nn.ReLU(), nn.BatchNorm1d(6), nn.Conv1d(6, 3, 2), nn.Flatten())
    width = body(torch.ones(2, 4, 9)).shape[1]
    net = nn.Sequential(*body, nn.Tanh(), nn.Linear(width, 4))
    assert_equal(net, nn.MSELoss(), sgd, (4, 9), 4)


def test_what_both_images_of_a_pair_share_may_be_anything_known():
    encoder = nn.Sequential(nn.Flatten(), nn.Residual(nn.Linear(6, 6)), nn.LayerNorm(6), nn.PReLU())
    net = nn.Sequential(nn.Siamese(encoder), nn.Softmax(2), nn.Flatten(), nn.Linear(12, 4))
    assert_equal(net, nn.MSELoss(), sgd, (2, 2, 3), 4)


BATCH_NORMS = [
    nn.BatchNorm1d(6),
    nn.BatchNorm1d(6, momentum=None, eps=0.1),
    nn.BatchNorm1d(6, affine=False),
    nn.BatchNorm1d(6, bias=False, momentum=0.3),
    nn.BatchNorm1d(6, track_running_stats=False),
    nn.Sequential(nn.Unflatten(1, (2, 3)), nn.BatchNorm1d(2), nn.Flatten()),
]


@pytest.mark.parametrize("size", [17, 27, 53])
@pytest.mark.parametrize("layer", BATCH_NORMS, ids=repr)
def test_normalizations_over_a_batch_agree(layer, size):
    net = nn.Sequential(nn.Linear(3, 6), layer, nn.Tanh(), nn.Linear(6, 4))
    assert_equal(net, nn.MSELoss(), sgd, (3,), 4, batch_size=size)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("share", [True, False])
def test_normalized_pairs_of_images_agree(share, joint):
    encoder = nn.Sequential(
        *(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Dropout2d(0.3), nn.Flatten(), nn.Dropout(0.2), nn.Linear(27, 5)),
    )
    pair = nn.Siamese(encoder, share, joint_batch=joint and share)
    heads = nn.Heads(main=nn.LessEqualProbability(), first=nn.Select(1, 0), second=nn.Select(1, 1))
    criterion = zoo.pair_loss(torch.tensor([0.0, 0.3, 1.0]))
    net = nn.Sequential(pair, heads)
    assert_equal(net, criterion, optim.AdamW, (2, 1, 8, 8), {"main": -2, "first": -5, "second": -5})


DROPOUTS = [
    nn.Dropout(),
    nn.Dropout(0.0),
    nn.Dropout(torch.tensor([0.0, 0.3, 1.0])),
    nn.Sequential(nn.Unflatten(1, (6, 1)), nn.Dropout2d(0.3), nn.Flatten()),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("layer", DROPOUTS, ids=repr)
def test_dropout_draws_the_same_numbers(layer, threads):
    net = nn.Sequential(nn.Linear(3, 6), layer, nn.Tanh(), nn.Linear(6, 5), layer, nn.Linear(5, 4))
    if isinstance(layer, nn.Sequential):
        net[4] = nn.Identity()
    with torch_threads(threads):
        assert_equal(net, nn.MSELoss(), sgd, (3,), 4)


def test_dropout_of_chunks_draws_the_same_numbers(monkeypatch):
    monkeypatch.setattr(assembly, "CHUNK_BYTES", 1)
    monkeypatch.setattr(assembly, "MIN_CHUNK_VECTORS", 1)
    net = nn.Sequential(nn.Linear(3, 6), nn.Dropout(0.4), nn.Linear(6, 4))
    for threads in (1, 2):
        with torch_threads(threads):
            assert_equal(net, nn.MSELoss(), sgd, (3,), 4, batch_size=53)


def test_dropout_in_a_net_without_a_seed_follows_from_the_trainers():
    data = make_data((3,), 4, torch.float64, replicas=1)
    net = nn.Sequential(nn.Linear(3, 6), nn.Dropout(0.4), nn.Linear(6, 4)).to(torch.float64)

    def train(compiled, seed):
        mine = copy.deepcopy(net)
        trainer = Trainer(mine, nn.MSELoss(), sgd(mine), seed=seed, compile=compiled)
        trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=2, progress=False)
        return mine[0].weight.data

    fast = train(True, 3)
    torch.testing.assert_close(fast, train(False, 3), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(fast, train(True, 4), atol=1e-4)

    cohort = net.replicate(2)
    trainer = Trainer(cohort, nn.MSELoss(), sgd(cohort), seed=[4, 3], compile=True)
    trainer.fit(Dataset(data.inputs[0], data.targets[0]), epochs=2, progress=False)
    torch.testing.assert_close(cohort[0].weight.data[1], fast, rtol=1e-12, atol=1e-12)
    assert net[1].seeds is None


def test_dropout_without_a_seed_has_no_compiled_form():
    data = make_data((3,), 4, torch.float32, replicas=1)
    net = nn.Sequential(nn.Linear(3, 6), nn.Dropout(0.4), nn.Linear(6, 4))
    train = Dataset(data.inputs[0], data.targets[0])
    with pytest.raises(Unsupported, match=r"Dropout\(p=0.4\) without a seed"):
        compile_training(net, nn.MSELoss(), sgd(net), train, 10)


def noisy_net():
    return nn.Sequential(
        *(nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3)),
        *(nn.Linear(6, 6), nn.GELU(), nn.Dropout(0.2), nn.Linear(6, 4)),
    )


def noisy_trainer(net, seed, rate=0.01):
    optimizer = optim.RMSprop(net, lr=rate)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    return Trainer(net, criterion, optimizer, batch_size=17, seed=seed, compile=True)


def state_of(net, replica=None):
    values = [value.data for _, value in net.named_state()]
    return values if replica is None else [t[replica] for t in values]


def test_with_draws_and_statistics_a_replica_has_the_same_bits_anywhere():
    data = make_data((3,), -4, torch.float32)
    found = []
    for threads in (1, 2):
        with torch_threads(threads):
            cohort = noisy_trainer(noisy_net().replicate(K, SEEDS), SEEDS)
            cohort.fit(data, epochs=3, progress=False)
            alone = noisy_trainer(noisy_net().initialize(SEEDS[1]), SEEDS[1])
            alone.fit(data.replica(1), epochs=3, progress=False)
        assert str(cohort.backend_status) == str(alone.backend_status) == "compiled"
        found += [state_of(cohort.net, 1), state_of(alone.net)]
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_with_draws_and_statistics_a_resumed_training_goes_on_bit_for_bit(tmp_path):
    data = make_data((3,), -4, torch.float32)
    whole, first, second = (noisy_trainer(noisy_net().replicate(K, SEEDS), SEEDS) for _ in range(3))
    whole.fit(data, epochs=4, progress=False)
    first.fit(data, epochs=2, progress=False)
    first.save(tmp_path / "half.safetensors")
    second.load(tmp_path / "half.safetensors")
    second.fit(data, epochs=4, progress=False)
    pairs = zip(state_of(whole.net), state_of(second.net), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_who_diverges_keeps_its_statistics_and_its_neighbours_do_not_notice():
    data = make_data((3,), -4, torch.float32)
    data.inputs[1, 40] = float("inf")
    found = [noisy_trainer(noisy_net().replicate(K, SEEDS), SEEDS) for _ in range(2)]
    before = state_of(found[0].net, 1)
    before = [t.clone() for t in before]
    for trainer, samples in zip(found, (data, make_data((3,), -4, torch.float32)), strict=True):
        trainer.fit(samples, epochs=2, progress=False)
    assert [d.replica for d in found[0].history.diverged] == [1]
    for k in (0, 2):
        pairs = zip(state_of(found[0].net, k), state_of(found[1].net, k), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    for (name, _), old, new in zip(
        found[0].net.named_state(), before, state_of(found[0].net, 1), strict=True
    ):
        assert new.isfinite().all(), name
        if "running" in name or "num_batches" in name:
            assert torch.equal(old, new), name


def make_names(replicas=K):
    data = make_data((3,), 4, torch.float64, replicas)
    generator = torch.Generator().manual_seed(1)
    names = torch.randint(0, 7, (replicas, len(data), 5), generator=generator)
    return Dataset(names, data.targets, replicas)


@pytest.mark.parametrize("size", [17, 53])
@pytest.mark.parametrize("padding", [None, 2, -1])
def test_embeddings_agree(padding, size):
    embed = nn.Embedding(7, 3, padding_idx=padding)
    net = nn.Sequential(embed, nn.LayerNorm(3), nn.Flatten(), nn.Tanh(), nn.Linear(15, 4))
    found = []
    for compiled in (False, True):
        cohort = net.replicate(K, SEEDS).to(torch.float64)
        options = {"batch_size": size, "seed": SEEDS, "compile": compiled}
        trainer = Trainer(cohort, nn.MSELoss(), optim.Adam(cohort), **options)
        trainer.fit(make_names(), epochs=2, progress=False)
        assert str(trainer.backend_status) == ("compiled" if compiled else "plain")
        found.append((trainer.optimizer.flats[0].data, trainer.predict(make_names())))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_an_embedding_is_asked_for_rows_that_it_has():
    data = make_names()
    net = nn.Sequential(nn.Embedding(7, 3), nn.Flatten(), nn.Linear(15, 4)).replicate(K, SEEDS)
    net = net.to(torch.float64)
    trainer = Trainer(net, nn.MSELoss(), sgd(net), compile="auto")
    trainer.fit(data, epochs=1, progress=False)
    assert str(trainer.backend_status) == "compiled"
    data.inputs[1, 4, 2] = 7
    with pytest.raises(nn.LayerError, match="whole numbers from 0 to 6"):
        trainer.fit(data, epochs=2, progress=False)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("twice", [nn.Dropout(0.3), nn.BatchNorm1d(4)], ids=repr)
def test_what_each_of_a_pair_uses_twice_agrees(twice, joint):
    """The second image meets what the first has left."""
    branch = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), twice, nn.Linear(4, 4), twice)
    net = nn.Sequential(nn.Siamese(branch, joint_batch=joint), nn.Flatten(), nn.Linear(8, 2))
    assert_equal(net, nn.MSELoss(), sgd, (2, 3), 2)


def test_nothing_known_is_left_out_here():
    tested = {type(layer) for layer in [*MAPPED, *NORMS]}
    tested |= {type(layer) for layers in IMAGE_LAYERS for layer in layers}
    assert set(MAPS) <= tested
    assert {nn.LayerNorm, nn.GroupNorm, nn.Maxout, nn.AdaptiveAvgPool2d} <= tested & set(LOWERINGS)
    contained = {type(layer) for layer in CONTAINED} | {nn.Siamese, nn.Dropout, nn.Dropout2d}
    contained |= {type(layer) for several in OF_SEVERAL for layer in several.modules()}
    resized = {type(layer) for layer in (*test_images.LAYERS, *test_images.SIGNALS)}
    sequential = {nn.TransformerEncoderLayer, nn.PositionalEncoding}
    assert {*CONTAINERS, *MOVING} - resized <= contained | sequential
    assert {nn.Upsample, nn.ConvTranspose1d, nn.ConvTranspose2d} <= resized
