"""Metrics of the whole set, against scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import (
    AUC,
    F1,
    R2,
    Accuracy,
    AveragePrecision,
    BalancedAccuracy,
    CalibrationError,
    ErrorRate,
    MatthewsCorrelation,
    Precision,
    Recall,
    Trainer,
)
from chainrule.train.backends import compiled, kernel_epochs
from chainrule.train.metrics import epoch
from chainrule.train.metrics.base import average_metric

sk = pytest.importorskip("sklearn.metrics")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")


def draw(classes: int, n: int = 97, seed: int = 3, ties: bool = False):
    """Scores (n, classes) in float64, and labels that they say something of."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=g)
    scores = torch.randn(n, max(classes, 2), generator=g, dtype=torch.float64)
    scores[torch.arange(n), labels] += 0.8
    return (scores * 2).round() / 2 if ties else scores, labels


def value(metric, output, target) -> float:
    return float(average_metric(metric, output, target, 0))


BY_CLASS = {
    Precision: sk.precision_score,
    Recall: sk.recall_score,
    F1: sk.f1_score,
}


@pytest.mark.parametrize("average", ["binary", "macro", "weighted"])
@pytest.mark.parametrize("metric", BY_CLASS)
def test_by_class(metric, average):
    for classes in (2,) if average == "binary" else (2, 5):
        output, target = draw(classes)
        wanted = BY_CLASS[metric](target, output.argmax(-1), average=average, zero_division=0)
        assert value(metric(average=average), output, target) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("average", ["macro", "weighted"])
@pytest.mark.parametrize("metric", BY_CLASS)
def test_classes_that_do_not_occur_do_not_count(metric, average):
    output, target = draw(5)
    output[:, 3], target[target == 3] = -9.0, 0
    output[:, 4] = -9.0
    wanted = BY_CLASS[metric](target, output.argmax(-1), average=average, zero_division=0)
    assert value(metric(average=average), output, target) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
def test_balanced_accuracy_and_correlation(classes):
    output, target = draw(classes)
    decided = output.argmax(-1)
    wanted = sk.balanced_accuracy_score(target, decided)
    assert value(BalancedAccuracy(), output, target) == pytest.approx(wanted, abs=1e-12)
    wanted = sk.matthews_corrcoef(target, decided)
    assert value(MatthewsCorrelation(), output, target) == pytest.approx(wanted, abs=1e-12)


def test_one_answer_to_all_is_worth_nothing():
    output, target = torch.tensor([[1.0, 0.0]] * 20), torch.tensor([0] * 19 + [1])
    assert value(Accuracy(), output, target) == 0.95
    assert value(BalancedAccuracy(), output, target) == 0.5
    assert value(F1(), output, target) == 0
    assert value(MatthewsCorrelation(), output, target) == 0
    assert value(AUC(), output, target) == 0.5


@pytest.mark.parametrize("ties", [False, True])
def test_areas_of_two_classes(ties):
    output, target = draw(2, ties=ties)
    score = output[:, 1] - output[:, 0]
    roc, ap = sk.roc_auc_score(target, score), sk.average_precision_score(target, score)
    assert value(AUC(), output, target) == pytest.approx(roc, abs=1e-12)
    assert value(AveragePrecision(), output, target) == pytest.approx(ap, abs=1e-12)
    single = score.unsqueeze(-1)
    assert value(AUC(), single, target.double().unsqueeze(-1)) == pytest.approx(roc, abs=1e-12)
    assert value(AveragePrecision(), single, target) == pytest.approx(ap, abs=1e-12)


@pytest.mark.parametrize("kind", ["logits", "log", "probabilities"])
def test_areas_of_more_classes(kind):
    output, target = draw(4)
    p = output.softmax(-1)
    given = {"logits": output, "log": p.log(), "probabilities": p}[kind]
    roc = sk.roc_auc_score(target, p, multi_class="ovr")
    ap = sk.average_precision_score(np.eye(4)[target], p)
    assert value(AUC(), given, target) == pytest.approx(roc, abs=1e-12)
    assert value(AveragePrecision(), given, target) == pytest.approx(ap, abs=1e-12)


def test_one_class_has_no_area():
    output, _ = draw(2)
    assert np.isnan(value(AUC(), output, torch.zeros(97, dtype=torch.int64)))


def test_r2():
    g = torch.Generator().manual_seed(5)
    target = torch.randn(50, 3, generator=g, dtype=torch.float64)
    output = target + 0.5 * torch.randn(50, 3, generator=g, dtype=torch.float64)
    assert value(R2(), output, target) == pytest.approx(sk.r2_score(target, output), abs=1e-12)
    one = value(R2(), output[:, :1], target[:, 0])
    assert one == pytest.approx(sk.r2_score(target[:, 0], output[:, 0]), abs=1e-12)
    assert value(R2(), {"mean": output[:, :1]}, target[:, 0]) == one
    same = torch.ones(4, 1, dtype=torch.float64)
    assert value(R2(), same, same) == sk.r2_score(same, same) == 1
    assert value(R2(), same * 2, same) == sk.r2_score(same, same * 2) == 0


def test_the_calibration_error_is_that_of_its_bins():
    output, target = draw(3)
    p = output.softmax(-1).numpy()
    confidence, right = p.max(-1), p.argmax(-1) == target.numpy()
    wanted = 0.0
    for low in np.arange(10) / 10:
        inside = (confidence > low) & (confidence <= low + 0.1)
        if inside.any():
            wanted += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert value(CalibrationError(), output, target) == pytest.approx(wanted, abs=1e-12)


def test_a_logit_is_as_sure_as_its_sigmoid():
    logit, target = torch.tensor([[2.0], [-1.0]]).double(), torch.tensor([[1.0], [1.0]])
    p = logit.sigmoid()
    assert value(CalibrationError(threshold=0.0), logit, target) == pytest.approx(
        value(CalibrationError(threshold=0.5), p, target), abs=1e-12
    )


SCORED = [Precision(), F1(average="macro"), BalancedAccuracy(), AUC(), AveragePrecision()]


@pytest.mark.parametrize("metric", [*SCORED, MatthewsCorrelation(), CalibrationError()], ids=repr)
def test_a_replica_is_the_net_alone(metric):
    parts = [draw(2, seed=seed) for seed in (1, 2, 3)]
    output, target = (torch.stack(side) for side in zip(*parts, strict=True))
    alone = [value(metric, *part) for part in parts]
    assert average_metric(metric, output, target, 1).tolist() == pytest.approx(alone, abs=1e-15)
    shared = average_metric(metric, output, target[:1], 1)[0]
    assert float(shared) == pytest.approx(alone[0], abs=1e-15)
    output[1, 5, 0] = torch.nan
    found = average_metric(metric, output, target, 1)
    assert found.isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("metric", [AUC(), AveragePrecision(), CalibrationError()], ids=repr)
def test_a_diverged_replica_does_not_make_scores_of_probabilities(metric):
    parts = [draw(3, seed=seed) for seed in (1, 2, 3)]
    output, target = (torch.stack(side) for side in zip(*parts, strict=True))
    output = output.softmax(-1)
    alone = [value(metric, output[k], target[k]) for k in range(3)]
    output[1] = torch.nan
    found = average_metric(metric, output, target, 1)
    assert found[::2].tolist() == pytest.approx(alone[::2], abs=1e-15)
    assert found[1].isnan()


SEVERAL = [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0]]


@pytest.mark.parametrize("row", SEVERAL, ids=str)
@pytest.mark.parametrize("metric", [Accuracy(), F1(average="macro"), CalibrationError()], ids=repr)
def test_targets_of_several_classes_are_refused(metric, row):
    output, target = draw(3, n=2)[0], torch.tensor([[0.0, 1.0, 0.0], row])
    with pytest.raises(ValueError, match="expected targets of one class a sample, got"):
        metric(output, target)


def test_an_even_share_of_two_classes_is_a_class():
    output, target = draw(2, n=2)[0], torch.tensor([[0.5, 0.5], [0.2, 0.8]])
    assert Accuracy()(output, target).shape == (2,)


@pytest.mark.parametrize("in_kernel", [False, True])
def test_a_trainer_measures_the_whole_set_not_batches(in_kernel):
    output, target = draw(2, n=90)
    data = Dataset(output.float(), target)
    net = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 2)).initialize(0)
    trainer = Trainer(
        net,
        nn.CrossEntropyLoss(),
        optim.SGD(net, lr=0.1),
        batch_size=20,
        metrics={"f1": F1(), "auc": AUC()},
        compile=in_kernel,
    )
    history = trainer.fit(data, data, epochs=2, progress=False)
    y = trainer.predict(data)
    assert history.last("test_f1") == pytest.approx(sk.f1_score(target, y.argmax(-1)), abs=1e-12)
    wanted = sk.roc_auc_score(target, (y[:, 1] - y[:, 0]).double())
    assert history.last("test_auc") == pytest.approx(wanted, abs=1e-9)
    assert 0 < history.last("train_f1") <= 1


def test_an_average_must_be_one():
    with pytest.raises(ValueError, match="F1: expected an average of binary, macro, weighted"):
        F1(average="micro")
    output, target = draw(3)
    with pytest.raises(ValueError, match="binary is of two classes, and there are 3"):
        value(Recall(), output, target)


def test_a_metric_that_mixes_replicas_is_refused():
    output, target = torch.zeros(3, 5, 2), torch.zeros(3, 5, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"one number a sample, \(3, 5\), or one over all.*\(3,\)"):
        average_metric(lambda o, t: o.mean(), output, target, 1)


IGNORING = [*SCORED, MatthewsCorrelation(), CalibrationError(), Accuracy(), ErrorRate()]


@pytest.mark.parametrize("head", [None, "a"])
@pytest.mark.parametrize("metric", IGNORING, ids=repr)
def test_samples_that_the_loss_ignores_do_not_count(metric, head):
    output, target = (torch.stack(s) for s in zip(draw(2, seed=1), draw(2, seed=2), strict=True))
    alone = [value(metric, output[k][k + 3 :], target[k][k + 3 :]) for k in range(2)]
    target[0, :3], target[1, :4] = -1, -1
    loss = nn.CrossEntropyLoss(ignore_index=-1)
    if head is not None:
        loss = nn.MultiLoss({head: nn.TargetLoss(loss, "a")})
        output, target = {head: output}, {head: target}
    bound = replace(metric, head=head).with_loss(loss)
    found = average_metric(bound, output, target, 1)
    assert found.tolist() == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize("in_kernel", [False, True])
@pytest.mark.parametrize("chunk", [30, epoch.CHUNK_NUMBERS])
def test_ignored_samples_do_not_count_in_a_training(monkeypatch, in_kernel, chunk):
    for module in (compiled, kernel_epochs, epoch):
        monkeypatch.setattr(module, "CHUNK_NUMBERS", chunk)
    output, target = draw(3, n=90)
    data = Dataset(output.float(), target)
    net = nn.Sequential(nn.Linear(3, 3)).replicate(2, [0, 1])
    trainer = Trainer(
        net,
        nn.CrossEntropyLoss(ignore_index=1),
        optim.SGD(net, lr=0.0),
        batch_size=20,
        metrics={"accuracy": Accuracy(), "f1": F1(average="macro")},
        compile=in_kernel,
    )
    history = trainer.fit(data, data, epochs=1, progress=False)
    decided, counted = trainer.predict(data).argmax(-1), target != 1
    pairs = [(target[counted], each[counted]) for each in decided]
    wanted = [sk.accuracy_score(*pair) for pair in pairs]
    f1 = [sk.f1_score(*pair, average="macro") for pair in pairs]
    for split in ("train", "test"):
        assert history[f"{split}_accuracy"][-1].tolist() == pytest.approx(wanted, abs=1e-12)
        assert history[f"{split}_f1"][-1].tolist() == pytest.approx(f1, abs=1e-12)


EVERY = [*SCORED, MatthewsCorrelation(), CalibrationError(), R2()]


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_no_samples_have_no_number(metric):
    target = torch.zeros(0, 2) if isinstance(metric, R2) else torch.zeros(0, dtype=torch.int64)
    assert np.isnan(value(metric, torch.zeros(0, 2), target))


def test_a_target_of_nan_has_no_r2():
    target = torch.tensor([[1.0], [torch.nan], [2.0]])
    assert np.isnan(value(R2(), torch.ones(3, 1), target))


HEADS = {"a": torch.zeros(3, 2), "b": torch.zeros(3, 2)}


@pytest.mark.parametrize("metric", [*EVERY, Accuracy(), Accuracy(head="c")], ids=repr)
def test_which_of_several_outputs_is_meant_has_to_be_said(metric):
    with pytest.raises(ValueError, match="outputs are of the heads a, b; expected one, or head="):
        value(metric, HEADS, HEADS)
    with pytest.raises(ValueError, match="the outputs are several; expected one"):
        value(metric, (HEADS["a"], HEADS["b"]), HEADS)


@pytest.mark.parametrize("metric", [Accuracy(head="a"), F1(head="a")], ids=repr)
def test_a_head_of_a_net_with_one_output_is_told(metric):
    with pytest.raises(ValueError, match="there is one output, and no head has a name"):
        value(metric, torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64))


def test_a_head_that_is_not_named_is_told_by_a_training():
    net = nn.Heads(a=nn.Linear(2, 2), b=nn.Linear(2, 2))
    loss = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.CrossEntropyLoss()})
    trainer = Trainer(net, loss, optim.SGD(net), metrics={"accuracy": Accuracy()})
    labels = torch.tensor([0, 1, 1])
    with pytest.raises(ValueError, match="outputs are of the heads a, b"):
        trainer.fit(Dataset(torch.rand(3, 2), {"a": labels, "b": labels}), epochs=1)


def test_a_class_below_0_is_refused():
    output, target = draw(3, n=3)[0], torch.tensor([0, -100, 2])
    with pytest.raises(ValueError, match=r"from 0 on, got -100: .* say ignore_index=-100"):
        value(BalancedAccuracy(), output, target)
