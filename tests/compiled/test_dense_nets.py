"""Dense nets on the compiled path and on the plain one: the same numbers up to rounding."""

import itertools

import pytest
import torch

import chainrule.compiled.compile as assembly
from chainrule import nn, optim, zoo
from chainrule._util.threads import torch_threads
from chainrule.compiled.lowering import loss as loss_lowering
from chainrule.compiled.lowering import net as net_lowering
from chainrule.data import Dataset
from chainrule.train import Accuracy, Trainer
from tests.compiled.agreement import SEEDS, B, K, assert_equal, make_data, sgd, train_net
from tests.compiled.test_compared_outputs import COMPARED


def mlp(*layers, inputs=3, outputs=4):
    return nn.Sequential(
        nn.Linear(inputs, 11),
        nn.Tanh(),
        nn.Linear(11, 9),
        nn.ReLU(),
        nn.Linear(9, outputs),
        *layers,
    )


ACTIVATIONS = [
    nn.Identity(),
    nn.ReLU(),
    nn.LeakyReLU(0.2),
    nn.Tanh(),
    nn.Sigmoid(),
    nn.ELU(0.7),
    nn.SELU(),
    nn.Hardtanh(-0.3, 0.2),
    nn.Softsign(),
    nn.Softmax(1),
    nn.LogSoftmax(-1),
    nn.ReLU6(),
]


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=repr)
def test_compiled_activations_agree(layer):
    assert_equal(mlp(layer), nn.MSELoss(), sgd, (3,), 4)


@pytest.mark.parametrize(
    ("wide", "narrow"), [(1024, 65), (701, 401)], ids=["rows 4 KiB apart", "more than a cache"]
)
def test_weights_that_are_read_block_by_block_on_the_way_back_agree(wide, narrow):
    net = nn.Sequential(nn.Linear(3, wide), nn.Tanh(), nn.Linear(wide, narrow), nn.Tanh())
    assert_equal(nn.Sequential(net, nn.Linear(narrow, 4)), nn.MSELoss(), sgd, (3,), 4)


@pytest.mark.parametrize(("gate", "shape"), [(nn.GLU(), (4, 2)), (nn.GLU(1), (2, 4))], ids=repr)
def test_gates_agree(gate, shape):
    net = mlp(nn.Unflatten(1, shape), gate, nn.Flatten(), nn.Linear(4, 2), outputs=8)
    assert_equal(net, nn.MSELoss(), sgd, (3,), 2)


def test_gates_of_the_input_agree():
    net = nn.Sequential(nn.Siamese(nn.GLU()), nn.Flatten(), nn.Linear(4, 2))
    assert_equal(net, nn.MSELoss(), sgd, (2, 4), 2)


LOSSES = [
    (nn.MSELoss(), 4),
    (nn.MSELoss(reduction="sum"), 4),
    (nn.L1Loss(), 4),
    (nn.SmoothL1Loss(beta=0.3), 4),
    (nn.HuberLoss(delta=0.4), 4),
    (nn.BCEWithLogitsLoss(), 4),
    (nn.CrossEntropyLoss(), -4),
    (nn.CrossEntropyLoss(reduction="sum"), -4),
    (nn.OneHotLoss(nn.MSELoss(), -1.0, 1.0), -4),
    (nn.OneHotLoss(nn.BCEWithLogitsLoss()), -4),
    (nn.SmoothL1Loss(beta=0.0), 4),
    (nn.BCEWithLogitsLoss([0.5, 1.0, 2.0, 0.0], pos_weight=[3.0, 1.0, 0.5, 2.0]), 4),
    (nn.BCEWithLogitsLoss([0.5], reduction="sum"), 4),
    (nn.KLDivLoss(), 4),
    (nn.KLDivLoss(reduction="batchmean", log_target=True), 4),
    (nn.KLDivLoss(reduction="sum"), 4),
    (nn.CrossEntropyLoss([0.5, 1.0, 2.0, 0.1]), -4),
    (nn.CrossEntropyLoss([0.5, 1.0, 2.0, 0.0], ignore_index=2, reduction="sum"), -4),
    (nn.CrossEntropyLoss(ignore_index=1), -4),
    (nn.CrossEntropyLoss(label_smoothing=0.2), -4),
    (nn.CrossEntropyLoss([0.5, 1.0, 2.0, 0.1], label_smoothing=0.2, ignore_index=0), -4),
    (nn.CrossEntropyLoss(), 4),
    (nn.CrossEntropyLoss([0.5, 1.0, 2.0, 0.1], label_smoothing=0.2), 4),
    (nn.NLLLoss([0.5, 1.0, 2.0, 0.1], ignore_index=3), -4),
    (nn.PoissonNLLLoss(full=True), 4),
    (nn.PoissonNLLLoss(reduction="sum"), 4),
    (nn.OneHotLoss(nn.PoissonNLLLoss(full=True), 1.0, 4.0), -4),
    (nn.OneHotLoss(nn.HingeEmbeddingLoss(0.3), -1.0, 1.0), -4),
    (nn.MultiLabelSoftMarginLoss(), 4),
    (nn.MultiLabelSoftMarginLoss([0.5, 1.0, 2.0, 0.1], reduction="sum"), 4),
    (nn.MultiMarginLoss(), -4),
    (nn.MultiMarginLoss(2, 0.3, [0.5, 1.0, 2.0, 0.1]), -4),
    (nn.MultiMarginLoss(2, reduction="sum"), -4),
    (nn.OneHotLoss(nn.SoftMarginLoss(reduction="sum"), -1.0, 1.0), -4),
]


@pytest.mark.parametrize(("criterion", "targets"), LOSSES, ids=repr)
def test_compiled_losses_agree(criterion, targets):
    small = optim.SGD if getattr(criterion, "reduction", "mean") == "sum" else None
    make = (lambda net: small(net, lr=0.001)) if small else sgd
    assert_equal(mlp(), criterion, make, (3,), targets, batch_size=27)


@pytest.mark.parametrize("full", [False, True])
def test_rates_themselves(full):
    criterion = nn.PoissonNLLLoss(log_input=False, full=full, eps=0.1)
    assert_equal(mlp(nn.Softplus()), criterion, sgd, (3,), 4)


def test_targets_that_are_no_signs_are_told_by_the_loss():
    data = make_data((3,), 4, torch.float32)
    net = mlp().replicate(K, SEEDS)
    trainer = Trainer(net, nn.SoftMarginLoss(), sgd(net), seed=SEEDS)
    with pytest.raises(nn.LayerError, match="expected targets of 1 and -1"):
        trainer.fit(data, epochs=1, progress=False)


def test_binary_cross_entropy_of_a_sigmoid():
    assert_equal(mlp(nn.Sigmoid()), nn.BCELoss(), sgd, (3,), 4)


def test_likelihood_of_log_probabilities():
    assert_equal(mlp(nn.LogSoftmax(1)), nn.NLLLoss(), sgd, (3,), -4)


def test_binary_cross_entropy_with_weights_of_a_softmax():
    criterion = nn.BCELoss([0.5, 1.0, 2.0, 0.1])
    assert_equal(mlp(nn.Softmax(1)), criterion, sgd, (3,), 4)


def test_losses_of_several_axes():
    net = mlp(nn.Unflatten(1, (2, 2)))
    train = make_data((3,), 4, torch.float64)
    train = Dataset(train.inputs, train.targets.unflatten(2, (2, 2)), train.replicas)
    found = [train_net(c, net, nn.HuberLoss(), sgd, train) for c in (False, True)]
    rows = [trainer.optimizer.flats[0].data for trainer in found]
    torch.testing.assert_close(*rows, rtol=1e-12, atol=1e-12)


def test_a_sum_of_losses_that_batches_weigh_differently():
    criterion = nn.MultiLoss(
        {
            "a": nn.CrossEntropyLoss([0.2, 1.0, 3.0]),
            "b": nn.MSELoss(reduction="sum"),
            "c": nn.CrossEntropyLoss(ignore_index=1),
        },
        {"b": 0.01, "c": torch.tensor([0.0, 0.5, 2.0])},
    )
    net = nn.Sequential(
        nn.Linear(3, 6),
        nn.Tanh(),
        nn.Heads(a=nn.Linear(6, 3), b=nn.Linear(6, 2), c=nn.Linear(6, 4)),
    )
    assert_equal(net, criterion, sgd, (3,), {"a": -3, "b": 2, "c": -4}, batch_size=27)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("last", [nn.Exp(), nn.Softplus(), nn.Sigmoid(), nn.ReLU()], ids=repr)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_mean_and_a_variance(rows, last, reduction):
    heads = nn.Heads(mean=nn.Linear(6, 3), var=nn.Sequential(nn.Linear(6, rows), last))
    net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), heads)
    criterion = nn.GaussianNLLLoss(full=rows == 1, eps=0.1, reduction=reduction)
    assert_equal(net, criterion, lambda net: optim.SGD(net, lr=0.003), (3,), 3)


def test_one_output_for_two_classes():
    net = mlp(nn.Sigmoid(), outputs=1)
    assert_equal(net, nn.OneHotLoss(nn.BCELoss()), sgd, (3,), -2)


RATES = torch.tensor([0.1, 0.01, 0.03])
OPTIMIZERS = [
    lambda net: optim.SGD(net, lr=RATES),
    lambda net: optim.SGD(net, lr=0.1, weight_decay=0.01, maximize=True),
    lambda net: optim.SGD(net, lr=RATES, momentum=0.9, dampening=0.1, weight_decay=RATES / 10),
    lambda net: optim.SGD(net, lr=0.01, momentum=torch.tensor([0.0, 0.5, 0.9]), dampening=0.2),
    lambda net: optim.SGD(net, lr=0.01, momentum=0.9, nesterov=True),
    lambda net: optim.Adam(net, lr=RATES),
    lambda net: optim.Adam(net, lr=0.01, betas=(RATES, 0.9), weight_decay=RATES, maximize=True),
    lambda net: optim.Adam(net, lr=0.01, amsgrad=True),
    lambda net: optim.AdamW(net, lr=0.01, weight_decay=RATES),
    lambda net: optim.NAdam(net, lr=RATES, weight_decay=0.1, momentum_decay=RATES),
    lambda net: optim.NAdam(net, lr=0.01, weight_decay=RATES, decoupled_weight_decay=True),
    lambda net: optim.RAdam(net, lr=RATES, weight_decay=0.1, maximize=True),
    lambda net: optim.RAdam(net, lr=0.01, betas=(0.8, RATES + 0.7), weight_decay=RATES),
    lambda net: optim.Adagrad(net, lr=RATES, lr_decay=RATES, weight_decay=0.01),
    lambda net: optim.Adagrad(net, lr=0.1, initial_accumulator_value=RATES, maximize=True),
    lambda net: optim.RMSprop(net, lr=RATES / 10, alpha=0.9, eps=1e-5),
    lambda net: optim.RMSprop(net, lr=0.003, weight_decay=RATES, momentum=0.9, eps=1e-5),
    lambda net: optim.RMSprop(net, lr=0.003, momentum=RATES, centered=True, eps=1e-3),
    lambda net: optim.Adadelta(net, lr=RATES, weight_decay=0.1, maximize=True),
    lambda net: optim.Adadelta(net, lr=1.0, rho=RATES + 0.8),
    lambda net: optim.Adamax(net, lr=RATES / 10, weight_decay=0.1, maximize=True),
    lambda net: optim.Adamax(net, lr=0.003, betas=(RATES + 0.8, 0.9), eps=1e-3),
    lambda net: optim.Rprop(net, lr=RATES / 10),
    lambda net: optim.Rprop(
        net, lr=0.01, etas=(RATES + 0.5, 1.3), step_sizes=(RATES / 100, 0.02), maximize=True
    ),
    lambda net: optim.ASGD(net, lr=RATES, t0=3, weight_decay=0.1),
    lambda net: optim.ASGD(net, lr=0.1, lambd=RATES, alpha=RATES + 0.5, t0=RATES, maximize=True),
    lambda net: optim.Adafactor(net, lr=RATES, weight_decay=RATES, maximize=True),
    lambda net: optim.Adafactor(net, lr=0.5, beta2_decay=-RATES, d=RATES + 1, eps=(1e-3, 0.1)),
    lambda net: muon(net, lr=RATES, momentum=RATES + 0.8, weight_decay=RATES),
    lambda net: muon(net, lr=0.01, nesterov=False, adjust_lr_fn="match_rms_adamw", ns_steps=3),
]


def muon(net, **options):
    """An optimizer of the net's matrices; its biases stay."""
    matrices = [each for name, each in net.named_parameters() if name.endswith("weight")]
    return optim.Muon(matrices, replicas=net.replicas, eps=1e-3, **options)


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_compiled_optimizers_agree(make):
    assert_equal(mlp(), nn.MSELoss(), make, (3,), 4)


@pytest.mark.parametrize("bound", [0.05, torch.tensor([0.01, 0.1, 1e9])])
def test_clipping_by_norm(bound):
    make = OPTIMIZERS[2]
    assert_equal(mlp(), nn.MSELoss(), make, (3,), 4, clip_norm=bound)


@pytest.mark.parametrize("bound", [0.01, torch.tensor([0.001, 0.1, 1e9])])
def test_clipping_by_value(bound):
    make = OPTIMIZERS[2]
    assert_equal(mlp(), nn.MSELoss(), make, (3,), 4, clip_value=bound, clip_norm=0.5)


def in_groups(make, **first):
    """The first layer with these numbers, the last at its own rate, the one between as it is."""

    def build(net):
        groups = [{"params": net[0], **first}, {"params": net[4], "lr": 0.05}, {"params": net[2]}]
        return make(groups, lr=RATES, replicas=net.replicas)

    return build


def muon_in_groups(net):
    groups = [{"params": net[2].weight}, {"params": [net[4].weight, net[0].weight], "momentum": 0}]
    return optim.Muon(groups, lr=RATES, momentum=0.9, eps=1e-3, replicas=net.replicas)


@pytest.mark.parametrize(
    "make",
    [
        in_groups(optim.SGD, momentum=0.9),
        in_groups(optim.Adam, amsgrad=True, weight_decay=0.1),
        in_groups(optim.NAdam, momentum_decay=0.1),
        in_groups(optim.RMSprop, centered=True, eps=1e-3),
        in_groups(optim.Adafactor, weight_decay=0.1, eps=(1e-3, 1e-3)),
        muon_in_groups,
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_groups_of_parameters(make, threads):
    with torch_threads(threads):
        assert_equal(mlp(), nn.MSELoss(), make, (3,), 4, clip_norm=0.1)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda steps: optim.lr_scheduler.CosineAnnealingLR(steps, T_max=7),
        lambda steps: optim.lr_scheduler.OneCycleLR(steps, max_lr=RATES, total_steps=8),
    ],
)
def test_schedules_by_step(schedule):
    def train(compiled):
        net = mlp().replicate(K, SEEDS).to(torch.float64)
        steps = optim.Adam(net, lr=RATES)
        options = {"scheduler": schedule(steps), "schedule_every": "step", "compile": compiled}
        trainer = Trainer(net, nn.MSELoss(), steps, batch_size=B, seed=SEEDS, **options)
        trainer.fit(make_data((3,), 4, torch.float64), epochs=2, progress=False)
        assert str(trainer.backend_status) == ("compiled" if compiled else "plain")
        return steps

    fast, plain = train(True), train(False)
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(fast.flats[0].data, plain.flats[0].data, **close)
    assert fast.state_dict()["param_groups"][0]["step"] == 8
    torch.testing.assert_close(fast.param_groups[0]["lr"], plain.param_groups[0]["lr"])


@pytest.mark.parametrize("share", [True, False])
def test_pairs_with_auxiliary_losses(share):
    criterion = zoo.pair_loss(torch.tensor([0.0, 0.3, 1.0]))
    net = zoo.pair_mlp(hidden=10, share=share, aux=True)
    targets = {"main": -2, "first": -10, "second": -10}
    assert_equal(net, criterion, optim.Adam, (2, 14, 14), targets)


def test_pairs_without_hidden_comparison():
    targets = {"main": -2}
    net = zoo.pair_shallow(hidden=10, share=True)
    assert_equal(net, zoo.pair_loss(), optim.Adam, (2, 14, 14), targets)


def test_a_layer_used_twice():
    shared = nn.Linear(6, 6)
    net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), shared, nn.Tanh(), shared, nn.Linear(6, 2))
    assert_equal(net, nn.MSELoss(), sgd, (3,), 2)


def test_heads_of_the_inputs_themselves():
    net = nn.Heads(a=nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), b=nn.Linear(3, 1))
    criterion = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.MSELoss()}, {"b": 0.5})
    assert_equal(net, criterion, sgd, (3,), {"a": -2, "b": 1})


@pytest.mark.parametrize("size", [1, 8, 16, 53, 100])
def test_batch_sizes(size):
    assert_equal(mlp(), nn.MSELoss(), sgd, (3,), 4, batch_size=size)


@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("size", [17, 53])
def test_some_samples_at_a_time(monkeypatch, least, size):
    monkeypatch.setattr(assembly, "CHUNK_BYTES", 1)
    monkeypatch.setattr(assembly, "MIN_CHUNK_VECTORS", least)
    metrics = {"accuracy": Accuracy()}
    criterion = zoo.pair_loss(torch.tensor([0.0, 0.3, 1.0]))
    net = zoo.pair_mlp(hidden=40, share=True, aux=True)
    targets = {"main": -2, "first": -10, "second": -10}
    assert_equal(net, criterion, sgd, (2, 14, 14), targets, batch_size=size)
    net = nn.Sequential(nn.Linear(3, 50), nn.ReLU(), nn.Linear(50, 70), nn.Tanh(), nn.Linear(70, 4))
    assert_equal(net, nn.CrossEntropyLoss(), sgd, (3,), -4, batch_size=size, metrics=metrics)


def test_products_of_any_size():
    widths = [1, 7, 37, 130, 300, 5]
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    net = nn.Sequential(*(each for layer in layers for each in (layer, nn.Tanh())))
    assert_equal(net, nn.MSELoss(), sgd, (1,), 5, batch_size=53)


@pytest.mark.parametrize("threads", [1, 2])
def test_metrics(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    metrics = {"accuracy": Accuracy()}
    assert_equal(mlp(), nn.CrossEntropyLoss(), sgd, (3,), -4, metrics=metrics)
    torch.set_num_threads(before)


def test_a_plain_net():
    train, parameters = make_data((3,), -4, torch.float64).replica(0), []
    for compiled in (False, True):
        net = mlp().initialize(3).to(torch.float64)
        metrics = {"accuracy": Accuracy()}
        trainer = Trainer(
            net, nn.CrossEntropyLoss(), sgd(net), batch_size=B, metrics=metrics, compile=compiled
        )
        trainer.fit(train, epochs=2, progress=False)
        parameters.append((trainer.optimizer.flats[0].data, trainer.history["train_accuracy"]))
    torch.testing.assert_close(parameters[1], parameters[0], rtol=1e-12, atol=1e-12)


def test_one_data_set_for_all_in_one_order():
    train = make_data((3,), 4, torch.float64, replicas=1)
    train = Dataset(train.inputs[0], train.targets[0])
    plain, fast = (
        train_net(compiled, mlp(), nn.MSELoss(), sgd, train, seed=[1, 1, 1])
        for compiled in (False, True)
    )
    torch.testing.assert_close(
        fast.optimizer.flats[0].data, plain.optimizer.flats[0].data, rtol=1e-12, atol=1e-12
    )


def test_nothing_known_is_left_out_here():
    assert set(net_lowering.ACTIVATIONS) == {type(layer) for layer in ACTIVATIONS} - {nn.Identity}
    tested = {type(getattr(criterion, "loss", criterion)) for criterion, _ in LOSSES}
    compared = {type(criterion) for criterion, *_ in COMPARED}
    assert set(loss_lowering.LOSSES) <= tested | compared | {nn.BCELoss}
