"""Pictures of mask sets, witnesses and certified placements; needs the extra `plot`, and nothing else imports it.

Figures are made without pyplot: no display, no global state. Every function draws on the axes that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from io import BytesIO
from math import ceil, sqrt
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.canonical import write_atomically
from maskcover.cells import Cells
from maskcover.certificate import TiledStencil
from maskcover.covering import CoverReport, LowerBound
from maskcover.covering.lower import admissible_text
from maskcover.covering.shares import PlacementMap
from maskcover.defense import DetectionCurve
from maskcover.errors import InvalidInput, MissingExtra
from maskcover.grid import Box, Grid
from maskcover.masks import MaskSet

try:
    from matplotlib.axes import Axes
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle
    from matplotlib.ticker import NullFormatter, StrMethodFormatter
except ImportError as error:
    raise MissingExtra(f"pictures need matplotlib ({error}); try: pip install 'maskcover[plot]'") from error

# Mid-tones, told apart in any kind of colour vision and on a white or a black page (Okabe and Ito's blue, vermilion).
HIDDEN = "#2f7fb8"
BARE = "#d9541e"
FRAME = "#8a8f98"

_MOST = 1024
_MOST_NUMBERS = 150  # of tiles; more cannot be read
_GAP = 0.14


def draw_masks(masks: MaskSet, ax: Axes | None = None) -> Axes:
    """One small picture a mask, in order: the image, and in it what the mask hides.

    Args:
        masks: A mask set of two dimensions; of more than 1,024 masks the first 1,024 are drawn, and the title says so.
        ax: Where to draw; a new figure by default.

    Raises:
        InvalidInput: the grid is not of two dimensions.

    >>> from maskcover import cover, squares
    >>> draw_masks(cover(squares(size=32))).get_title()
    '36 masks on 224×224, the largest hides 8.2 %'
    """
    height, width = _two_sides(masks.grid)
    ax = _axes(ax)
    shown = masks[:_MOST]
    columns = max(1, min(len(shown), ceil(sqrt(len(shown) * height / width))))
    step = height * (1 + _GAP), width * (1 + _GAP)
    corners = [(number // columns * step[0], number % columns * step[1]) for number in range(len(shown))]
    boxes = [
        (top + box.start[0], left + box.start[1], *box.extents)
        for mask, (top, left) in zip(shown, corners, strict=True)
        for box in mask.boxes
    ]
    ax.add_collection(_rectangles([(*corner, height, width) for corner in corners], facecolor=FRAME, alpha=0.28))
    # An edge of its own keeps a mask in sight where its picture is a few dots wide.
    ax.add_collection(_rectangles(boxes, facecolor=HIDDEN, edgecolor=HIDDEN, linewidth=0.5))
    rows = max(1, ceil(len(shown) / columns))
    _frame(ax, rows * step[0] - height * _GAP, columns * step[1] - width * _GAP)
    ax.set_title(_masks_title(masks, len(shown)))
    return ax


def draw_witness(report: CoverReport, ax: Axes | None = None) -> Axes:
    """The region that no mask contains, over the outlines of all masks and the mask that comes nearest to it.

    Args:
        report: What `verify` answered, when it is not that the masks cover.
        ax: Where to draw, in pixels, rows downwards; a new figure by default.

    Raises:
        InvalidInput: the masks cover, so that there is no witness, or the grid is not of two dimensions.
    """
    height, width = _two_sides(report.masks.grid)
    if report.witness is None:
        raise InvalidInput(f"there is no witness to draw: the masks cover {report.regions}")
    ax = _axes(ax)
    everything = [_row(box) for mask in report.masks[:_MOST] for box in mask.boxes]
    ax.add_collection(_rectangles([(0, 0, height, width)], facecolor=FRAME, alpha=0.12))
    ax.add_collection(_rectangles(everything, facecolor="none", edgecolor=FRAME, linewidth=0.6, alpha=0.7))
    handles = [Patch(facecolor="none", edgecolor=FRAME, label="all masks")]
    nearest = _nearest(report.masks, report.witness)
    if nearest is not None:
        number, held = nearest
        boxes = [_row(box) for box in report.masks[number].boxes]
        ax.add_collection(_rectangles(boxes, facecolor=HIDDEN, alpha=0.45))
        handles.append(Patch(facecolor=HIDDEN, alpha=0.45, label=f"mask {number}, holds {percent_down(held)} of it"))
    missed = [_row(box) for patch in report.witness for box in patch.boxes]
    ax.add_collection(_rectangles(missed, facecolor=(*to_rgb(BARE), 0.35), edgecolor=BARE, linewidth=2, hatch="///"))
    handles.append(Patch(facecolor=(*to_rgb(BARE), 0.35), edgecolor=BARE, hatch="///", label="inside no mask"))
    _frame(ax, height, width)
    ax.set_title("no mask contains\n" + "\nwith ".join(map(str, report.witness)))
    _legend(ax, handles)
    return ax


def draw_placements(image: npt.ArrayLike, placement_map: PlacementMap, ax: Axes | None = None) -> Axes:
    """A photo under a wash of colour: blue where every region touching a pixel is certified, red where none is.

    Args:
        image: Floats (height, width, 3) in [0, 1].
        placement_map: Which placements are certified, such as ``result.map(0)``; its masks are those of the image.
        ax: Where to draw, in pixels, rows downwards; a new figure by default.

    Raises:
        InvalidInput: an image of another shape or range, or a grid that is not of two dimensions.
    """
    sides = _two_sides(placement_map.masks.grid)
    pixels = _pixels(image, sides)
    ax = _axes(ax)
    exposure = placement_map.exposure()[:, :, None]
    colour = (1 - exposure) * to_rgb(HIDDEN) + exposure * to_rgb(BARE)
    # A grey photo keeps its shapes and leaves the colours to the map.
    grey = (pixels @ [0.299, 0.587, 0.114])[:, :, None]
    ax.imshow(0.6 * grey + 0.4 * colour, extent=(0, sides[1], sides[0], 0), interpolation="nearest")
    _frame(ax, *sides)
    ax.set_title(f"{percent_down(placement_map.share)} of the placements certified")
    _legend(ax, [Patch(facecolor=HIDDEN, label="certified"), Patch(facecolor=BARE, label="not certified")])
    return ax


def draw_frontier(sets: Sequence[MaskSet], ax: Axes | None = None) -> Axes:
    """How much the largest mask hides against the number of masks, one point a mask set.

    Args:
        sets: Covers of one region set, such as ``frontier(R)``.
        ax: Where to draw; a new figure by default.

    Raises:
        InvalidInput: no sets.

    >>> from maskcover.covering import frontier
    >>> draw_frontier(frontier("squares(size=32)", most_masks=9)).get_title()
    'squares(size=32) on 224×224'
    """
    if not sets:
        raise InvalidInput("there is nothing to draw: expected at least one mask set")
    ax = _axes(ax)
    counts = [len(masks) for masks in sets]
    shares = [100 * masks.largest_hidden_area / masks.grid.size for masks in sets]
    ax.plot(counts, shares, color=HIDDEN, marker="o", markersize=5, linewidth=1.5, drawstyle="steps-post")
    ax.set(xscale="log", yscale="log", xlabel="masks", ylabel="largest hidden area, % of the image")
    ax.set_title(f"{sets[0].regions} on {sets[0].grid}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.grid(color=FRAME, alpha=0.25)
    return ax


def draw_detection(curve: DetectionCurve, ax: Axes | None = None) -> Axes:
    """Clean and certified shares against the threshold of detection: the two curves behind the paper's Figure 9.

    Args:
        curve: What `detection_curve` answered.
        ax: Where to draw; a new figure by default.

    >>> from maskcover.defense import DetectionCurve, Levels
    >>> [line.get_label() for line in draw_detection(DetectionCurve((Levels(0.5, 0.75),))).lines]
    ['clean: right, no alert', 'certified: right, or an alert']
    """
    ax = _axes(ax)
    thresholds, clean, certified = curve.steps()
    lines = [(clean, FRAME, "clean: right, no alert"), (certified, HIDDEN, "certified: right, or an alert")]
    for shares, color, words in lines:
        ax.plot(thresholds, 100 * shares, color=color, linewidth=1.5, drawstyle="steps-pre", label=words)
    ax.set(xlim=(0, 1), ylim=(0, 105), xlabel="threshold", ylabel="images, %")
    ax.set_title(f"detection, {len(curve.levels)} images")
    ax.grid(color=FRAME, alpha=0.25)
    ax.legend(loc="lower center", frameon=False)
    return ax


def draw_bound(bound: LowerBound, ax: Axes | None = None) -> Axes:
    """The placements that prove a lower bound, the heavier the stronger: no admissible mask holds more than weight 1.

    Args:
        bound: What `lower_bound` answered, on a grid of two dimensions.
        ax: Where to draw, in pixels, rows downwards; a new figure by default.

    >>> from maskcover import lower_bound
    >>> draw_bound(lower_bound("squares(size=32)", max_mask_shape=(64, 64), time_limit=0)).get_title()
    'squares(size=32) on 224×224 needs at least 36 masks\\nin boxes of at most 64×64'
    """
    height, width = _two_sides(bound.grid)
    ax = _axes(ax)
    ax.add_collection(_rectangles([(0, 0, height, width)], facecolor=FRAME, alpha=0.12))
    heaviest = max(bound.weights, default=1)
    faces = [(*to_rgb(HIDDEN), 0.35 * weight / heaviest) for weight in bound.weights]
    edges = [(*to_rgb(HIDDEN), 0.2 + 0.8 * weight / heaviest) for weight in bound.weights]
    ax.add_collection(_rectangles(map(_row, bound.placements), facecolor=faces, edgecolor=edges, linewidth=1))
    _frame(ax, height, width)
    size = admissible_text(bound.admissible)
    ax.set_title(f"{bound.regions} on {bound.grid} needs at least {bound.masks} masks\nin {size}")
    kind = (
        "no such mask holds two of these" if bound.is_independent else "no such mask holds more than weight 1 of these"
    )
    _legend(ax, [Patch(facecolor=(*to_rgb(HIDDEN), 0.35), edgecolor=HIDDEN, label=kind)])
    return ax


def save_drawing(path: str | PathLike[str], draw: Callable[[Axes], object]) -> None:
    """Write what one drawing function draws as a PNG; atomically."""
    target = _png_name(path)
    figure = Figure(figsize=(7, 7.4), layout="constrained")
    draw(figure.subplots())
    write_atomically(target, png(figure))


def draw_tiling(tiled: TiledStencil, ax: Axes | None = None) -> Axes:
    """The places of a stencil, cut into tiles of which each lies inside one mask: what a certificate says of it.

    Args:
        tiled: A stencil of the evidence of a certificate, such as ``prove(masks).terms[0].slots[0][0]``.
        ax: Where to draw, in places of the stencil's first cell, rows downwards; a new figure by default.

    Raises:
        InvalidInput: a stencil that is not of two dimensions.
    """
    span = tiled.stencil.places.span
    if len(span.start) != 2:
        raise InvalidInput(f"tilings are drawn of two dimensions; this stencil has {len(span.start)}")
    ax = _axes(ax)
    boxes = [_row(box) for box, _ in tiled.tiles]
    shades = [(*to_rgb(HIDDEN), 0.15 + 0.2 * (number % 2)) for number in range(len(boxes))]
    ax.add_collection(_rectangles(boxes, facecolor=shades, edgecolor=HIDDEN, linewidth=0.8))
    if len(boxes) <= _MOST_NUMBERS:
        for (top, left, height, width), (_, mask) in zip(boxes, tiled.tiles, strict=True):
            ax.text(left + width / 2, top + height / 2, str(mask), ha="center", va="center", fontsize=7)
    ax.set(xlim=(span.start[1], span.stop[1]), ylim=(span.stop[0], span.start[0]), aspect="equal")
    ax.set(xlabel="left column of the patch", ylabel="top row of the patch")
    size = "×".join(map(str, tiled.stencil.extents))
    count = "1 tile, inside one mask" if len(boxes) == 1 else f"{len(boxes)} tiles, each inside the mask it names"
    ax.set_title(f"the places of a patch of {size}\nin {count}")
    return ax


def save(
    path: str | PathLike[str],
    masks: MaskSet,
    report: CoverReport | None = None,
    tiled: TiledStencil | None = None,
    bound: LowerBound | None = None,
) -> None:
    """Write a PNG of the mask set, and beside it the witness of a report, a bound or a tiling; atomically.

    Raises:
        InvalidInput: the name does not end in .png, the file cannot be written, or the grid is not of two dimensions.
    """
    target = _png_name(path)
    missed = report is not None and not report
    beside = missed or tiled is not None or bound is not None
    figure = Figure(figsize=(14 if beside else 7, 7.4), layout="constrained")
    axes = figure.subplots(1, 2 if beside else 1, squeeze=False)[0]
    draw_masks(masks, axes[0])
    if report is not None:
        if missed:
            draw_witness(report, axes[1])
        figure.suptitle(f"{'does not cover' if missed else 'covers'} {report.regions}")
    if bound is not None and not missed:
        draw_bound(bound, axes[1])
    elif tiled is not None and not missed:
        draw_tiling(tiled, axes[1])
    write_atomically(target, png(figure))


def png(figure: Figure, *, dpi: int = 144, transparent: bool = False) -> bytes:
    """A figure as the bytes of a PNG, on white paper or on none; the same for the same figure."""
    stream = BytesIO()
    figure.savefig(
        stream, format="png", dpi=dpi, transparent=transparent, bbox_inches="tight", metadata={"Software": None}
    )
    return stream.getvalue()


def percent_down(share: Fraction) -> str:
    """A share in per cent, rounded down: it says 100 % of nothing less than all.

    >>> percent_down(Fraction(1)), percent_down(Fraction(9999, 10000)), percent_down(Fraction(1, 8))
    ('100 %', '99.9 %', '12.5 %')
    """
    tenths = int(share * 1000)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def _png_name(path: str | PathLike[str]) -> Path:
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InvalidInput(f"pictures are written as PNG: expected a name ending in .png; got {target.name!r}")
    return target


def _two_sides(grid: Grid) -> tuple[int, int]:
    if grid.ndim != 2:
        raise InvalidInput(f"pictures are drawn of grids (height, width); this one, {grid}, has {grid.ndim} axes")
    return grid.shape[0], grid.shape[1]


def _axes(ax: Axes | None) -> Axes:
    return Figure(figsize=(7, 7), layout="constrained").add_subplot() if ax is None else ax


def _row(box: Box) -> tuple[float, ...]:
    return (*box.start, *box.extents)


def _rectangles(boxes: Iterable[Sequence[float]], **style: Any) -> PatchCollection:
    """Boxes (top, left, height, width) as one collection; without an edge unless the style names one."""
    patches = [Rectangle((left, top), width, height) for top, left, height, width in boxes]
    return PatchCollection(patches, **{"edgecolor": "none", **style})


def _frame(ax: Axes, height: float, width: float) -> None:
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()


def _legend(ax: Axes, handles: list[Patch]) -> None:
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(handles), frameon=False)


def _masks_title(masks: MaskSet, shown: int) -> str:
    count = f"{len(masks):,} mask{'' if len(masks) == 1 else 's'}"
    if shown < len(masks):
        count = f"the first {shown:,} of {count}"
    return f"{count} on {masks.grid}, the largest hides {masks.largest_hidden_area / masks.grid.size:.1%}".replace(
        "%", " %"
    )


def _nearest(masks: MaskSet, witness: Sequence[Cells]) -> tuple[int, Fraction] | None:
    """The mask that holds most of a region, the first among equals, and the share that it holds; None of no masks."""
    region = witness[0].union(*witness[1:])
    held = [_shared(mask.bounds, region.bounds) for mask in masks]
    best = int(np.argmax(held)) if held else -1
    return (best, Fraction(held[best], region.area)) if held and held[best] else None


def _shared(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> int:
    """Cells in both of two masks, each given by its disjoint boxes (boxes, 2, axes)."""
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    high = np.minimum(first[:, None, 1], second[None, :, 1])
    return int(np.clip(high - low, 0, None).prod(axis=2).sum())


def _pixels(image: npt.ArrayLike, sides: tuple[int, int]) -> npt.NDArray[np.float64]:
    pixels = np.asarray(image)
    if pixels.shape != (*sides, 3) or pixels.dtype.kind != "f":
        expected = f"floats of shape {(*sides, 3)}"
        raise InvalidInput(f"the map is of an image of {expected}; got {pixels.dtype} of shape {pixels.shape}")
    if not (pixels >= 0).all() or not (pixels <= 1).all():
        raise InvalidInput("the pixels of an image to draw lie in [0, 1]; divide 8-bit values by 255")
    return pixels.astype(np.float64)
