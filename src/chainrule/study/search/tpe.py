"""The tree-structured Parzen estimator: where good candidates are dense and the others are not.

The best tenth of the candidates gives a density l, the others give g. Of points that are drawn
from l that one is proposed whose l / g is largest, as is then its expected improvement: equation 7
of Bergstra, Bardenet, Bengio and Kégl, Algorithms for hyper-parameter optimization, 2011. With the
uniform density as the first of n + 1 parts, and a kernel around each of n points, each density is

    p(x) = (1 + Σᵢ Πₐ kₐ(xₐ; xᵢₐ)) / (n + 1)

over all axes a at once, so that settings are kept that are good together (Falkner, Klein and
Hutter, BOHB, 2018). On an ordered axis k is a normal density within the axis, as wide as the larger
gap to a neighbour, and no narrower than 1 / (n + 2) or 1 / 100; between C categories it is the
uniform density with weight C / (n + 1) to 1 for the point's own. These, the tenth and 24 draws are
what Watanabe, Tree-structured Parzen estimator, 2023, arXiv:2304.11127, describes as Optuna's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chainrule.statistics import special
from chainrule.study.search.model_search import count_startup
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.sections.space import Dimension, Params, random_settings
from chainrule.study.spec.study import Study

__all__ = ["SearchAxis", "TreeModel", "propose_points"]

BEST_SHARE, MOST_BEST = 0.1, 25
"""Which of the candidates are good, and how many of them at most."""

DRAWS = 24
"""Points among which one is chosen."""

NARROWEST = 0.01
"""The least width of a kernel, of an axis that is 1 long."""

Array = NDArray[np.float64]


class SearchAxis(NamedTuple):
    """One coordinate of a point, from 0 to 1.

    - ``n_values``: it has so many, in cells of equal width; None where it has all between.
    - ``is_ordered``: whether near ones are alike.
    """

    n_values: int | None
    is_ordered: bool


@final
class TreeModel:
    """The estimator as what a search asks for settings."""

    def __init__(self, study: Study, arm: Arm) -> None:
        self.space, self.startup = arm.space, count_startup(study)
        self.sign = -1.0 if study.direction == "max" else 1.0
        self._axes = [make_axis(dimension) for dimension in arm.space.values()]
        self._points: list[list[float]] = []

    def ask(
        self, settings: Sequence[Params], values: Sequence[float], n: int, seed: int
    ) -> list[Params]:
        """n settings more, given all earlier ones and their values."""
        if len(settings) < self.startup:
            return [*random_settings(self.space, n, seed)]
        dimensions = self.space.items()
        self._points += [
            [dimension.locate_value(setting[path]) for path, dimension in dimensions]
            for setting in settings[len(self._points) :]
        ]
        points, losses = np.array(self._points[: len(settings)]), self.sign * np.array(values)
        proposed = propose_points(self._axes, points, losses, n, seed)
        return [
            {path: d.value_at(u) for (path, d), u in zip(dimensions, point, strict=True)}
            for point in proposed.tolist()
        ]


def make_axis(dimension: Dimension) -> SearchAxis:
    """The axis of the positions that a dimension has for its values."""
    n_values = None if dimension.cells is None else len(dimension.cells)
    return SearchAxis(n_values, is_ordered=dimension.values is None)


def propose_points(
    axes: Sequence[SearchAxis], points: Array, losses: Array, n: int, seed: int
) -> Array:
    """n points more, (n, axes), given these, (candidates, axes), and their losses.

    A point of a batch counts among the bad ones for those that follow it (the constant liar of
    Ginsbourger, Le Riche and Carraro, 2010), so that they are elsewhere. The same arguments give
    the same points.
    """
    order = np.argsort(losses, kind="stable")
    n_best = min(math.ceil(BEST_SHARE * len(points)), MOST_BEST)
    good, others = ParzenDensity(axes, points[order[:n_best]]), points[order[n_best:]]
    drawn = good.draw(n * DRAWS, np.random.default_rng(seed))
    density = good.evaluate(drawn)
    proposed: list[Array] = []
    for start in range(0, n * DRAWS, DRAWS):
        own = slice(start, start + DRAWS)
        bad = ParzenDensity(axes, np.concatenate([others, *(x[None] for x in proposed)]))
        proposed.append(drawn[own][np.argmax(density[own] / bad.evaluate(drawn[own]))])
    return np.array(proposed)


@final
class ParzenDensity:
    """p(x) above, of n points, an array (n, axes)."""

    def __init__(self, axes: Sequence[SearchAxis], points: Array) -> None:
        self.n = n = len(points)
        self.ordered = [a for a, axis in enumerate(axes) if axis.is_ordered]
        self.unordered = [a for a, axis in enumerate(axes) if not axis.is_ordered]
        self.n_values = np.array([axis.n_values or 0 for axis in axes])
        self.centers, self.categories = points[:, self.ordered], points[:, self.unordered]
        cells = self.n_values[self.ordered]
        half_a_cell = np.divide(0.5, cells, out=np.zeros(len(cells)), where=cells > 0)
        narrowest = np.maximum(half_a_cell, max(1 / (n + 2), NARROWEST))
        self.widths = np.clip(find_gaps(self.centers), narrowest, 1)
        self.below = special.ndtr(-self.centers / self.widths)
        self.mass = special.ndtr((1 - self.centers) / self.widths) - self.below
        heights = 1 / (math.sqrt(2 * math.pi) * self.widths * self.mass)
        self.log_heights = np.log(heights).sum(axis=1)
        self.stays = (n + 1) / (n + 1 + self.n_values[self.unordered])

    def evaluate(self, x: Array) -> Array:
        """p of each of these points, (points,)."""
        distances = (x[:, None, self.ordered] - self.centers) / self.widths
        kernels = np.exp(self.log_heights - 0.5 * np.square(distances).sum(axis=2))
        if self.unordered:
            same = x[:, None, self.unordered] == self.categories
            own = 1 - self.stays + self.stays * self.n_values[self.unordered]
            kernels *= np.where(same, own, 1 - self.stays).prod(axis=2)
        found: Array = (1 + kernels.sum(axis=1)) / (self.n + 1)
        return found

    def draw(self, n: int, generator: np.random.Generator) -> Array:
        """n points from p, (n, axes)."""
        part = (generator.random(n) * (self.n + 1)).astype(int)
        u = generator.random((n, len(self.n_values)))
        i, x = np.minimum(part, self.n - 1), u.copy()
        normal = special.ndtri(self.below[i] + self.mass[i] * u[:, self.ordered])
        x[:, self.ordered] = np.clip(self.centers[i] + self.widths[i] * normal, 0, 1)
        if self.unordered:
            other, stays = u[:, self.unordered], self.stays
            anew = (other - stays) / (1 - stays)
            x[:, self.unordered] = np.where(other < stays, self.categories[i], anew)
        x = np.where(part[:, None] < self.n, x, u)  # the last part is the uniform density
        return self._move_to_middles(x)

    def _move_to_middles(self, x: Array) -> Array:
        """Each coordinate in the middle of its cell, where the axis has cells."""
        cells = np.maximum(self.n_values, 1)
        middles = (np.minimum(np.floor(x * cells), cells - 1) + 0.5) / cells
        return np.where(self.n_values > 0, middles, x)


def find_gaps(points: Array) -> Array:
    """The larger of the gaps to both neighbours, (n, axes); the first and last have one gap.

    One point alone has the larger gap to an end.
    """
    n, n_axes = points.shape
    order, columns = np.argsort(points, axis=0, kind="stable"), np.arange(n_axes)
    gaps = np.diff(
        points[order, columns], axis=0, prepend=np.zeros((1, n_axes)), append=np.ones((1, n_axes))
    )
    if n > 1:
        gaps[0], gaps[-1] = 0, 0
    found = np.empty_like(points)
    found[order, columns] = np.maximum(gaps[:-1], gaps[1:])
    return found
