"""The wall: package code computes with tensor operations alone, and needs few third parties."""

from __future__ import annotations

import ast
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import chainrule
from chainrule import nn, optim
from chainrule._util.pytree import tree_map
from chainrule.data import disk
from chainrule.optim import lr_scheduler
from chainrule.train import Accuracy, Trainer
from tests.nn.cases.basic import CASES as BASIC
from tests.nn.cases.sequences import CASES as SEQUENCES
from tests.nn.cases.spatial import CASES as SPATIAL

CASES = [*BASIC, *SEQUENCES, *SPATIAL]
SOURCE = Path(chainrule.__file__).parent
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
GATE = {f"interop/{name}.py" for name in ("torch", "torch_backend", "torch_modules")}

FORBIDDEN = ("torch.nn", "torch.autograd", "torch.func", "torch.optim", "torch.ops.aten")
TAPE = {"requires_grad", "requires_grad_", "enable_grad", "set_grad_enabled", "grad_fn", "autograd"}


def names_of(tree: ast.Module) -> dict[str, str]:
    """What the names that the file imports stand for: {"t": "torch", "gelu": "torch.nn.…"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                names[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """ "torch.nn.functional" of such an attribute chain; "" begins the chain of another value."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, names)}.{node.attr}"
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


def breaches(path: Path) -> list[str]:
    """line: name of each thing in a file that borrows a gradient."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names, found = names_of(tree), []
    for node in ast.walk(tree):
        used: list[str] = []
        if isinstance(node, ast.Import):
            used = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            used = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and not is_question(node):
            used = [dotted(node, names)]
        elif isinstance(node, ast.keyword):
            used = [f".{node.arg}"]
        for name in used:
            borrowed = any(f"{name}.".startswith(f"{prefix}.") for prefix in FORBIDDEN)
            last = name.rpartition(".")[2]
            kernel = isinstance(node, ast.Attribute) and "_backward" in last
            if borrowed or last in TAPE or (kernel and last != "_backward"):
                found.append(f"{node.lineno}: {name}")
    return found


def is_question(node: ast.Attribute) -> bool:
    """Whether a tensor is asked, and not told, if it wants a gradient."""
    return node.attr == "requires_grad" and isinstance(node.ctx, ast.Load)


def test_no_gradient_is_borrowed():
    found = {file: breaches(SOURCE / file) for file in FILES if file not in GATE}
    assert not {file: names for file, names in found.items() if names}


def test_the_files_are_found():
    assert {"nn/module.py", "train/trainer.py", "cli/commands/run.py", "study/plan/plan.py"} <= set(
        FILES
    )


@pytest.mark.parametrize(
    "line",
    [
        "import torch.nn",
        "import torch.nn.functional as F",
        "from torch import nn",
        "from torch import autograd as tape",
        "from torch.nn.functional import relu",
        "from torch.func import grad",
        "import torch.optim.sgd",
        "import torch as t\n\n\ndef f(x):\n    return t.nn.functional.relu(x)",
        "from torch import Tensor\n\n\ndef f(x: Tensor):\n    return x.requires_grad_()",
        "import torch\nx = torch.zeros(3, requires_grad=True)",
        "def f(x):\n    x.requires_grad = True",
        "import torch\nwith torch.enable_grad():\n    pass",
        "import torch\ny = torch.ops.aten.tanh_backward(1, 2)",
        "import torch\ny = torch.ops.aten.relu(1)",
        "import torch\ny = torch._softmax_backward_data(1, 2, 3, 4)",
        "y = (1 + x).grad_fn",
    ],
)
def test_a_planted_line_is_caught(line, tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(f'"""A module."""\n\n{line}\n', encoding="utf-8")
    assert breaches(path)


def test_words_in_strings_and_ones_own_backward_are_no_breach(tmp_path):
    path = tmp_path / "innocent.py"
    path.write_text(
        '"""Like torch.nn and torch.autograd."""\nimport torch\nfrom chainrule import nn, optim\n'
        "y = nn.Linear(2, 2)\ny.backward(torch.conv2d(x, w))\n",
        encoding="utf-8",
    )
    assert not breaches(path)


# what runs


class Recorder(TorchDispatchMode):
    """Writes down the name of every operation that torch carries out."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func._schema.name)
        return func(*args, **(kwargs or {}))

    def ready_made(self) -> list[str]:
        return sorted(name for name in self.names if "backward" in name)


def public(kind: type) -> set[type]:
    found = {value for value in vars(nn).values() if inspect.isclass(value)}
    return {c for c in found if issubclass(c, kind) and not inspect.isabstract(c)}


def test_every_layer_has_a_row_that_is_run():
    built = {type(module) for case in CASES for module in case.make().modules()}
    assert public(nn.Module) <= built


@pytest.mark.parametrize("K", [None, 2], ids=["plain", "cohort"])
def test_no_layer_runs_a_ready_made_backward(K):
    for case in CASES:
        net, x = case.make().to(torch.float64), case.x()
        if K is not None:
            net, x = net.replicate(K), tree_map(lambda t: torch.stack([t, t]), x)
        with Recorder() as record:
            y = net(x)
            net.backward(tree_map(torch.ones_like, y))
        assert record.names or "Identity" in case.name
        assert not record.ready_made(), case.name


LOSSES = {
    nn.MSELoss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.L1Loss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.SmoothL1Loss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.HuberLoss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.CrossEntropyLoss: (torch.rand(4, 3), torch.tensor([0, 1, 2, 1])),
    nn.NLLLoss: (torch.rand(4, 3).log(), torch.tensor([0, 1, 2, 1])),
    nn.BCELoss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.BCEWithLogitsLoss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.GaussianNLLLoss: ((torch.rand(4, 3), torch.rand(4, 3) + 1), torch.rand(4, 3)),
    nn.KLDivLoss: (torch.rand(4, 3).log(), torch.rand(4, 3)),
    nn.CTCLoss: (
        torch.rand(5, 4, 3).log_softmax(-1),
        torch.tensor([[1, 2], [1, 0], [2, 1], [2, 2]]),
    ),
    nn.PoissonNLLLoss: (torch.rand(4, 3), torch.rand(4, 3)),
    nn.HingeEmbeddingLoss: (torch.rand(4, 3), torch.ones(4, 3)),
    nn.SoftMarginLoss: (torch.rand(4, 3), -torch.ones(4, 3)),
    nn.MultiMarginLoss: (torch.rand(4, 3), torch.tensor([0, 1, 2, 1])),
    nn.MultiLabelSoftMarginLoss: (torch.rand(4, 3), torch.ones(4, 3)),
    nn.MarginRankingLoss: ((torch.rand(4), torch.rand(4)), torch.ones(4)),
    nn.CosineEmbeddingLoss: ((torch.rand(4, 3), torch.rand(4, 3)), torch.ones(4)),
    nn.TripletMarginLoss: ((torch.rand(4, 3), torch.rand(4, 3), torch.rand(4, 3)), torch.ones(4)),
}


def test_no_loss_runs_a_ready_made_backward():
    assert public(nn.Loss) == {
        *LOSSES,
        nn.MultiLoss,
        nn.OneHotLoss,
        nn.SampleWeightedLoss,
        nn.TargetLoss,
    }
    losses = {cls.__name__: cls() for cls in LOSSES}
    outputs = {cls.__name__: output for cls, (output, _) in LOSSES.items()}
    targets = {cls.__name__: target for cls, (_, target) in LOSSES.items()}
    criterion = nn.MultiLoss(losses)
    with Recorder() as record:
        criterion(outputs, targets)
        criterion.backward()
    assert record.names
    assert not record.ready_made()


@pytest.mark.parametrize("rule", ["SGD", "Adam", "Adadelta", "RMSprop"])
def test_a_training_runs_no_ready_made_backward(rule):
    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.2), nn.Linear(4, 2))
    optimizer = getattr(optim, rule)(net, lr=0.01)
    trainer = Trainer(
        net,
        nn.CrossEntropyLoss(),
        optimizer,
        scheduler=lr_scheduler.StepLR(optimizer, 1),
        clip_norm=1.0,
        metrics={"accuracy": Accuracy()},
    )
    with Recorder() as record:
        trainer.fit(disk(20), disk(20, 1), epochs=1, progress=False)
    assert record.names
    assert not record.ready_made()


def test_the_recorder_sees_what_autograd_runs():
    x = torch.rand(3, 2, requires_grad=True)
    with Recorder() as record:
        torch.nn.functional.softmax(x, 1).tanh().sum().backward()
    assert {"aten::_softmax_backward_data", "aten::tanh_backward"} <= set(record.ready_made())


# which way imports point

THIRD = {
    "_util": {"pydantic", "pydantic_core", "torch"},
    "errors": set(),
    "seeds": {"torch"},
    "nn": {"torch"},
    "optim": {"torch"},
    "data": {"numpy", "pooch", "pydantic_core", "torch"},
    "statistics": {"numpy", "scipy"},
    "serialization": {"pydantic", "safetensors", "torch"},
    "compiled": {"torch"},
    "zoo": set(),
    "train": {"mlflow", "pandas", "pydantic", "rich", "tensorboard", "torch"},
    "recipes": {"pydantic", "pydantic_core"},
    "estimators": {"pydantic", "pydantic_core", "torch"},
    "interop": {"onnx", "torch"},
    "sklearn": {"joblib", "numpy", "scipy", "sklearn", "torch"},
    "study": {
        *("numpy", "optuna", "pandas", "pydantic", "pydantic_core"),
        *("scipy", "sqlalchemy", "tomli_w", "torch"),
    },
    "report": {"jinja2", "matplotlib", "numpy", "pandas", "rich", "torch"},
    "cli": {"pandas", "pyarrow", "rich", "torch", "typer"},
    "web": {
        *("jinja2", "latex2mathml", "markdown_it", "mdit_py_plugins", "numpy", "pydantic"),
        *("starlette", "torch", "uvicorn"),
    },
    "__main__": set(),
}


def that_run(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below this one, but for what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield other
                yield from that_run(other)
        else:
            yield child
            yield from that_run(child)


def imports(path: Path, root: Path) -> set[str]:
    """Every module that a file imports when it runs, at any place in it: "chainrule.nn.init"."""
    package = ("chainrule", *path.relative_to(root).parts[:-1])
    found: set[str] = set()
    for node in that_run(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            home = ".".join((*above, *([node.module] if node.module else [])))
            found |= {f"{home}.{a.name}" for a in node.names} if home == "chainrule" else {home}
    return found


def graph(root: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Part → the other parts that it imports, and part → the third parties."""
    parts: dict[str, set[str]] = defaultdict(set)
    third: dict[str, set[str]] = defaultdict(set)
    for path in root.rglob("*.py"):
        part = path.relative_to(root).parts[0].removesuffix(".py")
        if part == "__init__":
            continue
        for name in imports(path, root):
            first, _, rest = name.partition(".")
            if first == "chainrule":
                parts[part].add(rest.partition(".")[0])
            elif first not in sys.stdlib_module_names:
                third[part].add(first)
        parts[part].discard(part)
    return parts, third


def test_each_part_needs_no_more_third_parties():
    _, third = graph(SOURCE)
    more = {part: names - THIRD.get(part, set()) for part, names in third.items()}
    assert not {part: names for part, names in more.items() if names}


def test_a_planted_import_is_seen(tmp_path):
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "planted.py").write_text(
        "def f():\n    from chainrule.train.history import History\n    from ..optim import SGD\n"
        "    import scipy.stats\n    from . import init\n    from .init import Zeros\n"
        "if TYPE_CHECKING:\n    from chainrule.study import Study\nelse:\n    import numpy\n",
        encoding="utf-8",
    )
    parts, third = graph(tmp_path)
    assert parts == {"nn": {"train", "optim"}}
    assert third == {"nn": {"numpy", "scipy"}}
