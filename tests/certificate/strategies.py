"""Region sets on small grids, in unions, patches and areas: most of them such that the checker expands them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import maskcover as mc
from maskcover.regions.bitmaps import bitmap_text
from tests.geometry_strategies import ASPECTS, bitmaps, plain_set, stacks
from tests.oracles import BoolArray, Shape

GRIDS = st.one_of(
    st.tuples(st.integers(1, 9)),
    st.tuples(st.integers(2, 6), st.integers(2, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4)),
)
SHARES = st.fractions(min_value="1/12", max_value="11/12", max_denominator=12)


@st.composite
def areas(draw: st.DrawFn, sides: Shape) -> Any:
    if draw(st.integers(0, 1 if len(sides) == 2 else 15)) == 1:
        return draw(bitmaps(sides))
    starts = [draw(st.integers(0, side - 1)) for side in sides]
    return (*starts, *(draw(st.integers(1, side - start)) for side, start in zip(sides, starts, strict=True)))


def _two_dimensional(draw: st.DrawFn, sides: Shape) -> mc.RegionSet:
    if draw(st.integers(0, 3)):
        return mc.rectangle(*(draw(st.integers(1, side)) for side in sides))
    return mc.disc(draw(st.integers(1, 2 * min(sides)).map(lambda n: f"{n}/2")))


@st.composite
def patches_of_one(draw: st.DrawFn, sides: Shape) -> mc.RegionSet:
    kind = draw(
        st.sampled_from(
            ["squares", "share", "rectangles", "bitmap", "flat"] * 3 + ["half", "stripes", "tubes", "lines"]
        )
    )
    size = int(np.prod(sides))
    if kind == "squares":
        return mc.squares(draw(st.integers(1, min(sides))))
    if kind == "share":
        return mc.squares(area=draw(SHARES))
    if kind == "half":
        return mc.sides(draw(SHARES))
    if kind == "lines" and len(sides) == 2 and min(sides) > 1:
        return mc.half_planes(rows=draw(st.integers(1, sides[0] - 1)), columns=draw(st.integers(1, sides[1] - 1)))
    if kind == "stripes":
        return mc.stripes(draw(st.integers(1, min(sides))), axis=draw(st.none() | st.integers(0, len(sides) - 1)))
    if kind == "bitmap" and (len(sides) == 2 or draw(st.integers(0, 4)) == 0):
        shape = tuple(draw(st.integers(1, side)) for side in sides)
        return mc.bitmap(draw(bitmaps(shape).filter(lambda found: bool(found.any()))))
    if kind == "flat" and len(sides) == 2:
        return _two_dimensional(draw, sides)
    if kind == "tubes" and len(sides) > 1:
        return mc.tubes(draw(regions(sides[1:], patches=False)), frames=draw(st.none() | st.integers(1, sides[0])))
    limit = draw(st.integers(1, size) | SHARES)
    least = draw(st.integers(1, 2))
    return mc.rectangles(limit, min_side=least, max_aspect=draw(ASPECTS))


@st.composite
def regions(draw: st.DrawFn, sides: Shape, *, patches: bool = True) -> mc.RegionSet:
    """A region set; it may turn out to have no place on the grid."""
    base = draw(patches_of_one(sides))
    for _ in range(draw(st.integers(0, 2))):
        how = draw(st.sampled_from(["within", "avoiding", "union", "patches", "mixed"] * 3 + ["touching"]))
        if how in {"within", "touching"}:
            base = mc.within(base, draw(areas(sides)), touching=how == "touching")
        elif how == "avoiding":
            base = mc.avoiding(base, draw(areas(sides)))
        elif how == "union":
            base = mc.union(base, draw(patches_of_one(sides)))
        elif patches and "patches(" not in str(base):
            other = [base, draw(patches_of_one(sides))]
            base = mc.patches(base, draw(st.integers(2, 3))) if how == "patches" else mc.patches(other)
    return base


@st.composite
def claims(draw: st.DrawFn) -> tuple[mc.MaskSet, mc.RegionSet]:
    """Masks and a region set on one grid; often the masks nearly cover."""
    sides = draw(GRIDS)
    found = draw(regions(sides))
    return plain_set(draw(stacks(sides) | _nearly_everything(sides))), found


@st.composite
def _nearly_everything(draw: st.DrawFn, sides: Shape) -> BoolArray:
    """Masks that hide all but a cell or two, or all."""
    masks = np.ones((draw(st.integers(1, 5)), *sides), dtype=np.bool_)
    for mask in masks:
        for _ in range(draw(st.integers(0, 2))):
            mask.reshape(-1)[draw(st.integers(0, mask.size - 1))] = False
    return masks


def area_text(area: Any) -> str:
    return bitmap_text(area) if isinstance(area, np.ndarray) else str(area)
