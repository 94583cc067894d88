"""Renders a figure to files: PNG for the screen, SVG for print, both the same bytes every time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from market.app.figures import style
from market.errors import RunError
from market.scenario.private import FILE_MODE, FOLDER_MODE
from market.system_fault import reason_and_remedy

DPI = 150
QUICK = {"compress_level": 3}  # a few per cent longer than the least, in a third of the time


@dataclass(frozen=True)  # no slots: `svg` is kept once drawn
class Picture:
    """A figure with the name of its files, a heading, and what a reader should see in it."""

    name: str
    title: str
    caption: str
    figure: Figure

    @cached_property
    def svg(self) -> bytes:
        """The figure as SVG."""
        return svg_bytes(self.figure)

    @property
    def png(self) -> bytes:
        """The figure as PNG."""
        return png_bytes(self.figure)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture in both forms, ready to be written or to travel from another process."""

    name: str
    title: str
    caption: str
    png: bytes
    svg: bytes


def rendered(picture: Picture) -> Rendered:
    """Draw a picture in both forms."""
    return Rendered(picture.name, picture.title, picture.caption, picture.png, picture.svg)


@style.drawn
def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG."""
    data, canvas = io.BytesIO(), FigureCanvasAgg(figure)
    _lay_out(figure)
    with _at(figure, DPI):  # `savefig` would lay out and draw everything once more, to throw it away
        canvas.print_png(data, metadata={"Software": None}, pil_kwargs=QUICK)  # type: ignore[no-untyped-call]
    return data.getvalue()


@style.drawn
def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG: text as text, no date, identifiers that depend on the drawing alone."""
    data, canvas = io.BytesIO(), FigureCanvasSVG(figure)
    _lay_out(figure)
    with _at(figure, DPI):  # of what is in it as a bitmap
        canvas.print_svg(data, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return data.getvalue()


def _lay_out(figure: Figure) -> None:
    """Find the layout once for all files: it takes as long as drawing."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine) and figure.axes:
        engine.execute(figure)
        figure.set_layout_engine("none")


@contextmanager
def _at(figure: Figure, dpi: float) -> Iterator[None]:
    """Draw with so many dots to the inch."""
    before = figure.dpi
    figure.dpi = dpi
    try:
        yield
    finally:
        figure.dpi = before


def write_pictures(pictures: Iterable[Picture | Rendered], folder: Path) -> list[Path]:
    """Write each as NAME.png and NAME.svg into a folder, made if need be. RunError if the disk refuses."""
    written = []
    try:
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)  # they show plants
        for picture in pictures:
            for ending, data in ((".png", picture.png), (".svg", picture.svg)):
                written.append(folder / (picture.name + ending))
                written[-1].touch(FILE_MODE)
                written[-1].chmod(FILE_MODE)
                written[-1].write_bytes(data)
    except OSError as error:
        raise RunError(f"figures cannot be written to {folder}: {reason_and_remedy(error)}") from None
    return written
