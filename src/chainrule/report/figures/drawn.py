"""What a function that makes a figure returns: the figure with its axes, which a notebook shows."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import Any, Generic, NamedTuple, TypeVar

from matplotlib.figure import Figure

__all__ = ["Drawn", "NotebookFigure"]

AxesT = TypeVar("AxesT")


class NotebookFigure(Figure):
    """A figure that a notebook shows where it is the value of a cell, without pyplot."""

    def _repr_png_(self) -> bytes:
        return as_png(self)


class Drawn(NamedTuple, Generic[AxesT]):
    """(figure, axes): one axes, or several. As the value of a notebook's cell it is the image."""

    figure: Figure
    axes: AxesT

    def _ipython_display_(self) -> None:
        """Show it, unless pyplot does, which shows a figure of its own when its cell is done."""
        if self.figure.canvas.manager is None:
            ipython: Any = import_module("IPython.display")
            ipython.display(ipython.Image(as_png(self.figure)))


def as_png(figure: Figure) -> bytes:
    """The image, as wide as a notebook."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
