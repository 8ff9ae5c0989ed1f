"""Region sets drawn on the source image, pulled through its preprocessing to the model's input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import cast

import numpy as np

from maskcover.cells import BoolArray, Cells, IntArray
from maskcover.cells.cells import runs
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid
from maskcover.regions.base import RegionSet, Slot, Stencil, Term, brief, prune
from maskcover.regions.combined import as_region_set
from maskcover.regions.preprocessing import Step, pull
from maskcover.regions.preprocessing.supports import AxisSupport

_MOST_WORK = 1 << 30


@dataclass(frozen=True, slots=True)
class Through(RegionSet):
    """Regions of the base on the source image, turned into the pixels of the model's input that they can change."""

    base: RegionSet
    steps: tuple[Step, ...]
    source: Extents

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        axes = pull(self.steps, cast("tuple[int, int]", self.source))
        outputs = tuple(axis.outputs for axis in axes)
        if outputs != grid.shape:
            raise InvalidInput(f"{brief(self)} ends in an image of {Grid(outputs)}, but the masks are for {grid}")
        source = Grid(self.source)
        # A region stays inside exactly if it touches no source pixel that something outside depends on.
        outside = Cells([grid.whole]).minus(inside)
        allowed = Cells([source.whole]).minus(_sources(outside, axes))
        return tuple(
            Term(slots)
            for term in self.base.expand(source, allowed)
            # A patch that is cropped away wherever it lies is left out; the other patches remain.
            if (slots := tuple(filter(None, (_pulled(slot, axes) for slot in term.slots))))
        )

    def __str__(self) -> str:
        steps = "".join(f", {step}" for step in self.steps)
        return f"through({self.base}{steps}, source={self.source})"


def through(regions: RegionSet, *steps: Step, source: int | Iterable[int]) -> RegionSet:
    """Turn regions of the source image into regions of the model's input, behind a preprocessing.

    Args:
        regions: What the attacker may overwrite, on the source image.
        steps: The steps of the preprocessing, in order: `Resize`, `CenterCrop`, `Crop`, `Fit`, `Pad`, `Flip`, `Jpeg`
            (each says for which library it is exact). `ReceptiveField` as the last one makes cells of pixels.
        source: (height, width) of the source image in pixels.

    Returns:
        A region set of the model's input: for each region of the source the pixels that it can change, from the source
        pixels that each output pixel depends on.

    Raises:
        InvalidInput: bad steps or a bad size; on a grid, if the steps end in another size than that of the grid.

    >>> from maskcover import Resize, squares
    >>> print(through(squares(size=5), Resize(224, "bicubic"), source=(32, 32)).describe(224))
    through(squares(size=5), Resize(224, kernel="bicubic"), source=(32, 32)) on 224×224
      largest region  3,025 px (6.029 %)
      maximal shapes  4, from 52×52 to 55×55
      placements      676
    """
    sides = Grid.of(source).shape
    wrong = [step for step in steps if not isinstance(step, Step)]
    if wrong or not steps or len(sides) != 2:
        raise InvalidInput(
            "through takes a region set, steps such as Resize(224), and source=(height, width); "
            f"got {[str(step)[:40] for step in steps]} and source={source!r}"
        )
    pull(steps, (sides[0], sides[1]))
    return Through(as_region_set(regions), steps, sides)


def _sources(cells: Cells, axes: Sequence[AxisSupport]) -> Cells:
    """The source cells on which some output cells depend."""
    boxes = (
        box
        for part in cells.boxes
        for box in _boxes([_reach(axis, *span) for axis, *span in zip(axes, part.start, part.stop, strict=True)])
    )
    return Cells(boxes, ndim=len(axes))


def _reach(axis: AxisSupport, low: int, high: int) -> BoolArray:
    """The source indices on which the output indices [low, high) depend; bool of shape (length,)."""
    depth = np.bincount(axis.first[low:high], minlength=axis.length + 1)
    depth -= np.bincount(axis.stop[low:high], minlength=axis.length + 1)
    return np.cumsum(depth)[:-1] > 0


def _pulled(slot: Slot, axes: Sequence[AxisSupport]) -> Slot:
    """The output pixels that the stencils of a slot can change; stencils that are cropped away are left out."""
    return prune(
        output
        for stencil in slot
        for places in stencil.places.boxes
        for output in _pulled_from(stencil.cells, places, axes)
    )


def _pulled_from(cells: Cells, places: Box, axes: Sequence[AxisSupport]) -> Iterator[Stencil]:
    """Yield what a shape at a box of places can change: a stencil for each combination of patterns of the axes."""
    spans = [np.unique(cells.bounds[:, :, axis], axis=0) for axis in range(cells.ndim)]
    patterns = [_patterns(*arguments) for arguments in zip(axes, spans, places.start, places.stop, strict=True)]
    numbers = [_numbers(cells.bounds[:, :, axis], spans[axis]) for axis in range(cells.ndim)]
    for chosen in product(*patterns):
        boxes = [
            box
            for of_box in zip(*numbers, strict=True)
            for box in _boxes([pattern.rows[number] for pattern, number in zip(chosen, of_box, strict=True)])
        ]
        if boxes:
            output = Cells(boxes)
            corner = output.span.start
            starts = Cells(_boxes([pattern.starts for pattern in chosen]))
            yield Stencil(output.shifted([-low for low in corner]), starts.shifted(corner))


@dataclass(frozen=True, slots=True, eq=False)
class _Pattern:
    """The output indices of an axis that a shape can change: row i for its span i, counted from `starts`."""

    rows: BoolArray
    starts: BoolArray


def _patterns(axis: AxisSupport, spans: IntArray, first: int, stop: int) -> list[_Pattern]:
    """The different patterns of the spans, moved by [first, stop), each with the output indices where it starts."""
    if (work := (stop - first) * len(spans) * axis.outputs) > _MOST_WORK:
        raise InvalidInput(
            f"a region at {stop - first:,} places of the source, seen by {axis.outputs:,} outputs, takes {work:,} "
            f"steps; at most {_MOST_WORK:,} are taken, so use smaller images"
        )
    moved = np.arange(first, stop)[:, None] + spans[:, 0], np.arange(first, stop)[:, None] + spans[:, 1]
    outputs = (axis.first < moved[1][:, :, None]) & (axis.stop > moved[0][:, :, None])
    is_new = np.append(True, (outputs[1:] != outputs[:-1]).any(axis=(1, 2)))
    starts_of: dict[tuple[int, bytes], list[int]] = {}
    for rows in _largest([rows for rows in outputs[is_new] if rows.any()]):
        touched = np.flatnonzero(rows.any(axis=0))
        cropped = rows[:, touched[0] : touched[-1] + 1]
        starts_of.setdefault((cropped.shape[1], cropped.tobytes()), []).append(int(touched[0]))
    return [
        _Pattern(np.frombuffer(content, dtype=np.bool_).reshape(len(spans), width), _marked(starts, axis.outputs))
        for (width, content), starts in starts_of.items()
    ]


def _largest(outputs: list[BoolArray]) -> list[BoolArray]:
    """Drop arrays that lie inside one of their neighbours, such as those of a patch that a crop cuts off.

    Any place along an axis is combined with any along the others, so what lies inside another along one axis does so
    in all combinations.
    """
    different = list({rows.tobytes(): rows for rows in outputs}.values())
    return [
        rows
        for number, rows in enumerate(different)
        if not any(
            other is not rows and not (rows & ~other).any() for other in different[max(number - 2, 0) : number + 3]
        )
    ]


def _marked(indices: list[int], length: int) -> BoolArray:
    marks = np.zeros(length, dtype=np.bool_)
    marks[indices] = True
    return marks


def _numbers(bounds: IntArray, spans: IntArray) -> list[int]:
    """For each box the number of its span among the different spans of an axis."""
    listed = [tuple(span) for span in spans.tolist()]
    return [listed.index(tuple(span)) for span in bounds.tolist()]


def _boxes(vectors: Sequence[BoolArray]) -> Iterator[Box]:
    """Yield the boxes of a product of sets of indices, a set for each axis."""
    for spans in product(*map(runs, vectors)):
        yield Box(tuple(low for low, _ in spans), tuple(high for _, high in spans))
