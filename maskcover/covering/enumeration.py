"""`placement_masks`: the masks that hide one placement of a region set each, to be asked one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from maskcover.cells import Cells
from maskcover.errors import InvalidInput
from maskcover.grid import Grid, ImageSize
from maskcover.masks import Mask, MaskSet
from maskcover.regions import RegionSet, Slot, parse_regions

MOST_PLACEMENTS = 100_000


def placement_masks(
    regions: RegionSet | str, image_size: ImageSize | Grid = 224, *, most: int = MOST_PLACEMENTS
) -> MaskSet:
    """The masks that hide one placement each, for all placements of the largest shapes of a region set.

    Behind the masks of a cover, as in ``cover(R) + placement_masks(R)``, they are the last resort of `Intervals`: where
    the bounds of a large mask do not tell, those of the placements inside it may, and only these are asked for.

    Args:
        regions: The region set or its text.
        image_size: The size of the images.
        most: Raise an error if there are more placements than this.

    Returns:
        The masks, each once, in the order of the shapes and then row by row; they claim to cover `regions`.

    Raises:
        InvalidInput: there are too many placements, as for several patches, or for all rectangles on a large image.

    >>> placement_masks("squares(size=2)", image_size=4)
    <MaskSet of 9 on 4×4, largest 4 px, regions='squares(size=2)'>
    """
    region_set, grid = parse_regions(regions), Grid.of(image_size)
    terms = region_set.terms(grid)
    count = sum(term.placements for term in terms)
    if count > most:
        raise InvalidInput(
            f"{region_set} on {grid} has {count:,} placements, and at most {most:,} are listed: leave them out, name "
            "fewer regions, or allow more with most="
        )
    masks = (
        Mask.from_bounds(placement[0].union(*placement[1:]).bounds)
        for term in terms
        for placement in product(*map(_patches, term.slots))
    )
    return MaskSet(grid, tuple(dict.fromkeys(masks)), str(region_set))


def _patches(slot: Slot) -> Iterator[Cells]:
    """Every patch of a slot, at every place, row by row."""
    for stencil in slot:
        for box in stencil.places.boxes:
            for place in product(*map(range, box.start, box.stop)):
                yield stencil.at(place)
