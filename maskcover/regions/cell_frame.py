"""Regions that are drawn on images and seen by the cells of a network: those that end in a `ReceptiveField`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from typing import cast

from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.regions.base import RegionSet
from maskcover.regions.preprocessing import ReceptiveField
from maskcover.regions.preprocessing.supports import AxisSupport
from maskcover.regions.transformed import Through, through

Sides = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CellFrame:
    """The way from the images on which regions are drawn to the cells of a network.

    Args:
        drawn: A region set that goes this way; its last step is the receptive field.
    """

    drawn: Through

    @classmethod
    def of(cls, part: RegionSet) -> CellFrame | None:
        """The way of a region set; None if it does not end in a receptive field."""
        return cls(part) if isinstance(part, Through) and isinstance(part.steps[-1], ReceptiveField) else None

    @property
    def field(self) -> ReceptiveField:
        """The receptive field of the cells."""
        return cast("ReceptiveField", self.drawn.steps[-1])

    @property
    def sides(self) -> Sides:
        """(height, width) of the image that the network sees, before its receptive field."""
        height, width = self.drawn.source
        for step in self.drawn.steps[:-1]:
            height, width = step.output((height, width))
        return height, width

    @property
    def base(self) -> RegionSet:
        """The regions on the image that the network sees."""
        drawn, before = self.drawn, self.drawn.steps[:-1]
        return through(drawn.base, *before, source=drawn.source) if before else drawn.base

    def encloses(self, field: ReceptiveField) -> bool:
        """Whether the same cells of another field see no more than those of this one."""
        return all(map(_encloses, self.field.axes(self.sides), field.axes(self.sides)))

    def onto_cells(self, regions: RegionSet) -> RegionSet:
        """Regions on the grid of the cells: those drawn on images go the same way, others must have gone it.

        Raises:
            InvalidInput: a part of the regions goes through a smaller field, or ends in images of another size.

        >>> from maskcover import parse_regions, squares
        >>> own = CellFrame.of(parse_regions("through(squares(size=3), ReceptiveField(4, 4), source=(8, 8))"))
        >>> print(own.onto_cells(squares(size=2)))
        through(squares(size=2), ReceptiveField(4, 4), source=(8, 8))
        """
        ways = [CellFrame.of(part) for part in parts_of(regions)]
        if all(way is None for way in ways):
            return through(regions, *self.drawn.steps, source=self.drawn.source)
        if not all(way is not None and way.sides == self.sides and way.encloses(self.field) for way in ways):
            raise InvalidInput(
                f"these cells see {self.field} of images of {Grid(self.sides)}; expected regions drawn on the images, "
                f"or regions that go through that field; got {regions}"
            )
        return regions


def parts_of(regions: RegionSet) -> Iterator[RegionSet]:
    """The parts of a region set that are drawn in one frame: those of unions and of several patches, else itself.

    >>> from maskcover import patches, squares, union
    >>> [str(part) for part in parts_of(patches(union(squares(size=2), squares(size=3)), k=2))]
    ['squares(size=2)', 'squares(size=3)']
    """
    inside = list(_inside(getattr(regions, entry.name) for entry in fields(regions)))  # type: ignore[arg-type]  # dataclasses
    if isinstance(regions, Through) or not inside:
        yield regions
    else:
        yield from chain.from_iterable(map(parts_of, inside))


def _inside(values: Iterable[object]) -> Iterator[RegionSet]:
    for value in values:
        if isinstance(value, RegionSet):
            yield value
        elif isinstance(value, tuple | list):
            yield from _inside(value)


def _encloses(typed: AxisSupport, own: AxisSupport) -> bool:
    """Whether an axis has the same cells, and each sees all that it sees on another axis."""
    if typed.outputs != own.outputs:
        return False
    blind = own.first == own.stop
    return bool((blind | ((typed.first <= own.first) & (typed.stop >= own.stop))).all())
