"""LBFGS, which looks at the loss several times a step.

P parameters, m pairs of steps and changes; each replica goes its own way, and one call of the
closure tells all of them what they want to know.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from chainrule._util.kinds import check_counts
from chainrule.optim.inplace import Scalar
from chainrule.optim.line_search import LineSearch, Point, search_strong_wolfe
from chainrule.optim.optimizer import Optimizer, Params

__all__ = ["LBFGS"]

LEAST_CURVATURE = 1e-10
"""A pair whose product y · s is not above it says nothing of the curvature."""


class Sight(NamedTuple):
    """What there is at a place: the loss and its gradient (P,)."""

    loss: float
    grad: Tensor


Search: TypeAlias = Generator[Tensor, Sight, None]
"""Yields the parameters (P,) that it wants to know of, and is sent what there is."""


class Memory:
    """What a replica keeps from move to move, in the optimizer's state: the last m pairs (s, y)."""

    def __init__(self, state: Mapping[str, Tensor], history_size: int) -> None:
        self.moves, self.pairs, self.scale = state["moves"], state["pairs"], state["scale"]
        self.t, self.d, self.prev_grad = state["t"], state["d"], state["prev_grad"]
        self.steps = state["steps"].view(history_size, -1)
        self.changes = state["changes"].view(history_size, -1)

    @property
    def is_new(self) -> bool:
        """Whether there was no move yet."""
        return not self.moves

    def find_direction(self, g: Tensor) -> Tensor:
        """d = −H g, with the pair of the last move in H."""
        if self.is_new:
            self.scale.fill_(1)
        else:
            self._add_pair(self.t * self.d, g - self.prev_grad)
        self.moves.add_(1)
        self.prev_grad.copy_(g)
        return self.d.copy_(self._multiply(-g)).clone()

    def _add_pair(self, s: Tensor, y: Tensor) -> None:
        """In the place of the oldest one, where there are m."""
        curvature = y @ s
        if curvature > LEAST_CURVATURE:
            place = int(self.pairs) % len(self.steps)
            self.steps[place], self.changes[place] = s, y
            self.pairs.add_(1)
            self.scale.copy_(curvature / (y @ y))

    def _multiply(self, q: Tensor) -> Tensor:
        """H q"""
        m, count, shares = len(self.steps), int(self.pairs), []
        pairs = [(self.steps[i % m], self.changes[i % m]) for i in range(max(0, count - m), count)]
        for s, y in reversed(pairs):
            share = s @ q / (y @ s)
            q = q - share * y
            shares.append(share)
        r = self.scale * q
        for (s, y), share in zip(pairs, reversed(shares), strict=True):
            r = r + s * (share - y @ r / (y @ s))
        return r


@final
class LBFGS(Optimizer):
    """p ← p + t d,   d = −H g,   H from the last m pairs s = t d, y = g − g before

    Two loops over the pairs apply H without having it: from q = −g the last first
    a = s · q / (y · s), q ← q − a y; then r = q (y · s) / (y · y) of the last pair, and from the
    first on r ← r + s (a − y · r / (y · s)), which is d. (Nocedal, 1980; Liu and Nocedal, 1989.)

    A step is up to ``max_iter`` such moves, and needs the loss as a function:
    ``optimizer.step(closure)``, where the closure clears the gradients, goes forward and back, and
    returns the loss, () or one a replica (K,). t is ``lr``, of the very first move at most lr / Σ
    |g|; or with ``line_search_fn="strong_wolfe"`` what a line search from there finds. A step ends
    early where the largest |g| is at most ``tolerance_grad``, where loss or parameters change by no
    more than ``tolerance_change``, and after ``max_eval`` looks at the loss, 5/4 of the moves
    unless given. m is ``history_size``: 2 m P numbers are kept.

    Each replica makes its own moves, as it would alone. While others still look, the closure
    computes those that have ended too, where they ended: what it draws, or averages over batches,
    goes on with them. Raises ValueError for several groups, and for numbers that make no sense.
    """

    needs_closure = True
    state_names = ("moves", "pairs", "scale", "t", "d", "prev_grad", "steps", "changes")

    def __init__(
        self,
        params: Params,
        lr: Scalar = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: Scalar = 1e-7,
        tolerance_change: Scalar = 1e-9,
        history_size: int = 100,
        line_search_fn: Literal["strong_wolfe"] | None = None,
        *,
        replicas: int | None = None,
    ) -> None:
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(
                f"line_search_fn: expected None or 'strong_wolfe', got {line_search_fn!r}"
            )
        check_counts(max_iter=max_iter, history_size=history_size)
        self.max_eval = max(1, max_iter * 5 // 4) if max_eval is None else max_eval
        check_counts(max_eval=self.max_eval)
        self.max_iter, self.history_size = max_iter, history_size
        self.line_search_fn = line_search_fn
        defaults = {
            "lr": lr,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "maximize": False,
        }
        super().__init__(params, defaults, replicas)
        if len(self.param_groups) > 1:
            raise ValueError(f"LBFGS takes one group of parameters, got {len(self.param_groups)}")

    def initial_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        K, P = p.shape
        wide = {"d": P, "prev_grad": P}
        wide |= dict.fromkeys(("steps", "changes"), self.history_size * P)
        return {name: p.new_zeros(K, wide.get(name, 1)) for name in self.state_names}

    def update(self, p: Tensor, g: Tensor, state: dict[str, Tensor], h: Any) -> None:
        sights = self._look(h.loss, g)
        numbers = [pick_number(x, len(p)) for x in (h.lr, h.tolerance_grad, h.tolerance_change)]
        searches: dict[int, Search] = {}
        wanted: dict[int, Tensor] = {}
        for k, x in enumerate(p):
            memory = Memory({name: t[k] for name, t in state.items()}, self.history_size)
            searches[k] = self._search(x, sights[k], memory, *(each[k] for each in numbers))
            proceed(k, searches[k], None, wanted)
        while wanted:
            for k, x in wanted.items():
                p[k] = x
            sights = self._look(h.closure(), g)
            for k in [*wanted]:
                proceed(k, searches[k], sights[k], wanted)

    def _look(self, loss: Any, g: Tensor) -> list[Sight]:
        """What the closure has found, a replica each. Raises ValueError for no loss of each."""
        losses = torch.as_tensor(torch.nan if loss is None else loss)
        if loss is None or losses.numel() != len(g):
            expected = "()" if self.replicas is None else f"({len(g)},), one of each replica"
            got = None if loss is None else f"the shape {tuple(losses.shape)}"
            raise ValueError(
                f"LBFGS: expected a closure that returns the loss {expected}, got {got}"
            )
        return [Sight(*pair) for pair in zip(losses.reshape(-1).tolist(), g.clone(), strict=True)]

    def _search(
        self, x: Tensor, here: Sight, memory: Memory, lr: float, least_grad: float, least: float
    ) -> Search:
        """The moves of one replica, whose parameters x (P,) it changes."""
        looks = 1
        if not largest(here.grad) > least_grad:  # nan is none to go by
            return
        for number in range(1, self.max_iter + 1):
            first = memory.is_new
            d, before, place = memory.find_direction(here.grad), here, x.clone()
            t = min(1.0, 1 / float(here.grad.abs().sum())) * lr if first else lr
            memory.t.fill_(t)
            slope = float(here.grad @ d)
            if slope > -least:
                return
            if self.line_search_fn is not None:
                start, left = Point(0.0, *here, slope), self.max_eval - looks
                line = search_strong_wolfe(start, t, largest(d), left)
                found, more = yield from look_along(place, d, line)
                t, here, looks = found.t, Sight(found.loss, found.grad), looks + more
            elif number < self.max_iter:
                here, looks = (yield place + t * d), looks + 1
            x.copy_(place + t * d)
            memory.t.fill_(t)
            if looks >= self.max_eval or not largest(here.grad) > least_grad:
                return
            if largest(d) * t <= least or abs(here.loss - before.loss) < least:
                return


def proceed(k: int, search: Search, sight: Sight | None, wanted: dict[int, Tensor]) -> None:
    """Let a replica's search go on, and enter what it wants to know next; nothing at its end."""
    wanted.pop(k, None)
    try:
        wanted[k] = next(search) if sight is None else search.send(sight)
    except StopIteration:
        return


def look_along(
    place: Tensor, d: Tensor, line: LineSearch
) -> Generator[Tensor, Sight, tuple[Point, int]]:
    """Carry out a line search: where it ends, and how often it looked."""
    t, looks = next(line), 0
    while True:
        sight = yield place + t * d
        looks += 1
        try:
            t = line.send(Point(t, *sight, float(sight.grad @ d)))
        except StopIteration as end:
            return end.value, looks


def largest(x: Tensor) -> float:
    """The largest |x|."""
    return float(x.abs().max())


def pick_number(value: Scalar, K: int) -> list[float]:
    """A hyper-parameter, a number a replica."""
    numbers = torch.as_tensor(value, dtype=torch.float64).reshape(-1)
    found: list[float] = numbers.expand(K).tolist()
    return found
