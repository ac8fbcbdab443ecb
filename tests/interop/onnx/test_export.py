"""Nets as files of ONNX: what another program computes of them is what we do."""

from __future__ import annotations

import inspect
import json

import pytest
import torch

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime

from chainrule import nn, zoo
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.interop.onnx import CONTAINERS, LAYERS, build_model, export
from tests.nn.cases import Case, odd
from tests.nn.cases.basic import CASES as BASIC
from tests.nn.cases.sequences import CASES as SEQUENCES
from tests.nn.cases.spatial import CASES as SPATIAL

CASES = [*BASIC, *SPATIAL, *SEQUENCES]
PAIR = (2, 14, 14)
ZOO = {
    "color_best": (3, 28, 28),
    "color_net": (3, 28, 28),
    "denoise_net": (1, 28, 28),
    "digit_net": (1, 28, 28),
    "disk_net": (2,),
    "gaussian_net": (9,),
    "modular_net": (2,),
    **dict.fromkeys([name for name in zoo.__all__ if name.startswith("pair_")], PAIR),
    "plane_net": (2,),
    "sequence_net": (7, 2),
    "sequential_net": (2,),
    "table_net": (9,),
}
del ZOO["pair_loss"], ZOO["pair_net"]
"""Net → the shape of its samples."""

NEEDED = {
    "gaussian_net": {"inputs": 9},
    "sequential_net": {"layers": [["Linear", 5], "ReLU", ["Dropout", 0.5]]},
    "table_net": {"inputs": 9},
}
"""Arguments that have no default."""


def run(model: onnx.ModelProto, x) -> dict[str, torch.Tensor]:
    """What onnxruntime computes: output → value."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    inputs = {f"input.{name}".rstrip("."): t.numpy() for name, t in named_leaves(x)}
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, inputs)
    return {name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)}


def to_single(x):
    return tree_map(lambda t: t.float() if t.is_floating_point() else t, x)


def check_agreement(net: nn.Module, model: onnx.ModelProto, x) -> None:
    with torch.no_grad():
        y = net.forward(x)[0]
    leaves = dict(named_leaves(y))
    if not isinstance(y, dict):
        leaves = {f"output.{name}".rstrip("."): t for name, t in leaves.items()}
    found = run(model, x)
    assert found.keys() == leaves.keys()
    for name, value in found.items():
        assert value.shape == leaves[name].shape
        assert torch.allclose(value, leaves[name], rtol=1e-5, atol=1e-5), name


def draw(module: nn.Module) -> nn.Module:
    """The module ready to predict, with numbers of its own where a new one has 0 and 1."""
    for i, (name, value) in enumerate(module.to(torch.float32).named_state()):
        if value.data.is_floating_point():
            drawn = odd(*value.data.shape, seed=i).float()
            value.data.copy_(drawn.abs() if "var" in name else drawn)
    return module.eval()


def resize(x, n: int):
    """A batch of another number of samples."""
    return tree_map(lambda t: torch.cat([t] * n)[: n + len(t) // 2], x)


def takes_any_number(net: nn.Module, x) -> bool:
    try:
        net.forward(resize(x, 3))
    except nn.LayerError:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_layer_is_what_it_is_here(case: Case):
    net, x = draw(case.make()), to_single(case.x())
    check_agreement(net, build_model(net, x, dynamic_batch=False), x)
    if takes_any_number(net, x):
        model = build_model(net, x)
        check_agreement(net, model, x)
        check_agreement(net, model, resize(x, 3))


def public_layers() -> set[type]:
    found = {value for value in vars(nn).values() if inspect.isclass(value)}
    return {c for c in found if issubclass(c, nn.Module) and not inspect.isabstract(c)}


def test_every_net_of_the_zoo_is_here():
    assert {*ZOO, "pair_net"} == {name for name in zoo.__all__ if not name.endswith("loss")}


def test_every_layer_has_a_rule():
    assert public_layers() == {*LAYERS, *CONTAINERS}


def test_the_zoo_is_what_it_is_here():
    for name, shape in ZOO.items():
        net = getattr(zoo, name)(**NEEDED.get(name, {}))
        for i, module in enumerate(net.initialize(0).eval().modules()):
            for _, buffer in module.local_buffers():
                if buffer.data.is_floating_point():
                    buffer.data.copy_(odd(*buffer.data.shape, seed=i).abs())
        x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
        if name == "modular_net":  # whole numbers
            x = x.abs().long()
        check_agreement(net, build_model(net, x[:1]), x)


def test_tied_and_shared_parameters_are_there_once_under_the_names_of_the_net():
    shared = nn.Linear(3, 3)
    net = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(3, 3)).initialize(0)
    net[3].weight = net[0].weight
    model = build_model(net, torch.zeros(1, 3))
    names = [constant.name for constant in model.graph.initializer]
    assert names == ["0.weight", "0.bias", "3.bias"]
    check_agreement(net, model, odd(4, 3).float())


def test_heads_within_heads_and_the_input_itself_are_named():
    deep = nn.Heads(a=nn.Linear(3, 2), b=nn.Heads(c=nn.Tanh(), d=nn.Identity()))
    model = build_model(deep.initialize(0), torch.zeros(2, 3))
    assert {output.name for output in model.graph.output} == {"a", "b.c", "b.d"}
    check_agreement(deep, model, odd(4, 3).float())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_it_computes_in_float32_and_leaves_the_net_as_it_is(dtype):
    net = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).initialize(0).to(dtype)
    model = build_model(net, torch.zeros(1, 3, dtype=dtype))
    assert net.training
    assert net[0].weight.data.dtype == dtype
    check_agreement(net.to(torch.float32).eval(), model, odd(4, 3).float())


def test_what_goes_along_is_in_the_file(tmp_path):
    path = tmp_path / "net.onnx"
    about = {"study": "pairs", "seed": 3, "classes": ["no", "yes"]}
    export(nn.Linear(3, 2), path, torch.zeros(1, 3), metadata=about)
    model = onnx.load(path)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    assert kept == {"study": "pairs", "seed": "3", "classes": json.dumps(["no", "yes"])}
    assert model.producer_name == "chainrule"


class Cube(nn.Module):
    """y = x³"""

    def forward(self, x):
        return x**3, lambda g: 3 * x * x * g


def add_cube(graph, layer, x, shape):
    return graph.node("Mul", x.name, graph.node("Mul", x.name, x.name))


def test_a_layer_of_ones_own_needs_a_rule_and_may_have_one(monkeypatch):
    net = nn.Sequential(Cube())
    with pytest.raises(ValueError, match=r"Cube\(\) has no rule for ONNX.*LAYERS: Cube →"):
        build_model(net, torch.zeros(2, 3))
    monkeypatch.setitem(LAYERS, Cube, add_cube)
    check_agreement(net, build_model(net, torch.zeros(2, 3)), odd(4, 3).float())


@pytest.mark.parametrize(
    ("net", "example", "error", "message"),
    [
        (nn.Linear(3, 2).replicate(2), torch.zeros(1, 3), ValueError, r"net\.replica\(k\)"),
        (nn.Linear(3, 2), torch.zeros(1, 4), nn.LayerError, "expected input .*3"),
        (nn.Linear(3, 2), None, TypeError, "example: expected a tensor"),
        (nn.Linear(3, 2), [3], TypeError, "example: expected a tensor"),
        (torch.nn.Linear(3, 2), torch.zeros(1, 3), TypeError, "from_torch|chainrule.nn"),
        (nn.Unflatten(0, (-1, 2)), torch.zeros(4, 3), nn.LayerError, "expected dimension 0"),
    ],
    ids=["cohort", "shape", "none", "list", "torch", "batch"],
)
def test_what_cannot_be_exported_is_told(net, example, error, message):
    with pytest.raises(error, match=message):
        build_model(net, example)


def test_an_error_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "net.onnx"
    export(nn.Linear(3, 2), path, torch.zeros(1, 3))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="has no rule"):
        export(Cube(), path, torch.zeros(1, 3))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [nn.MultiheadAttention, nn.TransformerEncoderLayer])
def test_padding_is_an_input(make):
    layer = draw(make(4, 2, batch_first=True))
    mask = torch.tensor([[False, False, True], [False, True, True]])
    x = odd(2, 3, 4).float()
    given = (x, x, x, mask) if make is nn.MultiheadAttention else (x, mask)
    check_agreement(layer, build_model(layer, given), given)
