"""How probable is it that an arm is worse than another, as good, or better, over data sets?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from chainrule._util.argument_checks import check_arguments
from chainrule._util.kinds import check_kind
from chainrule.statistics import special
from chainrule.statistics.checks import check_zero_or_more
from chainrule.statistics.design import Design
from chainrule.statistics.errors import StatisticsError
from chainrule.statistics.scores import Array, Scores, pair_scores

__all__ = ["HierarchicalPosterior", "hierarchical_posterior"]

CHAINS, WARM_UP, KEPT = 100, 20, 50
"""Chains that are drawn side by side, steps that are left out, steps that are kept."""

MARGIN = 5
"""So many times below and above what the steps that are left out have drawn, σ₀ is still drawn."""

Weights = NDArray[np.float32]
"""Densities on a grid that something is drawn from: their errors are far below those of draws."""

MIN_DATA_SETS = 3
"""Two say nothing of how data sets differ."""


@dataclass(frozen=True)
class HierarchicalPosterior:
    """What is believed of the mean difference a − b on data sets like these; larger is better.

    ``worse``, ``equivalent`` and ``better``: the probability that on another data set the
    difference is most probably below −rope, within the rope, above it; they add up to 1.
    ``next_worse``, …: the probability that it is so there. ``mean`` is the mean over data sets like
    these, ``low`` and ``high`` the ends of its 95 % interval. ``means`` are those of each data set,
    drawn together, for what is far from the others on few rounds is probably chance.
    """

    worse: float
    equivalent: float
    better: float
    next_worse: float
    next_equivalent: float
    next_better: float
    rope: float
    mean: float
    low: float
    high: float
    means: Sequence[float]

    @property
    def data_sets(self) -> int:
        """How many there are."""
        return len(self.means)


@check_arguments
def hierarchical_posterior(
    a: Sequence[Scores],
    b: Sequence[Scores],
    designs: Sequence[Design],
    *,
    rope: float = 0.0,
    seed: int = 0,
) -> HierarchicalPosterior:
    """x̄ᵢ ~ N(μᵢ, (1/nᵢ + n_test/n_train) σᵢ²), μᵢ ~ t(ν) at μ₀ with scale σ₀

    The hierarchical Bayesian test. ``a`` and ``b`` have an arm's scores of the rounds of each data
    set, ``designs`` how these came about. μ₀, σᵢ and σ₀ are uniform beforehand, σᵢ and σ₀ up to
    1000 times what is seen; ν ~ Gamma(α, β), α uniform in (0.5, 5) and β in (0.05, 0.15). The
    posterior is drawn by Gibbs sampling from this ``seed``, which leaves an error of about 0.01.
    Where all rounds of a data set have the same difference, its spread counts as that of numbers
    uniform within the rope, without one as the least of another data set.
    (Corani, Benavoli, Demšar, Mangili and Zaffalon 2017; Benavoli et al. 2017.)

    Raises StatisticsError for fewer than three data sets, a rope that is negative or not finite,
    no spread at all, and as :func:`paired_t`.
    """
    check_data_sets(a, b, designs, rope)
    pairs = [pair_scores(x, y) for x, y in zip(a, b, strict=True)]
    spreads = fill_spreads(np.array([d.std for d in pairs]), rope)
    means, n = np.array([d.mean for d in pairs]), np.array([d.n for d in pairs])
    correlations = np.array([design.test_over_train for design in designs])
    unit = float(max(spreads.max(), np.abs(means).max()))
    drawn = Sampler(means / unit, spreads / unit, n, correlations, seed).run()
    mu_0 = drawn[:, 0] * unit
    regions = find_regions(mu_0, drawn[:, 1] * unit, drawn[:, 2], rope)
    shares = np.bincount(regions.argmax(axis=0), minlength=3) / len(drawn)
    worse, equivalent, better = map(float, shares)
    next_worse, next_equivalent, next_better = map(float, regions.mean(axis=1))
    low, middle, high = map(float, np.quantile(mu_0, [0.025, 0.5, 0.975]))
    return HierarchicalPosterior(
        worse=worse,
        equivalent=equivalent,
        better=better,
        next_worse=next_worse,
        next_equivalent=next_equivalent,
        next_better=next_better,
        rope=rope,
        mean=middle,
        low=low,
        high=high,
        means=tuple(map(float, np.median(drawn[:, 3:], axis=0) * unit)),
    )


def check_data_sets(
    a: Sequence[Scores], b: Sequence[Scores], designs: Sequence[Design], rope: float
) -> None:
    """Raise StatisticsError where there is too little, or not as much of each."""
    check_zero_or_more(rope=rope)
    for design in designs:
        check_kind(design, Design, "designs")
    if not len(a) == len(b) == len(designs):
        raise StatisticsError("expected the scores of both arms, and a design, of every data set")
    if len(a) < MIN_DATA_SETS:
        raise StatisticsError(f"expected at least {MIN_DATA_SETS} data sets, got {len(a)}")


def find_regions(mu_0: Array, sigma_0: Array, nu: Array, rope: float) -> Array:
    """P(below −rope), P(within), P(above) on another data set; shape (3, draws)."""
    worse = special.stdtr(nu, (-rope - mu_0) / sigma_0)
    better = special.stdtr(nu, (mu_0 - rope) / sigma_0)
    within = np.clip(1 - worse - better, 0, 1) if rope else np.zeros(len(mu_0))
    return np.stack([worse, within, better])


def fill_spreads(spreads: Array, rope: float) -> Array:
    """Without zeros. Raises StatisticsError where nothing says what there should be."""
    least = rope / math.sqrt(3) or min(spreads[spreads > 0], default=0.0)
    if not least:
        raise StatisticsError(
            "all rounds of every data set have the same difference; expected a rope above 0"
        )
    return np.where(spreads > 0, spreads, least)


@final
class Sampler:
    """Draws from the posterior of many chains at once, in a unit in which numbers are near 1.

    A step draws σ₀, μ₀ and all μᵢ together, then ν and the weights λᵢ that make Student's t of
    normal numbers, μᵢ ~ N(μ₀, σ₀²/λᵢ), then σᵢ. σ₀ and ν come from a grid. Shapes: (chains, data
    sets), and (chains, 1) for what data sets share.
    """

    def __init__(self, means: Array, spreads: Array, n: Array, correlations: Array, seed: int):
        self.rng = np.random.default_rng(seed)
        self.means, self.n = means, n
        self.squares = (n - 1) * spreads**2
        self.error = 1 / n + correlations
        # so centred, sums of squares keep their digits where one mean is surer than the others
        self.centre = float(np.average(means, weights=1 / (self.error * spreads**2)))
        powers = (means - self.centre) ** np.arange(3)[:, None]
        self.powers = powers.astype(np.float32)
        self.largest_sigma = 1000 * spreads.mean()
        among = float(np.std(means, ddof=1))
        floor = float(np.sqrt(self.error).min() * spreads.min())
        self.set_grid(np.geomspace(min(among or floor, floor) / 300, 1000 * max(among, floor), 70))

    def set_grid(self, grid: Array) -> None:
        """Draw σ₀ from these."""
        self.grid = grid
        self.log_grid = np.log(grid)[:, None].astype(np.float32)
        self.squared_grid = (grid[:, None] ** 2).astype(np.float32)
        # of an array that is made anew in each step the system would clear every page
        self.buffer = np.empty((len(self.means), len(grid), CHAINS), np.float32)

    def run(self) -> Array:
        """Shape (draws, 3 + data sets): μ₀, σ₀, ν and each μᵢ."""
        shape = (CHAINS, len(self.means))
        sigma = np.broadcast_to(np.sqrt(self.squares / (self.n - 1)), shape)
        weights = np.ones(shape)
        drawn = []
        for step in range(WARM_UP + KEPT):
            mu_0, sigma_0, mu = self.draw_means(self.error * sigma**2, weights)
            nu, weights = self.draw_weights((mu - mu_0) / sigma_0)
            sigma = self.draw_spreads(mu)
            drawn.append(np.concatenate([mu_0, sigma_0, nu, mu], axis=1))
            if step + 1 == WARM_UP:
                seen = np.stack(drawn)[:, :, 1]
                near = (self.grid > seen.min() / MARGIN) & (self.grid < seen.max() * MARGIN)
                self.set_grid(self.grid[near])
        return np.concatenate(drawn[WARM_UP:])

    def draw_means(self, errors: Array, weights: Array) -> tuple[Array, Array, Array]:
        """μ₀, σ₀ and μ, given the squared error of each mean and its weight.

        log p(σ₀) = −½ Σ log wᵢ − ½ log Σ 1/wᵢ − ½ Σ (x̄ᵢ − m)² / wᵢ with wᵢ = eᵢ + σ₀²/λᵢ and m
        the mean weighed by 1/wᵢ: μ₀ and all μᵢ are integrated out.
        """
        # (data sets, grid, chains): sums along the first axis are the quickest
        w = self.buffer
        np.multiply(self.squared_grid, spread_out(1 / weights), out=w)
        w += spread_out(errors)
        logs = np.log(w).sum(axis=0)
        shares = np.reciprocal(w, out=w).reshape(len(w), -1)
        total, first, second = (self.powers @ shares).reshape(3, *logs.shape)
        centre = first / total
        squares = np.maximum(second - centre * first, 0)  # Σ (x̄ᵢ − m)² / wᵢ
        log_p = self.log_grid - np.float32(0.5) * (logs + np.log(total) + squares)
        at = self.choose(log_p)
        step = self.grid[1] / self.grid[0]
        sigma_0 = self.grid[at] * step ** self.rng.uniform(-0.5, 0.5, len(at))
        chains = np.arange(len(at))
        normal = special.ndtri(self.spread_evenly(len(at)))
        mu_0 = self.centre + centre[at, chains] + normal / np.sqrt(total[at, chains])
        mu_0 = mu_0[:, None]
        prior = weights / sigma_0[:, None] ** 2
        precision = 1 / errors + prior
        middle = (self.means / errors + mu_0 * prior) / precision
        mu = middle + self.rng.standard_normal(middle.shape) / np.sqrt(precision)
        return mu_0, sigma_0[:, None], mu

    def draw_weights(self, z: Array) -> tuple[Array, Array]:
        """ν and λ, given (μᵢ − μ₀) / σ₀: ν from its density with λ integrated out."""
        grid, log_prior, constant = tabulate_nu()
        ratios = spread_out(z**2) * (1 / grid[:, None]).astype(np.float32)
        ratios += 1
        logs = np.log(ratios, out=ratios).sum(axis=0)
        log_p = (log_prior + z.shape[1] * constant)[:, None] - (grid[:, None] + 1) / 2 * logs
        nu = grid[self.choose(log_p)][:, None]
        return nu, self.rng.gamma((nu + 1) / 2, 2 / (nu + z**2))

    def draw_spreads(self, mu: Array) -> Array:
        """σᵢ² ~ InverseGamma((nᵢ − 1) / 2, (sum of squares + (x̄ᵢ − μᵢ)² / eᵢ) / 2)."""
        scale = self.squares + (self.means - mu) ** 2 / self.error
        drawn = np.sqrt(scale / 2 / self.rng.gamma((self.n - 1) / 2, size=mu.shape))
        return np.asarray(np.minimum(drawn, self.largest_sigma))

    def choose(self, log_p: Array | Weights) -> Array:
        """A place of each column, with probabilities that are known but for a factor."""
        p = np.exp((log_p - log_p.max(axis=0)).astype(np.float32)).cumsum(axis=0)
        drawn = self.spread_evenly(p.shape[1]).astype(np.float32)
        return np.asarray((p < drawn * p[-1]).sum(axis=0))

    def spread_evenly(self, n: int) -> Array:
        """Uniform numbers, one in each n-th of (0, 1): means over chains are surer of such."""
        return (self.rng.permutation(n) + self.rng.uniform(0, 1, n)) / n


def spread_out(values: Array) -> Weights:
    """Shape (data sets, 1, chains), of (chains, data sets)."""
    return np.ascontiguousarray(values.T, np.float32)[:, None]


@cache
def tabulate_nu() -> tuple[Array, Array, Array]:
    """A grid of ν, the logarithms of the prior's share of each, and of the density's constant."""
    grid = np.geomspace(0.2, 300, 30)
    half = grid / 2
    constant = special.gammaln(half + 0.5) - special.gammaln(half) - 0.5 * np.log(grid)
    return grid, np.log(prior_of_nu(grid) * grid), constant


def prior_of_nu(nu: Array) -> Array:
    """The density of Gamma(α, β), the mean over α in (0.5, 5) and β in (0.05, 0.15)."""
    alpha = np.linspace(0.5, 5, 46)[:, None, None]
    beta = np.linspace(0.05, 0.15, 21)[:, None]
    log_p = alpha * np.log(beta) + (alpha - 1) * np.log(nu) - beta * nu - special.gammaln(alpha)
    return np.asarray(np.exp(log_p).mean(axis=(0, 1)))
