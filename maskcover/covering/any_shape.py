"""`AnyShapeBound`: a lower bound of the number of masks of any form, with weights that are checked in integers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from maskcover.cells import Cells
from maskcover.covering.search.boxes import maximal_extents
from maskcover.covering.search.diagrams import (
    Heights,
    Weights,
    heaviest_diagram,
    heaviest_weight,
    most_held,
    placements_in,
    steps_of,
    transposed,
)
from maskcover.covering.search.windows import Floats, held_by
from maskcover.covering.trimming import room_of
from maskcover.errors import InvalidInput
from maskcover.grid import Extents, Grid
from maskcover.regions import RegionSet, Slot, Term

_MOST_STEPS = 100_000_000  # of a dynamic programme without a time limit
_STEPS_IN_A_SECOND = 100_000_000  # allowed for each second of a time limit; each takes well below a second
_TOTAL = 1 << 45  # the weight of all placements together, before rounding down
_CLOSE = 1.001


@dataclass(frozen=True, slots=True)
class AnyShapeBound:
    """A proof that every cover of `regions` by masks of at most `largest` pixels, of any form, has `masks` masks.

    Made by `lower_bound` with ``any_shape=True``. The witness is a weight for each shape: `weights`, for each patch of
    the term number `term` of the region set. No mask of `largest` pixels holds placements of a greater part of the
    total weight than ``1 / values[i]``. A shape that is no box is counted as boxes that its cells, pushed together,
    contain (docs/theory.md, Lower bounds).

    >>> from maskcover import lower_bound, squares
    >>> bound = lower_bound(squares(size=32), max_mask_area=4096, any_shape=True)
    >>> bound.masks, bound.weights, bound.values, bound.check()
    (35, ((((32, 32), 1),),), (Fraction(37249, 1089),), True)
    """

    regions: RegionSet
    grid: Grid
    largest: int
    term: int
    weights: tuple[Weights, ...]
    values: tuple[Fraction, ...]

    @property
    def masks(self) -> int:
        """The least number of masks of any cover, at least 1."""
        least = 1
        for value in self.values:
            # Each place of this patch needs `least` masks of its own for the patches before.
            least = max(ceil(value * least), 1)
        return least

    def check(self) -> bool:
        """Whether the witness proves the bound; everything is computed again, in integers."""
        terms = self.regions.terms(self.grid)
        if not 0 <= self.term < len(terms):
            return False
        slots = terms[self.term].slots
        return len(slots) == len(self.weights) == len(self.values) and all(
            0 <= value <= _value(slot, weights, self.largest)
            for slot, weights, value in zip(slots, self.weights, self.values, strict=True)
        )

    def __str__(self) -> str:
        return (
            f"{self.regions} on {self.grid} needs at least {self.masks} masks of at most {self.largest:,} px, "
            f"of whatever form"
        )


def find_any_shape_bound(regions: RegionSet, grid: Grid, largest: int, time_limit: float) -> AnyShapeBound:
    """Find a lower bound of the number of masks of any form, as `lower_bound` does, from arguments that were read.

    Raises:
        InvalidInput: an image of more than two axes, or masks too small to hold a region.
    """
    if grid.ndim > 2:
        raise InvalidInput(
            f"bounds for masks of any form are proven for one or two axes; {grid} has {grid.ndim}. "
            "Leave out any_shape=True for a bound for masks in boxes"
        )
    terms = regions.terms(grid)
    _check_room(regions, terms, largest)
    slots = {slot: None for term in terms for slot in term.slots}
    deadline = time.monotonic() + time_limit
    chosen: dict[Slot, tuple[Weights, Fraction]] = {}
    for number, slot in enumerate(slots):
        left = max(deadline - time.monotonic(), 0.0)
        chosen[slot] = _best_weights(slot, largest, left / (len(slots) - number))
    bounds = []
    for number, term in enumerate(terms):
        parts = [chosen[slot] for slot in term.slots]
        weights, values = tuple(part for part, _ in parts), tuple(value for _, value in parts)
        bounds.append(AnyShapeBound(regions, grid, largest, number, weights, values))
    best = max(bounds, key=lambda bound: bound.masks)
    return best if best.check() else AnyShapeBound(regions, grid, largest, 0, ((),) * terms[0].patches, (Fraction(0),))


def _check_room(regions: RegionSet, terms: Iterable[Term], largest: int) -> None:
    for slot in (slot for term in terms for slot in term.slots):
        if any(stencil.cells.area > largest for stencil in slot):
            raise InvalidInput(
                f"no mask of at most {largest:,} px holds a region of {regions}: there is no cover to bound"
            )


def _best_weights(slot: Slot, largest: int, time_limit: float) -> tuple[Weights, Fraction]:
    """Find weights of the shapes of a slot and their value, which is exact."""
    deadline = time.monotonic() + time_limit
    sides, counts = _flat(room_of(slot).extents), _counts(slot)
    alone: list[Weights] = [((shape, 1),) for shape in counts]
    best = max(alone, key=lambda weights: _value(slot, weights, largest))
    value = _value(slot, best, largest)
    steps = steps_of(sides, largest)
    if len(counts) == 1 or steps > max(_MOST_STEPS, _STEPS_IN_A_SECOND * time_limit):
        return best, value
    # Not at the top: what needs no solver starts without scipy.
    from maskcover.covering.search.duals import largest_weights

    shapes, sizes = tuple(counts), np.array(list(counts.values()), np.float64)
    rows = held_by(maximal_extents(Grid(sides), min(largest, sides[0] * sides[1])), shapes)
    slowest = 0.0
    while (solution := largest_weights(sizes, rows, 1.0 + time_limit)) is not None:
        begin = time.monotonic()
        total = float(sizes @ solution)
        whole = [int(weight) for weight in solution * (_TOTAL / total)] if total > 0 else []
        weights = tuple((shape, weight) for shape, weight in zip(shapes, whole, strict=False) if weight > 0)
        if not weights:
            break
        candidate = _value(slot, weights, largest)
        best, value = (weights, candidate) if candidate > value else (best, value)
        if total <= float(value) * _CLOSE or time.monotonic() + slowest >= deadline:
            break
        rows = np.concatenate([rows, _rows(heaviest_diagram(sides, largest, weights), sides, shapes)])
        slowest = max(slowest, time.monotonic() - begin)
    return best, value


def _rows(heights: Heights, sides: Extents, shapes: tuple[Extents, ...]) -> Floats:
    """Rows of a linear program: a diagram, and its mirror image where it fits too."""
    mirrored = transposed(heights)
    fits = len(mirrored) <= sides[1] and max(mirrored, default=0) <= sides[0]
    return np.array(
        [placements_in(diagram, shapes) for diagram in (heights, *([mirrored] if fits else []))], np.float64
    )


def _value(slot: Slot, weights: Weights, largest: int) -> Fraction:
    """The weight of all placements over the most weight that a mask holds; 0 where it proves nothing."""
    counts, sides = _counts(slot), _flat(room_of(slot).extents)
    shapes = [shape for shape, _ in weights]
    if not weights or len(set(shapes)) < len(shapes) or not all(shape in counts for shape in shapes):
        return Fraction(0)
    total = sum(weight * counts[shape] for shape, weight in weights)
    if min(weight for _, weight in weights) < 1 or total >= 1 << 62:
        return Fraction(0)
    if len(weights) == 1:
        heaviest = most_held(sides, shapes[0], largest)
        return Fraction(counts[shapes[0]], heaviest) if heaviest else Fraction(0)
    heaviest = heaviest_weight(sides, largest, weights)
    return Fraction(total, heaviest) if heaviest else Fraction(0)


def _counts(slot: Slot) -> dict[Extents, int]:
    """For each box that stands for a shape the number of its placements."""
    counts: dict[Extents, int] = {}
    for stencil in slot:
        for shape in _boxes_in(stencil.cells):
            counts[shape] = max(counts.get(shape, 0), stencil.places.area)
    return dict(sorted(counts.items()))


def _boxes_in(cells: Cells) -> list[Extents]:
    """The maximal boxes in the diagram of a shape: its cells pushed down in each column, then to the left."""
    extents = cells.span.stop
    if len(cells.bounds) == 1:
        return [_flat(extents)]
    array = cells.to_array(Grid(extents)).reshape(_flat(extents))
    heights = np.sort(array.sum(axis=0))[::-1].tolist()
    widths = {height: column + 1 for column, height in enumerate(heights) if height}
    return sorted(widths.items())


def _flat(extents: Extents) -> Extents:
    """Write one axis as two, the first of length 1."""
    return (1,) * (2 - len(extents)) + extents
