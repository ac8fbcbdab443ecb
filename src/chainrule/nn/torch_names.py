"""Names that PyTorch's modules and parameters have and those here have not: what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

__all__ = ["TorchNames"]

MOVE = "net.to(device), net.to(dtype)"
HELD = "self.name = nn.Parameter(tensor), nn.Buffer(tensor) or a module: attributes are found"
FROZEN = (
    "what an optimizer is given is learned, all else stays as it is: "
    "optim.SGD(net.head, lr=0.1), or a list of parameters; in a study, freeze"
)
LOOKED_AT = "layers are looked at with chainrule.nn.inspect, gradients are in parameter.grad"

WAYS = {
    **dict.fromkeys(("cuda", "cpu", "half", "float", "double", "bfloat16", "type"), MOVE),
    **dict.fromkeys(("register_buffer", "register_parameter", "add_module"), HELD),
    **dict.fromkeys(("requires_grad_", "requires_grad", "is_leaf"), FROZEN),
    **dict.fromkeys(("register_forward_hook", "register_full_backward_hook"), LOOKED_AT),
    **dict.fromkeys(("buffers", "named_buffers"), "net.named_state() has parameters and buffers"),
    "apply": "for module in net.modules(): …, or net.initialize(seed, init)",
    "get_parameter": "dict(net.named_parameters())[path]",
    "get_submodule": "dict(net.named_modules())[path]",
    "compile": "chainrule.train.Trainer(net, …) trains in the kernel where it can",
}
"""PyTorch's name → what does it here."""


class TorchNames:
    """Says of a name of PyTorch's, where there is none, what to write; AttributeError all the same.

    A gradient that is to be switched off is refused, as it would go on in silence.
    """

    if not TYPE_CHECKING:  # else every attribute would be right

        def __getattr__(self, name: str) -> NoReturn:
            kind = type(self).__name__
            way = WAYS.get(name) or self._say_where(name)
            problem = f"{kind!r} object has no attribute {name!r}{way and f': {way}'}"
            raise AttributeError(problem, name=name, obj=self)

    def _say_where(self, name: str) -> str:
        """What to write for another name of PyTorch's; "" where nothing is known."""
        return ""

    @property
    def requires_grad(self) -> bool:
        """There is none: see what is said where it is set."""
        raise AttributeError

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        raise AttributeError(f"{type(self).__name__}.requires_grad: {FROZEN}")
