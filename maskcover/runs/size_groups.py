"""Images of a data set grouped by size, each group with the regions as the model sees them and with its masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from maskcover.covering import cover
from maskcover.data import Dataset, ImageArray, Preprocessing
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, through

Sides = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class SizeGroup:
    """The images of one size: their numbers, the regions as the model sees them, and the masks that cover those."""

    size: Sides
    members: tuple[int, ...]
    regions: RegionSet
    masks: MaskSet

    @property
    def name(self) -> str:
        """``375x500``, height first."""
        return name_of(self.size)


def groups(
    dataset: Dataset,
    preprocessing: Preprocessing,
    regions: RegionSet,
    masks: MaskSet | None = None,
    budget: Mapping[str, Any] | None = None,
) -> list[SizeGroup]:
    """The images grouped by size, each group with its regions and masks."""
    return [
        group_of(size, members, preprocessing, regions, masks, budget) for size, members in by_size(dataset).items()
    ]


def group_of(
    size: Sides,
    members: tuple[int, ...],
    preprocessing: Preprocessing,
    regions: RegionSet,
    masks: MaskSet | None = None,
    budget: Mapping[str, Any] | None = None,
) -> SizeGroup:
    """The images of one size by their numbers, with their regions and masks."""
    regions_seen, arguments = pulled_back(regions, preprocessing, size), tuple(sorted((budget or {}).items()))
    return SizeGroup(size, members, regions_seen, masks or _cover(regions_seen, preprocessing.output(size), arguments))


def name_of(size: Sides) -> str:
    """``375x500``, height first."""
    return "x".join(map(str, size))


def by_size(dataset: Dataset) -> dict[Sides, tuple[int, ...]]:
    """The numbers of the images by their size; an image that cannot be read goes with the first that can."""
    sizes = [_size(dataset, number) for number in range(len(dataset))]
    first = next((size for size in sizes if size is not None), None)
    if first is None:
        dataset[0]  # raises an error that says why it cannot be read
        raise InvalidInput(f"{dataset.source}: no image can be read")
    members: dict[Sides, list[int]] = {}
    for number, size in enumerate(sizes):
        members.setdefault(size or first, []).append(number)
    return {size: tuple(members[size]) for size in sorted(members)}


def of_size(dataset: Dataset, size: Sides) -> Dataset:
    """The images, each refused if its size is not that in its file's head, since its regions would be wrong."""

    def read(number: int) -> ImageArray:
        image = dataset.read(number)
        if image.shape[:2] != size:
            decoded, expected = ("×".join(map(str, sides)) for sides in (image.shape[:2], size))
            raise InvalidInput(f"{dataset.ids[number]} was read as {decoded}, but its head says {expected}")
        return image

    return replace(dataset, read=read)


def pulled_back(regions: RegionSet, preprocessing: Preprocessing, size: Sides) -> RegionSet:
    """The regions of the model's input that regions on a source image of (height, width) can change.

    >>> from maskcover import CenterCrop, Resize, squares
    >>> steps = Preprocessing((Resize(256, "bicubic"), CenterCrop(224)))
    >>> print(pulled_back(squares(size=32), steps, (375, 500)))
    through(squares(size=32), Resize(256, kernel="bicubic"), CenterCrop(224), source=(375, 500))
    """
    return through(regions, *preprocessing.steps, source=size) if preprocessing.steps else regions


@lru_cache(maxsize=4096)
def _cover(regions: RegionSet, size: Sides, budget: tuple[tuple[str, Any], ...]) -> MaskSet:
    return cover(regions, size, **dict(budget))


def _size(dataset: Dataset, number: int) -> Sides | None:
    try:
        return dataset.size(number)
    except InvalidInput:
        return None  # reading it will fail too, and says why in its row
