"""First rounds by levels: the answers, the certificates against every attack, the map, and what runs keep of them."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import Box, InvalidInput, Mask, MaskFileError, MaskSet, NotCovering
from maskcover.certification import predict_with
from maskcover.certification.certifying import bound
from maskcover.choosing import choose
from maskcover.classifiers import UNDECIDED, UNSEEN, evaluator_of
from maskcover.defense import (
    Case,
    ChallengerMasking,
    Defended,
    DoubleMasking,
    Pending,
    PredictionTable,
    Procedure,
    parse_procedure,
)
from maskcover.defense.first_rounds import agreed, bound_first_round, rounds_of
from maskcover.engine.queue import run_queries
from maskcover.masks import Views
from maskcover.runs.evidence import NOT_WHOLE
from maskcover.runs.tables import largest_margins
from maskcover.testing import ProcedureContract, World
from tests.defense import worlds
from tests.defense.naive import BoolArray, IntArray, algorithm_1, challenger_games, good_rows, of_table, pairs_first
from tests.defense.test_first_rounds import LINE_OF_FIVE
from tests.defense.worlds import HIDDEN, SOME_WORLD, Oracle, overruled

LEVELS = (
    DoubleMasking(first_round="masks(2)"),
    DoubleMasking(rule="all-pairs", first_round="masks(2)"),
    DoubleMasking(exhaustive=True, first_round=("masks(2)", "pairs")),
    ChallengerMasking(first_round=("masks(2)", "masks(3)")),
)
BOUND = (
    DoubleMasking(first_round="levels"),
    DoubleMasking(first_round=("levels", "pairs")),
    ChallengerMasking(first_round="levels"),
)


class TestLevels(ProcedureContract):
    """On worlds of 3, 4 and 5 masks, with levels of two and three."""

    procedures = LEVELS
    worlds = (*ProcedureContract.worlds, World(LINE_OF_FIVE))
    models = 40


def leveled(world: worlds.World) -> tuple[MaskSet, list[BoolArray]]:
    """The masks of a world with two levels, and what the levels hide: the masks, each with one more pixel."""
    levels = []
    for pixel in (0, world.pixels - 1):
        level = world.hidden.copy()
        level[:, pixel] = True
        levels.append(level)
    sets = [
        MaskSet(world.masks.grid, tuple(Mask.from_array(hides.reshape(world.sides)) for hides in level))
        for level in levels
    ]
    return world.masks.with_levels(*sets), levels


def level_labels(model: worlds.Model, images: IntArray, levels: list[BoolArray]) -> list[IntArray]:
    """The labels under the masks of each level, (images, masks of the level)."""
    return [
        model.labels(np.where(level, HIDDEN, images[:, None, :]).reshape(-1, images.shape[1])).reshape(len(images), -1)
        for level in levels
    ]


def naive(table: IntArray, of_levels: list[list[int]], pairs: IntArray, procedure: Procedure) -> int:
    """The label of a procedure with levels, line by line."""
    for labels in of_levels:
        if labels[0] != UNDECIDED and all(label == labels[0] for label in labels):
            return labels[0]
    predict, masks = of_table(table)
    if isinstance(procedure, ChallengerMasking):
        return challenger_games(predict, masks)[0]
    if procedure == BOUND[1]:
        rounds = [(int(first), int(second)) for first, second in pairs]
        return pairs_first(predict, rounds, lambda: algorithm_1(predict, masks))[0]
    return algorithm_1(predict, masks)[0]


def mostly_right(world: worlds.World, random: np.random.Generator) -> tuple[Oracle, int]:
    """Right about the clean image but for a few views, those of levels among them; arbitrary about all other views."""
    label, image = int(random.integers(3)), random.integers(0, 2, world.pixels)
    labels = worlds.lookup(random.integers(0, 3, 3**6))
    oracle = Oracle(world, worlds.Model(labels, world.pixels), image)
    coarse = [np.where(level, HIDDEN, image) for level in leveled(world)[1]]
    # What is said of the views of the table, last, holds also for those of a level that are the same.
    for views, odds in ((coarse[0], 0.25), (coarse[1], 0.25), (oracle.views, 0.6)):
        said = np.full(len(views), label)
        if random.random() < odds:
            said[random.integers(len(said))] = random.choice([UNDECIDED, (label + 1) % 3])
        labels = overruled(labels, views, said)
    return Oracle(world, worlds.Model(labels, world.pixels), image), label


def every_region_is_judged(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """A region inside a certifying mask, and in each level inside a right mask, is safe; the map is these regions."""
    masks, levels = leveled(oracle.world)
    right = [row[0] == label for row in level_labels(oracle.model, oracle.image[None], levels)]
    good = [oracle.world.hidden[mask] for mask in good_rows(oracle.clean, label)]
    safe, regions = set(), list(dict.fromkeys(oracle.world.regions()))
    for region in regions:
        cells = sorted(region)
        within = any(hides[cells].all() for hides in good)
        if within and all(level[kept][:, cells].all(axis=1).any() for level, kept in zip(levels, right, strict=True)):
            safe.add(region)
    image = oracle.image.reshape(oracle.world.sides)
    for procedure in BOUND:
        for region in regions:
            attacked = oracle.attacked(region)
            of_levels = level_labels(oracle.model, attacked, levels)
            answers = {
                naive(table, [labels[number].tolist() for labels in of_levels], masks.pairing, procedure)
                for number, table in enumerate(oracle.tables(attacked))
            }
            if region in safe:
                assert answers == {label}
            else:
                seen["broken"] += answers != {label}
        result = mc.certify(oracle.model, [image], [label], masks, procedure=procedure)
        assert result.certified[0] == (len(safe) == len(regions))
        assert result.certified_by_masks[0] == (len(oracle.inside(good_rows(oracle.clean, label))) == len(regions))
        seen["certified"] += int(result.certified[0])
        seen["by masks alone"] += int(result.certified_by_masks[0] and not result.certified[0])
    why = mc.explain(oracle.model, [image], masks, label=label, procedure=BOUND[0])
    if oracle.world.patches == 1:
        placed = [cells for shape in oracle.world.shapes for _, cells in oracle.world.placements(shape)]
        maximal = [cells for cells in placed if not any(cells < other for other in placed)]
        assert why.certified_fraction == Fraction(sum(cells in safe for cells in maximal), len(maximal))
        seen["mapped"] += 0 < why.certified_fraction < 1


@SOME_WORLD
def test_no_attack_breaks_what_levels_certify_and_the_map_is_exact(world: worlds.World) -> None:
    random, seen = np.random.default_rng(3), Counter[str]()
    for _ in range(30):
        every_region_is_judged(*mostly_right(world, random), seen)
    assert seen["certified"] > 0
    assert seen["by masks alone"] > 0
    assert seen["broken"] > 0
    assert seen["mapped"] > 0 or world.patches > 1


def test_the_library_answers_attacked_images_as_by_the_definition() -> None:
    world, random = worlds.PLANE, np.random.default_rng(5)
    labels = worlds.lookup(np.where(random.random(3**6) < 0.4, 1, random.integers(-1, 3, 3**6)))
    images = random.integers(0, 2, size=(400, world.pixels))
    oracle, (masks, levels) = Oracle(world, worlds.Model(labels, world.pixels), images[0]), leveled(world)
    of_levels, cases = level_labels(oracle.model, images, levels), Counter[str]()
    for procedure in BOUND:
        evaluator = evaluator_of(oracle.model, masks)
        answers = predict_with(evaluator, images.reshape(-1, *world.sides), procedure)
        expected = [
            naive(table, [row[number].tolist() for row in of_levels], masks.pairing, procedure)
            for number, table in enumerate(oracle.tables(images))
        ]
        assert [answer.label for answer in answers] == expected
        cases.update(answer.case.value for answer in answers)
    assert min(cases["level agreed"], cases["pairs agreed"], cases["agreed"], cases["disagreer"]) > 0


U, N = UNDECIDED, UNSEEN
ROUNDS: dict[str, tuple[list[int], Any]] = {
    "all agree": ([5, 5, 5], Defended(5, Case.LEVEL_AGREED)),
    "one differs": ([5, 5, 2], None),
    "none has a label": ([U, U, U], None),
    "one has no label": ([5, U, 5], None),
    "two differ, the rest unseen": ([5, 2, N], None),
    "one has no label, the rest unseen": ([U, N, N], None),
}


@pytest.mark.parametrize(("labels", "outcome"), ROUNDS.values(), ids=ROUNDS)
def test_only_one_label_for_all_of_a_round_is_an_answer(labels: list[int], outcome: Defended | None) -> None:
    pairs = np.array([[3, 3], [4, 4], [5, 5]])
    assert agreed(np.array(labels), pairs, Case.LEVEL_AGREED) == outcome


def test_a_round_asks_for_what_it_has_not_seen() -> None:
    pending = agreed(np.array([N, 5, N]), np.array([[3, 3], [4, 4], [5, 5]]), Case.LEVEL_AGREED)
    assert isinstance(pending, Pending)
    assert (pending.pairs.tolist(), pending.until_labels_differ) == ([[3, 3], [5, 5]], True)


MASKS = MaskSet.from_boxes([(0, 0, 1, 3), (0, 2, 1, 3), (0, 3, 1, 3)], (1, 6), regions="rectangle(1, 2)")
HALVES = MaskSet(MASKS.grid, (Mask([Box((0, 0), (1, 4))]), Mask([Box((0, 3), (1, 6))])))
"""The second one is also mask 2 of MASKS."""


def test_levels_are_saved_compared_and_numbered_behind_the_masks(tmp_path: Path) -> None:
    with_levels, path = MASKS.with_levels(HALVES, HALVES[:1]), tmp_path / "masks.json"
    assert with_levels != MASKS
    assert with_levels.digest != MASKS.digest
    assert MASKS.digest == MASKS.with_levels(HALVES).with_levels().digest
    assert [numbers.tolist() for numbers in with_levels.level_numbers] == [[3, 4], [5]]
    assert with_levels.all_masks == (*MASKS, *HALVES, HALVES[0])
    assert len(with_levels) == 3
    assert with_levels[:3] == with_levels.with_levels() == MASKS
    assert (with_levels + HALVES).levels == ()
    with_levels.save(path)
    loaded = MaskSet.load(path)
    assert loaded == with_levels
    assert (loaded.digest, loaded.regions) == (with_levels.digest, MASKS.regions)
    path.write_text(path.read_text("utf-8").replace('"levels": [[', '"levels": [[], ['), "utf-8")
    with pytest.raises(MaskFileError, match="levels"):
        MaskSet.load(path)


def test_a_mask_of_a_level_that_is_a_union_of_the_masks_is_evaluated_once() -> None:
    views = MASKS.with_levels(HALVES).unions
    assert views.count == MASKS.unions.count == len(MASKS.unions) == MASKS.with_levels(HALVES).evaluations
    assert views.numbers(np.array([4]), np.array([4])) == views.ids[2, 2]
    assert views.numbers(np.array([3, 0]), np.array([3, 1])).tolist() == [views.count, int(views.ids[0, 1])]
    assert views.pairs[views.count].tolist() == [3, 3]
    with pytest.raises(InvalidInput, match="union of a mask of a level"):
        views.numbers(np.array([3]), np.array([0]))


@pytest.mark.parametrize(
    ("level", "named"),
    [
        (MaskSet.from_boxes([(0, 0, 1, 3)], (1, 7)), "a level is a mask set of its own"),
        (MASKS.with_levels(HALVES), "a level is a mask set of its own"),
        (MASKS[:0], "at least one mask"),
        ("grid(2, 2)", "a level is a MaskSet"),
    ],
    ids=str,
)
def test_what_is_no_level_is_refused(level: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        MASKS.with_levels(level)


@pytest.mark.parametrize(
    ("first_round", "named"),
    [
        ((), "first_round must be"),
        (3, "first_round must be"),
        ("grid(2, 2", "first_round must be"),
        ("pares", "first_round must be"),
        (("pairs", "grid(2, 2)"), "comes last"),
        (("auto", "pairs"), "leave the others out"),
        (("levels", "grid(2, 2)"), "leave other levels out"),
        ((MASKS.with_levels(HALVES),), "without levels of its own"),
    ],
    ids=str,
)
def test_what_is_no_first_round_is_refused(first_round: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        DoubleMasking(first_round=first_round)


def test_texts_and_mask_sets_become_the_levels_of_the_masks() -> None:
    text = parse_procedure("double_masking(first_round=(masks(2), 'pairs'))")
    assert text == DoubleMasking(first_round=("masks(2)", "pairs"))
    named, covers = bound(text, MASKS, None)
    assert named == DoubleMasking(first_round=("levels", "pairs"))
    assert [len(level) for level in covers.masks.levels] == [2]
    own, again = bound(DoubleMasking(first_round=HALVES), MASKS, None)
    assert (own, again.masks) == (DoubleMasking(first_round="levels"), MASKS.with_levels(HALVES))
    assert bound(own, again.masks, None)[1].masks == again.masks
    assert bound(DoubleMasking(), again.masks, None)[0] == DoubleMasking()
    assert rounds_of(bound_first_round(("masks(2)", "masks(3)"))) == ("levels",)


@pytest.mark.parametrize(
    ("first_round", "masks", "named"),
    [
        ("levels", MASKS, "these have none"),
        ("auto", MASKS, "chooses levels by some images"),
        ("masks(3)", MASKS.with_levels(HALVES), "have levels already"),
    ],
)
def test_levels_that_do_not_fit_the_masks_are_refused(first_round: str, masks: MaskSet, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        bound(DoubleMasking(first_round=first_round), masks, None)


def test_levels_that_are_not_yet_those_of_masks_are_never_taken_for_others() -> None:
    table = PredictionTable(MASKS.with_levels(HALVES).unions, mask_set=MASKS.with_levels(HALVES))
    for first_round in ("masks(3)", ("masks(3)", "pairs"), HALVES):
        with pytest.raises(InvalidInput, match="is made for masks that name their regions"):
            DoubleMasking(first_round=first_round).answer(table)


def test_an_explanation_shows_the_labels_of_levels() -> None:
    images, _ = images_and_labels(1)
    why = mc.explain(Scored(1), images, MASKS, label=1, procedure="double_masking(first_round='masks(2)')")
    assert [len(level) for level in why.levels] == [2]
    assert "under the 2 masks of a level: " in str(why)
    assert mc.explain(Scored(1), images, MASKS.with_levels(HALVES), label=1).levels == ()


def test_a_level_that_does_not_cover_is_refused_with_a_region_that_it_misses() -> None:
    with pytest.raises(NotCovering, match="nothing can be certified after level 2, whose masks do not cover"):
        bound(DoubleMasking(first_round=(HALVES, HALVES[:1])), MASKS, None)


def _table_without(masks: MaskSet, labels: dict[int, int]) -> PredictionTable:
    """A table that says 0 under all views, but for those numbered."""
    table = PredictionTable(masks.unions, mask_set=masks)
    numbers = np.arange(len(table.labels))
    own = np.array([labels.get(int(number), 0) for number in numbers])
    seen = own != UNSEEN
    table.record(numbers[seen], own[seen], np.ones(seen.sum()), np.ones(seen.sum()))
    return table


def test_where_a_level_does_not_hold_no_mask_is_certifying() -> None:
    masks = MASKS.with_levels(HALVES)
    table, covers = _table_without(masks, {masks.unions.count: 1}), bound(BOUND[0], masks, None)[1]
    certificate = BOUND[0].certificate(table, 0, covers, 0.0)
    assert not isinstance(certificate, Pending)
    assert (certificate.certified, certificate.by_masks, certificate.certifying) == (False, True, ())
    assert (certificate.failing, certificate.coarser) == ((3, 3), (4,))


def test_a_mask_of_a_level_is_right_only_with_more_than_the_least_margin() -> None:
    masks = MASKS.with_levels(HALVES)
    table, covers = _table_without(masks, {}), bound(BOUND[0], masks, None)[1]
    table.margins[masks.unions.count] = 0.25
    certificates = [BOUND[0].certificate(table, 0, covers, margin) for margin in (0.125, 0.25)]
    assert [not isinstance(made, Pending) and made.certified for made in certificates] == [True, False]


@pytest.mark.parametrize("view", [(3, 3), (0, 1)], ids=["a mask of the level", "a union"])
def test_the_map_has_the_placements_inside_right_rows_and_right_masks_of_the_level(view: tuple[int, int]) -> None:
    """Where one view is wrong; in both cases mask 2 of MASKS, also a mask of the level, is all that is left."""
    masks = MASKS.with_levels(HALVES)
    number = int(masks.unions.numbers(np.array([view[0]]), np.array([view[1]]))[0])
    table, covers = _table_without(masks, {number: 1}), bound(BOUND[0], masks, None)[1]
    placements = BOUND[0].certified_map(table, 0, covers, 0.0)
    assert placements is not None
    ((_, allowed, certified),) = placements.placements()
    assert certified[allowed].tolist() == [False, False, False, True, True]


def test_a_certificate_asks_for_the_predictions_of_levels_that_are_not_there() -> None:
    masks = MASKS.with_levels(HALVES)
    table, covers = _table_without(masks, {masks.unions.count: UNSEEN}), bound(BOUND[0], masks, None)[1]
    pending = BOUND[0].certificate(table, 0, covers, 0.0)
    assert isinstance(pending, Pending)
    assert pending.pairs.tolist() == [[3, 3]]


def test_a_table_without_its_masks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="mask_set="):
        BOUND[0].answer(PredictionTable(MASKS.unions))


class Scored:
    """A classifier of images (1, 6) that hold numbers: a function of the visible ones, with all kinds of margins."""

    batch_size = 4

    def __init__(self, seed: int, lead: float = 1.4) -> None:
        self._scores = np.random.default_rng(seed).normal(size=(3**6, 3)) + np.array([0, lead, 0])

    def scores(self, images: Any, hidden: BoolArray) -> Any:
        codes = (np.where(hidden, HIDDEN, np.stack(images)).reshape(len(images), 6) @ 3 ** np.arange(6)).astype(int)
        return self._scores[codes]


def images_and_labels(count: int) -> tuple[IntArray, list[int]]:
    return np.random.default_rng(2).integers(0, 2, (count, 1, 6)), [1] * count


def test_only_unions_of_the_masks_are_in_rows() -> None:
    """The union of masks 0 and 1 is in their rows, mask 3 of a level in none; mask 4 of the level is mask 2."""
    views = MASKS.with_levels(HALVES).unions
    largest = largest_margins(np.array([[0.5, NOT_WHOLE, 0.25]]), views)
    assert largest.shape == (1, len(views))
    by_pair = {tuple(pair): margin for pair, margin in zip(views.pairs.tolist(), largest[0].tolist(), strict=True)}
    assert by_pair == {
        (0, 0): 0.5,
        (1, 1): NOT_WHOLE,
        (2, 2): 0.25,
        (0, 1): 0.5,
        (0, 2): 0.5,
        (1, 2): 0.25,
        (3, 3): -1.0,
    }


def test_choose_gives_candidates_with_levels_the_figures_of_certify() -> None:
    images, labels = images_and_labels(64)
    procedures = [DoubleMasking(), LEVELS[0]]
    choice = choose(
        Scored(1), images, labels, "rectangle(1, 2)", candidates=[MASKS], procedures=procedures, image_size=(1, 6)
    )
    by_procedure = {str(figures.candidate.procedure): figures for figures in choice.ranking}
    for procedure in procedures:
        named, covers = bound(procedure, MASKS, None)
        result = mc.certify(Scored(1), images, labels, covers.masks, procedure=named)
        figures = by_procedure[str(named)]
        assert figures.candidate.masks == covers.masks
        assert figures.certified.sum() == result.certified.sum()


def test_an_answer_of_a_level_costs_its_masks_and_no_more() -> None:
    masks, made = MASKS.with_levels(HALVES), []

    class Sure:
        batch_size = 1

        def scores(self, images: Any, hidden: BoolArray) -> Any:
            made.extend(hidden.tolist())
            return [[0.0, 1.0]] * len(images)

    answers = predict_with(evaluator_of(Sure(), masks), [np.zeros((1, 6))] * 2, BOUND[0])
    assert [answer.case for answer in answers] == [Case.LEVEL_AGREED] * 2
    assert sorted(made) == sorted([hides.tolist() for hides in np.asarray(HALVES)] * 2)


def test_the_engine_makes_each_prediction_once() -> None:
    masks, random = MASKS.with_levels(HALVES), np.random.default_rng(0)
    images = random.integers(0, 2, (20, 1, 6))

    def whole(_: int, table: PredictionTable) -> int | Pending:
        missing = np.flatnonzero(table.labels == UNSEEN)
        return Pending(table.pairs(missing)) if len(missing) else table.evaluations

    outcomes = run_queries(evaluator_of(Scored(0), masks), images, whole, views=Views.PAIRS)
    assert {made for _, made in outcomes} == {MASKS.evaluations + 1 + 1}
