"""The first k labels by votes: the first-places theorem against every attack in small worlds, and what it rests on."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover.covering.containment import Containment
from maskcover.defense import Certificate, FirstLabels, PredictionTable, Voting, parse_procedure
from maskcover.defense.answers import Case
from maskcover.defense.first_places import FIRST_PLACE, FirstPlaces, first_by_votes, stays_among_first
from maskcover.defense.voting import expect_possible, theorem_holds, vote_certificate, vote_map
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import Views
from maskcover.testing import ProcedureContract, World

Numbers = npt.NDArray[np.int64]
TEXTS = {1: "squares(size=1)", 2: "rectangle(1, 2)"}


class TestVotingForTheFirstLabels(ProcedureContract):
    """Two of three classes, by votes for one class or several, and by evidence."""

    procedures = (
        Voting(top=2), Voting(threshold=0.5, top=2), Voting(threshold=0.2, top=2), Voting(evidence="clip(0, 2)", top=2),
        Voting(evidence="tanh(0.5, -1)", top=2), Voting(evidence="confidence", top=2),
    )  # fmt: skip
    worlds = (
        World(mc.bands(width=2, image_size=(2, 6)), "rectangle(1, 1)"),
        World(mc.bands(width=1, stride=2, wrap=False, image_size=(1, 7)), "rectangle(1, 2)"),
        World(mc.blocks(size=2, image_size=(3, 4)), "squares(size=1)"),
    )
    models = 20


def covering(views: int, cells: int) -> Containment:
    """Views of one cell each on a line, and regions of some neighbouring cells."""
    return Containment(mc.bands(width=1, image_size=(1, views)), mc.parse_regions(TEXTS[cells]))


def broken_placements(scores: Numbers, label: int, cells: int, top: int, choices: Numbers) -> list[bool]:
    """For each placement on a line whether some attack pushes the label out of the first ones; all are tried.

    `choices` are all scores that a view can give, int64 (choices, classes).
    """
    outcomes = []
    for start in range(len(scores) - cells + 1):
        kept = np.delete(scores, range(start, start + cells), axis=0).sum(axis=0)
        totals = [kept + np.sum(attack, axis=0) for attack in product(choices, repeat=cells)]
        outcomes.append(not all(label in first_by_votes(total[None], top) for total in totals))
    return outcomes


def expect_exact(scores: Numbers, cells: int, choices: Numbers, first: FirstPlaces, low: int, high: int) -> set[bool]:
    """Compare certificate and map for each label with every attack; the outcomes that occurred."""
    covers = covering(len(scores), cells)
    relied, outcomes = np.ones(len(scores), np.bool_), set()
    for label in range(scores.shape[1]):
        broken = broken_placements(scores, label, cells, first.top, choices)
        certificate = vote_certificate(scores, relied, label, covers, low, high, first)
        assert certificate.certified == (not any(broken)), (scores.tolist(), label, cells)
        placements = vote_map(scores, relied, label, covers, low, high, first)
        assert placements is not None
        ((_, places, certified),) = placements.placements()
        assert certified[places].tolist() == [not some for some in broken]
        outcomes.add(certificate.certified)
    return outcomes


def subsets(classes: int, most: int) -> Numbers:
    """All votes of a view for `most` classes at most, int64 (choices, classes)."""
    chosen = [group for size in range(most + 1) for group in combinations(range(classes), size)]
    return np.array([[int(number in group) for number in range(classes)] for group in chosen])


@pytest.mark.parametrize("cells", [1, 2])
def test_every_table_of_votes_for_one_class_is_decided_as_every_attack_says(cells: int) -> None:
    outcomes: set[bool] = set()
    choices = subsets(3, 1)
    for numbers in product(range(len(choices)), repeat=4):
        outcomes |= expect_exact(choices[list(numbers)], cells, choices, FirstPlaces(2, 1), 0, 1)
    assert outcomes == {True, False}


@pytest.mark.parametrize(("top", "most"), [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2), (2, 3), (3, 4)])
def test_votes_for_several_of_four_classes_are_decided_as_every_attack_says(top: int, most: int) -> None:
    random, outcomes = np.random.default_rng(top * 10 + most), set()
    choices = subsets(4, most)
    for number in range(60):
        # Most views agree, so that there are certificates.
        usual = choices[random.integers(len(choices))]
        other = choices[random.integers(len(choices), size=5)]
        scores = np.where(random.random((5, 1)) < (number % 3) / 3, other, usual)
        for cells in (1, 2):
            outcomes |= expect_exact(scores, cells, choices, FirstPlaces(top, most), 0, 1)
    assert outcomes == {True, False}


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 2), (-2, 0), (1, 2)])
@pytest.mark.parametrize("top", [1, 2])
def test_scores_in_a_range_are_decided_as_every_attack_says(low: int, high: int, top: int) -> None:
    random, outcomes = np.random.default_rng(0), set()
    choices = np.array(list(product(range(low, high + 1), repeat=3)))
    for _ in range(80):
        scores = np.clip(random.integers(low, high + 1, (4, 3)) + random.integers(-3, 4, (1, 3)), low, high)
        outcomes |= expect_exact(scores, 1, choices, FirstPlaces(top, None), low, high)
    assert outcomes == {True, False}


def test_an_attack_that_makes_all_sums_0_leaves_no_answer() -> None:
    """Two views for class 0 as far as they can be: a touched one undoes the other, for all classes at once."""
    choices = np.array(list(product(range(-1, 2), repeat=3)))
    assert expect_exact(np.array([[1, -1, -1]] * 2), 1, choices, FirstPlaces(2, None), -1, 1) == {False}
    assert expect_exact(np.array([[1, -1, -1]] * 3), 1, choices, FirstPlaces(2, None), -1, 1) == {True, False}


@pytest.mark.parametrize(("low", "high", "most"), [(0, 1, 1), (0, 1, 2), (0, 1, None), (-1, 1, None), (0, 3, None)])
def test_for_the_first_label_alone_it_is_the_vote_theorem(low: int, high: int, most: int | None) -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        scores, smaller = random.integers(low, high + 1, (6, 4)), np.array([True, False, False])
        inside = random.random((8, 6)) < 0.7
        weights = np.column_stack([scores[:, 1], np.ones(6, np.int64), scores[:, [0, 2, 3]]])
        sums = inside.astype(np.int64) @ weights
        expected = theorem_holds(sums, 6, smaller, low, high)
        assert stays_among_first(sums, 6, smaller, low, high, FirstPlaces(1, most)).tolist() == expected.tolist()


def test_needs_add_up_where_a_view_serves_one_class() -> None:
    """Classes 1 and 2 could each overtake class 0 with 2 views; both together need 4."""
    sums, larger = np.array([[3, 3, 2, 2]]), np.zeros(2, np.bool_)
    for touched, one_each, two_each in [(1, True, True), (2, True, False), (3, True, False), (4, False, False)]:
        for most, expected in [(1, one_each), (2, two_each), (None, two_each)]:
            assert stays_among_first(sums, 3 + touched, larger, 0, 1, FirstPlaces(2, most)).tolist() == [expected]


def test_a_class_that_is_ahead_already_takes_a_place_for_nothing() -> None:
    """Class 2 leads class 0 by far; class 1 is behind by two votes and needs three, as a tie goes to class 0."""
    sums, larger = np.array([[5, 12, 3, 9]]), np.zeros(2, np.bool_)
    for touched, expected in [(2, True), (3, False)]:
        assert stays_among_first(sums, 12 + touched, larger, 0, 1, FirstPlaces(2, 1)).tolist() == [expected]


def test_the_answer_is_a_list_in_the_order_of_the_sums() -> None:
    assert first_by_votes(np.array([[0, 1, 1, 0], [0, 0, 1, 0]]), 3) == (2, 1, 0)
    assert first_by_votes(np.array([[1, 0, 1, 1]]), 2) == (0, 2)
    assert first_by_votes(np.zeros((2, 4), np.int64), 2) == ()
    assert first_by_votes(np.array([[-1, 0, -1]]), 2) == (1, 0)


def table_of(labels: list[int], classes: int | None, views: mc.MaskSet) -> PredictionTable:
    table = PredictionTable(views.views(Views.SINGLE_MASKS), classes)
    count = len(labels)
    table.record(np.arange(count + 1), np.array([*labels, 0]), np.full(count + 1, 0.9), np.full(count + 1, 0.9))
    return table


def test_a_class_that_nobody_named_may_overtake_where_their_number_is_not_known() -> None:
    """Class 0 is ahead of one vote for class 1; class 2, which nobody named, needs two votes, and two are touched."""
    views = mc.bands(width=1, image_size=(1, 5))
    covers = Containment(views, mc.parse_regions("rectangle(1, 2)"))
    for labels, certified in [([1, 1, 1, 1, 1], True), ([1, 1, 1, 1, 0], True), ([1, 1, 1, 0, 0], False)]:
        certificate = Voting(top=2).certificate(table_of(labels, None, views), 1, covers, 0.0)
        assert isinstance(certificate, Certificate)
        assert certificate.certified == certified, labels
    assert Voting(top=2).answer(table_of([0, 0, 0, 0, 0], None, views)) == FirstLabels((0, 1), Case.FIRST_BY_VOTES)


def test_a_view_without_enough_margin_counts_as_touched() -> None:
    views = mc.bands(width=1, image_size=(1, 5))
    table = table_of([0, 0, 0, 1, 2], 4, views)
    table.margins[0] = 0.1
    covers = Containment(views, mc.squares(size=1))
    outcomes = []
    for min_margin in (0.0, 0.5):
        certificate = Voting(top=2).certificate(table, 0, covers, min_margin)
        assert isinstance(certificate, Certificate)
        outcomes.append(certificate.certified)
    # Two of four votes are left then, and two of the first places need one more vote each.
    assert outcomes == [True, False]


def test_views_that_vote_for_more_classes_than_confidences_allow_do_not_vote() -> None:
    views = mc.bands(width=1, image_size=(1, 3))
    table = table_of([0, 0, 0], 4, views)
    table.observed = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=np.float64)
    assert Voting(threshold=0.5, top=2).answer(table) == FirstLabels((1, 0), Case.FIRST_BY_VOTES)
    assert Voting(threshold=0.3, top=3).answer(table) == FirstLabels((1, 0, 2), Case.FIRST_BY_VOTES)
    table.observed[1:] = 0
    assert Voting(threshold=0.5, top=2).answer(table) == FirstLabels((), Case.NO_VOTES)
    assert Voting(threshold=0.0, top=2).answer(table) == FirstLabels((0, 1), Case.FIRST_BY_VOTES)


def test_more_first_labels_certify_no_fewer_images() -> None:
    random, gained = np.random.default_rng(2), 0
    covers = covering(6, 2)
    for _ in range(100):
        votes = subsets(5, 1)[np.where(random.random(6) < 0.6, 1, random.integers(0, 6, 6))]
        certified = [
            vote_certificate(votes, np.ones(6, np.bool_), 0, covers, first=FirstPlaces(top, 1)).certified
            for top in (1, 2, 3, 4)
        ]
        assert certified == sorted(certified)
        gained += certified[3] > certified[0]
    assert gained > 10


def test_views_that_thin_regions_outvote_may_do_for_the_first_two() -> None:
    """Five of eight views are touched: they outvote three for one class, but not three for each of two."""
    covers = Containment.of(mc.bands(width=2, image_size=8), "rectangle(1, 4)")
    with pytest.raises(NotCovering, match="touches 5 of 8 views"):
        Voting().expect_use(covers)
    Voting(top=2).expect_use(covers)
    # With a threshold of 0.3 a view votes for three classes at most: 15 votes are enough for two times four.
    for refused in (Voting(evidence="clip(0, 1)", top=2), Voting(threshold=0.3, top=2)):
        with pytest.raises(NotCovering, match="touches 5 of 8 views"):
            refused.expect_use(covers)
    Voting(threshold=0.6, top=2).expect_use(covers)


@pytest.mark.parametrize("views", [3, 4, 5])
@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("cells", [1, 2])
def test_what_is_refused_at_once_could_certify_nothing(views: int, most: int, cells: int) -> None:
    """The best case is class 0 with every vote: refused exactly if that is not certified."""
    covers, first = covering(views, cells), FirstPlaces(2, most)
    votes = np.tile(np.array([[1, 0, 0, 0]]), (views, 1))
    certified = vote_certificate(votes, np.ones(views, np.bool_), 0, covers, first=first).certified
    if certified:
        expect_possible(covers, first)
        return
    with pytest.raises(NotCovering, match="no image can be certified"):
        expect_possible(covers, first)


def test_certify_gives_the_labels_in_order() -> None:
    def scores(images: Any) -> Any:
        """Class 2 is the brightness that is visible, class 1 the half of it, class 0 and 3 nothing."""
        seen = images.sum(axis=(1, 2))
        return np.stack([0 * seen - 1, seen / 2, seen, 0 * seen - 2], axis=1)

    views = mc.bands(width=2, image_size=(2, 8))
    result = mc.certify(
        scores, np.ones((1, 2, 8)), [1], views, regions="squares(size=1)", procedure="voting(top=2)", batch_size=4
    )
    assert str(result.procedure) == "voting(top=2)"
    answer = result.verdicts[0].defended
    # Every view votes for class 2; behind it ties go to class 0, so that class 1 is not among the first two.
    assert answer == FirstLabels((2, 0), Case.FIRST_BY_VOTES)
    assert not result.certified[0]
    right = mc.certify(
        scores, np.ones((1, 2, 8)), [2], views, regions="squares(size=1)", procedure="voting(top=2)", batch_size=4
    )
    assert right.certified[0]
    assert right.verdicts[0].right
    assert not result.verdicts[0].right
    assert "1 defended" in str(right)


def test_texts_and_words_name_the_number_of_first_labels() -> None:
    assert parse_procedure("voting(bands(width=4), top=3)") == Voting("bands(width=4)", top=3)
    assert str(Voting(threshold=0.3, top=2)) == "voting(threshold=0.3, top=2)"
    assert Voting(top=2).words == "votes, the first 2 labels"
    assert FIRST_PLACE.top == 1


@pytest.mark.parametrize("top", [0, -1, True, 1.0, "2", None])
def test_numbers_of_first_labels_that_are_none_are_refused(top: Any) -> None:
    with pytest.raises(InvalidInput, match="top is the number of first labels"):
        Voting(top=top)


def test_all_classes_are_no_first_ones() -> None:
    views = mc.bands(width=1, image_size=(1, 3))
    table, covers = table_of([0, 0, 0], 2, views), covering(3, 1)
    with pytest.raises(InvalidInput, match="the first 2 of 2 classes are all of them"):
        Voting(top=2).answer(table)
    with pytest.raises(InvalidInput, match="the first 2 of 2 classes are all of them"):
        Voting(top=2).certificate(table, 0, covers, 0.0)
