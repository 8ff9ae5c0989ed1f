"""Unions of several-patch sets: two of A or two of B is not one of each."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from maskcover import InvalidInput, MaskSet, RegionSet, patches, rectangle, rotations, squares, tubes, union, verify
from maskcover.cells import Cells
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


@dataclass(frozen=True)
class Mine(RegionSet):
    """A region set of somebody else's, which is another one by another name."""

    base: RegionSet

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return self.base.expand(grid, inside)

    def __str__(self) -> str:
        return f"mine({self.base})"


@dataclass(frozen=True)
class Secret(Mine):
    """One that hides of what it is made."""

    @property
    def parts(self) -> tuple[RegionSet, ...]:
        return ()


def test_a_set_of_others_that_wraps_several_patches_or_a_bound_says_so() -> None:
    two, turned = Mine(patches(squares(2), 2)), Mine(rotations(rectangle(2, 5), degrees=(-5, 5)))
    assert two.has_patches
    assert not two.is_outer_bound
    assert turned.is_outer_bound
    with pytest.raises(InvalidInput, match="patches of patches"):
        patches(two, 2)
    with pytest.raises(InvalidInput, match="patches of patches"):
        patches([two, squares(1)])
    with pytest.raises(InvalidInput, match="patches of patches"):
        tubes(two, frames=2)


def test_no_patch_and_no_shape_is_left_out_of_mixed_patches_whatever_a_set_says_of_itself() -> None:
    for secret in (Secret(patches(squares(2), 2)), Secret(union(squares(2), patches(squares(1), 2)))):
        with pytest.raises(InvalidInput, match="must be one patch"):
            patches([secret, squares(1)]).terms(Grid((6, 6)))


def test_no_patch_is_left_out_of_tubes_whatever_a_set_says_of_itself() -> None:
    hidden = tubes(Secret(patches(squares(2), 2)), frames=2)
    with pytest.raises(InvalidInput, match="tubes are of one patch"):
        hidden.terms(Grid((3, 6, 6)))
