"""Segmentation: the theorems on pixels, against every attack in worlds small enough to try all of them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import maskcover as mc
from maskcover.cells import BoolArray, IntArray
from maskcover.covering.containment import Containment
from tests.prototypes.segmentation import alerted, guarded, steady_votes, voted

CELLS, CLASSES = 5, 3
REGIONS = {1: "squares(size=1)", 2: "rectangle(1, 2)"}


class Segmenter:
    """A random function from the visible cells of an image on a line to a label for each cell."""

    def __init__(self, seed: int, truth: IntArray, noise: float) -> None:
        self._random, self._maps = np.random.default_rng(seed), dict[tuple[int, ...], IntArray]()
        self._truth, self._noise = truth, noise

    def maps(self, image: IntArray, hidden: BoolArray) -> IntArray:
        """The label maps under masks, int64 (masks, cells)."""
        return np.array([self._map(tuple(np.where(mask, 2, image).tolist())) for mask in hidden])

    def _map(self, seen: tuple[int, ...]) -> IntArray:
        if seen not in self._maps:
            wrong = self._random.random(CELLS) < self._noise
            self._maps[seen] = np.where(wrong, self._random.integers(0, CLASSES, CELLS), self._truth)
        return self._maps[seen]


def attacks(image: IntArray, cells: int) -> Iterator[IntArray]:
    """Every image that differs inside one region only."""
    for start in range(CELLS - cells + 1):
        for content in product((0, 1), repeat=cells):
            changed = image.copy()
            changed[start : start + cells] = content
            yield changed


def iou(answers: IntArray, truth: IntArray, label: int) -> Fraction:
    both, either = ((answers == label) & (truth == label)).sum(), ((answers == label) | (truth == label)).sum()
    return Fraction(int(both), int(either))


@pytest.mark.parametrize("cells", [1, 2])
def test_no_attack_changes_a_steady_pixel_or_goes_below_the_joint_bounds(cells: int) -> None:
    """Views show one cell of five each; label maps are random, and most of their pixels right."""
    views = mc.bands(width=1, image_size=(1, CELLS))
    hidden, containing = np.asarray(views)[:, 0], Containment(views, mc.parse_regions(REGIONS[cells])).containing
    assert containing is not None
    steady_pixels = joint_gains = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        image, truth = random.integers(0, 2, CELLS), random.integers(0, CLASSES, CELLS)
        segmenter = Segmenter(seed, truth, 0.1 + 0.2 * (seed % 3))
        steady = steady_votes(segmenter.maps(image, hidden), CLASSES, containing)
        always, least = steady.steady.all(axis=0), steady.right_at_least(truth)
        joint_gains += least > steady.pixels(truth).sum()
        assert least >= steady.pixels(truth).sum()
        for changed in attacks(image, cells):
            answers = voted(segmenter.maps(changed, hidden), CLASSES)
            assert (answers[always] == steady.answers[always]).all()
            assert (answers == truth).sum() >= least
            for label in set(truth.tolist()):
                assert iou(answers, truth, label) >= steady.iou_at_least(truth, label)
        steady_pixels += int(always.sum())
    assert steady_pixels > 20
    assert joint_gains or cells == 1


@pytest.mark.parametrize("truth", [(0, 0), (0, 1)])
def test_where_label_maps_are_free_the_joint_bound_is_exact(truth: tuple[int, int]) -> None:
    """Four views of two pixels in two classes: all label maps, and all label maps of the views that are touched."""
    every, true = np.array(list(product(range(2), repeat=2))), np.array(truth)
    outcomes = set()
    for numbers in product(range(len(every)), repeat=4):
        maps = every[list(numbers)]
        untouched = ~np.eye(4, dtype=np.bool_)
        steady = steady_votes(maps, 2, untouched)
        worst, worst_iou = 2, Fraction(1)
        for touched in range(4):
            for attack in every:
                attacked = maps.copy()
                attacked[touched] = attack
                answers = voted(attacked, 2)
                worst = min(worst, int((answers == true).sum()))
                worst_iou = min(worst_iou, iou(answers, true, 0))
        assert steady.right_at_least(true) == worst
        assert steady.iou_at_least(true, 0) == worst_iou
        outcomes.add((worst, int(steady.pixels(true).sum())))
    # For class 0, which wins ties, one of two pixels always stays, though each can be changed by some region.
    assert ((1, 0) in outcomes) == (truth == (0, 0))
    assert {(0, 0), (2, 2)} <= outcomes


@pytest.mark.parametrize("cells", [1, 2])
def test_a_guarded_pixel_is_right_or_has_an_alert(cells: int) -> None:
    masks = mc.MaskSet.from_boxes([(0, start, 1, 2) for start in range(CELLS - 1)], (1, CELLS))
    hidden, covers = np.asarray(masks)[:, 0], Containment(masks, mc.parse_regions(REGIONS[cells]))
    nothing, guarded_pixels = np.zeros((1, CELLS), np.bool_), 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        image, truth = random.integers(0, 2, CELLS), random.integers(0, CLASSES, CELLS)
        segmenter = Segmenter(seed, truth, 0.1 + 0.2 * (seed % 3))
        steady = guarded(segmenter.maps(image, hidden), truth, covers)
        always = steady.pixels(truth)
        for changed in attacks(image, cells):
            bare, maps = segmenter.maps(changed, nothing)[0], segmenter.maps(changed, hidden)
            kept = (bare == truth) | alerted(bare, maps)
            assert kept[always].all()
            assert kept.sum() >= steady.right_at_least(truth)
        guarded_pixels += int(always.sum())
    assert guarded_pixels > 40


def test_a_reconstruction_that_looks_at_hidden_pixels_breaks_the_certificate() -> None:
    """The label map must be a function of visible pixels; this one fills in what is hidden from the image itself."""
    views = mc.bands(width=1, image_size=(1, CELLS))
    hidden, containing = np.asarray(views)[:, 0], Containment(views, mc.squares(size=1)).containing
    assert containing is not None

    def peeking(image: IntArray) -> IntArray:
        return np.array([np.full(CELLS, image.sum() > 2) for _ in hidden]).astype(np.int64)

    image = np.array([1, 1, 0, 0, 0])
    steady = steady_votes(peeking(image), 2, containing)
    assert steady.steady.all()
    assert any((voted(peeking(changed), 2) != steady.answers).any() for changed in attacks(image, 1))
