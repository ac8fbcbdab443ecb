"""A training whose steps are PyTorch's, beside ours."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim, zoo
from chainrule.data import Dataset, disk
from chainrule.interop import TorchTrainer
from chainrule.study import StudyError, run
from chainrule.train import Accuracy, Trainer
from tests.study.small import small

BOTH = {"ours": {}, "torch": {"trainer": "TorchTrainer"}}
RULES = [
    {"name": "SGD", "lr": 0.3, "momentum": 0.9, "weight_decay": 0.01},
    {"name": "Adam", "lr": 0.02},
    {"name": "Adagrad", "lr": 0.1},
    {"name": "RMSprop", "lr": 0.01},
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
@pytest.mark.parametrize("rounds", [1, 3])
def test_from_the_same_seeds_both_have_the_same_curves(rule, rounds):
    # Before a normalization a bias has no gradient but rounding, which adaptive rules blow up.
    norm = rule["name"] == "SGD"
    result = run(
        small(
            arms=BOTH,
            rounds=rounds,
            epochs=5,
            optimizer=rule,
            schedule={"name": "StepLR", "step_size": 2, "gamma": 0.5},
            net={"name": "plane_net", "hidden": 7, "norm": norm},
            precision="float64",
        )
    )
    for ours, theirs in zip(result.arm("ours").rows, result.arm("torch").rows, strict=True):
        assert ours.curves.keys() == theirs.curves.keys()
        for name, curve in ours.curves.items():
            assert theirs.curves[name] == pytest.approx(curve, abs=1e-10, rel=0), name
        assert theirs.metrics == pytest.approx(ours.metrics, abs=1e-10, rel=0)


def test_numbers_of_a_cohort_go_to_their_nets():
    rates = [0.001, 0.1]
    space = {"optimizer.lr": rates}
    result = run(small(arms=BOTH, precision="float64", space=space, search={"method": "grid"}))
    ours, theirs = (
        {row.setting["optimizer.lr"]: row.metrics["loss"] for row in result.rows if row.arm == arm}
        for arm in BOTH
    )
    assert theirs == pytest.approx(ours, abs=1e-10, rel=0)
    assert ours[rates[0]] != ours[rates[1]]


def trainer(net: nn.Module, lr: float = 0.1, **options) -> TorchTrainer:
    return TorchTrainer(
        net,
        nn.CrossEntropyLoss(),
        optim.SGD(net, lr=lr),
        metrics={"accuracy": Accuracy()},
        **options,
    )


def test_what_pytorch_learned_is_in_the_net():
    net = zoo.plane_net(5).replicate(2, [1, 2])
    before = [p.data.clone() for p in net.parameters()]
    own = trainer(net)
    own.fit(disk(50), epochs=2, progress=False)
    assert all(not torch.equal(b, p.data) for b, p in zip(before, net.parameters(), strict=True))
    x = disk(20, seed=1).inputs
    with torch.no_grad():
        assert torch.allclose(own.backend.nets[1].eval()(x), net.replica(1).eval()(x), atol=1e-6)


def test_a_net_that_diverges_is_noted_and_the_others_go_on():
    data = Dataset.stack([disk(40), disk(40, seed=1)])
    data.inputs[0, 3] = torch.inf
    own = trainer(zoo.plane_net(5).replicate(2, [1, 2]))
    history = own.fit(data, epochs=3, progress=False)
    assert [d.replica for d in history.diverged] == [0]
    assert history["train_loss"][:, 0].isnan().all()
    assert history["train_loss"][:, 1].isfinite().all()
    assert all(p.data.isfinite().all() for p in own.net.parameters())


def test_the_draws_of_dropout_depend_on_the_seed_alone():
    def losses(seed: int) -> list[float]:
        net = zoo.plane_net(9, dropout=0.5).initialize(3)
        own = trainer(net, seed=seed)
        state = torch.get_rng_state()
        history = own.fit(disk(60), epochs=2, progress=False)
        assert torch.equal(state, torch.get_rng_state())
        return history["train_loss"].tolist()

    assert losses(1) == losses(1) != losses(2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_norm": 1.0}, "has no clip_norm"),
        ({"augment": lambda x, seeds, step: x}, "has no augment"),
        ({"compile": True}, "has no compile"),
    ],
)
def test_what_the_plain_loop_does_not_do_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        trainer(zoo.plane_net(5), **options)


def test_a_schedule_by_step_is_refused():
    study = small(
        arms={"torch": {"trainer": "TorchTrainer"}},
        schedule={"name": "StepLR", "step_size": 2, "every": "step"},
    )
    with pytest.raises(StudyError, match=r"arm torch: .* every = 'epoch'"):
        run(study)


def test_a_loss_without_a_twin_is_refused():
    net = zoo.plane_net(5)
    with pytest.raises(ValueError, match=r"OneHotLoss has no twin in torch\.nn"):
        TorchTrainer(net, nn.OneHotLoss(nn.MSELoss()), optim.SGD(net))


def test_containers_are_trained_as_ours_are():
    def curve(kind):
        layers = [nn.Linear(2, 4), nn.Residual(nn.Tanh()), nn.Sum(nn.Linear(4, 2), nn.Linear(4, 2))]
        net = nn.Sequential(layers).initialize(0)
        own = kind(net, nn.CrossEntropyLoss(), optim.SGD(net, lr=0.1))
        return own.fit(disk(60), epochs=3, progress=False)["train_loss"]

    assert torch.allclose(curve(TorchTrainer), curve(Trainer), rtol=1e-5)


def test_several_outputs_are_refused():
    net = nn.Sequential(nn.LSTM(2, 2, batch_first=True), nn.Identity())
    own = TorchTrainer(net, nn.MSELoss(), optim.SGD(net))
    data = Dataset(torch.rand(4, 3, 2), torch.rand(4, 3, 2))
    with pytest.raises(ValueError, match=r"expected a net of one output, got a tuple"):
        own.fit(data, epochs=1, progress=False)


def test_it_says_that_it_cannot_be_saved(tmp_path):
    own = trainer(zoo.plane_net(5))
    for call in (own.save, own.load):
        with pytest.raises(ValueError, match="save the net"):
            call(tmp_path / "file")


def test_what_is_no_trainer_is_refused():
    with pytest.raises(StudyError, match="expected it to make a Trainer"):
        run(small(arms={"odd": {"trainer": "tests.interop.test_torch_backend:no_trainer"}}))


def no_trainer(*given, **options) -> int:
    return 3


def test_ours_is_the_trainer_unless_said():
    assert small().all_arms[0].recipe.trainer.name == Trainer.__name__
    assert "trainer" not in small().as_dict()
