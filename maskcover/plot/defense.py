"""Drawings of the defence: certified placements, detection, and why an image is certified or not."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from os import PathLike

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from maskcover.canonical import write_atomically
from maskcover.certification import Explanation
from maskcover.covering.placements import PlacementMap
from maskcover.defense import DetectionCurve, labels_of
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.masks import Mask
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
)  # fmt: skip

Names = Mapping[int, str] | None
"""Names of classes, by number; a class without a name is shown by its number."""

_SHRUNK = 0.45
_MOST_LABELS = 100


def draw_placements(image: npt.ArrayLike, placement_map: PlacementMap, ax: Axes | None = None) -> Axes:
    """Draw the map of certified placements over an image.

    A pixel is blue if every region that touches it is certified, and red if none is.

    Args:
        image: Floats (height, width, 3) in [0, 1].
        placement_map: The map of certified placements, such as ``result.map(0)``; its grid is the image.
        ax: Where to draw, in pixels, rows downwards; a new figure by default.

    Raises:
        InvalidInput: the image has another shape or range, or the grid does not have two dimensions.
    """
    sides = two_sides(placement_map.masks.grid)
    pixels = _pixels(image, sides)
    ax = new_axes(ax)
    exposure = placement_map.exposure()[:, :, None]
    colour = (1 - exposure) * to_rgb(HIDDEN) + exposure * to_rgb(BARE)
    # A grey image shows its shapes and leaves the colours to the map.
    grey = (pixels @ [0.299, 0.587, 0.114])[:, :, None]
    ax.imshow(0.6 * grey + 0.4 * colour, extent=(0, sides[1], sides[0], 0), interpolation="nearest")
    frame(ax, *sides)
    ax.set_title(f"{percent_down(placement_map.fraction)} of the placements certified")
    legend(ax, [Patch(facecolor=HIDDEN, label="certified"), Patch(facecolor=BARE, label="not certified")])
    return ax


def draw_detection(curve: DetectionCurve, ax: Axes | None = None, *, low: DetectionCurve | None = None) -> Axes:
    """Draw clean and certified fractions over the threshold of detection: the two curves of the paper's Figure 9.

    Args:
        curve: The result of `detection_curve`.
        ax: Where to draw; a new figure by default.
        low: The curve of the same images with alerts on low confidence, ``detection_curve(…, alert_below=0.8)``: it is
            drawn beside the other with broken lines, and both with their false alarms.

    >>> from maskcover.defense import DetectionCurve, Levels
    >>> [line.get_label() for line in draw_detection(DetectionCurve((Levels(0.5, 0.75),))).lines]
    ['clean: right, no alert', 'certified: right, or an alert']
    """
    ax = new_axes(ax)
    _draw_rule(ax, curve, "", "solid", alerts=low is not None)
    if low is not None:
        _draw_rule(ax, low, ", alerts on low confidence too", "dashed", alerts=True)
    ax.set(xlim=(0, 1), ylim=(0, 105), xlabel="threshold", ylabel="images, %")
    ax.set_title(f"detection, {len(curve.levels)} images")
    ax.grid(color=FRAME, alpha=0.25)
    ax.legend(loc="lower center", frameon=False)
    return ax


def _draw_rule(ax: Axes, curve: DetectionCurve, rule: str, style: str, *, alerts: bool) -> None:
    """Draw the lines of one rule of detection, with the words for the rule."""
    thresholds, clean, certified = curve.steps()
    lines = [
        (thresholds, clean, FRAME, "clean: right, no alert"),
        (thresholds, certified, HIDDEN, "certified: right, or an alert"),
    ]
    if alerts:
        lines.append((*curve.alert_steps(), BARE, "clean: an alert"))
    for places, fractions, color, words in lines:
        ax.plot(
            places, 100 * fractions, color=color, linewidth=1.5, linestyle=style, drawstyle="steps-pre",
            label=words + rule,
        )  # fmt: skip


def _pixels(image: npt.ArrayLike, sides: tuple[int, int]) -> npt.NDArray[np.float64]:
    pixels = np.asarray(image)
    if pixels.shape != (*sides, 3) or pixels.dtype.kind != "f":
        expected = f"floats of shape {(*sides, 3)}"
        raise InvalidInput(
            f"expected an image of {expected}, as for the map; got {pixels.dtype} of shape {pixels.shape}"
        )
    if not (pixels >= 0).all() or not (pixels <= 1).all():
        raise InvalidInput("an image to draw must have pixels in [0, 1]; divide 8-bit values by 255")
    return pixels.astype(np.float64)


def draw_one_mask_labels(explanation: Explanation, ax: Axes | None = None, names: Names = None) -> Axes:
    """Draw the label under each mask: blue for the label of the explanation, red for another.

    Boxes are drawn smaller than the masks, so that overlapping masks can be distinguished. Of a defence whose views
    show a little of the image each, such as votes, they are drawn where the view shows it.
    """
    masks, sides = explanation.masks, two_sides(explanation.masks.grid)
    ax = new_axes(ax)
    shown = not explanation.procedure.needs_cover
    for mask, label in zip(masks, explanation.one_mask.tolist(), strict=True):
        top, left, height, width = _largest_shown(mask, masks.grid) if shown else row(mask.span)
        colour = HIDDEN if label == explanation.label else BARE
        edge = (1 - _SHRUNK) / 2
        box = (top + edge * height, left + edge * width, _SHRUNK * height, _SHRUNK * width)
        ax.add_collection(rectangles([box], facecolor=(*to_rgb(colour), 0.25), edgecolor=colour, linewidth=1))
        if len(masks) <= _MOST_LABELS:
            centre = left + width / 2, top + height / 2
            ax.text(*centre, _name(label, names), ha="center", va="center", fontsize=7)
    frame(ax, *sides)
    count = int((explanation.one_mask == explanation.label).sum())
    ax.set_title(f"{'views' if shown else 'under one mask'}: {count} of {len(masks)} have the label")
    legend(ax, [Patch(facecolor=HIDDEN, label="the label"), Patch(facecolor=BARE, label="another")])
    return ax


def _largest_shown(mask: Mask, grid: Grid) -> tuple[float, ...]:
    """The largest box that a view shows: its top, left, height and width. A view that goes round the end has two."""
    return row(max(Mask.from_array(~mask.to_array(grid)).boxes, key=lambda box: prod(box.extents)))


def draw_pairs(explanation: Explanation, ax: Axes | None = None) -> Axes:
    """Draw the table of two-mask predictions, a row and a column for each mask: blue for the label, red for another.

    Raises:
        InvalidInput: the defence uses single masks only.
    """
    ax = new_axes(ax)
    wrong = explanation.table != explanation.label
    colours = np.where(wrong[:, :, None], to_rgb(BARE), to_rgb(HIDDEN))
    ax.imshow(colours, interpolation="nearest")
    ax.set(xlabel="second mask", ylabel="first mask")
    views = len(wrong) * (len(wrong) + 1) // 2
    ax.set_title(f"under two masks: {views - len(explanation.failing):,} of {views:,} have the label")
    return ax


def save_explanation(
    path: str | PathLike[str],
    image: npt.ArrayLike,
    explanation: Explanation,
    names: Names = None,
) -> None:
    """Write a PNG of four drawings: the image, the one-mask labels, the pairs, and the map of certified placements.

    Args:
        path: The file to write, atomically; its name must end in .png.
        image: The image that the model gets, floats (height, width, 3) in [0, 1].
        explanation: The result of `maskcover.explain`.
        names: Names of classes, by number.

    Raises:
        InvalidInput: the name of the file or the image is wrong, or the masks do not have two dimensions.
    """
    target = png_name(path)
    figure = Figure(figsize=(13, 13.6), layout="constrained")
    panel, labels, pairs, places = figure.subplots(2, 2).ravel()
    _draw_image(image, explanation, panel, names)
    draw_one_mask_labels(explanation, labels, names)
    if explanation.predictions.ndim == 1:
        _write(pairs, "this defence uses single masks only")
    else:
        draw_pairs(explanation, pairs)
    if explanation.has_map:
        draw_placements(image, explanation.map(), places)
    else:
        _write(places, f"{percent_down(explanation.certified_fraction)} of the placements certified")
    verdict = "certified" if explanation.certified else "not certified"
    figure.suptitle(f"label {_name(explanation.label, names)}: {verdict} against {explanation.regions}", wrap=True)
    write_atomically(target, png(figure))


def _write(ax: Axes, words: str) -> None:
    """Write words in place of a drawing."""
    ax.text(0.5, 0.5, words, ha="center")
    ax.set_axis_off()


def _draw_image(image: npt.ArrayLike, explanation: Explanation, ax: Axes, names: Names) -> None:
    """Draw the image with the masks of the first pair whose prediction has another label."""
    sides = two_sides(explanation.masks.grid)
    ax.imshow(_pixels(image, sides), extent=(0, sides[1], sides[0], 0), interpolation="nearest")
    defended = ", ".join(_name(label, names) for label in labels_of(explanation.answer))
    title = f"undefended {_name(explanation.undefended, names)}, defended {defended}"
    if explanation.failing:
        first, second = explanation.failing[0]
        boxes = [row(box) for number in {first, second} for box in explanation.masks[number].boxes]
        ax.add_collection(rectangles(boxes, facecolor=(*to_rgb(FRAME), 0.9), edgecolor=BARE, linewidth=1.5))
        single = explanation.predictions.ndim == 1
        label = int(explanation.predictions[first] if single else explanation.table[first, second])
        title += f"\nwithout mask{f' {first}' if single else f's {first} and {second}'}: {_name(label, names)}"
    frame(ax, *sides)
    ax.set_title(title)


def _name(label: int, names: Names) -> str:
    return "none" if label < 0 else (names or {}).get(label, str(label))
