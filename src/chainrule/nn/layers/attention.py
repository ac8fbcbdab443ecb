"""Attention: MultiheadAttention, TransformerEncoderLayer, PositionalEncoding.

T queries, S keys and values, N samples, E features, h heads of d = E / h each; … is the replica
axis K, or nothing in a plain net.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_whole
from chainrule.nn.errors import LayerError, check_input, describe_shape
from chainrule.nn.init import XavierUniform, Zeros
from chainrule.nn.layers.activations import GELU
from chainrule.nn.layers.dropout import Dropout, drop_within
from chainrule.nn.layers.linear import Linear
from chainrule.nn.layers.normalization import LayerNorm
from chainrule.nn.layers.piecewise import ReLU
from chainrule.nn.module import Module
from chainrule.nn.ops.matmul import addmm_, linear_forward
from chainrule.nn.parameter import Parameter
from chainrule.nn.vjp import BackwardFn

__all__ = ["MultiheadAttention", "PositionalEncoding", "TransformerEncoderLayer"]


KEYS = 1
"""The place of the keys among q, k and v."""


class AttentionInput(NamedTuple):
    """What attention reads, as it computes: samples before time, each (…, N, T or S, E)."""

    parts: tuple[Tensor, Tensor, Tensor]
    ignored: Tensor | None  # (… or 1, N, S), True where a key is padding


@final
class MultiheadAttention(Module):
    """y = W_o concat(P v) + b_o,  P = softmax(q kᵀ / √d) in each head;  (q, k, v) = W_in x + b_in

    With g = dL/d(P v):   dv = Pᵀ g,   dP = g vᵀ,   dS = P (dP − Σ dP P),   dq = dS k / √d,
    dk = dSᵀ q / √d, of the scores S = q kᵀ / √d; then back through W_in        Vaswani et al., 2017

    The keys' third of b_in adds one number to all scores of a query, which softmax takes away: its
    gradient is 0, and is not summed up from rounding errors, which Adam would scale.

    x (T, N, E), or (N, T, E) with ``batch_first``, or one sample (T, E), is its own query, key and
    value; else ``layer(query, key, value)``, or a fourth, the key_padding_mask (N, S) of
    torch.bool, True for a key that does not count. With ``causal`` query t sees the keys up to t.
    It returns (y, P averaged over the heads (N, T, S)) as torch's does; ``Item(0)`` picks y.
    ``dropout`` is that of P. Raises LayerError for other shapes or dtypes, ValueError unless
    ``num_heads`` divides ``embed_dim`` and the dropout is a probability.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,  # torch has others here, which are not there
        batch_first: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        causal: bool = False,
    ) -> None:
        check_whole(embed_dim=embed_dim, num_heads=num_heads)
        if num_heads < 1 or embed_dim < 1 or embed_dim % num_heads:
            raise ValueError(f"num_heads must divide embed_dim, got {num_heads} and {embed_dim}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout is a probability, from 0 to 1; got {dropout}")
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.bias, self.batch_first, self.causal = bias, batch_first, causal
        self.in_proj_weight = Parameter.draw((3 * embed_dim, embed_dim), XavierUniform())
        self.in_proj_bias = Parameter.draw((3 * embed_dim,), Zeros()) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if self.out_proj.bias is not None:
            self.out_proj.bias.init = Zeros()
            self.out_proj.bias.redraw(None)
        self.to(device=device, dtype=dtype)

    @property
    def depends_on_batch(self) -> bool:
        return not self.batch_first

    def forward(self, x: Any) -> tuple[Any, BackwardFn]:
        several = isinstance(x, tuple | list)
        given = self._split_input(x)
        lone = (x[0] if several else x).dim() == self.num_replica_dims + 2
        (q, k, v), in_rule = self._project(given.parts)
        mixed, weights, rule = self._attend(q, k, v, given.ignored)
        y, out_rule = self.out_proj.forward(mixed)

        def backward(g: Any) -> Any:
            gy, gw = g
            gw = gw.unsqueeze(self.num_replica_dims) if lone else gw
            dx = in_rule(rule(out_rule(self._reorder(gy, lone)), gw))
            dx = [self._restore(d, lone) for d in dx]
            return (*dx, *[None] * (len(x) - 3)) if several else dx[0] + dx[1] + dx[2]

        w = weights.squeeze(self.num_replica_dims) if lone else weights
        return (self._restore(y, lone), w), backward

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, ignored: Tensor | None) -> Any:
        """(the heads' outputs side by side, P averaged, the rule of both)"""
        scale, heads = 1 / sqrt(q.shape[-1]), self.num_heads
        scores = q @ k.mT * scale  # (…, N, h, T, S)
        if self.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
            scores = scores.masked_fill(later, float("-inf"))
        if ignored is not None:
            scores = scores.masked_fill(ignored.unsqueeze(-2).unsqueeze(-2), float("-inf"))
        shares = scores.softmax(-1)
        p, drop = drop_within(self, shares, self.dropout)

        def rule(g: Tensor, gw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            g = split_heads(g, heads)
            dp = drop(g @ v.mT + gw.unsqueeze(-3) / heads)
            ds = shares * (dp - (dp * shares).sum(-1, keepdim=True)) * scale
            return ds @ k, ds.mT @ q, p.mT @ g

        return join_heads(p @ v), p.mean(-3), rule

    def _project(self, parts: Sequence[Tensor]) -> tuple[list[Tensor], Any]:
        """q, k and v in heads, each by its third of W_in; the rule adds to that third."""
        weights = self.in_proj_weight.data.chunk(3, -2)
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.data.chunk(3, -1)
        n = self.num_replica_dims
        rows = [x.flatten(n, n + 1) for x in parts]
        made = [
            split_heads(
                linear_forward(w, flat, b).unflatten(n, x.shape[n : n + 2]),  # type: ignore[no-untyped-call]
                self.num_heads,
            )
            for x, flat, w, b in zip(parts, rows, weights, biases, strict=True)
        ]

        def rule(gradients: Sequence[Tensor]) -> list[Tensor]:
            grads = self.in_proj_weight.grad.chunk(3, -2)
            found = []
            for i, (g, x) in enumerate(zip(gradients, parts, strict=True)):
                flat = join_heads(g).flatten(n, n + 1)
                addmm_(grads[i], flat.mT, rows[i])
                if self.in_proj_bias is not None and i != KEYS:
                    self.in_proj_bias.grad.chunk(3, -1)[i].add_(flat.sum(-2))
                dx = linear_forward(weights[i].mT, flat)
                found.append(dx.reshape(*dx.shape[:n], *x.shape[n:]))
            return found

        return made, rule

    def _split_input(self, x: Any) -> AttentionInput:
        several = isinstance(x, tuple | list)
        parts = tuple(x) if several else (x,) * 3
        n, E = self.num_replica_dims, self.embed_dim
        axes = f"(N, T, {E})" if self.batch_first else f"(T, N, {E})"
        expected = f"{axes} or (T, {E}), or query, key, value and a mask of these"
        if len(parts) not in (3, 4):
            raise LayerError(self, f"expected {expected}, got {describe_shape(x)}")
        for part in parts[:3]:
            check_input(self, part, expected, self._fits, like=self.in_proj_weight.data)
        lone = parts[0].dim() == n + 2
        q, k, v = (self._reorder(part, lone) for part in parts[:3])
        if k.shape[n:] != v.shape[n:] or q.shape[n] != k.shape[n]:
            problem = "as many samples, and as many keys as values"
            raise LayerError(self, f"expected {problem}, got {describe_shape(x)}")
        ignored = parts[3] if len(parts) == 4 else None
        if ignored is not None:
            ignored = ignored.unsqueeze(n) if lone else ignored
            shape = k.shape[n:-1]
            if ignored.dtype != torch.bool or ignored.shape[n:] != shape:
                given = describe_shape(parts[3], dtype=True)
                raise LayerError(self, f"expected a mask {tuple(shape)} of torch.bool, got {given}")
        return AttentionInput((q, k, v), ignored)

    def _fits(self, x: Tensor) -> bool:
        return x.dim() - self.num_replica_dims in (2, 3) and x.shape[-1] == self.embed_dim

    def _reorder(self, x: Tensor, lone: bool) -> Tensor:
        """Samples before time."""
        n = self.num_replica_dims
        if lone:
            return x.unsqueeze(n)
        return x if self.batch_first else x.transpose(n, n + 1)

    def _restore(self, x: Tensor, lone: bool) -> Tensor:
        """As it was given."""
        n = self.num_replica_dims
        if lone:
            return x.squeeze(n)
        return x if self.batch_first else x.transpose(n, n + 1)

    def multiply_adds(self, inputs: Any, output: Any) -> int:
        q, k, v = inputs[:3] if isinstance(inputs, tuple | list) else (inputs,) * 3
        _, weights = output
        projections = (2 * q.numel() + k.numel() + v.numel()) * self.embed_dim
        return int(projections + 2 * weights.numel() * self.embed_dim)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(…, N, T, E) as (…, N, h, T, d)"""
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """(…, N, h, T, d) as (…, N, T, E)"""
    return x.transpose(-2, -3).flatten(-2)


@final
class TransformerEncoderLayer(Module):
    """h = norm(x + attention(x)),  y = norm(h + W₂ f(W₁ h))        x (T, N, E), (N, T, E) or (T, E)

    dh = d norm(g) through both ways, dx = d norm(dh) through both ways: where two are added, each
    gets the whole gradient.        Vaswani et al., 2017

    f is ``activation``, "relu" or "gelu"; dropout stands after it, after attention and after W₂.
    With ``norm_first`` h = x + attention(norm(x)), y = h + W₂ f(W₁ norm(h)) (Xiong et al., 2020).
    ``causal`` as in MultiheadAttention. A pair (x, key_padding_mask) leaves padding out. Raises
    ValueError for another activation, else as its parts do.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        causal: bool = False,
    ) -> None:
        if activation not in ("relu", "gelu"):
            raise ValueError(f"activation is 'relu' or 'gelu', got {activation!r}")
        self.d_model, self.nhead, self.dim_feedforward = d_model, nhead, dim_feedforward
        self.activation, self.layer_norm_eps = activation, layer_norm_eps
        self.batch_first, self.norm_first, self.bias = batch_first, norm_first, bias
        self.causal = causal
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, causal=causal
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout = dropout
        self.drop, self.drop1, self.drop2 = Dropout(dropout), Dropout(dropout), Dropout(dropout)
        self.f = ReLU() if activation == "relu" else GELU()
        self.to(device=device, dtype=dtype)

    def forward(self, x: Any) -> tuple[Tensor, BackwardFn]:
        x, mask = x if isinstance(x, tuple | list) and len(x) == 2 else (x, None)
        if not isinstance(x, Tensor):
            raise LayerError(self, f"expected a tensor, or one and a mask; got {describe_shape(x)}")
        try:
            h, first = self._add_branch(x, self.norm1, lambda z: self._attend(z, mask))
            y, second = self._add_branch(h, self.norm2, self._feed_forward)
        except LayerError as error:
            raise error.with_path(type(self).__name__) from None

        def backward(g: Tensor) -> Any:
            dx = first(second(g))
            return dx if mask is None else (dx, None)

        return y, backward

    def _add_branch(self, x: Tensor, norm: LayerNorm, branch: Any) -> tuple[Tensor, BackwardFn]:
        """norm(x + branch(x)), or with ``norm_first`` x + branch(norm(x))"""
        if self.norm_first:
            z, norm_rule = norm.forward(x)
            y, rule = branch(z)
            return x + y, lambda g: g + norm_rule(rule(g))
        y, rule = branch(x)
        z, norm_rule = norm.forward(x + y)

        def backward(g: Tensor) -> Tensor:
            g = norm_rule(g)
            dx: Tensor = g + rule(g)
            return dx

        return z, backward

    def _attend(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, BackwardFn]:
        (y, weights), rule = self.self_attn.forward(x if mask is None else (x, x, x, mask))
        y, drop = self.drop1.forward(y)

        def backward(g: Tensor) -> Tensor:
            found = rule((drop(g), torch.zeros_like(weights)))
            dx: Tensor = found if mask is None else found[0] + found[1] + found[2]
            return dx

        return y, backward

    def _feed_forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        rules = []
        for layer in (self.linear1, self.f, self.drop, self.linear2, self.drop2):
            x, rule = layer.forward(x)
            rules.append(rule)

        def backward(g: Tensor) -> Tensor:
            for rule in reversed(rules):
                g = rule(g)
            return g

        return x, backward


@final
class PositionalEncoding(Module):
    """y = x + P,  P[t, 2i] = sin(t / 10000^(2i/E)),  P[t, 2i + 1] = cos of the same

    dL/dx = g        Vaswani et al., 2017

    x (N, T, E) or (T, E) with ``batch_first``, else (T, N, E) or (T, E). Attention does not know
    where a key stands; this tells it. Raises LayerError unless E is last.
    """

    def __init__(self, d_model: int, batch_first: bool = False) -> None:
        if d_model < 1:
            raise ValueError(f"d_model is a whole number, 1 or more; got {d_model}")
        self.d_model, self.batch_first = d_model, batch_first

    @property
    def depends_on_batch(self) -> bool:
        return not self.batch_first

    def forward(self, x: Tensor) -> tuple[Tensor, BackwardFn]:
        n, E = self.num_replica_dims, self.d_model
        axes = f"(N, T, {E})" if self.batch_first else f"(T, N, {E})"

        def fits(x: Tensor) -> bool:
            return x.dim() - n in (2, 3) and x.shape[-1] == E

        check_input(self, x, f"input {axes} or (T, {E})", fits)
        time = n + (self.batch_first and x.dim() - n == 3)
        P = self.encode(x.shape[time]).to(x)
        if time == n and x.dim() - n == 3:
            P = P.unsqueeze(1)
        return x + P, lambda g: g

    def encode(self, steps: int) -> Tensor:
        """P (steps, E), in float64."""
        t = torch.arange(steps, dtype=torch.float64).unsqueeze(-1)
        i = torch.arange(self.d_model, dtype=torch.float64)
        angle = t / 10000 ** ((i - i % 2) / self.d_model)
        return torch.where(i % 2 == 0, angle.sin(), angle.cos())
