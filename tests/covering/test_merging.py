"""Merged signatures: what they show is true of all signatures, and of unions of a base they show all."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, cover, verify
from maskcover.covering import signatures
from maskcover.covering.blocks import MasksByForm
from maskcover.covering.merging import merged, share_masks
from maskcover.covering.signatures import minimal_signatures
from tests.laws import examples

SLOTS = st.lists(st.lists(st.integers(0, 255), min_size=1, max_size=6), min_size=1, max_size=3)


def least_shared(slots: list[list[int]]) -> int:
    """The least number of masks that signatures, one of each slot, have in common."""
    least = 8
    for chosen in product(*slots):
        common = 255
        for signature in chosen:
            common &= signature
        least = min(least, common.bit_count())
    return least


@examples(300)
@given(SLOTS, st.integers(1, 3))
def test_what_merged_signatures_share_all_share(slots: list[list[int]], multiplicity: int) -> None:
    if share_masks(slots, multiplicity):
        assert least_shared(slots) >= multiplicity


@given(st.lists(st.integers(0, 255), max_size=12))
def test_each_signature_contains_a_merged_set(signatures: list[int]) -> None:
    sets = merged(signatures)
    assert all(any(common & signature == common for common in sets) for signature in signatures)


def test_unions_of_all_triples_are_shown_to_share_and_a_missing_triple_is_noticed() -> None:
    """Point i has the signature of all triples with i; three points share exactly one triple."""
    triples = list(combinations(range(7), 3))
    signatures = [sum(1 << number for number, triple in enumerate(triples) if i in triple) for i in range(7)]
    assert share_masks([signatures] * 3, 1)
    assert not share_masks([signatures] * 3, 2)
    for number in range(len(triples)):
        fewer = [signature & ~(1 << number) for signature in signatures]
        assert not share_masks([fewer] * 3, 1)


def test_a_cover_of_two_patches_is_shown_by_merged_signatures() -> None:
    masks = cover("patches(rectangles(6), k=2)", 20, max_mask_area=0.5)
    (term,) = cover_terms = (masks.regions and verify(masks).regions.terms(masks.grid)) or ()
    assert cover_terms
    sets = list(minimal_signatures(MasksByForm.of(masks), term.slots[0]))
    assert share_masks([sets] * 2, 1)
    for number in range(0, len(masks), 3):
        fewer = masks[:number] + masks[number + 1 :]
        sets = list(minimal_signatures(MasksByForm.of(fewer), term.slots[0]))
        least = min((a & b).bit_count() for a in sets for b in sets)
        assert bool(verify(fewer)) == (least > 0)
        assert least or not share_masks([sets] * 2, 1)


def test_too_many_comparisons_are_refused_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where merged signatures decide, nothing is compared; where they do not, the number of comparisons is bounded."""
    masks = cover("patches(squares(size=2), k=2)", 16, grid=(3, 3))
    monkeypatch.setattr(signatures, "_MOST_COMPARED", 1)
    assert verify(masks)
    with pytest.raises(InvalidInput, match=r"takes \d+ comparisons .* use larger masks"):
        verify(masks[1:], masks.regions)


def test_a_cover_is_kept_where_looking_for_fewer_masks_would_cost_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "_MOST_COMPARED", 1)
    # Merged signatures show that it covers; the comparisons for a selection are refused.
    masks = cover("patches(squares(2), k=2)", 12, grid=(3, 3), time_limit=0.1)
    monkeypatch.undo()
    assert verify(masks)
