"""`lower_bound`: the number of masks that every cover needs, with a witness that is checked in integers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, prod
from typing import Literal, overload

import numpy as np

from maskcover.amounts import AnyAmount, cells_down, parse_amount
from maskcover.cells import Cells
from maskcover.covering.any_shape import AnyShapeBound, find_any_shape_bound
from maskcover.covering.search.bounds import (
    Dual,
    check_dual,
    check_independent,
    independent_placements,
    spans_of,
)
from maskcover.covering.search.boxes import Admissible
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid, ImageSize, as_integer
from maskcover.regions import RegionSet, Slot, parse_regions
from maskcover.regions.base import maximal


@dataclass(frozen=True, slots=True)
class LowerBound:
    """A proof that every cover of `regions` by admissible masks has at least `masks` masks; made by `lower_bound`.

    A mask is admissible if it lies in a box of at most `admissible` pixels (an `int`), or of at most these sides (a
    tuple).

    The witness: `placements`, boxes around regions, with weights ``weights[i] / denominator``. No admissible mask holds
    placements of a total weight above 1, so a cover has at least as many masks as the total weight. Where all weights
    are 1, no admissible mask holds two of the placements (docs/theory.md, Lower bounds). Where there are `spans`,
    ``placements[i]`` is the first of a block of placements of equal weight, ``spans[i][axis]`` in a row along each
    axis.

    >>> from maskcover import lower_bound, squares
    >>> bound = lower_bound(squares(size=2), image_size=(2, 9), max_mask_shape=(2, 4), time_limit=0)
    >>> bound.masks, [box.start for box in bound.placements], bound.check()
    (3, [(0, 0), (0, 3), (0, 6)], True)
    """

    regions: RegionSet
    grid: Grid
    admissible: Admissible
    placements: tuple[Box, ...]
    weights: tuple[int, ...]
    denominator: int
    spans: tuple[Extents, ...] = ()

    @property
    def value(self) -> Fraction:
        """The sum of the weights of all placements, exact."""
        return self._dual.value

    @property
    def _dual(self) -> Dual:
        return Dual(self.placements, self.weights, self.denominator, self.spans)

    @property
    def masks(self) -> int:
        """The least number of masks of any cover: `value` rounded up, at least 1."""
        return max(ceil(self.value), 1)

    @property
    def is_independent(self) -> bool:
        """Whether the witness is a set of placements of which no admissible mask holds two."""
        return set(self.weights) <= {self.denominator} and set(self._dual.sizes) <= {1}

    def check(self) -> bool:
        """Whether the witness proves the bound; everything is computed again, in integers."""
        places = _places(_slot(self.regions, self.grid))
        spans = spans_of(self._dual, self.grid.ndim)
        if len(spans) != len(self.placements) or len(self.weights) != len(self.placements):
            return False
        for box, span in zip(self.placements, spans, strict=True):
            if min(span) < 1 or box.extents not in places:
                return False
            if not places[box.extents].contains(Cells([Box.at(box.start, span)])):
                return False
        if self.is_independent:
            return check_independent(self.grid, places, self.admissible, self.placements)
        return check_dual(self.grid, places, self.admissible, self._dual)

    def __str__(self) -> str:
        kind = (
            "of which no such mask holds two" if self.is_independent else "weighted so that no such mask holds above 1"
        )
        return (
            f"{self.regions} on {self.grid} needs at least {self.masks} masks in {admissible_text(self.admissible)}: "
            f"{sum(self._dual.sizes):,} placements {kind}"
        )


@overload
def lower_bound(
    regions: RegionSet | str,
    image_size: ImageSize | Grid = 224,
    *,
    max_mask_area: AnyAmount | None = None,
    max_mask_shape: Iterable[int] | None = None,
    any_shape: Literal[False] = False,
    time_limit: float = 10.0,
) -> LowerBound: ...


@overload
def lower_bound(
    regions: RegionSet | str,
    image_size: ImageSize | Grid = 224,
    *,
    max_mask_area: AnyAmount | None = None,
    max_mask_shape: Iterable[int] | None = None,
    any_shape: Literal[True],
    time_limit: float = 10.0,
) -> AnyShapeBound: ...


def lower_bound(
    regions: RegionSet | str,
    image_size: ImageSize | Grid = 224,
    *,
    max_mask_area: AnyAmount | None = None,
    max_mask_shape: Iterable[int] | None = None,
    any_shape: bool = False,
    time_limit: float = 10.0,
) -> LowerBound | AnyShapeBound:
    """Prove a lower bound of the number of masks of every cover whose masks are not too large.

    Args:
        regions: The region set of one patch, or its text.
        image_size: As for `cover`.
        max_mask_area: Each mask lies in a box of at most this many pixels (or this fraction of the image).
        max_mask_shape: Or in a box of at most (height, width) pixels. Exactly one of the two is given.
        any_shape: True for masks of any form of at most `max_mask_area` pixels, in images of one or two axes. Then the
            region set may have several patches at once.
        time_limit: Seconds to look for a better witness; 0 takes what needs no search: the first independent set, or
            one weight for each shape.

    For one box shape and `max_mask_shape` the product grid of `cover` has exactly this number of masks
    (docs/theory.md, Masks for one shape).

    Raises:
        InvalidInput: a region set of several patches at once (unless `any_shape`), a bad budget, or masks too small to
            cover.

    >>> from maskcover import squares
    >>> bound = lower_bound(squares(size=32), max_mask_shape=(64, 64), time_limit=0)
    >>> bound.masks, bound.check()
    (36, True)
    >>> lower_bound(squares(size=32), max_mask_area=4096, any_shape=True).masks
    35
    """
    regions, grid = parse_regions(regions), Grid.of(image_size)
    if (max_mask_area is None) == (max_mask_shape is None):
        raise InvalidInput("name either max_mask_area= or max_mask_shape=: how large a mask may be")
    seconds = checked_seconds(time_limit)
    if any_shape and max_mask_shape is not None:
        raise InvalidInput("masks of any form are bounded by their area; name max_mask_area= with any_shape=True")
    if max_mask_shape is not None:
        return find_bound(regions, grid, _extents(max_mask_shape, grid), seconds)
    area = cells_down(parse_amount(max_mask_area, "max_mask_area"), grid.size)
    if any_shape:
        return find_any_shape_bound(regions, grid, area, seconds)
    return find_bound(regions, grid, area, seconds)


def find_bound(regions: RegionSet, grid: Grid, admissible: Admissible, time_limit: float) -> LowerBound:
    """Find a lower bound, as `lower_bound` does, from arguments that have been read."""
    slot = _slot(regions, grid)
    shapes = maximal({stencil.extents for stencil in slot})
    if any(not _admits(admissible, shape) for shape in shapes):
        raise InvalidInput(
            f"no mask in {admissible_text(admissible)} holds a region of {regions}: there is no cover to bound"
        )
    if time_limit > 0 or len(shapes) > 1:
        # Not at the top: what needs no solver starts without scipy.
        from maskcover.covering.search.duals import rational_dual

        dual = rational_dual(grid, shapes, admissible, time_limit=time_limit)
    else:
        alone = independent_placements(grid, shapes, admissible, time_limit=0)
        dual = Dual(alone, (1,) * len(alone), 1)
    bound = _allowed(LowerBound(regions, grid, admissible, dual.placements, dual.weights, dual.denominator, dual.spans))
    return bound if bound.check() else LowerBound(regions, grid, admissible, (), (), 1)


def _allowed(bound: LowerBound) -> LowerBound:
    """Leave out placements that are not allowed: the search moves shapes freely. The witness stays true."""
    places = _places(_slot(bound.regions, bound.grid))
    placements, weights, spans = [], [], []
    for box, weight, span in zip(bound.placements, bound.weights, spans_of(bound._dual, bound.grid.ndim), strict=True):
        starts = Cells([Box.at(box.start, span)])
        for part in (places[box.extents].common(starts) if box.extents in places else Cells([], ndim=0)).boxes:
            placements.append(Box.at(part.start, box.extents))
            weights.append(weight)
            spans.append(part.extents)
    return replace(
        bound, placements=tuple(placements), weights=tuple(weights), spans=tuple(spans) if bound.spans else ()
    )


def checked_seconds(time_limit: object) -> float:
    """Read a number of seconds, at least 0."""
    number = isinstance(time_limit, int | float | np.number | Decimal) and not isinstance(time_limit, bool)
    seconds = float(time_limit) if number else -1.0  # type: ignore[arg-type]  # it is a number here
    if not 0 <= seconds < 10**6:
        raise InvalidInput(f"time_limit is a number of seconds, at least 0; got {time_limit!r:.80}")
    return seconds


def _extents(sides: object, grid: Grid) -> Extents:
    """Read the sides of a box that masks lie in, one for each axis."""
    try:
        extents = tuple(map(as_integer, sides)) if isinstance(sides, Iterable) else ()
    except TypeError:
        extents = ()
    if len(extents) != grid.ndim or min(extents) < 1:
        raise InvalidInput(
            f"max_mask_shape must be {grid.ndim} whole numbers of at least 1, such as {grid.shape}; got {sides!r:.80}"
        )
    return extents


def admissible_text(admissible: Admissible) -> str:
    """Write the size of admissible masks in words.

    >>> admissible_text(4902), admissible_text((64, 64))
    ('boxes of at most 4,902 px', 'boxes of at most 64×64')
    """
    size = f"{admissible:,} px" if isinstance(admissible, int) else "×".join(map(str, admissible))
    return f"boxes of at most {size}"


def _slot(regions: RegionSet, grid: Grid) -> Slot:
    for term in regions.terms(grid):
        if term.patches == 1:
            return term.slots[0]
    raise InvalidInput(f"lower bounds are for one patch at a time; {regions} has several at once; bound one of them")


def _places(slot: Slot) -> dict[Extents, Cells]:
    """For each bounding box the places where some stencil that fills its sides may lie."""
    places: dict[Extents, Cells] = {}
    for stencil in slot:
        before = places.get(stencil.extents)
        places[stencil.extents] = before.union(stencil.places) if before else stencil.places
    return places


def _admits(admissible: Admissible, shape: Extents) -> bool:
    if isinstance(admissible, int):
        return prod(shape) <= admissible
    return len(shape) == len(admissible) and all(a <= b for a, b in zip(shape, admissible, strict=True))
