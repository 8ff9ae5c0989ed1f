"""Hypothesis strategies: small grids, region sets with their brute-force meaning, and masks that nearly cover."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import maskcover as mc
from tests import oracles
from tests.oracles import Attack, BoolArray, Shape

SIDES = st.one_of(
    st.tuples(st.integers(1, 10)),
    st.tuples(st.integers(1, 5), st.integers(1, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4)),
)
ASPECTS = st.sampled_from([None, Fraction(1), Fraction(3, 2), Fraction(2), Fraction(7, 2)])
_MOST_REGIONS = 2500


@dataclass(frozen=True)
class World:
    """A grid, a region set of the library, and the same set by its definition."""

    sides: Shape
    regions: mc.RegionSet
    attacks: tuple[Attack, ...]


def quiet_cover(*arguments: Any, **keywords: Any) -> mc.MaskSet:
    """`cover` on images so small that a good mask may hide more than half of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mc.MaskcoverWarning)
        return mc.cover(*arguments, **keywords)


def plain_set(arrays: BoolArray) -> mc.MaskSet:
    """A mask set of arrays, odd masks included and without warnings."""
    return mc.MaskSet(mc.Grid(arrays.shape[1:]), tuple(map(mc.Mask.from_array, arrays)))


@st.composite
def single_families(draw: st.DrawFn, sides: Shape) -> tuple[mc.RegionSet, Attack]:
    """One family of single patches that has a place on the grid."""
    kind = draw(st.sampled_from(["size", "area", "fraction", "rectangle", "rectangles", "ratio"]))
    limit = draw(st.integers(1, int(np.prod(sides))))
    if kind == "size":
        side = draw(st.integers(1, min(sides)))
        return mc.squares(side), Attack(frozenset({(side,) * len(sides)}))
    if kind in {"area", "fraction"}:
        fraction = Fraction(limit, int(np.prod(sides)) + 1)
        cells = limit if kind == "area" else oracles.fraction_up(fraction, sides)
        side = oracles.square_side(cells, len(sides))
        assume(side <= min(sides))
        return mc.squares(area=limit if kind == "area" else fraction), Attack(frozenset({(side,) * len(sides)}))
    if kind == "rectangle" and len(sides) == 2:
        height, width = (draw(st.integers(1, side)) for side in sides)
        return mc.rectangle(height, width), Attack(frozenset({(height, width)}))
    least, aspect = draw(st.integers(1, min(sides))), draw(ASPECTS) if kind == "ratio" else None
    shapes = oracles.rectangles(limit, sides, least, aspect)
    assume(shapes)
    return mc.rectangles(limit, min_side=least, max_aspect=aspect), Attack(shapes)


@st.composite
def several_patches(draw: st.DrawFn, sides: Shape) -> tuple[mc.RegionSet, Attack]:
    """Two or three patches of a family with few enough placements to try all tuples."""
    base, attack = draw(single_families(sides))
    k = draw(st.integers(2, 3))
    assume(sum(len(oracles.placements(shape, sides)) for shape in attack.shapes) ** k <= _MOST_REGIONS)
    return mc.patches(base, k), Attack(attack.shapes, k)


@st.composite
def worlds(draw: st.DrawFn, *, ndim: int | None = None, most_members: int = 3, most_patches: int = 3) -> World:
    """A small grid and a region set: a family, patches of it, or a union of either."""
    sides = draw(SIDES if ndim is None else SIDES.filter(lambda lengths: len(lengths) == ndim))
    member = single_families(sides) if most_patches == 1 else single_families(sides) | several_patches(sides)
    members = draw(st.lists(member, min_size=1, max_size=most_members))
    return World(sides, mc.union(*(regions for regions, _ in members)), tuple(attack for _, attack in members))


def box_masks(sides: Shape) -> st.SearchStrategy[BoolArray]:
    """One box, as an array."""
    spans = [st.tuples(st.integers(0, side - 1), st.integers(1, side)) for side in sides]
    return st.tuples(*spans).map(
        lambda spans: oracles.painted(
            ((tuple(a for a, _ in spans), tuple(min(h, n - a) for (a, h), n in zip(spans, sides, strict=True))),),
            sides,
        )
    )


def bitmaps(sides: Shape) -> st.SearchStrategy[BoolArray]:
    """Any set of cells, as an array."""
    size = int(np.prod(sides))
    return st.integers(0, 2**size - 1).map(
        lambda number: np.array([number >> cell & 1 for cell in range(size)], dtype=np.bool_).reshape(sides)
    )


def any_masks(sides: Shape) -> st.SearchStrategy[BoolArray]:
    """A box, a union of boxes or a bitmap, as an array."""
    unions = st.lists(box_masks(sides), min_size=2, max_size=3).map(lambda parts: np.logical_or.reduce(parts))
    return st.one_of(box_masks(sides), unions, bitmaps(sides))


def stacks(sides: Shape, *, most: int = 6) -> st.SearchStrategy[BoolArray]:
    """Arrays (n, *sides) of any masks, n from 1 on."""
    return st.lists(any_masks(sides), min_size=1, max_size=most).map(np.stack)


@st.composite
def near_covers(draw: st.DrawFn, world: World) -> BoolArray:
    """Masks made of neighbouring regions of some of the attacks; one cell may have been shown again."""
    attacks = draw(st.lists(st.sampled_from(world.attacks), min_size=1, unique=True) | st.just(world.attacks))
    every = oracles.regions(attacks, world.sides)
    parts = draw(st.integers(1, min(8, len(every))))
    groups = [every[number * len(every) // parts : (number + 1) * len(every) // parts] for number in range(parts)]
    masks = np.stack([np.logical_or.reduce([oracles.painted(r, world.sides) for r in group]) for group in groups])
    if draw(st.booleans()):
        masks.reshape(-1)[draw(st.integers(0, masks.size - 1))] = False
    return masks


@st.composite
def worlds_and_masks(draw: st.DrawFn, *, most_patches: int = 3) -> tuple[World, BoolArray]:
    """A world and masks on it, of which about half cover."""
    world = draw(worlds(most_patches=most_patches))
    return world, draw(stacks(world.sides) | near_covers(world))
