"""The figures of one result, by name: ``result.plot.boxes()``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chainrule.report.figures.boxes import boxes
from chainrule.report.figures.calibration import calibration
from chainrule.report.figures.curves import curves
from chainrule.report.figures.decision_maps import plane_outputs, plane_predictions
from chainrule.report.figures.forest_plots import differences, effect_sizes
from chainrule.report.figures.panels import curve_grid
from chainrule.report.figures.samples import samples
from chainrule.report.figures.scatter import validation_against_test
from chainrule.report.figures.search_maps import heat_maps
from chainrule.report.numbers import unit_of

if TYPE_CHECKING:
    from chainrule.study.results.study_result import StudyResult

__all__ = ["Plots"]


@final
class Plots:
    """Every method returns a figure and its axes, and shows nothing.

    Each is the function of the same name in :mod:`chainrule.report`, which says what it raises.
    """

    def __init__(self, result: StudyResult) -> None:
        self._result = result

    def boxes(self, metric: str | None = None) -> tuple[Figure, Axes]:
        """A box an arm; ``metric`` may be ``"seconds"``."""
        return boxes(self._result, metric)

    def calibration(self, arms: str = "*") -> tuple[Figure, Axes]:
        """What predicted intervals cover, against the level that they claim."""
        return calibration(self._result, arms)

    def data(self) -> tuple[Figure, Any]:
        """What round 0 trains on, as it comes to the net."""
        return samples(self._result.data(0)[0])

    def curves(self, name: str = "test_loss", arms: str = "*") -> tuple[Figure, Axes]:
        """One learning curve of each arm, all in one axes."""
        return curves(self._result, name, arms)

    def curve_grid(self, arms: str = "*") -> tuple[Figure, NDArray[Any]]:
        """Loss and metric in training and on the test set, a panel an arm."""
        return curve_grid(self._result, arms)

    def heat_maps(self, arm: str) -> tuple[Figure, list[Axes]]:
        """An arm's search."""
        return heat_maps(self._result, arm)

    def validation_against_test(self) -> tuple[Figure, Axes]:
        """What selected each arm's setting, against what it gave."""
        return validation_against_test(self._result)

    def plane_outputs(self, nets: str | Path, arms: str = "*") -> tuple[Figure, NDArray[Any]]:
        """Over the plane of their two inputs, what the nets saved in a folder put out."""
        return plane_outputs(self._result, nets, arms)

    def plane_predictions(self, nets: str | Path, arms: str = "*") -> tuple[Figure, NDArray[Any]]:
        """The test points of all rounds, with the classes that the saved nets predict."""
        return plane_predictions(self._result, nets, arms)

    def differences(
        self, *, baseline: str | None = None, all_pairs: bool = False
    ) -> tuple[Figure, Axes]:
        """The comparisons with their intervals; arguments as ``result.compare``."""
        found = self._result.compare(baseline=baseline, all_pairs=all_pairs)
        return differences(found, unit_of(self._result))

    def effects(self) -> tuple[Figure, Axes]:
        """The effects of the factors with their intervals."""
        return effect_sizes(self._result.effects(), unit_of(self._result))
