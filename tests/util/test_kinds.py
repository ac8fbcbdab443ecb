"""Something else than an object of the package: the error says what, where, and what to write."""

from __future__ import annotations

import pytest
import torch

import chainrule
from chainrule import gradcheck, nn, optim
from chainrule.data import disk
from chainrule.optim import lr_scheduler
from chainrule.train import Accuracy, EarlyStopping, Trainer, fit, train


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)).initialize(0)


class OfTorch(torch.nn.Module):
    pass


class InLists(nn.Module):
    """Its layers stand in ``held``, which nothing looks into."""

    def __init__(self, held):
        self.held = held

    def forward(self, x):
        return x, lambda g: g


MODULES = {
    "a class": (nn.ReLU, r"the class ReLU; write an object of it: ReLU\(…\)"),
    "of torch": (torch.nn.ReLU(), "torch's ReLU; take chainrule.nn.ReLU"),
    "a class of torch": (torch.nn.ReLU, "the class torch's ReLU; take chainrule.nn.ReLU"),
    "own, of torch": (OfTorch(), "OfTorch, a subclass of torch's Module; .*subclass of Module"),
    "a function": (torch.relu, "the function relu; one of .* forward returns the output and its"),
    "a name": ("relu", r"'relu'; write ReLU\(…\)"),
    "a near name": ("ReLu6x", r"'ReLu6x'; did you mean 'ReLU6'\?"),
    "a loss": (nn.MSELoss(), "a MSELoss; one of your own is a subclass of Module"),
    "None": (None, "None; one of your own"),
}
PLACES = {
    "Sequential": nn.Sequential,
    "Residual: module": nn.Residual,
    "Siamese: module": nn.Siamese,
    "Heads": lambda m: nn.Heads(main=m),
    "gradcheck": lambda m: gradcheck(m, torch.ones(2, 2)),
    "net": lambda m: nn.output_shape(m, (2, 2)),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("given", "got"), MODULES.values(), ids=MODULES)
def test_no_module(given, got, place):
    if isinstance(given, nn.Loss):  # gradcheck takes losses
        place = place.replace("gradcheck", "net")
    with pytest.raises(TypeError, match=f"^{place}: expected a chainrule.nn.Module, got {got}"):
        PLACES[place](given)


def test_a_setting_of_a_layer_in_a_container_too():
    with pytest.raises(TypeError, match=r"Sequential: expected a chainrule.nn.Module"):
        net()[0] = nn.Tanh


def make_trainer(**changed):
    parts = {"net": net(), "criterion": nn.MSELoss()} | changed
    given = parts.get("optimizer", None) or optim.SGD(net())
    return Trainer(**{**parts, "optimizer": given})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"net": torch.nn.Linear(2, 2)}, "net: .* torch's Linear; take chainrule.nn.Linear"),
        ({"net": nn.Linear}, r"net: .* the class Linear; write an object of it: Linear\(…\)"),
        ({"criterion": torch.nn.MSELoss()}, "criterion: .*take chainrule.nn.MSELoss"),
        (
            {"criterion": nn.MSELoss},
            r"criterion: .*chainrule.nn.Loss, got the class MSE",
        ),
        ({"criterion": "mse_loss"}, r"criterion: .*'mse_loss'; write MSELoss\(…\)"),
        ({"criterion": optim.SGD(net())}, "criterion: .*got a SGD; one of your own is a subclass"),
        ({"criterion": torch.nn.functional.mse_loss}, "criterion: .*the function mse_loss"),
        ({"optimizer": optim.SGD}, "optimizer: expected a chainrule.optim.Optimizer, .*class SGD"),
        (
            {"optimizer": torch.optim.Adam([torch.zeros(1)])},
            "optimizer: .*torch's Adam; take chainrule.optim.Adam",
        ),
        (
            {"scheduler": torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.zeros(1)]), 3)},
            "scheduler: .*take chainrule.optim.lr_scheduler.StepLR",
        ),
        ({"scheduler": lr_scheduler.StepLR}, "scheduler: .*the class StepLR"),
        (
            {"metrics": ["accuracy"]},
            r"metrics: expected a dict .*got a list; write metrics=\{'accuracy': Accuracy\(\)\}",
        ),
        ({"metrics": "accuracy"}, r"got 'accuracy'; write metrics=\{'accuracy': Accuracy\(\)\}"),
        ({"metrics": [Accuracy()]}, r"write metrics=\{'accuracy': Accuracy\(\)\}"),
        ({"metrics": Accuracy()}, r"an Accuracy; write metrics=\{'accuracy': Accuracy\(\)\}"),
        ({"metrics": {"acc": Accuracy}}, r"metrics\['acc'\]: .*class Accuracy; write Accuracy\(\)"),
        ({"metrics": {"e": "error_rate"}}, r"metrics\['e'\]: .*'error_rate'; write ErrorRate\(\)"),
        (
            {"callbacks": EarlyStopping(patience=3)},
            "callbacks: expected a list, got an EarlyStopping",
        ),
        ({"callbacks": [EarlyStopping]}, "callbacks: .*the class EarlyStopping; write"),
        ({"callbacks": [print]}, "callbacks: .*the function print; one of your own is a subclass"),
    ],
)
def test_no_part_of_a_training(changed, message):
    with pytest.raises(TypeError, match=message):
        make_trainer(**changed)


def test_fit_and_train_say_it_too():
    data = disk(10, seed=0)
    with pytest.raises(TypeError, match=r"criterion: .*take chainrule.nn.MSELoss"):
        fit(net(), data, criterion=torch.nn.MSELoss(), optimizer=optim.SGD(net()), epochs=1)
    with pytest.raises(TypeError, match=r"model: .*torch's Linear"):
        train(torch.nn.Linear(2, 2), data)
    with pytest.raises(TypeError, match=r"optimizer: expected a class .*the class torch's SGD"):
        train(net(), data, optimizer=torch.optim.SGD)
    with pytest.raises(TypeError, match=r"optimizer: expected a class .*got a SGD"):
        train(net(), data, optimizer=optim.SGD(net()))


@pytest.mark.parametrize(
    ("params", "got"),
    [
        (torch.nn.Sequential(torch.nn.Linear(2, 2)), "torch's Sequential"),
        (torch.nn.Linear(2, 2).parameters(), "torch's Parameter"),
        ([torch.zeros(2)], "a Tensor"),
        (nn.Linear, "the class Linear"),
        ([nn.Linear(2, 2)], "a Linear"),
    ],
)
def test_no_parameters(params, got):
    with pytest.raises(TypeError, match=rf"params: expected .*chainrule.nn.*, got {got}"):
        optim.SGD(params)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.OneHotLoss(nn.MSELoss), "OneHotLoss: .*class MSELoss; write an object"),
        (lambda: nn.MultiLoss({"a": torch.nn.MSELoss()}), r"MultiLoss\['a'\]: .*chainrule.nn.MSE"),
        (lambda: nn.MultiLoss([nn.MSELoss()]), "MultiLoss: expected a dict of names .*got a list"),
        (lambda: gradcheck(nn.MSELoss(), torch.ones(2)), "MSELoss.* an output and a target"),
        (lambda: chainrule.save(torch.nn.Linear(2, 2), "net"), "net: .*torch's Linear"),
    ],
)
def test_no_loss_and_no_net(build, message):
    with pytest.raises(TypeError, match=message):
        build()


# what stands where nothing looks

HELD = {
    "a list": (lambda: [nn.Linear(2, 2)], r"a list with Linear\(2, 2\)"),
    "a tuple": (lambda: (nn.Linear(2, 2),), "a tuple with Linear"),
    "a dict": (lambda: {"first": nn.Linear(2, 2)}, "a dict with Linear"),
    "a list of lists": (lambda: [[nn.Linear(2, 2)]], "a list with Linear"),
    "parameters": (lambda: [nn.Parameter(torch.ones(2))], r"a list with Parameter\(\(2,\)"),
    "torch's": (lambda: torch.nn.Linear(2, 2), "torch's Linear has no chain rule here: take"),
    "torch's list": (
        lambda: torch.nn.ModuleList([torch.nn.ReLU()]),
        "torch's ModuleList has no chain rule here",
    ),
    "a tensor": (lambda: torch.ones(2, requires_grad=True), "a tensor would not be trained: exp"),
    "tensors": (lambda: [torch.ones(2, requires_grad=True)], "a tensor would not be trained"),
    "torch's parameter": (lambda: torch.nn.Parameter(torch.ones(2)), "torch's Parameter has no"),
}
MEETINGS = {
    "initialize": lambda module: module.initialize(0),
    "replicate": lambda module: module.replicate(2),
    "optimizer": lambda module: optim.SGD(module),
    "group": lambda module: optim.SGD([{"params": module}]),
    "gradcheck": lambda module: gradcheck(module, torch.ones(2, 2)),
}


@pytest.mark.parametrize("meet", MEETINGS.values(), ids=MEETINGS)
@pytest.mark.parametrize(("held", "message"), HELD.values(), ids=HELD)
def test_what_nothing_would_find(held, message, meet):
    with pytest.raises(TypeError, match=rf"^0 InLists.held: {message}"):
        meet(nn.Sequential(InLists(held()), nn.Linear(2, 2)))


def test_a_list_of_what_is_found_elsewhere_is_fine():
    module = InLists([])
    module.first = nn.Linear(2, 2)
    module.held = [module.first, module.first.weight, 3, "relu"]
    assert len(optim.SGD(module.initialize(0)).param_groups[0]["params"]) == 2


def test_a_tensor_that_nobody_learns_is_said_once(capfd):
    module = InLists(torch.ones(3))
    for _ in range(2):
        module.initialize(0)
    err = capfd.readouterr().err
    assert err.count("InLists.held: a tensor is neither trained nor saved: write nn.Param") == 1


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("_mask", torch.ones(3)),
        ("index", torch.arange(3)),
        ("scale", torch.tensor(3.0)),
        ("weight", nn.Parameter(torch.ones(3))),
        ("mask", nn.Buffer(torch.ones(3))),
    ],
)
def test_of_other_attributes_nothing_is_said(name, held, capfd):
    module = InLists([])
    setattr(module, name, held)
    module.initialize(0)
    assert capfd.readouterr().err == ""


def test_a_constant_of_a_cohort_stays_whole():
    module = InLists(torch.tensor([3.0, 5.0, 7.0]))
    module._table = torch.ones(3, 2)
    cohort = module.replicate(2)
    assert cohort.replica(1).held.tolist() == [3.0, 5.0, 7.0]
    cohort.keep_replicas(torch.tensor([1]))
    assert cohort.held.tolist() == [3.0, 5.0, 7.0]
    assert cohort._table.shape == (3, 2)
