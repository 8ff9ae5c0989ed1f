"""An immutable sequence of masks on one grid: what the defence hides."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from maskcover.canonical import digest
from maskcover.cells import BoolArray, IntArray
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Box, Grid, ImageSize
from maskcover.masks.files import Content, read_masks, read_text, text_of, write_masks
from maskcover.masks.mask import Mask
from maskcover.masks.optimality import Optimality
from maskcover.masks.pairing import neighbours
from maskcover.masks.unions import Singles, Unions, Views, distinct_masks, distinct_unions
from maskcover.notebooks import code, panels

BoxRow = Sequence[int]


@dataclass(frozen=True)
class MaskSet(Sequence[Mask]):
    """Masks of one image size, in order; slices, concatenates and compares like a tuple.

    Args:
        grid: The grid of the images, (height, width).
        masks: The masks, in the order in which the defence tries them.
        regions: The text of the region set that the masks are claimed to cover, if any. A claim, to be checked with
            `verify`; it is saved with the masks and kept by slices, but is no part of equality or hash.
        optimality: The least number of masks as far as `cover` knows it; neither saved nor kept by slices.
        levels: Mask sets to ask first, from coarse to fine, for a first round by levels (`maskcover.defense`): see
            `with_levels`. They are saved and compared, but are no part of the sequence, and slices do not keep them.

    >>> masks = MaskSet.from_boxes([(0, 0, 4, 9), (5, 0, 4, 9)], image_size=9)
    >>> len(masks), masks[:1] == MaskSet.from_boxes([(0, 0, 4, 9)], image_size=9)
    (2, True)
    """

    grid: Grid
    masks: tuple[Mask, ...]
    regions: str | None = field(default=None, compare=False)
    optimality: Optimality | None = field(default=None, compare=False, repr=False)
    levels: tuple[MaskSet, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.grid, Grid):
            raise InvalidInput(f"grid must be a Grid, such as Grid.of(224); got {self.grid!r}")
        if self.regions is not None and not isinstance(self.regions, str):
            raise InvalidInput(f"regions must be the text of a region set, such as str(R); got {self.regions!r}")
        object.__setattr__(self, "masks", tuple(self.masks))
        for number, mask in enumerate(self.masks):
            if not isinstance(mask, Mask) or not mask.fits(self.grid):
                raise InvalidInput(f"mask {number} does not lie on the {self.grid} grid: {mask!r}")
        object.__setattr__(self, "levels", tuple(map(_without_claim, self.levels)))
        for level in self.levels:
            if level.grid != self.grid or level.levels or not level.masks:
                raise InvalidInput(
                    f"a level is a mask set of its own, of at least one mask on {self.grid}; got {level!r}"
                )

    @classmethod
    def from_boxes(
        cls,
        boxes: Iterable[BoxRow | Iterable[BoxRow]],
        image_size: ImageSize | Grid = 224,
        *,
        regions: str | None = None,
    ) -> MaskSet:
        """Masks from boxes in pixels: (top, left, height, width) on images, starts then extents in general.

        An item may also be a list of such boxes: then the mask is their union.

        Raises:
            InvalidInput: a box is not of that form or leaves the image.
        """
        grid = Grid.of(image_size)
        try:
            masks = [Mask((_box(row, grid) for row in _rows(item)), ndim=grid.ndim) for item in boxes]
        except TypeError as error:
            raise InvalidInput("expected boxes (top, left, height, width) of whole numbers") from error
        return with_warnings(cls(grid, tuple(masks), regions))

    @classmethod
    def from_array(cls, hidden: npt.ArrayLike, *, regions: str | None = None) -> MaskSet:
        """Masks from a bool array of shape (n, height, width), True where a mask hides.

        Raises:
            InvalidInput: another dtype (pass ``array.astype(bool)``, or ``array == 0`` for the paper's convention).
        """
        array = np.asarray(hidden)
        if array.dtype != np.bool_ or array.ndim < 2:
            raise InvalidInput(
                f"expected a bool array of shape (n, height, width), True = hidden; got {array.dtype} {array.shape}"
            )
        return with_warnings(cls(Grid.of(array.shape[1:]), tuple(map(Mask.from_array, array)), regions))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> MaskSet:
        """Read a file written by `save`, or the masks of a cover certificate; its digest is checked first.

        The claim that comes along is a claim, from a certificate too: `verify` decides it. Raises `MaskFileError` if
        anything is off.
        """
        masks = cls._of(read_masks(path))
        # A set of which every mask hides most of the image is one of views, such as `bands`.
        views = len(masks) > 1 and all(2 * mask.area > masks.grid.size for mask in masks)
        return masks if views else with_warnings(masks)

    @classmethod
    def from_json(cls, text: str) -> MaskSet:
        """Read the text that `to_json` gives; its digest is checked first. Raises `MaskFileError` as `load` does."""
        return cls._of(read_text(text, "the text of a mask set"))

    def to_json(self) -> str:
        """The text of the file that `save` writes.

        >>> masks = MaskSet.from_boxes([(0, 0, 4, 9), (5, 0, 4, 9)], image_size=9)
        >>> MaskSet.from_json(masks.to_json()) == masks
        True
        """
        return text_of(self._content)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the masks and their claim to a JSON file, atomically."""
        write_masks(path, self._content)

    def with_levels(self, *levels: MaskSet) -> MaskSet:
        """These masks with coarser ones for a first round by levels, from coarse to fine; none to take them away.

        >>> masks = MaskSet.from_boxes([(0, 0, 4, 9), (3, 0, 3, 9), (5, 0, 4, 9)], image_size=9)
        >>> coarser = MaskSet.from_boxes([(0, 0, 4, 9), (4, 0, 4, 9)], image_size=9)
        >>> masks.with_levels(coarser)
        <MaskSet of 3 on 9×9, largest 36 px, after a level of 2>
        """
        return replace(self, levels=levels)

    @property
    def all_masks(self) -> tuple[Mask, ...]:
        """The masks, and then those of the levels: the number of a mask in a prediction is its place here."""
        return self.masks + self._coarser

    @cached_property
    def joined(self) -> MaskSet:
        """One mask set of `all_masks`, without levels: for bitmaps and for what lies inside which of them."""
        return MaskSet(self.grid, self.all_masks) if self.levels else self

    @property
    def level_numbers(self) -> tuple[IntArray, ...]:
        """For each level the numbers of its masks, int64: they follow those of the masks themselves."""
        ends = np.cumsum([len(self.masks), *map(len, self.levels)])
        return tuple(np.arange(begin, end) for begin, end in itertools.pairwise(ends.tolist()))

    @classmethod
    def _of(cls, content: Content) -> MaskSet:
        grid, own, levels, regions = content
        return cls(grid, own, regions, levels=tuple(cls(grid, level) for level in levels))

    @property
    def _content(self) -> Content:
        return self.grid, self.masks, tuple(level.masks for level in self.levels), self.regions

    @cached_property
    def _coarser(self) -> tuple[Mask, ...]:
        return tuple(mask for level in self.levels for mask in level.masks)

    @cached_property
    def unions(self) -> Unions:
        """The distinct unions of two masks, and the masks of the levels."""
        return distinct_unions(self.masks, self.grid, self._coarser)

    @cached_property
    def singles(self) -> Singles:
        """The distinct masks, and those of the levels."""
        return distinct_masks(self.masks, self._coarser)

    @cached_property
    def pairing(self) -> IntArray:
        """Each mask once, in pairs of neighbours, int64 (⌈n/2⌉, 2); (i, i) for one that stays alone."""
        return neighbours(self.masks)

    def views(self, kind: Views) -> Unions | Singles:
        """The masked predictions of a kind, numbered; unions of two masks are worked out only when they are asked for.

        Raises:
            InvalidInput: the unions of two are too many to list.
        """
        return self.unions if kind is Views.PAIRS else self.singles

    @property
    def evaluations(self) -> int:
        """Two-mask evaluations of a full certification: distinct unions of two masks, single masks included."""
        return self.unions.count

    @property
    def largest_hidden_area(self) -> int:
        """Pixels hidden by the largest mask (0 for an empty set)."""
        return max((mask.area for mask in self.masks), default=0)

    @cached_property
    def digest(self) -> str:
        """sha256 of grid and masks, in order, and of the levels: equal for equal sets, whatever their claims."""
        own = [self.grid.shape, [mask.bounds.tolist() for mask in self.masks]]
        return digest([*own, *([[level.digest for level in self.levels]] if self.levels else [])])

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("a MaskSet holds boxes: making an array of it always copies")
        hidden: BoolArray = np.zeros((len(self), *self.grid.shape), dtype=np.bool_)
        for row, mask in zip(hidden, self.masks, strict=True):
            row[:] = mask.to_array(self.grid)
        return hidden if dtype is None else hidden.astype(dtype)

    def __len__(self) -> int:
        return len(self.masks)

    def __iter__(self) -> Iterator[Mask]:
        return iter(self.masks)

    @overload
    def __getitem__(self, key: int) -> Mask: ...
    @overload
    def __getitem__(self, key: slice) -> MaskSet: ...
    def __getitem__(self, key: int | slice) -> Mask | MaskSet:
        if isinstance(key, slice):
            return replace(self, masks=self.masks[key], optimality=None, levels=())
        return self.masks[key]

    def __add__(self, other: MaskSet) -> MaskSet:
        """The masks of both, in order; the sum claims what the first claimed."""
        if not isinstance(other, MaskSet):
            return NotImplemented
        if other.grid != self.grid:
            raise InvalidInput(f"cannot join masks for {self.grid} and for {other.grid}")
        return replace(self, masks=self.masks + other.masks, optimality=None, levels=())

    def _repr_html_(self) -> str:
        """A small drawing of the masks, for notebooks; of other than two axes only the text."""
        text = code(repr(self))
        if self.grid.ndim != 2:
            return text
        height, width = self.grid.shape
        boxes = [[(*box.start, *box.extents) for box in mask.boxes] for mask in self.masks]
        return text + panels((height, width), boxes)  # type: ignore[arg-type]  # boxes of two axes

    def __repr__(self) -> str:
        claim = f", regions={self.regions!r}" if self.regions else ""
        sizes = " and ".join(str(len(level)) for level in self.levels)
        after = f", after {'a level' if len(self.levels) == 1 else 'levels'} of {sizes}" if sizes else ""
        return f"<MaskSet of {len(self)} on {self.grid}, largest {self.largest_hidden_area} px{claim}{after}>"


def _without_claim(level: MaskSet) -> MaskSet:
    if not isinstance(level, MaskSet):
        raise InvalidInput(f"a level is a MaskSet, such as cover(squares(size=32), grid=(2, 2)); got {level!r:.80}")
    return replace(level, regions=None, optimality=None)


def _rows(item: BoxRow | Iterable[BoxRow]) -> list[BoxRow]:
    values = list(item)
    if values and all(not isinstance(value, Iterable) for value in values):
        return [values]  # type: ignore[list-item]  # a flat row of numbers: told apart at run time only
    return values  # type: ignore[return-value]  # likewise


def _box(row: BoxRow, grid: Grid) -> Box:
    if len(row) != 2 * grid.ndim:
        raise InvalidInput(f"a box on {grid} is {2 * grid.ndim} numbers, starts then extents; got {tuple(row)}")
    return Box.at(row[: grid.ndim], row[grid.ndim :])


def with_warnings(masks: MaskSet) -> MaskSet:
    """The mask set, after a warning about masks that are rarely meant: inverted or empty ones (docs/threats.md, 10)."""
    areas = [mask.area for mask in masks]
    if 0 in areas:
        warnings.warn(f"mask {areas.index(0)} hides nothing", MaskcoverWarning, stacklevel=3)
    if 2 * max(areas, default=0) > masks.grid.size:
        number = areas.index(max(areas))
        warnings.warn(
            f"mask {number} hides more than half of the image; True means hidden: are the masks inverted?",
            MaskcoverWarning,
            stacklevel=3,
        )
    return masks
