"""Images that grow, shrink or get a margin on the compiled path, and images as targets."""

import pytest
import torch

from chainrule import nn, optim, zoo
from chainrule.data import Dataset
from chainrule.train import Trainer
from tests.compiled.agreement import SEEDS, B, K, assert_equal, make_data, sgd

LAYERS = [
    nn.ConvTranspose2d(4, 3, 3),
    nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2),
    nn.ConvTranspose2d(4, 3, (2, 3), stride=(3, 1), output_padding=(2, 0), bias=False),
    nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1, dilation=2),
    nn.Upsample(scale_factor=2),
    nn.Upsample(size=(3, 11)),
    nn.Upsample(scale_factor=1.7, mode="bilinear"),
    nn.Upsample(size=4, mode="bilinear", align_corners=True),
    nn.ZeroPad2d(1),
    nn.ZeroPad2d((-1, 2, 0, -2)),
    nn.ConstantPad2d((1, 0, 2, 1), 0.7),
    nn.ReflectionPad2d((2, 1, 0, 3)),
    nn.ReplicationPad2d(2),
    nn.CircularPad2d((1, 2, 3, 0)),
    nn.AdaptiveAvgPool2d((4, 3)),
    nn.AdaptiveMaxPool2d((3, None)),
]
SIGNALS = [
    nn.ConvTranspose1d(4, 3, 3, stride=2, padding=2),
    nn.Upsample(scale_factor=3),
    nn.Upsample(size=5, mode="linear"),
    nn.ZeroPad1d((2, 1)),
    nn.ConstantPad1d((-1, 2), -0.4),
    nn.ReflectionPad1d(2),
    nn.ReplicationPad1d((0, 2)),
    nn.CircularPad1d(1),
    nn.MaxPool1d(3, 2, padding=1),
    nn.AvgPool1d(2, ceil_mode=True),
    nn.AvgPool1d(3, 2, padding=1, count_include_pad=False),
    nn.AdaptiveAvgPool1d(4),
    nn.AdaptiveMaxPool1d(3),
]


def small_steps(net):
    return optim.SGD(net, lr=0.001)


def check_layer(layer, before, shape):
    body = nn.Sequential(*before, layer, nn.Sigmoid(), nn.Flatten())
    width = body(torch.ones(1, *shape)).shape[1]
    assert_equal(nn.Sequential(body, nn.Linear(width, 2)), nn.MSELoss(), small_steps, shape, 2)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_sizes_of_images_agree(layer, first):
    check_layer(layer, [] if first else [nn.Conv2d(4, 4, 3, padding=1), nn.Tanh()], (4, 6, 7))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layer", SIGNALS, ids=repr)
def test_sizes_of_signals_agree(layer, first):
    check_layer(layer, [] if first else [nn.Conv1d(4, 4, 3, padding=1), nn.Tanh()], (4, 9))


def test_a_branch_may_read_what_is_resized_too():
    grown = nn.Sequential(nn.Upsample(scale_factor=2), nn.ConvTranspose2d(3, 3, 3))
    body = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Sum(grown, nn.ConvTranspose2d(3, 3, 6)))
    shape = body(torch.ones(1, 2, 5, 5)).shape
    net = nn.Sequential(body, nn.Flatten(), nn.Linear(shape[1:].numel(), 2))
    assert_equal(net, nn.MSELoss(), small_steps, (2, 5, 5), 2)


def noisy_images(dtype, size=8):
    generator = torch.Generator().manual_seed(3)
    clean, *noisy = (
        torch.rand(K, 20, 1, size, size, generator=generator).to(dtype) for _ in range(3)
    )
    return Dataset(noisy[0], {"clean": clean, "noisy": noisy[1]}, K)


@pytest.mark.parametrize("up", ["upsample", "transpose", "none"])
def test_noise_is_taken_out_of_images_alike(up):
    data, found = noisy_images(torch.float64), []
    for compiled in (False, True):
        net = zoo.denoise_net(up, channels=3).replicate(K, SEEDS).to(torch.float64)
        criterion = zoo.target_loss("noisy")
        options = {"batch_size": B, "seed": SEEDS, "compile": compiled}
        trainer = Trainer(net, criterion, sgd(net), **options)
        trainer.fit(data, epochs=2, progress=False)
        assert str(trainer.backend_status) == ("compiled" if compiled else "plain")
        found.append((trainer.optimizer.flats[0].data, trainer.history["train_loss"]))
        found[-1] += (trainer.predict(data),)
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("criterion", "targets"),
    [
        (nn.TargetLoss(nn.MSELoss(), "a"), {"a": 2, "b": 3}),
        (nn.TargetLoss(nn.CrossEntropyLoss([0.5, 2.0]), "b"), {"a": 3, "b": -2}),
    ],
    ids=repr,
)
def test_a_loss_of_one_of_several_targets(criterion, targets):
    assert_equal(nn.Linear(3, 2), criterion, sgd, (3,), targets)


def test_a_target_that_is_not_there_is_the_layers_own_error():
    data = make_data((3,), {"a": 2}, torch.float32)
    net = nn.Linear(3, 2).replicate(K, SEEDS)
    trainer = Trainer(net, nn.TargetLoss(nn.MSELoss(), "b"), sgd(net), seed=SEEDS)
    with pytest.raises(nn.LayerError, match="no target 'b'"):
        trainer.fit(data, epochs=1, progress=False)


def test_maxima_of_regions_of_several_sizes_take_the_plain_path():
    data = make_data((2, 4), 6, torch.float32)
    net = nn.Sequential(nn.Linear(4, 4), nn.AdaptiveMaxPool1d(3), nn.Flatten()).replicate(K, SEEDS)
    trainer = Trainer(net, nn.MSELoss(), sgd(net), batch_size=B, seed=SEEDS)
    trainer.fit(data, epochs=1, progress=False)
    assert "AdaptiveMaxPool1d(3) of samples (2, 1, 4)" in str(trainer.backend_status)
