"""Drawings of geometry: mask sets, witnesses, tilings, bounds and trade-offs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, sqrt
from os import PathLike

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from maskcover.canonical import write_atomically
from maskcover.cells import Cells
from maskcover.certificate import TiledStencil
from maskcover.covering import CoverReport, LowerBound
from maskcover.covering.lower import admissible_text
from maskcover.errors import InvalidInput
from maskcover.grid import Box
from maskcover.masks import MaskSet
from maskcover.plot.figures import (
    BARE,
    FRAME,
    HIDDEN,
    frame,
    legend,
    new_axes,
    percent_down,
    png,
    png_name,
    rectangles,
    row,
    two_sides,
)

_MOST = 1024
_MOST_NUMBERS = 150  # of tiles; more cannot be read
_GAP = 0.14


def draw_masks(masks: MaskSet, ax: Axes | None = None) -> Axes:
    """Draw one small panel for each mask, in order: the image with the area that the mask hides.

    Args:
        masks: A mask set of two dimensions. Of more than 1,024 masks only the first 1,024 are drawn; the title says so.
        ax: Where to draw; a new figure by default.

    Raises:
        InvalidInput: the grid does not have two dimensions.

    >>> from maskcover import cover, squares
    >>> draw_masks(cover(squares(size=32))).get_title()
    '36 masks on 224×224, the largest hides 8.2 %'
    """
    height, width = two_sides(masks.grid)
    ax = new_axes(ax)
    shown = masks[:_MOST]
    columns = max(1, min(len(shown), ceil(sqrt(len(shown) * height / width))))
    step = height * (1 + _GAP), width * (1 + _GAP)
    corners = [(number // columns * step[0], number % columns * step[1]) for number in range(len(shown))]
    boxes = [
        (top + box.start[0], left + box.start[1], *box.extents)
        for mask, (top, left) in zip(shown, corners, strict=True)
        for box in mask.boxes
    ]
    ax.add_collection(rectangles([(*corner, height, width) for corner in corners], facecolor=FRAME, alpha=0.28))
    # An edge of its own keeps a mask visible where its panel is a few dots wide.
    ax.add_collection(rectangles(boxes, facecolor=HIDDEN, edgecolor=HIDDEN, linewidth=0.5))
    rows = max(1, ceil(len(shown) / columns))
    frame(ax, rows * step[0] - height * _GAP, columns * step[1] - width * _GAP)
    ax.set_title(_masks_title(masks, len(shown)))
    return ax


def draw_witness(report: CoverReport, ax: Axes | None = None) -> Axes:
    """Draw the region that no mask contains, over the outlines of all masks and the mask that holds most of it.

    Args:
        report: The result of `verify` for masks that do not cover.
        ax: Where to draw, in pixels, rows downwards; a new figure by default.

    Raises:
        InvalidInput: the masks cover, so there is no witness; or the grid does not have two dimensions.
    """
    height, width = two_sides(report.masks.grid)
    if report.witness is None:
        raise InvalidInput(f"there is no witness to draw: the masks cover {report.regions}")
    ax = new_axes(ax)
    everything = [row(box) for mask in report.masks[:_MOST] for box in mask.boxes]
    ax.add_collection(rectangles([(0, 0, height, width)], facecolor=FRAME, alpha=0.12))
    ax.add_collection(rectangles(everything, facecolor="none", edgecolor=FRAME, linewidth=0.6, alpha=0.7))
    handles = [Patch(facecolor="none", edgecolor=FRAME, label="all masks")]
    nearest = _nearest(report.masks, report.witness)
    if nearest is not None:
        number, held = nearest
        boxes = [row(box) for box in report.masks[number].boxes]
        ax.add_collection(rectangles(boxes, facecolor=HIDDEN, alpha=0.45))
        handles.append(Patch(facecolor=HIDDEN, alpha=0.45, label=f"mask {number}, holds {percent_down(held)} of it"))
    missed = [row(box) for patch in report.witness for box in patch.boxes]
    ax.add_collection(rectangles(missed, facecolor=(*to_rgb(BARE), 0.35), edgecolor=BARE, linewidth=2, hatch="///"))
    handles.append(Patch(facecolor=(*to_rgb(BARE), 0.35), edgecolor=BARE, hatch="///", label="inside no mask"))
    frame(ax, height, width)
    ax.set_title("no mask contains\n" + "\nwith ".join(map(str, report.witness)))
    legend(ax, handles)
    return ax


def draw_frontier(sets: Sequence[MaskSet], ax: Axes | None = None) -> Axes:
    """Draw how much the largest mask hides against the number of masks, one point for each mask set.

    Args:
        sets: Covers of one region set, such as ``frontier(R)``.
        ax: Where to draw; a new figure by default.

    Raises:
        InvalidInput: there are no mask sets.

    >>> from maskcover.covering import frontier
    >>> draw_frontier(frontier("squares(size=32)", most_masks=9)).get_title()
    'squares(size=32) on 224×224'
    """
    if not sets:
        raise InvalidInput("there is nothing to draw: expected at least one mask set")
    ax = new_axes(ax)
    counts = [len(masks) for masks in sets]
    fractions = [100 * masks.largest_hidden_area / masks.grid.size for masks in sets]
    ax.plot(counts, fractions, color=HIDDEN, marker="o", markersize=5, linewidth=1.5, drawstyle="steps-post")
    ax.set(xscale="log", yscale="log", xlabel="masks", ylabel="largest hidden area, % of the image")
    ax.set_title(f"{sets[0].regions} on {sets[0].grid}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.grid(color=FRAME, alpha=0.25)
    return ax


def draw_bound(bound: LowerBound, ax: Axes | None = None) -> Axes:
    """Draw the placements that prove a lower bound, stronger for larger weights; no mask holds more than weight 1.

    Of a block of placements (see `LowerBound.spans`) the middle one is drawn.

    Args:
        bound: The result of `lower_bound`, on a grid of two dimensions.
        ax: Where to draw, in pixels, rows downwards; a new figure by default.

    >>> from maskcover import lower_bound
    >>> draw_bound(lower_bound("squares(size=32)", max_mask_shape=(64, 64), time_limit=0)).get_title()
    'squares(size=32) on 224×224 needs at least 36 masks\\nin boxes of at most 64×64'
    """
    height, width = two_sides(bound.grid)
    ax = new_axes(ax)
    ax.add_collection(rectangles([(0, 0, height, width)], facecolor=FRAME, alpha=0.12))
    heaviest = max(bound.weights, default=1)
    faces = [(*to_rgb(HIDDEN), 0.35 * weight / heaviest) for weight in bound.weights]
    edges = [(*to_rgb(HIDDEN), 0.2 + 0.8 * weight / heaviest) for weight in bound.weights]
    ax.add_collection(rectangles(map(row, _middles(bound)), facecolor=faces, edgecolor=edges, linewidth=1))
    frame(ax, height, width)
    size = admissible_text(bound.admissible)
    ax.set_title(f"{bound.regions} on {bound.grid} needs at least {bound.masks} masks\nin {size}")
    kind = (
        "no such mask holds two of these" if bound.is_independent else "no such mask holds more than weight 1 of these"
    )
    legend(ax, [Patch(facecolor=(*to_rgb(HIDDEN), 0.35), edgecolor=HIDDEN, label=kind)])
    return ax


def _middles(bound: LowerBound) -> list[Box]:
    """For each block of placements the one in the middle."""
    if not bound.spans:
        return list(bound.placements)
    return [
        Box.at((start + (count - 1) // 2 for start, count in zip(box.start, span, strict=True)), box.extents)
        for box, span in zip(bound.placements, bound.spans, strict=True)
    ]


def draw_tiling(tiled: TiledStencil, ax: Axes | None = None) -> Axes:
    """Draw the places of a stencil, cut into the tiles of a certificate; each tile lies inside one mask.

    Args:
        tiled: A stencil of the evidence of a certificate, such as ``prove(masks).terms[0].slots[0][0]``.
        ax: Where to draw, in places of the stencil's first cell, rows downwards; a new figure by default.

    Raises:
        InvalidInput: the stencil does not have two dimensions.
    """
    span = tiled.stencil.places.span
    if len(span.start) != 2:
        raise InvalidInput(f"tilings are drawn of two dimensions; this stencil has {len(span.start)}")
    ax = new_axes(ax)
    boxes = [row(box) for box, _ in tiled.tiles]
    shades = [(*to_rgb(HIDDEN), 0.15 + 0.2 * (number % 2)) for number in range(len(boxes))]
    ax.add_collection(rectangles(boxes, facecolor=shades, edgecolor=HIDDEN, linewidth=0.8))
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
        InvalidInput: the name does not end in .png, the file cannot be written, or the grid does not have two
            dimensions.
    """
    target = png_name(path)
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


def _masks_title(masks: MaskSet, shown: int) -> str:
    count = f"{len(masks):,} mask{'' if len(masks) == 1 else 's'}"
    if shown < len(masks):
        count = f"the first {shown:,} of {count}"
    return f"{count} on {masks.grid}, the largest hides {masks.largest_hidden_area / masks.grid.size:.1%}".replace(
        "%", " %"
    )


def _nearest(masks: MaskSet, witness: Sequence[Cells]) -> tuple[int, Fraction] | None:
    """The number of the mask that holds most of a region, and the fraction that it holds; None if no mask holds any."""
    region = witness[0].union(*witness[1:])
    held = [_shared(mask.bounds, region.bounds) for mask in masks]
    best = int(np.argmax(held)) if held else -1
    return (best, Fraction(held[best], region.area)) if held and held[best] else None


def _shared(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> int:
    """The number of cells in both of two sets, each given by disjoint boxes (boxes, 2, axes)."""
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    high = np.minimum(first[:, None, 1], second[None, :, 1])
    return int(np.clip(high - low, 0, None).prod(axis=2).sum())
