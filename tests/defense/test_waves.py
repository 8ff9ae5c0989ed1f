"""Waves: the most telling pairs first, and in the end the same verdict as from all pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import MaskSet, certify, predict
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Method, Pending, Rule, procedure
from maskcover.defense.table import PredictionTable
from maskcover.defense.waves import THRIFTY, next_wave, overlaps, support
from tests.defense.naive import BoolArray, IntArray, Looked, Looker, algorithm_1, image_of, of_table, singles, symmetric

RULES: list[tuple[Rule, bool]] = [("rows", False), ("rows", True), ("all-pairs", False)]
METHODS: list[Method] = ["double", "challenger"]
MANY = singles(12)
REDUNDANT = MaskSet.from_boxes(
    [(0, 0, 2, 5), (2, 0, 2, 5), (0, 0, 1, 2), (1, 3, 3, 1), (1, 3, 3, 1), (0, 0, 1, 5)],
    image_size=(4, 5),
    regions="squares(size=1)",
)


def seen(table: PredictionTable, union: int, label: int, lead: float) -> None:
    table.record(np.array([union]), np.array([label]), np.array([lead]), np.array([1.0]))


def first_round(masks: MaskSet, margins: Sequence[float], label: int = 1) -> PredictionTable:
    """A table that has seen its image bare and under each mask: all of one label, with these leads."""
    table = PredictionTable(masks.unions)
    seen(table, len(masks.unions), label, 1.0)
    for union in sorted(set(masks.unions.ids.diagonal().tolist())):
        seen(table, union, label, margins[union])
    return table


def open_pairs(table: PredictionTable) -> Pending:
    return Pending(np.argwhere(table.matrix == UNSEEN), wanted_label=1)


def test_the_first_wave_has_four_pairs_and_each_later_one_as_many_as_were_seen() -> None:
    table, sizes = first_round(MANY, np.linspace(0.1, 1, 12).tolist()), []
    while (table.matrix == UNSEEN).any():
        unions = table.missing(next_wave(table, open_pairs(table)))
        sizes.append(len(unions))
        for union in unions.tolist():
            seen(table, union, 1, 0.5)
    assert sizes == [4, 4, 8, 16, 32, 2]


def test_waves_that_certify_start_with_a_single_pair_and_grow_by_half() -> None:
    table, sizes = first_round(MANY, np.linspace(0.1, 1, 12).tolist()), []
    while (table.matrix == UNSEEN).any():
        wave = next_wave(table, open_pairs(table), growth=THRIFTY)
        assert wave.later is not None
        assert len(wave.pairs) + len(wave.later) == (table.labels == UNSEEN).sum()
        support_now = support(table, np.concatenate([wave.pairs, wave.later]), 1)
        assert (np.diff(support_now) >= 0).all()
        sizes.append(len(table.missing(wave)))
        for union in table.missing(wave).tolist():
            seen(table, union, 1, 0.5)
    assert sizes == [1, 1, 1, 1, 2, 3, 4, 6, 9, 14, 19, 5]  # rows that are whole no longer count


def test_of_pairs_of_one_support_the_one_that_hides_most_comes_first() -> None:
    boxes = [(0, 0, 2, 2), (0, 1, 2, 2), (0, 4, 2, 2)]
    masks = MaskSet.from_boxes(boxes, image_size=(2, 6))
    table = PredictionTable(masks.unions, mask_set=masks)
    for union in [len(masks.unions), *masks.unions.singles.tolist()]:
        seen(table, union, 1, 0.25)
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    assert support(table, pairs, 1).tolist() == [0.5 + 0.25 / 2, 0.5, 0.5]
    assert next_wave(table, open_pairs(table), growth=THRIFTY).pairs.tolist() == [[0, 2]]
    plain = PredictionTable(masks.unions)
    plain.labels, plain.margins = table.labels, table.margins
    assert support(plain, pairs, 1).tolist() == [0.5] * 3


def test_masks_that_are_no_boxes_have_no_overlap() -> None:
    masks = MaskSet.from_boxes([[(0, 0, 1, 1), (1, 2, 1, 2)], [(0, 0, 2, 2)]], image_size=(2, 6))
    assert overlaps(masks, np.array([[0, 1]])).tolist() == [0.0]


def test_the_weakest_support_comes_first() -> None:
    margins = np.random.default_rng(4).permutation(np.linspace(0.1, 1, 12))
    table = first_round(MANY, margins.tolist())
    asked = [support(table, next_wave(table, open_pairs(table)).pairs, 1)]
    every = np.sort(support(table, np.argwhere(np.triu(np.ones((12, 12)), k=1)), 1))
    assert np.allclose(asked[0], every[:4])
    assert (margins.argsort()[0], margins.argsort()[1]) in {
        tuple(sorted(pair, key=lambda mask: margins[mask]))
        for pair in next_wave(table, open_pairs(table)).pairs.tolist()
    }


def test_what_speaks_for_another_label_counts_against() -> None:
    table = first_round(MANY, [0.5] * 12)
    table.labels[3], table.margins[3] = 2, 0.9
    table.labels[5], table.margins[5] = 2, 0.1
    pairs = np.array([[0, 1], [0, 3], [0, 5], [3, 5]])
    assert support(table, pairs, 1).tolist() == pytest.approx([1.0, -0.4, 0.4, -1.0])


def test_without_a_hope_or_a_first_round_nothing_is_held_back() -> None:
    table = first_round(MANY, [0.5] * 12)
    unhoped = Pending(open_pairs(table).pairs)
    assert next_wave(table, unhoped) is unhoped
    empty = PredictionTable(MANY.unions)
    waiting = open_pairs(empty)
    assert next_wave(empty, waiting) is waiting


def verdicts(
    images: list[Looked], labels: list[int], masks: MaskSet, rule: Rule, method: Method, *, exhaustive: bool
) -> list[tuple[bool, int, int]]:
    result = certify(Looker(5), images, labels, masks, rule=rule, method=method, exhaustive=exhaustive, probes=False)
    assert all(one.evaluations <= 1 + masks.evaluations for one in result.verdicts)
    return [(one.certificate.certified, one.answer, one.undefended) for one in result.verdicts]


@given(st.data())
def test_nothing_is_lost_whatever_the_table(data: st.DataObject) -> None:
    masks = data.draw(st.sampled_from([singles(5), singles(7), REDUNDANT]))
    rule, exhaustive = data.draw(st.sampled_from(RULES))
    method = data.draw(st.sampled_from(METHODS))
    unions = len(masks.unions)
    common = st.sampled_from([1, 1, 1, 1, 1, 1, 1, 1, 0, UNDECIDED])
    tables = [
        np.array(entries)[masks.unions.ids]
        for entries in data.draw(st.lists(st.lists(common, min_size=unions, max_size=unions), min_size=1, max_size=4))
    ]
    images = [image_of(table, masks, bare=1) for table in tables]
    labels = [1] * len(images)
    waved = verdicts(images, labels, masks, rule, method, exhaustive=exhaustive)
    with patch.object(procedure, "next_wave", lambda _, pending, *__, **___: pending):
        assert verdicts(images, labels, masks, rule, method, exhaustive=exhaustive) == waved
    if method == "double":
        assert [one.label for one in predict(Looker(3), images, masks)] == [
            algorithm_1(*of_table(table))[0] for table in tables
        ]


@pytest.mark.parametrize("pair", [(0, 11), (4, 7), (10, 11)])
@pytest.mark.parametrize("rule", ["rows", "all-pairs"])
def test_an_image_that_fails_where_its_lead_is_smallest_costs_one_wave(pair: tuple[int, int], rule: Rule) -> None:
    class Weaker(Looker):
        def scores(self, images: Sequence[Looked], hidden: BoolArray) -> npt.NDArray[np.float64]:
            weak = hidden[:, list(pair)].any(axis=1)
            return super().scores(images, hidden) + np.where(weak, 3.0, 0.0)[:, None]

    table: IntArray = symmetric(12, [1] * 78)
    table[pair] = table[pair[::-1]] = 0
    [verdict] = certify(Weaker(1), [image_of(table, MANY, bare=1)], [1], MANY, rule=rule, probes=False).verdicts
    assert not verdict.certificate.certified
    # The bare image, twelve masks and the first wave; Algorithm 1 needs no more, since the masks agree.
    assert verdict.evaluations == 1 + 12 + 1
    with patch.object(procedure, "next_wave", lambda _, pending, *__, **___: pending):
        [all_at_once] = certify(Weaker(1), [image_of(table, MANY, bare=1)], [1], MANY, rule=rule, probes=False).verdicts
    assert all_at_once.evaluations == 1 + 78
