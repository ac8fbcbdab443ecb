"""CTCLoss: what is special to it; tests/nn/test_loss.py has what all losses have to keep."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn as tnn

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.nn import LayerError
from chainrule.train import Trainer
from tests.nn.cases import odd

T, N, C, S = 7, 3, 5, 4
LOGS = odd(T, N, C).log_softmax(-1)
WORDS = torch.tensor([[1, 2, 2, 4], [3, 3, 3, 3], [4, 1, 2, 3]])
INPUTS, LENGTHS = torch.tensor([7, 5, 4]), torch.tensor([4, 2, 0])
FLAT = torch.tensor([1, 2, 2, 4, 3, 3])


def through_logits(loss, x, *given):
    """Value and gradient of the logits, by our rules."""
    layer = nn.LogSoftmax(-1)
    value = loss(layer(x), *given)
    return value, layer.backward(loss.backward(torch.ones_like(value)))


def through_torch(loss, x, *given):
    leaf = x.clone().requires_grad_()
    value = loss(leaf.log_softmax(-1), *given)
    return value.detach(), torch.autograd.grad(value, leaf, torch.ones_like(value))[0]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("words", [WORDS, FLAT], ids=["padded", "one after the other"])
def test_lengths_are_taken_as_torch_takes_them(reduction, words):
    ours, theirs = nn.CTCLoss(reduction=reduction), tnn.CTCLoss(reduction=reduction)
    x = odd(T, N, C)
    for inputs, lengths in ((INPUTS, LENGTHS), (INPUTS.tolist(), tuple(LENGTHS.tolist()))):
        found = through_logits(ours, x, words, inputs, lengths)
        expected = through_torch(theirs, x, words, inputs, lengths)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_it_is_the_sum_over_all_paths():
    """Every way to read one class a step, blanks and repetitions taken out."""
    o = LOGS[:4, 0, :3]
    for word in ([1], [1, 2], [2, 2], []):
        total = torch.zeros((), dtype=torch.float64)
        for path in itertools.product(range(3), repeat=4):
            read = [c for c, _ in itertools.groupby(path) if c]
            if read == word:
                total += sum(o[t, c] for t, c in enumerate(path)).exp()
        target = torch.tensor(word, dtype=torch.long)
        value = nn.CTCLoss(reduction="sum")(o, target)
        torch.testing.assert_close(value, -total.log(), rtol=1e-12, atol=1e-12)


def test_what_no_path_reads_is_infinite_or_counts_nothing():
    o, word = LOGS[:3, :2], torch.tensor([[1, 1], [1, 2]])  # two equal labels need a blank between
    assert nn.CTCLoss(reduction="none")(o[:2], word).tolist()[0] == float("inf")
    loss = nn.CTCLoss(reduction="none", zero_infinity=True)
    value = loss(o[:2], word)
    gradient = loss.backward(torch.ones_like(value))
    assert value[0] == 0
    assert value[1] > 0
    assert not gradient[:, 0].any()
    assert gradient[:, 1].isfinite().all()
    assert gradient[:, 1].any()


def test_steps_past_the_end_of_a_sample_do_not_count():
    loss = nn.CTCLoss()
    value = loss(LOGS, (WORDS, INPUTS, LENGTHS))
    gradient = loss.backward()
    changed = LOGS.clone()
    changed[5:, 1], changed[4:, 2] = -9.0, -9.0
    assert loss(changed, (WORDS, INPUTS, LENGTHS)) == value
    assert not gradient[5:, 1].any()
    assert not gradient[4:, 2].any()


@pytest.mark.parametrize("shared", [False, True])
def test_a_replica_has_lengths_of_its_own(shared):
    o = torch.stack([LOGS, LOGS.flip(1)])
    words = torch.stack([WORDS, WORDS.flip(0)])
    inputs, lengths = torch.stack([INPUTS, INPUTS.flip(0)]), torch.stack([LENGTHS, LENGTHS + 0])
    if shared:
        words, inputs, lengths = words[:1], inputs[:1], LENGTHS.tolist()
    cohort = nn.CTCLoss(reduction="sum").replicate(2)
    value = cohort(o, words, inputs, lengths)
    gradient = cohort.backward()
    for k in range(2):
        i = 0 if shared else k
        alone = nn.CTCLoss(reduction="sum")
        assert alone(o[k], words[i], inputs[i], LENGTHS) == value[k]
        assert torch.equal(alone.backward(), gradient[k])


def test_samples_may_be_first():
    loss, first = nn.CTCLoss(), nn.CTCLoss(batch_first=True)
    value, other = loss(LOGS, WORDS), first(LOGS.transpose(0, 1), WORDS)
    assert value == other
    assert torch.equal(first.backward().transpose(0, 1), loss.backward())
    assert first.batch_weight(LOGS.transpose(0, 1), WORDS) == loss.batch_weight(LOGS, WORDS) == N


def test_no_samples_have_no_mean():
    empty, none = LOGS[:, :0], WORDS[:0]
    assert nn.CTCLoss()(empty, none).isnan()
    assert nn.CTCLoss(reduction="sum")(empty, none) == 0
    assert nn.CTCLoss(reduction="none")(empty, none).shape == (0,)


def test_where_nothing_is_heard_only_nothing_is_right():
    inputs, lengths = [0, 0, 7], [0, 2, 0]
    value = nn.CTCLoss(reduction="none")(LOGS, WORDS, inputs, lengths)
    assert value[:2].tolist() == [0, float("inf")]
    torch.testing.assert_close(value[2], -LOGS[:, 2, 0].sum())
    loss = nn.CTCLoss(reduction="sum", zero_infinity=True)
    loss(LOGS, WORDS, inputs, lengths)
    assert not loss.backward()[:, :2].any()


@pytest.mark.slow
def test_a_net_learns_to_spell():
    draw = torch.Generator().manual_seed(0)
    words = torch.randint(1, 4, (60, 3), generator=draw)
    x = nn.Embedding(4, 5).initialize(1)(words).repeat_interleave(3, 1)
    net = nn.Sequential(
        nn.GRU(5, 16, batch_first=True, bidirectional=True),
        nn.Item(0),
        nn.Linear(32, 4),
        nn.LogSoftmax(-1),
    ).initialize(0)
    trainer = Trainer(net, nn.CTCLoss(batch_first=True), optim.Adam(net, lr=0.02), batch_size=20)
    losses = trainer.fit(Dataset(x, words), epochs=25, progress=False)["train_loss"]
    assert losses[-1] < 0.1 * losses[0]
    heard = trainer.net(x).argmax(-1)
    read = [[c for c, _ in itertools.groupby(row) if c] for row in heard.tolist()]
    plain = [[c for c, _ in itertools.groupby(row)] for row in words.tolist()]
    right = sum(a in (b, c) for a, b, c in zip(read, words.tolist(), plain, strict=True))
    assert right > 50


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (WORDS.int(), r"expected classes of torch.int64 on cpu, got torch.int32"),
        (WORDS[:2], r"expected target classes \(3, 4\), got \(2, 4\)"),
        (WORDS + 1, r"expected classes from 0 to 4 that are not blank \(0\), got 5"),
        ((WORDS, INPUTS), r"expected classes, or \(targets, input_lengths, target_lengths\)"),
        ((WORDS, INPUTS + 1, LENGTHS), r"expected input_lengths from 0 to 7, got 8"),
        ((WORDS, INPUTS, LENGTHS - 1), r"expected target_lengths from 0 to 4, got -1"),
        ((WORDS, INPUTS, LENGTHS + 1), r"expected target_lengths from 0 to 4, got 5"),
        ((WORDS, INPUTS, [1, 2]), r"expected target_lengths \(3,\) of whole numbers, got \(2,\)"),
        ((WORDS, INPUTS.double(), LENGTHS), r"expected input_lengths \(3,\) of whole numbers"),
        ((FLAT, INPUTS, [1, 2, 2]), r"add up to the 6 targets, got 5"),
        ((0 * WORDS, INPUTS, LENGTHS), r"that are not blank \(0\), got 0"),
        (None, r"expected target classes \(3,\), got None"),
    ],
)
def test_what_does_not_fit_is_said(given, message):
    with pytest.raises(LayerError, match=message):
        nn.CTCLoss()(LOGS, given)


@pytest.mark.parametrize(
    ("loss", "output", "message"),
    [
        (nn.CTCLoss(blank=5), LOGS, r"at least one step of 6 or more classes, the blank is 5; got"),
        (nn.CTCLoss(blank=-1), LOGS, r"the blank is -1; got"),
        (nn.CTCLoss(), LOGS[:0], r"expected at least one step, got \(0, 3, 5\)"),
        (nn.CTCLoss(), LOGS[0, 0], r"expected output \(T, N, C\), got \(5,\)"),
        (nn.CTCLoss(), LOGS[None], r"got \(1, 7, 3, 5\)"),
    ],
)
def test_outputs_that_do_not_fit_are_said(loss, output, message):
    with pytest.raises(LayerError, match=message):
        loss(output, WORDS)
