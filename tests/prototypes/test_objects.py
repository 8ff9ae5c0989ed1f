"""Boxes around objects: the theorems on pooled and merged boxes, against every attack in small worlds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import maskcover as mc
from maskcover.cells import BoolArray, IntArray
from maskcover.covering.containment import Containment
from tests.prototypes.objects import Found, certified, held_at_least, inside, iou, iou_at_least, merged

LINE = 5
INTERVALS = [Found(0, 0, left, 1, right) for left in range(LINE) for right in range(left + 1, LINE + 1)]
PARTS = [Fraction(1, 2), Fraction(2, 3), Fraction(1)]


def orders(box: Found, others: tuple[Found, ...]) -> Iterator[list[Found]]:
    """A box among others, at every place of their order."""
    for place in range(len(others) + 1):
        yield [*others[:place], box, *others[place:]]


@pytest.mark.parametrize("part", PARTS)
def test_whatever_boxes_join_it_what_a_box_held_is_held(part: Fraction) -> None:
    """All objects, boxes and one or two boxes of the attacker on a line, in every order; the bound is reached."""
    reached = 0
    for thing, box in product(INTERVALS, repeat=2):
        least = Fraction(thing.area)
        for others in [*product(INTERVALS), *product(INTERVALS, repeat=2)]:
            for boxes in orders(box, others):
                least = min(least, max(Fraction(thing.common(kept)) for kept in merged(boxes, part)))
        assert least >= held_at_least(thing, box, part)
        reached += least == held_at_least(thing, box, part) > 0
    assert reached > 10


@pytest.mark.parametrize("part", PARTS)
def test_merged_by_union_a_kept_box_lies_where_the_object_is(part: Fraction) -> None:
    positive = 0
    for thing, box in product(INTERVALS, repeat=2):
        bound = iou_at_least(thing, box, part)
        for others in [*product(INTERVALS), *product(INTERVALS, repeat=2)]:
            for boxes in orders(box, others):
                kept = merged(boxes, part, by_union=True)
                assert max(iou(thing, other) for other in kept) >= bound
        positive += bound > 0
    assert positive > 10


def test_merged_by_what_lies_inside_a_kept_box_may_be_the_whole_image() -> None:
    """So that only the part of the object that is held is certified, not where it is."""
    thing, whole = Found(0, 0, 1, 1, 2), Found(0, 0, 0, 1, LINE)
    assert merged([whole, thing], Fraction(1)) == [whole]
    assert iou(thing, whole) == Fraction(1, LINE)
    assert merged([whole, thing], Fraction(1), by_union=True) == [whole, thing]


def test_two_steps_of_merging_are_not_certified() -> None:
    """Pruning against some boxes and then merging what is left loses more than one step can."""
    part, worst = Fraction(1, 2), dict[str, Fraction]()
    thing = box = Found(0, 0, 0, 1, 2)
    for first, second in product(INTERVALS, repeat=2):
        pruned = [other for other in (box,) if inside(other, first) < part]
        twice = merged([second, first, *pruned], part)
        once = merged([second, first, box], part)
        for name, kept in (("once", once), ("twice", twice)):
            held = max(Fraction(thing.common(other)) for other in kept)
            worst[name] = min(worst.get(name, held), held)
    assert worst["once"] >= held_at_least(thing, box, part) == 1
    assert worst["twice"] == 0


class Detector:
    """A random function from the visible cells of a line to boxes; mostly one of them is the object."""

    def __init__(self, seed: int, thing: Found, noise: float) -> None:
        self._random, self._boxes = np.random.default_rng(seed), dict[tuple[int, ...], list[Found]]()
        self._thing, self._noise = thing, noise

    def boxes(self, image: IntArray, hidden: BoolArray) -> list[Found]:
        """The boxes under a mask."""
        seen = tuple(np.where(hidden, 2, image).tolist())
        if seen not in self._boxes:
            wrong = self._random.random() < self._noise
            some = [INTERVALS[number] for number in self._random.integers(0, len(INTERVALS), self._random.integers(3))]
            self._boxes[seen] = [box._replace(label=int(self._random.integers(2))) for box in some]
            if not wrong:
                self._boxes[seen].append(self._thing)
        return self._boxes[seen]


@pytest.mark.parametrize("by_union", [False, True])
@pytest.mark.parametrize("cells", [1, 2])
def test_no_attack_hides_a_certified_object(cells: int, by_union: bool) -> None:
    """Half-planes of a line at each cell: every region lies on one side of some line, and many on one of several."""
    masks, regions = mc.half_plane_masks(columns=(1, 2, 3, 4), image_size=(1, LINE)), f"rectangle(1, {cells})"
    hidden, covers = np.asarray(masks)[:, 0], Containment(masks, mc.parse_regions(regions))
    nothing, outcomes = np.zeros(LINE, np.bool_), set()
    for seed in range(60):
        random = np.random.default_rng(seed)
        image, thing = random.integers(0, 2, LINE), INTERVALS[random.integers(len(INTERVALS))]
        detector, part = Detector(seed, thing, 0.2 + 0.2 * (seed % 3)), PARTS[seed % 3]

        def answer(image: IntArray, detector: Detector = detector, part: Fraction = part) -> list[Found]:
            pooled = [box for mask in (nothing, *hidden) for box in detector.boxes(image, mask)]
            return merged(pooled, part, by_union=by_union)

        under = [detector.boxes(image, mask) for mask in hidden]
        for needed in (Fraction(1, 2), Fraction(1)):
            claim, broken = certified(thing, under, part, needed, covers), False
            for start in range(LINE - cells + 1):
                for content in product((0, 1), repeat=cells):
                    changed = image.copy()
                    changed[start : start + cells] = content
                    held = [thing.common(box) for box in answer(changed) if box.label == thing.label]
                    broken |= max(held, default=0) < needed * thing.area
            assert not (claim and broken)
            outcomes.add((claim, broken))
    assert {(True, False), (False, True)} <= outcomes
