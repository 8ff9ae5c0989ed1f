"""Video and volumes: a region of each frame at the same place through several frames."""

from __future__ import annotations

from dataclasses import dataclass

from maskcover.amounts import Length, parse_length
from maskcover.cells import Cells, eroded
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid
from maskcover.regions.base import RegionSet, Stencil, Term, brief, pruned, single
from maskcover.regions.combined import single_patch

_MOST_STARTS = 20_000  # frames with which a tube may begin


@dataclass(frozen=True, slots=True)
class Tubes(RegionSet):
    """Regions of the base that stay where they are through so many consecutive frames (None: all of them)."""

    base: RegionSet
    frames: int | None = None

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        frames = grid.shape[0] if self.frames is None else self.frames
        if grid.ndim < 2 or frames > grid.shape[0]:
            raise InvalidInput(
                f"{brief(self)} lasts {frames} frames; the grid {grid} (frames first) has no place for it"
            )
        if grid.shape[0] - frames >= _MOST_STARTS:
            raise InvalidInput(
                f"{brief(self)} may begin with more than {_MOST_STARTS:,} frames of {grid}; use a shorter clip"
            )
        allowed: dict[Cells, list[int]] = {}
        for first in range(grid.shape[0] - frames + 1):
            allowed.setdefault(_always(inside, first, frames), []).append(first)
        return single(
            pruned(
                Stencil(
                    _product([(0, frames)], one.cells), _product([(first, first + 1) for first in firsts], one.places)
                )
                for common, firsts in allowed.items()
                if common
                for term in self.base.expand(Grid(grid.shape[1:]), common)
                for one in term.slots[0]
            )
        )

    def __str__(self) -> str:
        return f"tubes({self.base}" + (")" if self.frames is None else f", frames={self.frames})")


def tubes(regions: RegionSet, *, frames: Length | None = None) -> RegionSet:
    """A region set of one image, kept in place through `frames` consecutive frames of a clip (frames, height, width).

    Args:
        regions: The region set of one frame; shares of an area are shares of a frame.
        frames: How many consecutive frames, beginning with any; by default all of them.

    Several tubes, each in its own place and time, are ``patches(tubes(R), k=2)``.

    >>> from maskcover import cover, squares
    >>> len(cover(tubes(squares(size=32)), image_size=(16, 224, 224), grid=(1, 6, 6)))
    36
    """
    return Tubes(single_patch(regions), None if frames is None else parse_length(frames, "frames"))


def _always(inside: Cells, first: int, frames: int) -> Cells:
    """The cells of a frame that are allowed in each of the frames from `first` on."""
    column = Cells([Box.at((0,) * inside.ndim, (frames, *(1,) * (inside.ndim - 1)))])
    places = eroded(inside, column).bounds
    here = places[(places[:, 0, 0] <= first) & (first < places[:, 1, 0])]
    return Cells.from_bounds(here[:, :, 1:])


def _product(frames: list[tuple[int, int]], cells: Cells) -> Cells:
    """The same cells in several spans of frames."""
    return Cells(Box((low, *box.start), (high, *box.stop)) for low, high in frames for box in cells.boxes)
