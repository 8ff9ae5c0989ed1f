"""Unions of several-patch sets: two of A or two of B is not one of each."""

from __future__ import annotations

from maskcover import MaskSet, patches, rectangle, union, verify
from maskcover.grid import Grid
from maskcover.regions import Term
from maskcover.regions.base import everywhere


def test_patches_of_different_members_are_not_mixed() -> None:
    tall, wide = rectangle(2, 1), rectangle(1, 2)
    grid = Grid.of(4)
    terms = union(patches(tall, 2), patches(wide, 2), tall).terms(grid)
    standing, lying = (everywhere((2, 1), grid),), (everywhere((1, 2), grid),)
    assert terms == (Term((standing,)), Term((standing, standing)), Term((lying, lying)))


def test_masks_for_either_pair_need_not_cover_a_mixed_pair() -> None:
    # Pairs of rows and pairs of columns; a row with a column lies in none of them.
    rows = [[(r, 0, 1, 5), (s, 0, 1, 5)] for r in range(5) for s in range(r, 5)]
    columns = [[(0, c, 5, 1), (0, d, 5, 1)] for c in range(5) for d in range(c, 5)]
    masks = MaskSet.from_boxes([*rows, *columns], image_size=5)
    tall, wide = rectangle(5, 1), rectangle(1, 5)
    assert verify(masks, union(patches(tall, 2), patches(wide, 2)))
    assert not verify(masks, patches(union(tall, wide), 2))
