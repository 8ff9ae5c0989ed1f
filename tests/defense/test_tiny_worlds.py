"""The decisive oracle: on tiny worlds every attacked image is tried, and certified must mean that none succeeds."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from maskcover import Box, predict
from maskcover.classifiers import UNDECIDED
from maskcover.defense import Defended, Rule, challenger_masking, detect, detection_certificate, detection_levels
from tests.defense.naive import (
    BoolArray,
    FirstRound,
    IntArray,
    algorithm_1,
    algorithm_2,
    challenger_games,
    good_rows,
    of_table,
)
from tests.defense.worlds import (
    ANY_SHAPE,
    HIDDEN,
    LINE,
    PAIRS_OF,
    PLANE,
    REDUNDANT_LINE,
    RULES,
    SOME_KIND,
    SOME_WORLD,
    Cells,
    Draw,
    Model,
    Oracle,
    World,
    arbitrary,
    codes,
    drawn,
    faltering,
    lookup,
    natural,
    overruled,
    partly_good,
)


def certified_is_safe(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """Certified by either rule: no attack changes the answer. The rules agree with their definitions on the table."""
    safe = oracle.safe(label)
    covering = {rule: bool(oracle.certify(label, rule).certified[0]) for rule in RULES}
    assert covering["all-pairs"] == algorithm_2(*of_table(oracle.clean), label, covering=True)
    assert covering["rows"] >= covering["all-pairs"]
    for rule, certified in covering.items():
        assert safe or not certified
        seen[rule] += certified
    seen["broken"] += not safe


def good_is_safe(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """Every region inside a mask of `good` is safe, whether or not the image is certified, and `good` is G."""
    found = oracle.certify(label, "rows", exhaustive=True)
    good = found.verdicts[0].certificate.certifying
    assert good == good_rows(oracle.clean, label)
    assert set(oracle.certify(label, "rows").verdicts[0].certificate.certifying) <= set(good)
    inside, regions = oracle.inside(good), oracle.inside(range(len(oracle.world.hidden)))
    assert all(oracle.answers(region) == {label} for region in inside)
    assert bool(found.certified[0]) == (len(inside) == len(regions))
    seen["certified"] += bool(found.certified[0])
    seen["in part"] += 0 < len(inside) < len(regions)
    seen["broken elsewhere"] += bool(inside) and not oracle.safe(label)


def good_is_safe_from_challengers(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """The same G serves challenger masking; certified by either rule, no attack changes its answer."""
    found = oracle.certify(label, "rows", exhaustive=True)
    inside = oracle.inside(found.verdicts[0].certificate.certifying)
    regions = oracle.inside(range(len(oracle.world.hidden)))
    safe = [region for region in regions if challenged(oracle, region) == {label}]
    assert set(inside) <= set(safe)
    for rule in RULES:
        certified = bool(oracle.certify(label, rule).certified[0])
        assert not certified or safe == regions
        seen[rule] += certified
    seen["in part"] += 0 < len(inside) < len(regions)
    seen["broken"] += safe != regions


def challenged(oracle: Oracle, region: Cells) -> set[int]:
    """What challenger masking answers over every content of a region, the library's as the naive one."""
    answers = set()
    for table in oracle.tables(oracle.attacked(region)):
        defended = challenger_masking(table)
        assert isinstance(defended, Defended)
        assert (defended.label, defended.case.value, defended.mask) == challenger_games(*of_table(table))[:3]
        answers.add(defended.label)
    return answers


CONFIDENCES = np.array([0.25, 0.5, 0.75, 1.0])


def first_rounds(oracle: Oracle, images: IntArray) -> list[FirstRound]:
    """What detection sees of each image; how sure the model is depends on what it sees, in any way whatever."""
    hidden = np.concatenate([np.zeros((1, oracle.world.pixels), dtype=np.bool_), oracle.world.hidden])
    seen = np.where(hidden, HIDDEN, images[:, None, :]).reshape(-1, oracle.world.pixels)
    levels = lookup(np.random.default_rng(int(codes(oracle.image) % 97)).integers(0, 4, 3**6))(seen)
    labels = oracle.model.labels(seen)
    sure = np.where(labels == UNDECIDED, 0, CONFIDENCES[levels])
    rows = zip(*(column.reshape(len(images), -1).tolist() for column in (labels, sure)), strict=True)
    return [FirstRound(said[0], tuple(said[1:]), tuple(how[1:])) for said, how in rows]


def good_is_safe_from_silence(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """An attack inside a good mask of detection never gets a wrong label without an alert; nor any, if certified."""
    [clean] = first_rounds(oracle, oracle.image[None])
    attacked = {region: first_rounds(oracle, oracle.attacked(region)) for region in oracle.world.regions()}
    labels = np.array(clean.labels)

    def covers(selected: BoolArray) -> bool:
        return set(oracle.inside(np.flatnonzero(selected))) == set(attacked)

    # No alerts on low confidence, alerts below each confidence in turn, and alerts at nearly every mask.
    low = (None, *CONFIDENCES.tolist())[int(codes(oracle.image) % 5)]
    levels = detection_levels(clean.bare, labels, clean.confidences, label, covers, low)
    for threshold in (0.2, *CONFIDENCES.tolist()):
        found = detection_certificate(labels, clean.confidences, label, threshold, covers, low)
        broken = {
            region for region, views in attacked.items() if any(fooled(view, label, threshold, low) for view in views)
        }
        assert found.certifying == clean.good(label, threshold, low)
        assert not broken.intersection(oracle.inside(found.certifying))
        assert not (found.certified and broken)
        assert found.certified == (threshold <= levels.cover_level)
        assert clean.silent(label, threshold, low) == (threshold > levels.alarm_level)
        assert clean.answer(threshold, low)[0] == (threshold <= levels.alert_level)
        seen["certified"] += found.certified
        seen["certified at its level"] += threshold == levels.cover_level
        seen["broken"] += bool(broken)


def fooled(view: FirstRound, label: int, threshold: float, low: float | None) -> bool:
    """Whether the library answers another label without an alert; it does as the naive one does."""
    found = detect(view.bare, np.array(view.labels), view.confidences, threshold, low)
    assert (found.label, (found.alert, found.mask)) == (view.bare, view.answer(threshold, low))
    return found.label != label and not found.alert


def map_is_safe(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """Every placement on the map is safe, and the map and its share are those of the good masks."""
    for exhaustive in (True, False):
        found = oracle.certify(label, "rows", exhaustive=exhaustive)
        masks = [set(np.flatnonzero(oracle.world.hidden[mask])) for mask in found.verdicts[0].certificate.certifying]
        marked: list[bool] = []
        for stencil, allowed, covered in found.map(0).placements():
            placed = dict(oracle.world.placements(stencil.extents))
            assert set(placed) == {tuple(start) for start in np.argwhere(allowed)}
            for start, cells in placed.items():
                assert covered[start] == any(cells <= mask for mask in masks)
                assert not covered[start] or oracle.answers(cells) == {label}
                marked.append(bool(covered[start]))
        assert found.certified_fraction(0) == found.map(0).fraction == Fraction(sum(marked), len(marked))
        assert bool(found.certified[0]) == all(marked)
        seen["marked"] += sum(marked)
        seen["bare"] += len(marked) - sum(marked)


@SOME_KIND
@SOME_WORLD
def test_no_attack_changes_the_answer_on_a_certified_image(world: World, draw: Draw, examples: int) -> None:
    seen = drawn(world, draw, examples, certified_is_safe)
    # "Never certified" and attacks that never succeed would both pass: neither may be.
    assert seen["rows"] >= seen["all-pairs"]
    assert draw is arbitrary or seen["all-pairs"] > 0
    assert draw is natural or seen["broken"] > 0


@SOME_WORLD
def test_no_attack_inside_a_good_mask_changes_the_answer(world: World) -> None:
    seen = drawn(world, partly_good, 30, good_is_safe)
    assert seen["certified"] > 0
    assert seen["in part"] > 0
    assert seen["broken elsewhere"] > 0


@pytest.mark.parametrize("draw", [partly_good, faltering])
@SOME_WORLD
def test_no_attack_inside_a_good_mask_changes_the_answer_of_challenger_masking(world: World, draw: Draw) -> None:
    seen = drawn(world, draw, 25, good_is_safe_from_challengers)
    assert seen["rows"] >= seen["all-pairs"] > 0
    assert seen["in part"] > 0
    assert seen["broken"] > 0


@pytest.mark.parametrize("draw", [partly_good, faltering])
@SOME_WORLD
def test_no_attack_inside_a_good_mask_gets_a_wrong_label_past_detection(world: World, draw: Draw) -> None:
    seen = drawn(world, draw, 16, good_is_safe_from_silence)
    assert seen["certified"] > seen["certified at its level"] > 0
    # Among the many masks of some worlds one without a label is always found, and then no attack is silent.
    assert draw is faltering or seen["broken"] > 0


@pytest.mark.parametrize("world", [LINE, REDUNDANT_LINE, PLANE, ANY_SHAPE], ids=["line", "redundant", "plane", "any"])
def test_no_attack_at_a_marked_placement_changes_the_answer(world: World) -> None:
    seen = drawn(world, partly_good, 20, map_is_safe)
    assert seen["marked"] > 0
    assert seen["bare"] > 0


@SOME_WORLD
def test_the_served_label_of_an_attacked_image_is_that_of_the_naive_algorithm(world: World) -> None:
    rng = np.random.default_rng(7)
    oracle = Oracle(world, Model(lookup(rng.integers(0, 3, 3**6)), world.pixels), rng.integers(0, 2, world.pixels))
    regions = list(world.regions())
    images = np.repeat(oracle.image[None], 40, axis=0)
    for image in images:
        region = sorted(regions[rng.integers(len(regions))])
        image[region] = rng.integers(0, 2, len(region))
    served = [decision.label for decision in predict(oracle.model, images.reshape(-1, *world.sides), world.masks)]
    assert served == [algorithm_1(*of_table(table))[0] for table in oracle.tables(images)]


def test_rows_certify_on_a_redundant_cover_where_all_pairs_do_not_and_are_right() -> None:
    # The first three masks cover; only the two others together hide what the model needs.
    def needy(seen: IntArray) -> IntArray:
        return np.where(((seen == HIDDEN) == [False, True, False, True, False, True]).all(axis=-1), 0, 1)

    blind = Oracle(REDUNDANT_LINE, Model(needy, 6), np.ones(6, dtype=np.int64))
    rows, pairs = blind.certify(1, "rows"), blind.certify(1, "all-pairs")
    assert (rows.certified.tolist(), pairs.certified.tolist()) == ([True], [False])
    assert pairs.verdicts[0].certificate.failing == (3, 4)
    assert rows.verdicts[0].certificate.certifying == (0, 1, 2)
    assert rows.certified_fraction(0) == 1
    assert blind.safe(1)


def test_good_rows_that_do_not_cover_certify_nothing_for_an_attack_beside_them_succeeds() -> None:
    # Only the row of the first mask is right: the view without the two others is a wrong one.
    table = lookup(np.zeros(3**6, dtype=np.int64))
    oracle = Oracle(LINE, Model(table, 6), np.ones(6, dtype=np.int64))
    last = (oracle.views[:, :2] != HIDDEN).all(axis=1)
    oracle = Oracle(LINE, Model(overruled(table, oracle.views, np.where(last, 0, 1)), 6), oracle.image)
    found = oracle.certify(1, "rows", exhaustive=True)
    assert found.verdicts[0].certificate.certifying == (0,)
    assert not found.certified[0]
    assert found.certified_fraction(0) == Fraction(2, 5)
    assert oracle.answers(frozenset({4, 5})) != {1}


# The three-mask mistake: for two patches the masks are unions of two base masks, and a row needs unions of four.
FOUR_PIXELS = World(
    (4,),
    ((1,),),
    "patches(squares(size=1), k=2)",
    tuple(tuple(Box((base,), (base + 1,)) for base in pair) for pair in PAIRS_OF),
    patches=2,
)


def bright(seen: IntArray) -> IntArray:
    """1 when something bright and nothing dark is seen, else 0."""
    return np.where((seen == 0).any(axis=-1), 0, (seen == 1).any(axis=-1)).astype(np.int64)


@pytest.mark.parametrize("rule", RULES)
def test_unions_of_three_base_masks_do_not_certify_against_two_patches(rule: Rule) -> None:
    oracle = Oracle(FOUR_PIXELS, Model(bright, 4), np.ones(4, dtype=np.int64))
    # The mistaken certificate would see nothing wrong: every union of at most three base masks gives the label ...
    for base in (some for size in (1, 2, 3) for some in combinations(range(4), size)):
        seen = np.ones((1, 4), dtype=np.int64)
        seen[0, list(base)] = HIDDEN
        assert bright(seen).tolist() == [1]
    # ... and yet two dark pixels change the answer.
    assert 0 in oracle.answers(frozenset({0, 1}))
    assert oracle.certify(1, rule).certified.tolist() == [False]


@pytest.mark.parametrize("rule", RULES)
def test_two_patches_are_certified_where_unions_of_four_base_masks_are_right(rule: Rule) -> None:
    def hopeful(seen: IntArray) -> IntArray:
        return np.where((seen == HIDDEN).all(axis=-1), 1, bright(seen))

    oracle = Oracle(FOUR_PIXELS, Model(hopeful, 4), np.ones(4, dtype=np.int64))
    assert oracle.safe(1)
    assert oracle.certify(1, rule).certified.tolist() == [True]
