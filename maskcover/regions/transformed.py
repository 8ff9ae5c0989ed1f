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
from maskcover.regions.preprocessing.supports import AxisSupport, touched_runs
from maskcover.terminal import bar

_MOST_WORK = 1 << 30
_Runs = tuple[tuple[int, int], ...]


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
        for stencil in bar(slot, "pulling regions through", "shape")
        for places in stencil.places.boxes
        for output in _pulled_from(stencil.cells, places, axes)
    )


def _pulled_from(cells: Cells, places: Box, axes: Sequence[AxisSupport]) -> Iterator[Stencil]:
    """Yield what a shape at a box of places can change: a stencil for each combination of patterns of the axes."""
    spans = [np.unique(cells.bounds[:, :, axis], axis=0) for axis in range(cells.ndim)]
    patterns = [_patterns(*arguments) for arguments in zip(axes, spans, places.start, places.stop, strict=True)]
    numbers = [_numbers(cells.bounds[:, :, axis], spans[axis]) for axis in range(cells.ndim)]
    for chosen in product(*patterns):
        parts = [
            _products([pattern.spans[number] for pattern, number in zip(chosen, of_box, strict=True)])
            for of_box in zip(*numbers, strict=True)
        ]
        output = Cells.from_bounds(np.concatenate(parts))
        if output:
            corner = output.span.start
            starts = Cells.from_bounds(_products([pattern.starts for pattern in chosen]))
            yield Stencil(output.shifted([-low for low in corner]), starts.shifted(corner))


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The output indices of an axis that a shape can change: `spans[i]` for its span i, counted from each of `starts`.

    Indices are runs, pairs of a first index and the index behind the last.
    """

    spans: tuple[_Runs, ...]
    starts: _Runs


def _patterns(axis: AxisSupport, spans: IntArray, first: int, stop: int) -> list[_Pattern]:
    """The different patterns of the spans, moved by [first, stop), each with the output indices where it starts."""
    if (work := (stop - first) * len(spans) * axis.outputs) > _MOST_WORK:
        raise InvalidInput(
            f"a region at {stop - first:,} places of the source, seen by {axis.outputs:,} outputs, takes {work:,} "
            f"steps; at most {_MOST_WORK:,} are taken, so use smaller images"
        )
    low, high = (np.arange(first, stop)[:, None] + spans[:, end] for end in (0, 1))
    touched = touched_runs(axis, low, high)
    return _patterns_of_any(axis, low, high) if touched is None else _patterns_of_runs(touched, axis.outputs)


def _patterns_of_runs(touched: IntArray, outputs: int) -> list[_Pattern]:
    """The patterns of an axis in order, from the run of outputs of each span at each place, (places, spans, 2)."""
    is_new = np.append(True, (touched[1:] != touched[:-1]).any(axis=(1, 2)))
    different = touched[is_new & (touched[:, :, 1] > 0).any(axis=1)]
    inside = np.zeros(len(different), dtype=np.bool_)
    # As for `_largest`: the neighbours of a place are the two before it and the two behind it.
    for step in (1, 2):
        before, behind = different[:-step], different[step:]
        inside[:-step] |= _within(before, behind)
        inside[step:] |= _within(behind, before)
    largest = different[~inside]
    empty = largest[:, :, 1] == 0
    starts = np.where(empty, outputs, largest[:, :, 0]).min(axis=1)
    relative = np.where(empty[:, :, None], 0, largest - starts[:, None, None])
    if relative.shape[1] == 1:
        # Of a single span only its length is left; numbers are sorted faster than rows.
        lengths, kind_of = np.unique(relative[:, 0, 1], return_inverse=True)
        kinds = np.stack([np.zeros_like(lengths), lengths], axis=1)[:, None]
    else:
        kinds, kind_of = np.unique(relative, axis=0, return_inverse=True)
    return [
        _Pattern(
            tuple((_pair(span),) if span[1] else () for span in kind.tolist()),
            tuple(runs(_marked(starts[kind_of.ravel() == number], outputs))),
        )
        for number, kind in enumerate(kinds)
    ]


def _within(inner: IntArray, outer: IntArray) -> BoolArray:
    """Whether all spans of an entry lie inside those of the other array's entry, or are empty: (0, 0)."""
    held = (inner[:, :, 0] >= outer[:, :, 0]) & (inner[:, :, 1] <= outer[:, :, 1])
    return np.asarray((held | (inner[:, :, 1] == 0)).all(axis=1))


def _pair(span: Sequence[int]) -> tuple[int, int]:
    return span[0], span[1]


def _patterns_of_any(axis: AxisSupport, low: IntArray, high: IntArray) -> list[_Pattern]:
    """The patterns of any axis, from the source indices [low, high) of each span at each place, (places, spans)."""
    outputs = (axis.first < high[:, :, None]) & (axis.stop > low[:, :, None])
    is_new = np.append(True, (outputs[1:] != outputs[:-1]).any(axis=(1, 2)))
    starts_of: dict[tuple[int, bytes], list[int]] = {}
    for rows in _largest([rows for rows in outputs[is_new] if rows.any()]):
        touched = np.flatnonzero(rows.any(axis=0))
        cropped = rows[:, touched[0] : touched[-1] + 1]
        starts_of.setdefault((cropped.shape[1], cropped.tobytes()), []).append(int(touched[0]))
    count = low.shape[1]
    return [
        _Pattern(
            tuple(tuple(runs(row)) for row in np.frombuffer(content, dtype=np.bool_).reshape(count, width)),
            tuple(runs(_marked(starts, axis.outputs))),
        )
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


def _marked(indices: list[int] | IntArray, length: int) -> BoolArray:
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


def _products(axes: Sequence[_Runs]) -> IntArray:
    """The boxes of a product of runs, int64 (boxes, 2, axes)."""
    spans = np.array(list(product(*axes)), dtype=np.int64).reshape(-1, len(axes), 2)
    return spans.transpose(0, 2, 1)
