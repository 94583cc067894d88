"""Owns a figure as files: PNG for the screen, SVG for print, both the same bytes every time.

Knows nothing of what is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from market.app.figures import style
from market.errors import RunError

DPI = 150


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with the name of its files, a heading, and what a reader should see in it."""

    name: str
    title: str
    caption: str
    figure: Figure


@style.drawn
def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG."""
    data = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(data, format="png", dpi=DPI, metadata={"Software": None})
    return data.getvalue()


@style.drawn
def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG: text as text, no date, identifiers that depend on the drawing alone."""
    data = io.BytesIO()
    FigureCanvasSVG(figure)
    figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    return data.getvalue()


def write_pictures(pictures: Iterable[Picture], folder: Path) -> list[Path]:
    """Write each as NAME.png and NAME.svg into a folder, made if need be. RunError if the disk refuses."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            for ending, data in ((".png", png_bytes), (".svg", svg_bytes)):
                written.append(folder / (picture.name + ending))
                written[-1].write_bytes(data(picture.figure))
    except OSError as error:
        raise RunError(
            f"figures cannot be written to {folder}: {(error.strerror or str(error)).lower()}"
        ) from None
    return written
