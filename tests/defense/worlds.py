"""Tiny worlds in which every attacked image can be tried: images of a few pixels, attackers, masks, models, oracles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from maskcover import Box, Grid, Mask, MaskSet, certify
from maskcover.certification import CertificationResult
from maskcover.classifiers import UNDECIDED
from maskcover.defense import Rule
from tests.defense.naive import BoolArray, IntArray, algorithm_1, of_table, one_hot

HIDDEN = 2  # what a model sees of a hidden pixel; the others are 0 and 1
Shape = tuple[int, ...]
Cells = frozenset[int]  # pixels by number, in reading order
RULES: tuple[Rule, ...] = ("rows", "all-pairs")


@dataclass(frozen=True)
class World:
    """Binary images of a few pixels, an attacker, and masks; all that is computed here is by brute force."""

    sides: Shape
    shapes: tuple[Shape, ...]
    attacker: str
    boxes: tuple[tuple[Box, ...], ...]
    patches: int = 1

    @property
    def masks(self) -> MaskSet:
        """The mask set, made without synthesis."""
        grid = Grid(self.sides)
        return MaskSet(grid, tuple(Mask(boxes, ndim=grid.ndim) for boxes in self.boxes), self.attacker)

    @property
    def hidden(self) -> BoolArray:
        """Bool (masks, pixels)."""
        cells = [{cell for box in boxes for cell in self.cells(box.start, box.extents)} for boxes in self.boxes]
        return np.array([[pixel in hidden for pixel in range(self.pixels)] for hidden in cells])

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.sides))

    def cells(self, start: Shape, extents: Shape) -> Cells:
        """The pixels of a box."""
        places = product(*(range(low, low + extent) for low, extent in zip(start, extents, strict=True)))
        return frozenset(int(np.ravel_multi_index(place, self.sides)) for place in places)

    def placements(self, shape: Shape) -> Iterator[tuple[Shape, Cells]]:
        """Every place of a box on the image."""
        for start in product(*(range(side - extent + 1) for side, extent in zip(self.sides, shape, strict=True))):
            yield start, self.cells(start, shape)

    def regions(self) -> Iterator[Cells]:
        """Every region that the attacker may overwrite."""
        single = [cells for shape in self.shapes for _, cells in self.placements(shape)]
        for chosen in product(single, repeat=self.patches):
            yield frozenset().union(*chosen)


def grid_boxes(starts: Sequence[Sequence[int]], extents: Shape) -> tuple[tuple[Box, ...], ...]:
    """One mask for each combination of starts along the axes."""
    return tuple((Box.at(start, extents),) for start in product(*starts))


LINE = World((6,), ((2,),), "squares(size=2)", grid_boxes([(0, 2, 3)], (3,)))
REDUNDANT_LINE = replace(LINE, boxes=(*LINE.boxes, (Box((1,), (2,)),), (Box((3,), (4,)), Box((5,), (6,)))))
PLANE = World((3, 4), ((1, 2),), "rectangle(height=1, width=2)", grid_boxes([(0, 1), (0, 1)], (2, 3)))
SQUARE = World((6, 6), ((2, 2),), "squares(size=2)", grid_boxes([(0, 2), (0, 2)], (4, 4)))
ANY_SHAPE = World(
    (3, 3),
    ((1, 2), (2, 1), (1, 1)),
    "rectangles(area=2)",
    grid_boxes([(0, 1, 2), (0, 1)], (1, 2))
    + grid_boxes([(0, 1), (0, 1, 2)], (2, 1))
    + grid_boxes([(0,), (0,)], (2, 2)),
)
PAIRS_OF = tuple(combinations(range(4), 2))
TWO_PATCHES = World(
    (8,),
    ((1,),),
    "patches(squares(size=1), k=2)",
    tuple(tuple(Box((2 * base,), (2 * base + 2,)) for base in pair) for pair in PAIRS_OF),
    patches=2,
)
TWO_SHAPES = World(
    (3, 4),
    ((2, 2), (1, 3)),
    "union(squares(size=2), rectangle(height=1, width=3))",
    grid_boxes([(0, 1), (0, 1)], (2, 3)),
)
TWO_PATCHES_OF_TWO_SHAPES = World(
    (3, 3),
    ((1, 2), (2, 1)),
    "patches(union(rectangle(height=1, width=2), rectangle(height=2, width=1)), k=2)",
    tuple((*one, *other) for one, other in combinations(grid_boxes([(0, 1), (0, 1)], (2, 2)), 2)),
    patches=2,
)
WORLDS = {
    "line": LINE,
    "redundant line": REDUNDANT_LINE,
    "plane": PLANE,
    "square": SQUARE,
    "any shape": ANY_SHAPE,
    "two shapes": TWO_SHAPES,
    "two patches": TWO_PATCHES,
    "two patches of two shapes": TWO_PATCHES_OF_TWO_SHAPES,
}
SOME_WORLD = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


@dataclass
class Model:
    """A function F of what is seen of an image, one digit 0, 1 or `HIDDEN` a pixel; a classifier for the library."""

    labels: Callable[[IntArray], IntArray]
    pixels: int
    batch_size: int = 8
    classes: int = 3

    def scores(self, images: Sequence[IntArray], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """One-hot scores; the fill is `HIDDEN`, so that what was below is gone."""
        seen = np.where(hidden, HIDDEN, np.stack(images)).reshape(len(images), self.pixels)
        return one_hot(self.labels(seen).tolist(), self.classes)


def codes(seen: IntArray) -> IntArray:
    """A number for what is seen: its digits in base 3 (at most 36 of them)."""
    return np.asarray(seen @ 3 ** np.arange(seen.shape[-1]), dtype=np.int64)


def lookup(table: IntArray) -> Callable[[IntArray], IntArray]:
    """F as a table of all that can be seen (larger worlds share its entries, scattered by a hash)."""
    return lambda seen: table[_scattered(codes(seen)) % len(table)]


def _scattered(numbers: IntArray) -> IntArray:
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.where(numbers < 3**6, numbers, ((mixed ^ (mixed >> np.uint64(29))) >> np.uint64(2)).astype(np.int64))


def overruled(base: Callable[[IntArray], IntArray], seen: IntArray, said: IntArray) -> Callable[[IntArray], IntArray]:
    """F that says what it is told of some views, and the rest as before."""
    known = dict(zip(codes(seen).tolist(), said.tolist(), strict=True))

    def labels(views: IntArray) -> IntArray:
        pairs = zip(codes(views).tolist(), base(views).tolist(), strict=True)
        return np.array([known.get(code, label) for code, label in pairs], dtype=np.int64)

    return labels


def mostly(seen: IntArray) -> IntArray:
    """A good model: 0 when more zeros than ones are seen, else 1."""
    return np.where((seen == 0).sum(axis=-1) > (seen == 1).sum(axis=-1), 0, 1)


def insensitive(seen: IntArray) -> IntArray:
    """A model that no attack impresses: 2 when nearly all is hidden, else 1."""
    return np.where((seen == HIDDEN).sum(axis=-1) >= seen.shape[-1] - 1, 2, 1)


@dataclass
class Oracle:
    """All tables of a model on an image and on everything that the attacker can make of it."""

    world: World
    model: Model
    image: IntArray  # (pixels,)
    _answers: dict[Cells, frozenset[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hidden = self.world.hidden
        self._unions, inverse = np.unique(
            (hidden[:, None] | hidden[None, :]).reshape(-1, self.world.pixels), axis=0, return_inverse=True
        )
        self._ids = inverse.reshape(len(hidden), len(hidden))

    def tables(self, images: IntArray) -> IntArray:
        """Prediction tables (images, masks, masks)."""
        seen = np.where(self._unions, HIDDEN, images[:, None, :])
        labels = self.model.labels(seen.reshape(-1, self.world.pixels)).reshape(len(images), -1)
        return labels[:, self._ids]

    @property
    def clean(self) -> IntArray:
        """The table of the image itself."""
        return np.asarray(self.tables(self.image[None])[0])

    @property
    def views(self) -> IntArray:
        """All that is seen of the image itself under two masks."""
        return np.where(self._unions, HIDDEN, self.image)

    def attacked(self, region: Cells) -> IntArray:
        """Every image that differs inside a region only, shape (images, pixels)."""
        images = np.repeat(self.image[None], 2 ** len(region), axis=0)
        images[:, sorted(region)] = list(product((0, 1), repeat=len(region)))
        return images

    def answers(self, region: Cells) -> frozenset[int]:
        """What Algorithm 1 answers over every content of a region."""
        if region not in self._answers:
            tables = self.tables(self.attacked(region))
            self._answers[region] = frozenset(algorithm_1(*of_table(table))[0] for table in tables)
        return self._answers[region]

    def inside(self, masks: Iterable[int]) -> list[Cells]:
        """The regions that lie inside one of these masks, each once."""
        hidden = [frozenset(np.flatnonzero(self.world.hidden[mask]).tolist()) for mask in masks]
        return [region for region in dict.fromkeys(self.world.regions()) if any(region <= mask for mask in hidden)]

    def safe(self, label: int) -> bool:
        """Whether Algorithm 1 answers the label on every attacked image."""
        return all(self.answers(region) == {label} for region in self.world.regions())

    def certify(self, label: int, rule: Rule, *, exhaustive: bool = False) -> CertificationResult:
        """What the library finds."""
        image = self.image.reshape(self.world.sides)
        return certify(self.model, [image], [label], self.world.masks, rule=rule, exhaustive=exhaustive)


def arbitrary(world: World, data: st.DataObject) -> tuple[Oracle, int]:
    """Any image, any label, any F: drawn as a table of what can be seen."""
    table = np.frombuffer(data.draw(st.binary(min_size=3**6, max_size=3**6)), dtype=np.uint8).astype(np.int64) % 3
    bits = data.draw(st.lists(st.integers(0, 1), min_size=world.pixels, max_size=world.pixels))
    return Oracle(world, Model(lookup(table), world.pixels), np.array(bits)), data.draw(st.integers(0, 2))


def partly_good(world: World, data: st.DataObject) -> tuple[Oracle, int]:
    """The worst kind for a certificate: right about the clean image but for a few views, arbitrary about all others."""
    oracle, label = arbitrary(world, data)
    said = np.full(len(oracle.views), label)
    for view in data.draw(st.sets(st.integers(0, len(said) - 1), max_size=3)):
        said[view] = (label + data.draw(st.integers(1, 2))) % 3
    labels = overruled(oracle.model.labels, oracle.views, said)
    return Oracle(world, Model(labels, world.pixels), oracle.image), label


def faltering(world: World, data: st.DataObject) -> tuple[Oracle, int]:
    """As `partly_good`, but one of the wrong labels is none at all, of the clean image and under attack."""
    oracle, label = partly_good(world, data)
    lost, labels = (label + 1) % 3, oracle.model.labels

    def some_labels(seen: IntArray) -> IntArray:
        return np.where(labels(seen) == lost, UNDECIDED, labels(seen))

    return Oracle(world, Model(some_labels, world.pixels), oracle.image), label


def natural(world: World, data: st.DataObject) -> tuple[Oracle, int]:
    """Models that mean something, on images that are mostly of one kind."""
    labels = data.draw(st.sampled_from([mostly, insensitive]))
    image = np.ones(world.pixels, dtype=np.int64)
    image[list(data.draw(st.sets(st.integers(0, world.pixels - 1), max_size=world.pixels // 4)))] = 0
    return Oracle(world, Model(labels, world.pixels), image), data.draw(st.sampled_from([1, 1, 1, 0]))


Draw = Callable[[World, st.DataObject], tuple[Oracle, int]]
KINDS: dict[str, tuple[Draw, int]] = {
    "arbitrary": (arbitrary, 10),
    "partly good": (partly_good, 30),
    "faltering": (faltering, 15),
    "natural": (natural, 12),
}
SOME_KIND = pytest.mark.parametrize(("draw", "examples"), KINDS.values(), ids=KINDS)


def drawn(
    world: World,
    draw: Draw,
    examples: int,
    law: Callable[[Oracle, int, Counter[str]], None],
) -> Counter[str]:
    """Try a law on many drawn models; gives what the law counted."""
    seen: Counter[str] = Counter()

    # A table of 729 entries is as good a counterexample as a smaller one, and shrinking it takes minutes.
    # The same each time: that some of so few are certified must be no matter of luck.
    @settings(
        deadline=None, max_examples=examples, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        law(*draw(world, data), seen)

    run()
    return seen
