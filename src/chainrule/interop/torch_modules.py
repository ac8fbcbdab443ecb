"""Modules of PyTorch for what ``chainrule.nn`` has and ``torch.nn`` has not.

``TorchResidual`` is what ``chainrule.nn.Residual`` is: it takes the same arguments and keeps them,
its parameters and modules have the same names, and it computes the same, with autograd in the place
of the chain rule. Where torch.nn has the class but takes several tensors one by one, that here
takes a tuple too, as what stands before it in a Sequential gives one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "TorchBilinear",
    "TorchConcat",
    "TorchExp",
    "TorchGRU",
    "TorchGRUCell",
    "TorchHardsigmoid",
    "TorchHeads",
    "TorchItem",
    "TorchLSTM",
    "TorchLSTMCell",
    "TorchLessEqualProbability",
    "TorchMaxout",
    "TorchMultiheadAttention",
    "TorchParallel",
    "TorchPositionalEncoding",
    "TorchRNN",
    "TorchRNNCell",
    "TorchResidual",
    "TorchSelect",
    "TorchSiamese",
    "TorchSum",
    "TorchTransformerEncoderLayer",
    "TorchUnbind",
]


class Branches(nn.ModuleList):
    """Modules side by side, numbered."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(layers)


class TorchParallel(Branches):
    """yᵢ = fᵢ(xᵢ)        x, y: tuples"""

    def forward(self, x: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(layer(part) for layer, part in zip(self, x, strict=True))


class TorchConcat(Branches):
    """y = [f₁(x), f₂(x), …] joined along ``dim``"""

    def __init__(self, *layers: nn.Module, dim: int = 1) -> None:
        super().__init__(*layers)
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        return torch.cat([layer(x) for layer in self], self.dim)


class TorchSum(Branches):
    """y = f₁(x) + f₂(x) + …"""

    def forward(self, x: Any) -> Tensor:
        first, *others = (layer(x) for layer in self)
        total: Tensor = sum(others, first)
        return total


class TorchResidual(nn.Module):
    """y = x + f(x)"""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.module(x)
        return y


class TorchHeads(nn.Module):
    """y = {name: f_name(x)}"""

    def __init__(self, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._modules.update(heads)  # add_module refuses names such as "type"

    @property
    def heads(self) -> dict[str, Any]:
        """The heads by name."""
        return {**self._modules}

    def forward(self, x: Any) -> dict[str, Any]:
        return {name: head(x) for name, head in self.heads.items()}


class TorchSiamese(nn.Module):
    """yᵢ = f(xᵢ), or fᵢ(xᵢ) without ``share``        x: a pair, or one tensor (N, 2, …)

    With ``joint_batch`` both are one batch, twice as long.
    """

    def __init__(self, module: nn.Module, share: bool = True, *, joint_batch: bool = False) -> None:
        super().__init__()
        self.share, self.joint_batch = share, joint_batch
        self.module = module
        if not share:
            self.other = copy.deepcopy(module)

    def forward(self, x: Any, *more: Any) -> Any:
        x = (x, *more) if more else x
        if self.joint_batch:
            y = self.module(x.flatten(0, 1))
            return y.reshape(len(x), 2, *y.shape[1:])
        first, second = x.unbind(1) if isinstance(x, Tensor) else x
        pair = self.module(first), (self.module if self.share else self.other)(second)
        return torch.stack(pair, 1) if isinstance(x, Tensor) else pair


class TorchItem(nn.Module):
    """y = x[key]"""

    def __init__(self, key: int | str) -> None:
        super().__init__()
        self.key = key

    def forward(self, x: Any) -> Any:
        return x[self.key]


class TorchSelect(nn.Module):
    """y = x at ``index`` of the axis ``dim``, which goes"""

    def __init__(self, dim: int, index: int) -> None:
        super().__init__()
        self.dim, self.index = dim, index

    def forward(self, x: Tensor) -> Tensor:
        return x.select(self.dim, self.index)


class TorchUnbind(nn.Module):
    """y: a tuple of x at each index of the axis ``dim``, which goes"""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.unbind(self.dim)


class TorchExp(nn.Module):
    """y = eˣ"""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp()


class TorchMaxout(nn.Module):
    """y = max of each k neighbouring channels        x (N, C, …)   y (N, C / k, …)"""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = torch.unflatten(x, 1, (-1, self.k)).max(2).values
        return y


class TorchHardsigmoid(nn.Hardsigmoid):
    """y = x/6 + ½ limited to [0, 1]; torch's own rounds 1/6 to float32, in float64 too"""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        return (input / 6 + 0.5).clamp(0, 1)


class TorchLessEqualProbability(nn.Module):
    """y = (log P(i > j), log P(i ≤ j)), i and j drawn from softmax x₁ and softmax x₂

    x (N, 2, L)   y (N, 2)
    """

    def forward(self, x: Tensor) -> Tensor:
        shares = x.log_softmax(-1)
        joint = shares[..., 0, :, None] + shares[..., 1, None, :]
        at_most = torch.ones_like(joint, dtype=torch.bool).triu()
        cases = [joint.masked_fill(other, float("-inf")) for other in (at_most, ~at_most)]
        return torch.stack([case.logsumexp((-2, -1)) for case in cases], -1)


class TorchPositionalEncoding(nn.Module):
    """y = x + P,  P[t, 2i] = sin(t / 10000^(2i/E)),  P[t, 2i + 1] = cos of the same"""

    def __init__(self, d_model: int, batch_first: bool = False) -> None:
        super().__init__()
        self.d_model, self.batch_first = d_model, batch_first

    def forward(self, x: Tensor) -> Tensor:
        time = int(self.batch_first and x.dim() == 3)
        t = torch.arange(x.shape[time], dtype=torch.float64, device=x.device).unsqueeze(-1)
        i = torch.arange(self.d_model, dtype=torch.float64, device=x.device)
        angle = t / 10000 ** ((i - i % 2) / self.d_model)
        P = torch.where(i % 2 == 0, angle.sin(), angle.cos()).to(x.dtype)
        return x + (P.unsqueeze(1) if time == 0 and x.dim() == 3 else P)


class TorchBilinear(nn.Bilinear):
    """Of two tensors, or of a pair."""

    def forward(self, input1: Any, input2: Tensor | None = None) -> Tensor:
        first, second = input1 if input2 is None else (input1, input2)
        return super().forward(first, second)


class TorchRecurrent(nn.Module):
    """What is before torch's forward: a pair (x, first state), and steps that are not gone through.

    With ``truncate`` no gradient goes from a step that it divides, counted as a direction reads
    them, to the one before.
    """

    mode: str
    num_layers: int
    hidden_size: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    all_weights: Any

    def __init__(self, *sizes: Any, truncate: int | None = None, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.truncate = truncate

    def forward(self, input: Any, hx: Any = None) -> Any:  # noqa: A002 (torch's name)
        x, hx = (input, hx) if isinstance(input, Tensor) else input
        if not self.truncate:
            return super().forward(x, hx)
        lone = x.dim() == 2
        y = x.unsqueeze(1) if lone else x.transpose(0, 1) if self.batch_first else x
        states = self._first_states(y, hx, lone=lone)
        ends: list[Sequence[Tensor]] = []
        for layer in range(self.num_layers):
            y = functional.dropout(y, self.dropout if layer else 0.0, self.training)
            outputs = []
            for backwards in (False, True)[: 1 + self.bidirectional]:
                i = len(ends)
                steps = y.flip(0) if backwards else y
                out, end = self._run(steps, [s[i : i + 1] for s in states], self.all_weights[i])
                outputs.append(out.flip(0) if backwards else out)
                ends.append(end)
            y = torch.cat(outputs, -1)
        last = [torch.cat(parts) for parts in zip(*ends, strict=True)]
        last = [h.squeeze(1) for h in last] if lone else last
        y = y.squeeze(1) if lone else y.transpose(0, 1) if self.batch_first else y
        return y, tuple(last) if len(last) > 1 else last[0]

    def _first_states(self, y: Tensor, hx: Any, *, lone: bool) -> list[Tensor]:
        """Those given, or 0, of all layers and directions        each (L D, N, H)"""
        if hx is None:
            rows = self.num_layers * (1 + self.bidirectional)
            zeros = y.new_zeros(rows, y.shape[1], self.hidden_size)
            return [zeros] * (2 if self.mode == "LSTM" else 1)
        given = [hx] if isinstance(hx, Tensor) else [*hx]
        return [h.unsqueeze(1) for h in given] if lone else given

    def _run(self, x: Tensor, state: Sequence[Tensor], weights: list[Tensor]) -> Any:
        """One layer in one direction, some steps at a time: (outputs, last state)."""
        options = (weights, self.bias, 1, 0.0, self.training, False, False)
        outputs: list[Tensor] = []
        for part in torch.split(x, self.truncate or len(x)):
            if outputs:
                state = [h.detach() for h in state]
            y, *state = RUNS[self.mode](part, state if len(state) > 1 else state[0], *options)
            outputs.append(y)
        return torch.cat(outputs), state


RUNS: dict[str, Any] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
}
"""PyTorch's functions of all steps, by the mode of a layer."""


class TorchRNN(TorchRecurrent, nn.RNN):
    """(outputs, last state)"""


class TorchLSTM(TorchRecurrent, nn.LSTM):
    """(outputs, (last h, last c))"""


class TorchGRU(TorchRecurrent, nn.GRU):
    """(outputs, last state)"""


class TorchCell(nn.Module):
    """What is before torch's forward: a pair (x, state before)."""

    def forward(self, input: Any, hx: Any = None) -> Any:  # noqa: A002 (torch's name)
        x, hx = (input, hx) if isinstance(input, Tensor) else input
        return super().forward(x, hx)


class TorchRNNCell(TorchCell, nn.RNNCell):
    """h"""


class TorchLSTMCell(TorchCell, nn.LSTMCell):
    """(h, c)"""


class TorchGRUCell(TorchCell, nn.GRUCell):
    """h"""


class TorchMultiheadAttention(nn.MultiheadAttention):
    """(y, P averaged): of one tensor, its own query, key and value; of three; with a mask fourth.

    With ``causal`` query t sees the keys up to t.
    """

    def __init__(self, *sizes: Any, causal: bool = False, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.causal = causal

    def forward(self, query: Any, *more: Any, **options: Any) -> Any:
        query, *others = (query, *more) if isinstance(query, Tensor) else query
        key, value, *masks = others or (query, query)
        if self.causal:
            time = int(self.batch_first and query.dim() == 3)
            options["attn_mask"] = mask_later(query.shape[time], key.shape[time], query)
        return super().forward(query, key, value, *masks, **options)


class TorchTransformerEncoderLayer(nn.TransformerEncoderLayer):
    """Of a tensor, or of a pair (x, key_padding_mask); ``causal`` as in MultiheadAttention."""

    def __init__(self, *sizes: Any, causal: bool = False, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.causal = causal

    def forward(self, src: Any, *masks: Any, **options: Any) -> Tensor:
        if not isinstance(src, Tensor):
            src, options["src_key_padding_mask"] = src
        if self.causal:
            T = src.shape[int(self.self_attn.batch_first and src.dim() == 3)]
            options["src_mask"] = mask_later(T, T, src)
        return super().forward(src, *masks, **options)


def mask_later(T: int, S: int, like: Tensor) -> Tensor:
    """True for a key that comes after its query        (T, S)"""
    return torch.ones(T, S, dtype=torch.bool, device=like.device).triu(1)
