"""Colours, axes without pyplot, and PNG files for all drawings; equal figures give equal files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from maskcover.canonical import write_atomically
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid

# Mid-tones for any kind of colour vision, on a white or a black page (Okabe and Ito's blue and vermilion).
HIDDEN = "#2f7fb8"
BARE = "#d9541e"
FRAME = "#8a8f98"


def save_drawing(path: str | PathLike[str], draw: Callable[[Axes], object]) -> None:
    """Write the drawing of one function as a PNG file, atomically."""
    target = png_name(path)
    figure = Figure(figsize=(7, 7.4), layout="constrained")
    draw(figure.subplots())
    write_atomically(target, png(figure))


def png(figure: Figure, *, dpi: int = 144, transparent: bool = False) -> bytes:
    """A figure as the bytes of a PNG, on white or on a transparent background; equal figures give equal bytes."""
    stream = BytesIO()
    figure.savefig(
        stream, format="png", dpi=dpi, transparent=transparent, bbox_inches="tight", metadata={"Software": None}
    )
    return stream.getvalue()


def percent_down(fraction: Fraction) -> str:
    """A fraction in per cent, rounded down, so that only 1 is 100 %.

    >>> percent_down(Fraction(1)), percent_down(Fraction(9999, 10000)), percent_down(Fraction(1, 8))
    ('100 %', '99.9 %', '12.5 %')
    """
    tenths = int(fraction * 1000)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def png_name(path: str | PathLike[str]) -> Path:
    """The path of a PNG file; raises `InvalidInput` for any other name."""
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InvalidInput(f"drawings are written as PNG: expected a name ending in .png; got {target.name!r}")
    return target


def two_sides(grid: Grid) -> tuple[int, int]:
    """The height and the width of a grid; raises `InvalidInput` unless it has two axes."""
    if grid.ndim != 2:
        raise InvalidInput(f"only grids (height, width) can be drawn; this one, {grid}, has {grid.ndim} axes")
    return grid.shape[0], grid.shape[1]


def new_axes(ax: Axes | None) -> Axes:
    """The given axes, or those of a new figure."""
    return Figure(figsize=(7, 7), layout="constrained").add_subplot() if ax is None else ax


def row(box: Box) -> tuple[float, ...]:
    """A box as (top, left, height, width)."""
    return (*box.start, *box.extents)


def rectangles(boxes: Iterable[Sequence[float]], **style: Any) -> PatchCollection:
    """Boxes (top, left, height, width) as one collection; without an edge unless the style names one."""
    patches = [Rectangle((left, top), width, height) for top, left, height, width in boxes]
    return PatchCollection(patches, **{"edgecolor": "none", **style})


def frame(ax: Axes, height: float, width: float) -> None:
    """Make axes count pixels, with rows downwards and without ticks."""
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()


def legend(ax: Axes, handles: list[Patch]) -> None:
    """Put a legend below the axes, in one row."""
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(handles), frameon=False)
