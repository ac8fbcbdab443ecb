"""Reads figures for their tests."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


def tick_names(ticks) -> list[str]:
    return [tick.get_text() for tick in ticks]


def draw_png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def legend_names(figure: Figure) -> list[str]:
    return [text.get_text() for of in figure.legends for text in of.get_texts()]
