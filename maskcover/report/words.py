"""Region sets in plain English, and the claim of a certificate as a sentence.

A family without words of its own keeps its text, `str(R)`, so that a sentence never says less than the text does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from maskcover.amounts import Amount, cells_up
from maskcover.grid import Grid
from maskcover.regions.areas import Avoiding, Within
from maskcover.regions.base import RegionSet
from maskcover.regions.boxes import Rectangle, Rectangles, Squares
from maskcover.regions.cell_frame import CellFrame
from maskcover.regions.combined import MixedPatches, Patches, Union
from maskcover.regions.polygons import Disc
from maskcover.regions.slabs import HalfPlanes, Sides, Stripes
from maskcover.regions.transformed import Through
from maskcover.regions.videos import Tubes
from maskcover.terminal import printable

_LONGEST = 200  # characters of a region text in a sentence


def claim_sentence(
    regions: RegionSet, grid: Grid | None, where: str, *, may_alert: bool = False, top: int = 1, truth: str = "label"
) -> str:
    """The claim of a certificate as a sentence.

    Args:
        regions: The regions that the attacker may overwrite.
        grid: The image on which they are drawn; None if images have different sizes.
        where: The image in words, such as "of the model's input of 224×224 pixels".
        may_alert: Whether the defence may answer with an alert instead of the label.
        top: The number of first labels that make its answer.
        truth: The word for what is true of an image: "label", or "answer" for a function of answers.

    >>> from maskcover import squares
    >>> claim_sentence(squares(size=32), Grid.of(224), "of the image")
    'Whatever is written into any one square of 32×32 pixels of the image, the defended model answers the true label.'
    """
    verb = "answers" if truth == "label" else "gives"
    answer = f"{verb} the true {truth}" if top == 1 else f"has the true {truth} among its first {top} {truth}s"
    alert = ", or raises an alert" if may_alert else ""
    return f"Whatever is written into {region_words(regions, grid)} {where}, the defended model {answer}{alert}."


def region_words(regions: RegionSet, grid: Grid | None = None) -> str:
    """What one attack may overwrite, in words that follow "whatever is written into".

    Args:
        regions: The region set.
        grid: The image on which it is drawn; None if images have different sizes.

    >>> from maskcover import parse_regions
    >>> for text in ("squares(size=32)", "rectangles(area=0.01)", "patches(squares(area=0.02), k=2)"):
    ...     print(region_words(parse_regions(text), Grid.of(224)))
    any one square of 32×32 pixels
    any one rectangle of at most 502 pixels (1 % of the image)
    any 2 regions at once, each of them one square of 32×32 pixels (2 % of the image)
    """
    if isinstance(regions, Union):
        return ", or into ".join(region_words(member, grid) for member in regions.members)
    if isinstance(regions, Patches):
        return f"any {regions.k} regions at once, each of them {_one(regions.base, grid)}"
    if isinstance(regions, MixedPatches):
        return f"these regions at once: {'; and '.join('any ' + _one(part, grid) for part in regions.members)}"
    return f"any {_one(regions, grid)}"


def _one(regions: RegionSet, grid: Grid | None) -> str:
    """One region of a set, in words that follow "any": "one square of 32×32 pixels"."""
    if isinstance(regions, Union):
        return ", or ".join(_one(member, grid) for member in regions.members)
    words = _WORDS.get(type(regions))
    return f"one region of {_text(regions)}" if words is None else words(regions, grid)


def _text(value: object) -> str:
    """A text on one line, cut if it is very long; the full text stands beside the sentence."""
    text = printable(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (shortened)"


def _squares(regions: Squares, grid: Grid | None) -> str:
    times = 2 if grid is None else grid.ndim
    shape, kind = "square", "×".join
    if times != 2:
        shape = "cube" if times == 3 else "interval"
    if regions.size is None and grid is None:
        return f"one square of {_percent(regions.area)} of the image, its side rounded up to whole pixels"
    side = regions.size if grid is None else regions.side(grid)
    area = f" ({_percent(regions.area)} of the image)" if isinstance(regions.area, Fraction) else ""
    return f"one {shape} of {kind([str(side)] * times)} pixels{area}"


def _rectangle(regions: Rectangle, _: Grid | None) -> str:
    return f"one rectangle of {regions.height}×{regions.width} pixels (height × width)"


def _rectangles(regions: Rectangles, grid: Grid | None) -> str:
    area = regions.area
    size = f"{_percent(area)} of the image" if isinstance(area, Fraction) else f"{area:,} pixels"
    if isinstance(area, Fraction) and grid is not None:
        size = f"{cells_up(area, grid.size):,} pixels ({size})"
    words = f"one rectangle of at most {size}"
    if regions.min_side > 1:
        words += f", with sides of at least {regions.min_side} pixels"
    if regions.max_aspect is not None:
        words += f", its long side at most {float(regions.max_aspect):g} times the short one"
    return words


def _sides(regions: Sides, _: Grid | None) -> str:
    fraction = _percent(regions.fraction)
    return f"one side of the image (top, bottom, left or right), up to {fraction} of its height or width"


def _half_planes(regions: HalfPlanes, _: Grid | None) -> str:
    named = (("row", regions.rows), ("column", regions.columns))
    lines = [f"before {name} {', '.join(map(str, lines))}" for name, lines in named if lines]
    return f"one patch of any size on one side of a line across the image ({'; '.join(lines)})"


def _stripes(regions: Stripes, _: Grid | None) -> str:
    kind = {None: "horizontal or vertical ", 0: "horizontal ", 1: "vertical "}.get(regions.axis, "")
    along = f" along axis {regions.axis}" if regions.axis not in (None, 0, 1) else ""
    return f"one {kind}stripe of {regions.width} pixels right across the image{along}"


def _disc(regions: Disc, _: Grid | None) -> str:
    offset = "any place" if regions.subpixel else "any whole pixel"
    return f"one disc of {float(regions.diameter):g} pixels in diameter, at {offset}"


def _within(regions: Within, grid: Grid | None) -> str:
    how = "that touches" if regions.touching else "that lies wholly inside"
    return f"{_one(regions.base, grid)} {how} the area {_text(regions.area)}"


def _avoiding(regions: Avoiding, grid: Grid | None) -> str:
    return f"{_one(regions.base, grid)} that does not touch the area {_text(regions.area)}"


def _tubes(regions: Tubes, grid: Grid | None) -> str:
    frames = "all frames" if regions.frames is None else f"{regions.frames} consecutive frames"
    return f"{_one(regions.base, None if grid is None else Grid(grid.shape[1:]))}, in the same place in {frames}"


def _through(regions: Through, _: Grid | None) -> str:
    source, way = Grid(regions.source), CellFrame.of(regions)
    drawn = f"{_one(regions.base, source)}, drawn on an image of {source} pixels"
    if way is None:
        return f"{drawn} before it is resized or cropped"
    return (
        drawn if len(regions.steps) == 1 else f"{drawn} before it becomes the model's input of {Grid(way.sides)} pixels"
    )


def _percent(amount: Amount | None) -> str:
    """A fraction in per cent, exact where it has few digits; pixels as pixels."""
    if isinstance(amount, Fraction):
        percent = 100 * amount
        exact = f"{float(percent):.6g}"
        return f"{exact} %" if Fraction(exact) == percent else f"{percent.numerator}/{percent.denominator} %"
    return f"{amount} pixels"


_WORDS: Mapping[type[RegionSet], Callable[[Any, Grid | None], str]] = {
    Squares: _squares,
    Rectangle: _rectangle,
    Rectangles: _rectangles,
    HalfPlanes: _half_planes,
    Sides: _sides,
    Stripes: _stripes,
    Disc: _disc,
    Within: _within,
    Avoiding: _avoiding,
    Tubes: _tubes,
    Through: _through,
}
