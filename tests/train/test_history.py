"""The curves of a fit: added epoch by epoch, read by name, as a table."""

from __future__ import annotations

import sys

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import disk
from chainrule.train import Divergence, History, Trainer


def history(replicas: int | None, *losses) -> History:
    made = History(replicas)
    for loss in losses:
        made.add({"train_loss": torch.tensor(loss), "test_loss": 2 * torch.tensor(loss)})
    return made


def test_epochs_are_stacked():
    made = history(2, [3.0, 4.0], [1.0, 2.0])
    assert made["train_loss"].tolist() == [[3, 4], [1, 2]]
    assert made.epochs == 2


def test_of_a_plain_net_there_is_one_number_an_epoch():
    made = history(None, 3.0, 1.0)
    assert made["train_loss"].tolist() == [3, 1]
    assert made.last("train_loss").dim() == 0


def test_the_last_value():
    assert history(2, [3.0, 4.0], [1.0, 2.0]).last("test_loss").tolist() == [2, 4]


def test_curves_are_kept_in_float64():
    assert history(2, [3.0, 4.0])["train_loss"].dtype == torch.float64


def test_what_is_added_is_copied_off_its_source():
    loss, made = torch.tensor([3.0], dtype=torch.float64), History(1)
    made.add({"train_loss": loss})
    made.add({"train_loss": loss})
    loss.zero_()
    assert made["train_loss"].tolist() == [[3], [3]]


def test_before_the_first_epoch():
    made = History(3)
    assert made.epochs == 0
    with pytest.raises(KeyError, match="no curve 'train_loss'; there are: none yet"):
        made["train_loss"]


def test_an_unknown_curve_lists_those_that_there_are():
    with pytest.raises(KeyError, match=r"no curve 'loss'; .*there are: train_loss, test_loss"):
        history(None, 1.0).last("loss")


@pytest.mark.parametrize(
    ("replicas", "kind"), [(None, "plain net"), (1, "1 replica"), (3, "3 replicas")]
)
def test_it_shows_its_size_and_its_curves(replicas, kind):
    loss = 1.0 if replicas is None else [1.0] * replicas
    expected = f"History(1 epoch, {kind}: train_loss, test_loss)"
    assert repr(history(replicas, loss)) == expected


def test_a_divergence_can_be_read():
    shown = str(Divergence(2, 3, 7, "the loss MSELoss()"))
    assert shown == "replica 2 diverged in epoch 3, step 7: the loss MSELoss()"


# as a table


def test_a_row_an_epoch_and_replica():
    frame = history(2, [3.0, 4.0], [1.0, 2.0]).to_pandas()
    assert list(frame.columns) == ["epoch", "replica", "train_loss", "test_loss"]
    assert frame["epoch"].tolist() == [1, 1, 2, 2]
    assert frame["replica"].tolist() == [0, 1, 0, 1]
    assert frame["train_loss"].tolist() == [3, 4, 1, 2]


def test_a_plain_net_is_replica_0():
    frame = history(None, 3.0, 1.0).to_pandas()
    assert frame["replica"].tolist() == [0, 0]
    assert frame["test_loss"].tolist() == [6, 2]


def test_a_diverged_replica_is_nan():
    frame = history(2, [3.0, float("nan")]).to_pandas()
    assert frame["train_loss"].isna().tolist() == [False, True]


def test_an_empty_history_is_an_empty_table():
    assert len(History(2).to_pandas()) == 0


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[pandas\]'"):
        history(None, 1.0).to_pandas()


def test_a_curve_that_begins_later_has_nan_before():
    net, data = nn.Linear(2, 2), disk(20)
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net, lr=0.1))
    trainer.fit(data, epochs=1)
    frame = trainer.fit(data, data, epochs=3).to_pandas()
    assert frame["test_loss"].isna().tolist() == [True, False, False]


def test_the_cost_of_an_epoch_does_not_grow(monkeypatch):
    # Rows of curves that are made anew, over many epochs: each row twice at most, not every epoch.
    made, full = [], torch.full

    def count(size, *args, **options):
        made.append(size[0])
        return full(size, *args, **options)

    monkeypatch.setattr(torch, "full", count)
    curve = History()
    for _ in range(10_000):
        curve.add({"loss": torch.tensor(1.0)})
        curve.mark()
    assert sum(made) < 4 * 10_000


def test_going_back_forgets_what_was_added_since():
    one = history(2, [3.0, 4.0])
    mark, before = one.mark(), one["train_loss"]
    one.add({"train_loss": torch.tensor([1.0, 2.0]), "other": torch.tensor([5.0, 5.0])})
    one.stopped[1] = 2
    one.rollback(mark)
    assert (one.epochs, one.stopped, list(one.curves)) == (1, {}, ["train_loss", "test_loss"])
    one.add({"train_loss": torch.tensor([7.0, 8.0])})
    assert one["train_loss"].tolist() == [[3, 4], [7, 8]]
    assert one["test_loss"][1].isnan().all()
    assert before.tolist() == [[3, 4]]
