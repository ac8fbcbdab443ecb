"""Accuracy: one number a sample, for the forms of outputs and targets."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import (
    Accuracy,
    ErrorRate,
    JointAccuracy,
    MeanAbsoluteError,
    RootMeanSquaredError,
    Trainer,
)
from chainrule.train.metrics.base import average_metric, measure_outputs, measure_several

SCORES = torch.tensor([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.4, 0.5, 0.1]])
LABELS = torch.tensor([1, 0, 1, 1])


def test_class_indices():
    assert Accuracy()(SCORES, LABELS).tolist() == [1, 1, 0, 1]


def test_one_hot_targets():
    target = torch.zeros(4, 3).scatter_(1, LABELS[:, None], 1.0)
    assert Accuracy()(SCORES, target).tolist() == [1, 1, 0, 1]


def test_plus_and_minus_one():
    target = -torch.ones(4, 3).scatter_(1, LABELS[:, None], -1.0)
    assert Accuracy()(SCORES, target).tolist() == [1, 1, 0, 1]


def test_of_several_largest_the_first_is_the_decision_and_nan_decides_nothing():
    scores = torch.tensor([[0.5, 0.5, 0.1], [0.1, 0.5, 0.5], [torch.inf, 0.0, torch.inf]])
    assert Accuracy()(scores, torch.tensor([0, 1, 0])).tolist() == [1, 1, 1]
    assert Accuracy()(scores, torch.tensor([1, 2, 2])).tolist() == [0, 0, 0]
    soft = torch.tensor([[0.3, 0.3, 0.4], [0.2, 0.6, 0.2], [0.5, 0.5, 0.0]])
    assert Accuracy()(scores, soft).tolist() == [0, 1, 1]
    scores[1, 2] = torch.nan
    assert Accuracy()(scores, torch.tensor([0, 1, 0])).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_a_single_output_is_above_the_threshold_or_not(shape, dtype):
    output = torch.tensor([[0.9], [0.2], [0.6], [0.4]])
    target = torch.tensor([1, 0, 0, 1], dtype=dtype).reshape(shape)
    assert Accuracy()(output, target).tolist() == [1, 1, 0, 0]


def test_the_threshold_of_logits():
    output = torch.tensor([[0.4], [-0.3]])
    assert Accuracy(threshold=0.0)(output, torch.tensor([1, 0])).tolist() == [1, 1]
    assert Accuracy()(output, torch.tensor([1, 0])).tolist() == [0, 1]


def test_plus_and_minus_one_for_a_single_output():
    output, target = torch.tensor([[0.4], [-0.3]]), torch.tensor([[1.0], [-1.0]])
    assert Accuracy(threshold=0.0)(output, target).tolist() == [1, 1]


def test_of_several_heads_a_sample_counts_that_counts_for_all_of_them():
    loss = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.NLLLoss(ignore_index=1)})
    metric = JointAccuracy(["a", "b"]).with_loss(loss)
    output = {"a": SCORES, "b": SCORES}
    target = {"a": torch.tensor([1, -100, 0, 1]), "b": torch.tensor([2, 0, 2, 1])}
    assert metric.select_counted(target).tolist() == [True, False, True, False]
    assert average_metric(metric, output, target, 0) == 0.0
    assert average_metric(metric, output, {**target, "a": torch.tensor([1, 0, 2, 1])}, 0) == 2 / 3


def test_a_cohort_has_a_number_for_each_replica_and_sample():
    right = Accuracy()(torch.stack([SCORES, SCORES.flip(0)]), torch.stack([LABELS, LABELS]))
    assert right.shape == (2, 4)
    assert right[0].tolist() == [1, 1, 0, 1]


def test_one_target_for_all_replicas():
    both = torch.stack([SCORES, SCORES])
    assert Accuracy()(both, LABELS[None]).tolist() == [[1, 1, 0, 1]] * 2


def test_one_head_of_several():
    output, target = {"main": SCORES, "aux": -SCORES}, {"main": LABELS, "aux": LABELS}
    assert Accuracy("main")(output, target).tolist() == [1, 1, 0, 1]
    assert Accuracy(head="aux")(output, target).sum() == 0


def test_nan_decides_nothing():
    scores = SCORES.clone()
    scores[0, 2] = float("nan")
    right = Accuracy()(scores, LABELS)
    assert right.isnan().tolist() == [True, False, False, False]


def test_infinity_decides():
    assert Accuracy()(torch.tensor([[0.0, float("inf")]]), torch.tensor([1])).tolist() == [1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_counts_in_the_dtype_of_the_output(dtype):
    assert Accuracy()(SCORES.to(dtype), LABELS).dtype == dtype


def test_no_samples():
    assert Accuracy()(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).shape == (0,)


def test_jointly_right_is_right_in_every_head():
    output = {"digit": SCORES, "color": torch.tensor([[0.0, 1.0]] * 4)}
    target = {"digit": LABELS, "color": torch.tensor([1, 0, 1, 1])}
    assert JointAccuracy(["digit", "color"])(output, target).tolist() == [1, 0, 0, 1]
    assert JointAccuracy(["digit"])(output, target).tolist() == [1, 1, 0, 1]


def test_nan_in_one_head_is_nan_for_all_of_them():
    output = {"a": SCORES, "b": SCORES.clone().fill_(float("nan"))}
    right = JointAccuracy(("a", "b"))(output, {"a": LABELS, "b": LABELS})
    assert right.isnan().all()


def test_jointly_needs_the_names_of_heads():
    with pytest.raises(ValueError, match="JointAccuracy: expected the names of heads"):
        JointAccuracy([])
    with pytest.raises(TypeError, match="JointAccuracy: heads: expected a list of texts, got 'di"):
        JointAccuracy("digit")


def test_the_error_rate_is_what_an_accuracy_lacks():
    assert ErrorRate()(SCORES, LABELS).tolist() == [0, 0, 1, 0]
    assert ErrorRate(head="main")({"main": SCORES}, {"main": LABELS}).sum() == 1
    assert ErrorRate()(torch.tensor([[torch.nan, 1.0]]), torch.tensor([1])).isnan().all()


LOGITS = torch.tensor([[0.2], [0.4], [-0.3], [0.8]])
YES = torch.tensor([[1.0], [1.0], [0.0], [1.0]])

BINARY_LOSSES = {
    "logits": (nn.BCEWithLogitsLoss(), LOGITS, YES),
    "probabilities": (nn.BCELoss(), LOGITS.sigmoid(), YES),
    "smoothed": (nn.BCEWithLogitsLoss(), LOGITS, 0.1 + 0.8 * YES),
    "one-hot logits": (nn.OneHotLoss(nn.BCEWithLogitsLoss()), LOGITS, YES.long()[:, 0]),
    "one-hot tanh": (nn.OneHotLoss(nn.MSELoss(), -1.0), LOGITS.tanh(), YES.long()[:, 0]),
    "one-hot sigmoid": (nn.OneHotLoss(nn.MSELoss()), LOGITS.sigmoid(), YES.long()[:, 0]),
    "tanh": (nn.MSELoss(), LOGITS.tanh(), 2 * YES - 1),
    "sigmoid": (nn.MSELoss(), LOGITS.sigmoid(), YES),
}


def measured(criterion, outputs, targets, metric) -> float:
    """What a trainer of this loss says of these outputs, which its net gives for itself."""
    net = nn.Heads(a=nn.Linear(1, 1), b=nn.Linear(1, 1)).initialize(0)
    trainer = Trainer(net, criterion, optim.SGD(net), metrics={"metric": metric})
    return trainer.measure(outputs, Dataset(LOGITS, targets))["metric"].item()


@pytest.mark.parametrize(
    ("criterion", "outputs", "targets"), BINARY_LOSSES.values(), ids=BINARY_LOSSES
)
def test_a_single_output_is_decided_as_its_loss_means_it(criterion, outputs, targets):
    assert measured(criterion, outputs, targets, Accuracy()) == 1
    assert measured(criterion, outputs, targets, ErrorRate()) == 0


def test_a_threshold_that_is_given_stays():
    assert measured(nn.BCEWithLogitsLoss(), LOGITS, YES, Accuracy(threshold=0.5)) == 0.5


def test_each_head_is_decided_by_its_own_loss():
    criterion = nn.MultiLoss({"a": nn.BCEWithLogitsLoss(), "b": nn.BCELoss()})
    outputs, targets = {"a": LOGITS, "b": LOGITS.sigmoid()}, {"a": YES, "b": YES}
    for metric in (Accuracy("a"), Accuracy("b"), JointAccuracy(["a", "b"])):
        assert measured(criterion, outputs, targets, metric) == 1
    assert measured(criterion, outputs, targets, ErrorRate("a")) == 0


@pytest.mark.parametrize("kernel", [False, True])
def test_the_curves_of_a_cohort_of_logits_are_right(kernel):
    net = nn.Linear(1, 1).replicate(2, [0, 1])
    trainer = Trainer(
        net,
        nn.BCEWithLogitsLoss(),
        optim.SGD(net, lr=0.0),
        metrics={"accuracy": Accuracy()},
        compile=kernel,
    )
    data = Dataset(LOGITS, YES)
    history = trainer.fit(data, data, epochs=1)
    right = ((net.eval()(LOGITS[None]).sigmoid() > 0.5) == YES).double().mean((1, 2))
    assert history["train_accuracy"][0].tolist() == right.tolist()
    assert history["test_accuracy"][0].tolist() == right.tolist()


def test_a_threshold_a_head_is_asked_for():
    with pytest.raises(ValueError, match="expected 2 thresholds"):
        JointAccuracy(["a", "b"], [0.0])


class First(nn.Module):
    """y = x₀, one number a sample without an axis of its own        x (N, D)"""

    def forward(self, x):
        def backward(g):
            dx = torch.zeros_like(x)
            dx[..., 0] = g
            return dx

        return x[..., 0], backward


def measured_lone(criterion, outputs, targets, metric) -> float:
    """The same of outputs and targets (N,)."""
    net = nn.Sequential(nn.Linear(1, 1), First())
    trainer = Trainer(net, criterion, optim.SGD(net), metrics={"metric": metric})
    return trainer.measure(outputs[:, 0], Dataset(LOGITS, targets))["metric"].item()


@pytest.mark.parametrize("criterion", [nn.SoftMarginLoss(), nn.MSELoss()], ids=str)
def test_signs_without_an_axis_of_outputs_are_decided_by_their_sign(criterion):
    signs = (2 * YES - 1)[:, 0]
    assert measured_lone(criterion, LOGITS, signs, Accuracy()) == 1
    assert measured_lone(criterion, -LOGITS, signs, Accuracy()) == 0
    assert measured_lone(criterion, LOGITS, -torch.ones(4), ErrorRate()) == 0.75


def test_probabilities_without_an_axis_of_outputs_are_decided_at_one_half():
    targets = 0.2 + 0.6 * YES[:, 0]
    assert measured_lone(nn.BCEWithLogitsLoss(), LOGITS, targets, Accuracy()) == 1


def test_numbers_without_an_axis_of_outputs_are_measured_one_by_one():
    targets = LOGITS[:, 0] + torch.tensor([3.0, 0.0, 4.0, 0.0])
    found = measured_lone(nn.MSELoss(), LOGITS, targets, RootMeanSquaredError())
    assert found == pytest.approx(2.5)
    assert measured_lone(nn.MSELoss(), LOGITS, targets, MeanAbsoluteError()) == pytest.approx(1.75)
    trainer_net = nn.Sequential(nn.Linear(1, 1), First()).replicate(2, [0, 1])
    trainer = Trainer(
        trainer_net,
        nn.MSELoss(),
        optim.SGD(trainer_net, lr=0.0),
        metrics={"rmse": RootMeanSquaredError()},
        batch_size=4,
    )
    history = trainer.fit(Dataset(LOGITS, targets), epochs=1, progress=False)
    assert torch.allclose(history["train_rmse"][0] ** 2, history["train_loss"][0].double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_signs_are_decided_by_their_sign(dtype):
    signs = (2 * YES - 1)[:, 0].to(dtype)
    assert Accuracy()(LOGITS, signs).tolist() == [1, 1, 1, 1]
    assert Accuracy()(-LOGITS, signs).tolist() == [0, 0, 0, 0]


def test_a_loss_of_distances_has_no_accuracy():
    net = nn.Linear(1, 1)
    for metric in (Accuracy(), Accuracy(threshold=0.5)):
        with pytest.raises(ValueError, match=r"HingeEmbeddingLoss\(\) learns distances"):
            Trainer(net, nn.HingeEmbeddingLoss(), optim.SGD(net), metrics={"accuracy": metric})


def test_what_all_targets_say_is_found_once():
    metric = Accuracy(ignore_index=-100)
    assert metric.with_targets(torch.tensor([0, 1])) == Accuracy(threshold=0.5)
    assert metric.with_targets(torch.tensor([0, -100])).ignore_index == -100
    joint = JointAccuracy(("a", "b"), ignored=(-100, None))
    targets = {"a": torch.tensor([0, 1]), "b": torch.tensor([-1.0, 1.0])}
    assert joint.with_targets(targets) == JointAccuracy(
        ("a", "b"), thresholds=(0.5, 0.0), ignored=(None, None)
    )
    assert metric.with_targets({"other": torch.tensor([0])}) is metric


def mean_margin(output, target):
    """(N,) numbers of a user's own."""
    return output["main"].amax(-1) - target["main"]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("lead", [(), (3,)])
def test_several_outputs_side_by_side_are_measured_as_one_by_one(lead, shared):
    draw = torch.Generator().manual_seed(0)
    outputs = [
        {
            "main": torch.randn(*lead, 40, 3, generator=draw),
            "aux": torch.randn(*lead, 40, generator=draw),
        }
        for _ in range(5)
    ]
    outputs[1]["main"].flatten()[0] = torch.nan
    targets = [
        {
            "main": torch.randint(-1, 3, (*lead, 40), generator=draw),
            "aux": torch.randint(0, 2, (*lead, 40), generator=draw),
        }
        for _ in range(5)
    ]
    if shared:
        targets = targets[:1] * 5
    metrics = {
        "error": ErrorRate("aux", 0.0),
        "own": mean_margin,
        "accuracy": Accuracy("main", ignore_index=-1),
    }
    found = measure_several(metrics, outputs, targets, len(lead))
    for each, output, target in zip(found, outputs, targets, strict=True):
        expected = measure_outputs(metrics, output, target, len(lead))
        assert list(each) == list(metrics)
        for name, value in expected.items():
            assert each[name].shape == lead
            assert torch.equal(each[name].nan_to_num(-1), value.nan_to_num(-1))
    assert measure_several(metrics, [], [], len(lead)) == []
