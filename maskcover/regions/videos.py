"""Regions of videos and volumes: the same region in several consecutive video frames."""

from __future__ import annotations

from dataclasses import dataclass

from maskcover.amounts import Length, parse_length
from maskcover.cells import Cells, eroded
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid
from maskcover.regions.base import RegionSet, Stencil, Term, brief, prune, terms_of
from maskcover.regions.combined import single_patch

_MOST_STARTS = 20_000  # video frames with which a tube may begin


@dataclass(frozen=True, slots=True)
class Tubes(RegionSet):
    """Regions of the base at the same place in `frames` consecutive video frames (None: in all of them)."""

    base: RegionSet
    frames: int | None = None

    @property
    def parts(self) -> tuple[RegionSet, ...]:
        return (self.base,)

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
        return terms_of(
            prune(
                Stencil(
                    _product([(0, frames)], stencil.cells),
                    _product([(first, first + 1) for first in firsts], stencil.places),
                )
                for common, firsts in allowed.items()
                if common
                for term in self.base.expand(Grid(grid.shape[1:]), common)
                for stencil in term.slots[0]
            )
        )

    def __str__(self) -> str:
        return f"tubes({self.base}" + (")" if self.frames is None else f", frames={self.frames})")


def tubes(regions: RegionSet, *, frames: Length | None = None) -> RegionSet:
    """A region set of one image, repeated at the same place in `frames` consecutive frames of a video.

    Args:
        regions: The region set of a video frame; a fraction as an area is a fraction of a video frame.
        frames: The number of consecutive video frames, beginning with any; by default all of them.

    The grid of a video is (frames, height, width). Several tubes, each in its own place and time, are
    ``patches(tubes(R), k=2)``.

    Raises:
        InvalidInput: a region set of several patches, or a bad number; on a grid, if the video is too short.

    >>> from maskcover import cover, squares
    >>> len(cover(tubes(squares(size=32)), image_size=(16, 224, 224), grid=(1, 6, 6)))
    36
    """
    return Tubes(single_patch(regions), None if frames is None else parse_length(frames, "frames"))


def _always(inside: Cells, first: int, frames: int) -> Cells:
    """The cells that are allowed in each of the `frames` video frames from `first` on."""
    column = Cells([Box.at((0,) * inside.ndim, (frames, *(1,) * (inside.ndim - 1)))])
    places = eroded(inside, column).bounds
    here = places[(places[:, 0, 0] <= first) & (first < places[:, 1, 0])]
    return Cells.from_bounds(here[:, :, 1:])


def _product(frames: list[tuple[int, int]], cells: Cells) -> Cells:
    """The same cells in several spans of video frames."""
    return Cells(Box((low, *box.start), (high, *box.stop)) for low, high in frames for box in cells.boxes)
