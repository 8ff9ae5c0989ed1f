"""Hypothesis strategies: every family, nested in every way, with its meaning by `tests.definitions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from shapely import Polygon

import maskcover as mc
from maskcover.regions.preprocessing import pull
from maskcover.regions.preprocessing.steps import CenterCrop, Crop, Flip, Pad, Resize, Step
from tests import definitions
from tests.definitions import Attack, Bits, Single
from tests.geometry_strategies import bitmaps, single_families, stacks
from tests.oracles import BoolArray, Shape

Move = Literal["same", "reversed", "transposed"]
"""What is done to the image: nothing, every axis turned about, or the axes taken in reverse order."""
MOVES: tuple[Move, ...] = ("same", "reversed", "transposed")

LINES = st.tuples(st.integers(2, 9))
IMAGES = st.tuples(st.integers(2, 6), st.integers(2, 7))
CLIPS = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 4))
_MOST_TUPLES = 3000
_MOST_PARTS = 7  # cells of a region of which every part is enumerated


@dataclass(frozen=True)
class Family:
    """A region set on one grid: as the library makes it for each move of the image, and by its definition."""

    sides: Shape
    make: Callable[[Move], mc.RegionSet]
    attacks: tuple[Attack, ...]

    @property
    def regions(self) -> mc.RegionSet:
        """The set on the image as it is."""
        return self.make("same")

    @property
    def single(self) -> Single:
        """The regions of a set of single patches."""
        return frozenset().union(*(regions for (regions,) in self.attacks))

    @property
    def is_void(self) -> bool:
        """Whether some patch has no place at all, or nothing is seen of any: then the library may refuse the set."""
        return any(not all(attack) or not frozenset().union(*attack) - {0} for attack in self.attacks)


def moved(array: BoolArray, move: Move) -> BoolArray:
    """An image array, moved."""
    return {"same": array, "reversed": np.flip(array), "transposed": array.T}[move]


def moved_polygon(shape: Polygon, move: Move, sides: Shape) -> Polygon:
    """A polygon on an image, moved with it."""
    turn: dict[Move, Callable[[float, float], tuple[float, float]]] = {
        "same": lambda x, y: (x, y),
        "reversed": lambda x, y: (sides[1] - x, sides[0] - y),
        "transposed": lambda x, y: (y, x),
    }
    return Polygon([turn[move](*point) for point in shape.exterior.coords])


def polygons(height: int, width: int) -> st.SearchStrategy[Polygon]:
    """Valid polygons with corners on a lattice of quarters, within so many pixels."""
    points = st.tuples(st.integers(0, 4 * width), st.integers(0, 4 * height)).map(lambda p: (p[0] / 4, p[1] / 4))
    polygons = st.lists(points, min_size=3, max_size=5, unique=True).map(Polygon)
    return polygons.filter(lambda shape: shape.is_valid and shape.area > 0)


@st.composite
def half_planes(draw: st.DrawFn, sides: Shape, *, parts: bool) -> Family:
    """Half-planes of one line or several; with `parts`, all their parts."""
    lines = [tuple(sorted(draw(st.sets(st.integers(1, side - 1), max_size=2)))) if side > 1 else () for side in sides]
    assume(any(lines))
    halves = definitions.half_planes(lines, sides)
    assume(not parts or max(map(int.bit_count, halves)) <= _MOST_PARTS)

    def make(move: Move) -> mc.RegionSet:
        turned = [tuple(side - line for line in own) for side, own in zip(sides, lines, strict=True)]
        rows, columns = {"same": lines, "reversed": turned, "transposed": lines[::-1]}[move]
        return mc.half_planes(rows=rows, columns=columns)

    return Family(sides, make, ((definitions.subsets(halves) if parts else halves,),))


@st.composite
def leaves(draw: st.DrawFn, sides: Shape, *, parts: bool = False) -> Family:
    """One family that is made of no other; with `parts`, sets that hold all parts of their regions list them all."""
    kinds = ["boxes", "bitmap", "sides", "stripes"] + (["disc", "polygon", "half_planes"] if len(sides) == 2 else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "boxes":
        made, attack = draw(single_families(sides))
        return _boxes(made, definitions.boxes(attack.shapes, sides), sides)
    if kind == "bitmap":
        extents = tuple(draw(st.integers(1, min(side, 4))) for side in sides)
        array = draw(bitmaps(extents).filter(lambda cells: bool(cells.any())))
        return _drawn(lambda move: mc.bitmap(moved(array, move)), _cut(array), sides)
    if kind == "half_planes":
        return draw(half_planes(sides, parts=parts))
    if kind == "sides":
        fraction = draw(st.fractions("1/20", "19/20", max_denominator=20))
        slabs = definitions.slabs(fraction, sides)
        assume(not parts or max(map(int.bit_count, slabs)) <= _MOST_PARTS)
        return Family(sides, lambda _: mc.sides(fraction), ((definitions.subsets(slabs) if parts else slabs,),))
    if kind == "stripes":
        width, axis = draw(st.integers(1, min(sides))), draw(st.none() | st.integers(0, len(sides) - 1))
        axes = range(len(sides)) if axis is None else (axis,)

        def stripes(move: Move) -> mc.RegionSet:
            turned = move == "transposed" and axis is not None
            return mc.stripes(width, axis=len(sides) - 1 - (axis or 0) if turned else axis)

        across = definitions.stripes(width, axes, sides)
        assume(not parts or max(map(int.bit_count, across)) <= _MOST_PARTS)
        return Family(sides, stripes, ((definitions.subsets(across) if parts else across,),))
    if kind == "disc":
        diameter = draw(st.fractions("1/4", min(sides), max_denominator=6))
        raster = definitions.disc(diameter)
        # At whole offsets a disc of a broken diameter is not its own mirror image.
        return _drawn(
            lambda move: mc.disc(diameter) if move != "reversed" else mc.bitmap(np.flip(raster)), raster, sides
        )
    shape = draw(polygons(min(3, sides[0]), min(4, sides[1])))
    # Moved by whole pixels, and by a corner outside of the image.
    corner = draw(st.integers(-3, 3))
    away = Polygon([(x + corner, y - corner) for x, y in shape.exterior.coords])
    return _drawn(lambda move: mc.polygon(moved_polygon(away, move, (0, 0))), definitions.drawn(shape), sides)


def _boxes(made: mc.RegionSet, regions: Single, sides: Shape) -> Family:
    def turned(move: Move) -> mc.RegionSet:
        height, width = (getattr(made, name, None) for name in ("height", "width"))
        return mc.rectangle(width, height) if move == "transposed" and height and width else made

    return Family(sides, turned, ((regions,),))


def _cut(array: BoolArray) -> BoolArray:
    """Without empty rows and columns at the borders."""
    where = np.argwhere(array)
    return array[tuple(slice(a, b) for a, b in zip(where.min(0), where.max(0) + 1, strict=True))]


def _drawn(make: Callable[[Move], mc.RegionSet], shape: BoolArray, sides: Shape) -> Family:
    assume(all(h <= n for h, n in zip(shape.shape, sides, strict=True)))
    return Family(sides, make, ((definitions.shifts(shape, sides),),))


@dataclass(frozen=True)
class Area:
    """An area of interest for each move, the cells that it touches, and those that lie wholly in it."""

    make: Callable[[Move], object]
    generous: Bits
    strict: Bits


@st.composite
def areas(draw: st.DrawFn, sides: Shape) -> Area:
    """A box, a bitmap as an array or as its text, or a polygon."""
    kind = draw(st.sampled_from(["box", "array", "text", *(["polygon"] if len(sides) == 2 else [])]))
    if kind == "polygon":
        shape = draw(polygons(*sides))
        fractions = definitions.polygon_fractions(shape, sides)
        met, full = (
            np.array([[test(fraction) for fraction in row] for row in fractions]) for test in (bool, lambda s: s == 1)
        )
        as_text = draw(st.booleans())

        def outline(move: Move) -> object:
            polygon = moved_polygon(shape, move, sides)
            return polygon.wkt if as_text else polygon

        return Area(outline, definitions.bits(met), definitions.bits(full))
    if kind == "box":
        start = tuple(draw(st.integers(0, side - 1)) for side in sides)
        extents = tuple(draw(st.integers(1, side - a)) for a, side in zip(start, sides, strict=True))

        def box(move: Move) -> object:
            far = tuple(n - a - h for n, a, h in zip(sides, start, extents, strict=True))
            at = {"same": (start, extents), "reversed": (far, extents), "transposed": (start[::-1], extents[::-1])}
            return (*at[move][0], *at[move][1])

        array = np.zeros(sides, dtype=np.bool_)
        array[tuple(slice(a, a + h) for a, h in zip(start, extents, strict=True))] = True
        cells = definitions.bits(array)
        return Area(box, cells, cells)
    # Mostly inside, so that regions find a place in odd corners.
    dotted = draw(bitmaps(sides)) | draw(bitmaps(sides))
    number = definitions.bits(dotted)

    def bitmap(move: Move) -> object:
        array = moved(dotted, move)
        return array if kind == "array" else _text(array) + "/" * (array.ndim - 1) * (len(array) == 1)

    return Area(bitmap, number, number)


def _text(array: BoolArray) -> str:
    if array.ndim == 1:
        return "".join("1" if cell else "0" for cell in array)
    return ("/" * (array.ndim - 1)).join(map(_text, array))


@st.composite
def singles(draw: st.DrawFn, sides: Shape, depth: int = 2, *, parts: bool = False) -> Family:
    """A set of single patches: a leaf, or leaves confined, joined, or lasting through video frames."""
    kinds = (
        ["leaf", "leaf"]
        + (["within", "avoiding", "union"] if depth else [])
        + (["tubes"] * 2 if len(sides) == 3 else [])
    )
    kind = draw(st.sampled_from(kinds))
    if kind == "leaf":
        return draw(leaves(sides, parts=parts))
    if kind == "tubes":
        base = draw(singles(sides[1:], depth and 1, parts=True))
        frames = draw(st.none() | st.integers(1, sides[0]))
        regions = definitions.tubes(base.single, frames or sides[0], sides)

        def tubes(move: Move) -> mc.RegionSet:
            assume(move != "transposed")
            return mc.tubes(base.make(move), frames=frames)

        return Family(sides, tubes, ((regions,),))
    if kind == "union":
        members = draw(st.lists(singles(sides, depth - 1, parts=parts), min_size=2, max_size=2))
        return Family(
            sides,
            lambda move: mc.union(*(member.make(move) for member in members)),
            ((frozenset().union(*(member.single for member in members)),),),
        )
    base, area = draw(singles(sides, depth - 1, parts=True)), draw(areas(sides))
    if kind == "avoiding":
        kept = definitions.apart(base.single, area.strict)
        return Family(sides, lambda move: mc.avoiding(base.make(move), area.make(move)), ((kept,),))
    also = draw(st.booleans())
    kept = (definitions.touching if also else definitions.inside)(base.single, area.generous)
    return Family(sides, lambda move: mc.within(base.make(move), area.make(move), touching=also), ((kept,),))


@st.composite
def patched(draw: st.DrawFn, sides: Shape) -> Family:
    """Two or three patches: of one set, or one of each of several; perhaps confined as a whole."""
    if draw(st.booleans()):
        base, k = draw(singles(sides, 1)), draw(st.integers(2, 3))
        several = Family(sides, lambda move: mc.patches(base.make(move), k), ((base.single,) * k,))
    else:
        members = draw(st.lists(singles(sides, 1), min_size=2, max_size=3))
        attack = tuple(member.single for member in members)
        several = Family(sides, lambda move: mc.patches([member.make(move) for member in members]), (attack,))
    assume(definitions.tuples(several.attacks[0]) <= _MOST_TUPLES)
    return several


@st.composite
def confined(draw: st.DrawFn, sides: Shape) -> Family:
    """Several patches, each within an area."""
    bases = [draw(singles(sides, 0, parts=True)) for _ in range(2)]
    area, also = draw(areas(sides)), draw(st.booleans())
    kept = tuple((definitions.touching if also else definitions.inside)(base.single, area.generous) for base in bases)
    assume(definitions.tuples(kept) <= _MOST_TUPLES)
    return Family(
        sides,
        lambda move: mc.within(mc.patches([base.make(move) for base in bases]), area.make(move), touching=also),
        (kept,),
    )


def step(sides: tuple[int, int]) -> st.SearchStrategy[Step]:
    """A step of a preprocessing of an image of this size, to at most 6×7 pixels."""
    height, width = sides
    size = st.tuples(st.integers(1, 6), st.integers(1, 7))
    smaller = st.tuples(st.integers(1, height), st.integers(1, width))
    kernels = st.sampled_from(["nearest", "bilinear", "bicubic", "area"])
    crops = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)).flatmap(
        lambda at: st.builds(
            Crop, st.just(at[0]), st.just(at[1]), st.integers(1, height - at[0]), st.integers(1, width - at[1])
        )
    )
    some: list[st.SearchStrategy[Step]] = [st.builds(Resize, size, kernels), smaller.map(CenterCrop), crops]
    some.append(st.sampled_from([Flip("horizontal"), Flip("vertical")]))
    if max(sides) <= 4:
        some.append(st.integers(0, 2).map(lambda more: Pad(1, more, 0, 1)))
    return st.one_of(some)


@st.composite
def behind_preprocessing(draw: st.DrawFn, *, most_patches: int = 2) -> Family:
    """Regions on a source image, as the model's input has them behind one to three steps."""
    source = draw(st.tuples(st.integers(1, 6), st.integers(1, 7)))
    steps: list[Step] = []
    sides = source
    for _ in range(draw(st.integers(1, 3))):
        steps.append(draw(step(sides)))
        sides = steps[-1].output(sides)
    members = [draw(singles(source, 1, parts=True)) for _ in range(draw(st.integers(1, most_patches)))]
    axes = pull(steps, source)
    attack = tuple(definitions.through(member.single, axes) for member in members)
    assume(definitions.tuples(attack) <= _MOST_TUPLES)

    def make(move: Move) -> mc.RegionSet:
        assume(move == "same")
        base = members[0].regions if len(members) == 1 else mc.patches([member.regions for member in members])
        return mc.through(base, *steps, source=source)

    pulled = Family(sides, make, (attack,))
    if draw(st.booleans()):
        return pulled
    area, also = draw(areas(sides)), draw(st.booleans())
    # A patch that is cropped away everywhere touches nothing; the library leaves such a patch out, to be safe.
    assume(not also or not any(single == {0} for single in attack))
    kept = tuple((definitions.touching if also else definitions.inside)(single, area.generous) for single in attack)
    return Family(sides, lambda move: mc.within(make(move), area.make(move), touching=also), (kept,))


@st.composite
def families(draw: st.DrawFn, *, most_patches: int = 3, preprocessing: bool = True) -> Family:
    """Any region set on any small grid."""
    sides: Shape = draw(st.one_of(LINES, IMAGES, IMAGES, CLIPS))
    single = (
        st.one_of(singles(sides), singles(sides))
        if most_patches == 1
        else st.one_of(singles(sides), singles(sides), patched(sides), confined(sides))
    )
    kind = draw(st.sampled_from(["single", "single", "union", "preprocessing" if preprocessing else "single"]))
    if kind == "preprocessing":
        pulled = draw(behind_preprocessing(most_patches=min(2, most_patches)))
        other = draw(st.none() | leaves(pulled.sides))
        return pulled if other is None else _union([pulled, other])
    if kind == "single":
        return draw(single)
    return _union(draw(st.lists(single, min_size=2, max_size=2)))


def _union(members: list[Family]) -> Family:
    return Family(
        members[0].sides,
        lambda move: mc.union(*(member.make(move) for member in members)),
        tuple(attack for member in members for attack in member.attacks),
    )


@st.composite
def near_covers(draw: st.DrawFn, family: Family) -> BoolArray:
    """Masks made of neighbouring regions; one cell may have been shown again."""
    every = sorted({_joined(patches) for patches in definitions.scarce((), family.attacks)})
    assume(every)
    parts = draw(st.integers(1, min(8, len(every))))
    groups = [every[number * len(every) // parts : (number + 1) * len(every) // parts] for number in range(parts)]
    masks = np.stack([definitions.array_of(_joined(group), family.sides) for group in groups])
    if draw(st.booleans()):
        masks.reshape(-1)[draw(st.integers(0, masks.size - 1))] = False
    return masks


def _joined(sets: Any) -> Bits:
    union = 0
    for cells in sets:
        union |= cells
    return union


@st.composite
def families_and_masks(
    draw: st.DrawFn, *, most_patches: int = 3, preprocessing: bool = True
) -> tuple[Family, BoolArray]:
    """A family and masks on its grid, of which about half cover."""
    family = draw(families(most_patches=most_patches, preprocessing=preprocessing))
    assume(sum(map(definitions.tuples, family.attacks)) <= _MOST_TUPLES)
    return family, draw(stacks(family.sides) | near_covers(family))


def masks_of(arrays: BoolArray) -> list[Bits]:
    """Mask arrays as sets of cells."""
    return [definitions.bits(array) for array in arrays]
