"""`Containment`: whether a selection of the masks of a set still covers the regions, for many selections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.covering.blocks import Blocks, MasksByForm
from maskcover.covering.placements import PlacementMap
from maskcover.covering.signatures import Signature, few_minimal, joint_sets, unpacked
from maskcover.covering.tallies import Tally, whole_product
from maskcover.covering.verification import verify
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import Mask, MaskSet
from maskcover.regions import RegionSet, parse_regions

_MOST_BITS, _MOST_JOINT = 1 << 31, 1 << 27


@dataclass(frozen=True)
class Containment:
    """The masks of a set that contain each region; called with a selection of masks, it says whether these cover.

    A region lies inside a selection exactly when the selection holds one of the masks that contain the region. So the
    inclusion-minimal sets of such masks, the minimal signatures (for k patches the minimal sets of masks that contain
    all k), are computed once, and each call compares sets of bits. Where there would be too many signatures, each
    selection is verified as a mask set of its own. Both ways are exact.

    Args:
        masks: The mask set; it need not cover by itself.
        regions: The region set.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=2), image_size=6, grid=(2, 2))
    >>> covers = Containment(masks, squares(size=2))
    >>> covers(np.array([True] * 4)), covers(np.array([True, False, True, True]))
    (True, False)
    """

    masks: MaskSet
    regions: RegionSet

    @classmethod
    def of(cls, masks: MaskSet, regions: RegionSet | str | None = None) -> Containment:
        """The containment of any masks, by default of the regions that they claim to cover.

        Raises:
            InvalidInput: no region set is named or claimed, or one of its shapes has no place on the image.
        """
        claimed = masks.regions if regions is None else regions
        if claimed is None:
            raise InvalidInput("these masks claim no region set; name one with regions=, such as squares(size=32)")
        named = parse_regions(claimed)
        named.terms(masks.grid)
        return cls(masks, named)

    @classmethod
    def covering(cls, masks: MaskSet, regions: RegionSet | str | None = None) -> Containment:
        """Make the containment of masks that cover the regions, by default those of their claim (Algorithm 2, line 2).

        Raises:
            NotCovering: they do not cover; the message shows a region that they miss.
            InvalidInput: as for `verify`.
        """
        report = verify(masks, regions)
        if not report:
            raise NotCovering(f"nothing can be certified with these masks: {report}")
        return cls(masks, parse_regions(report.regions))

    def __call__(self, selected: BoolArray) -> bool:
        """Whether the selected masks, bool of shape (masks,), cover the regions.

        Raises:
            InvalidInput: another dtype or shape: numbers of masks would select others than they name.
        """
        if selected.dtype != np.bool_ or selected.shape != (len(self.masks),):
            raise InvalidInput(
                f"a selection is a bool array of shape ({len(self.masks)},), one entry for each mask; got "
                f"{selected.dtype} of shape {selected.shape}"
            )
        if self.signatures is None:
            return self._verified(selected.tobytes())
        first = np.zeros(len(self.masks), dtype=np.bool_)
        first[self._firsts[selected]] = True
        bits = int.from_bytes(np.packbits(first, bitorder="little").tobytes(), "little")
        return all(signature & bits for signature in self.signatures)

    @cached_property
    def signatures(self) -> tuple[Signature, ...] | None:
        """The minimal sets of masks that contain some region, bit i for mask i; None where they are too many to list.

        Of equal masks only the first has a bit.
        """
        return few_minimal(self.masks, self.regions.terms(self.masks.grid))

    @cached_property
    def of_levels(self) -> tuple[Containment, ...]:
        """The containment of each level of the masks, from coarse to fine; none if they have no levels."""
        return tuple(Containment(level, self.regions) for level in self.masks.levels)

    @cached_property
    def with_levels(self) -> Containment:
        """The containment of all masks, those of levels included, numbered as `MaskSet.all_masks`."""
        return Containment(self.masks.joined, self.regions)

    def totals(self, weights: IntArray) -> IntArray | None:
        """Sums over the masks that contain a region, of whole numbers given for each mask.

        Args:
            weights: int64 (masks, columns).

        Returns:
            int64 (groups, columns): a row for each minimal signature; where these are too many to list, for all
            placements, or for all combinations of the patches' own minimal signatures. So every region contributes a
            row, or its masks contain those of a row. None for several patches with too many combinations.

        >>> from maskcover import cover, squares
        >>> masks = cover(squares(size=2), image_size=6, grid=(2, 2))
        >>> Containment(masks, squares(size=2)).totals(np.array([[1], [10], [100], [1000]])).ravel().tolist()
        [1, 10, 100, 1000]
        """
        if self._contained is not None:
            return whole_product(self._contained, self._merged(weights))
        placed = self.placed(weights)
        if placed is not None:
            return np.concatenate([sums[places.allowed] for places, sums in placed])
        return None if self._joint is None else whole_product(self._joint, self._merged(weights))

    def placed(self, weights: IntArray) -> tuple[tuple[Blocks, IntArray], ...] | None:
        """Sums over the masks that contain a placement, of whole numbers given for each mask; for all placements.

        Args:
            weights: int64 (masks, columns).

        Returns:
            For each stencil the blocks of its placements, and int64 (…, columns), the sums of each block, of the shape
            of ``places.allowed`` but for the columns. None for several patches at once.

        >>> from maskcover import cover, squares
        >>> masks = cover(squares(size=2), image_size=6, grid=(2, 2))
        >>> ((places, sums),) = Containment(masks, squares(size=2)).placed(np.ones((4, 1), dtype=np.int64))
        >>> places.sizes().tolist(), sums[..., 0].tolist()
        ([[4, 2, 4], [2, 1, 2], [4, 2, 4]], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
        """
        if self._tallies is None:
            return None
        own = self._merged(weights)
        return tuple(
            (tally.places, np.stack([tally.sums(column) for column in own.T], axis=-1)) for tally in self._tallies
        )

    def placement_map(self, certified: Callable[[BoolArray], BoolArray]) -> PlacementMap | None:
        """The map of the placements for which the set of masks that contain them meets a condition.

        Args:
            certified: From sets of masks, bool (sets, masks), to bool (sets,): which of them meet the condition.

        Returns:
            The map; None for several patches at once, or where there are too many masks and placements to list.
        """
        if self._placement_sets is None:
            return None
        sets, parts = self._placement_sets
        met = certified(sets)
        return PlacementMap(self.masks, tuple((places, met[numbers]) for places, numbers in parts))

    @cached_property
    def _placement_sets(self) -> tuple[BoolArray, tuple[tuple[Blocks, IntArray], ...]] | None:
        """The different sets of masks that contain a placement, and for each stencil the number of the set of a block.

        The sets are bool (sets, masks), the numbers int64 of the shape of ``places.allowed``.
        """
        count = len(self.masks)
        if self._tallies is None or count * sum(tally.places.allowed.size for tally in self._tallies) > _MOST_BITS:
            return None
        rows = [self._packed_sets(tally) for tally in self._tallies]
        packed, numbers = np.unique(np.concatenate(rows), axis=0, return_inverse=True)
        groups = np.split(numbers.ravel(), np.cumsum(list(map(len, rows)))[:-1])
        sets = np.unpackbits(packed, axis=1, count=count).astype(np.bool_)
        places = [tally.places for tally in self._tallies]
        return sets, tuple(
            (blocks, group.reshape(blocks.allowed.shape)) for blocks, group in zip(places, groups, strict=True)
        )

    def _packed_sets(self, tally: Tally) -> npt.NDArray[np.uint8]:
        """For each block of a tally the masks that contain its placements, as packed bits (blocks, masks / 8)."""
        chosen = np.eye(len(self.masks), dtype=np.int64)[self._firsts]
        return np.packbits(np.stack([tally.sums(mask).ravel() > 0 for mask in chosen], axis=1), axis=1)

    def _merged(self, weights: IntArray) -> IntArray:
        """The weights of equal masks added up, at the first of them."""
        merged = np.zeros_like(weights)
        np.add.at(merged, self._firsts, weights)
        return merged

    @property
    def containing(self) -> BoolArray | None:
        """Which masks contain the regions of each minimal signature, bool (signatures, masks); None for too many.

        >>> from maskcover import cover, squares
        >>> masks = cover(squares(size=2), image_size=6, grid=(2, 2))
        >>> Containment(masks, squares(size=2)).containing.astype(int).tolist()
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        """
        return None if self._contained is None else self._contained[:, self._firsts]

    @cached_property
    def _contained(self) -> BoolArray | None:
        """Which masks each minimal signature holds, bool (signatures, masks); None where they are too many to list."""
        return None if self.signatures is None else unpacked(self.signatures, len(self.masks))

    @cached_property
    def _joint(self) -> BoolArray | None:
        """Sets of masks that contain several patches at once, bool (sets, masks); None where they are too many."""
        return joint_sets(self.masks, self.regions.terms(self.masks.grid), _MOST_JOINT)

    @cached_property
    def _tallies(self) -> tuple[Tally, ...] | None:
        """The tallies of all stencils; None if several patches are placed at once."""
        terms = self.regions.terms(self.masks.grid)
        if any(term.patches > 1 for term in terms):
            return None
        grouped = MasksByForm.of(self.masks)
        return tuple(Tally.of(grouped, stencil) for term in terms for stencil in term.slots[0])

    @cached_property
    def _firsts(self) -> IntArray:
        """For each mask the number of the first that is equal to it, int64 (masks,)."""
        numbers: dict[Mask, int] = {}
        return np.array([numbers.setdefault(mask, number) for number, mask in enumerate(self.masks)], dtype=np.int64)

    @cached_property
    def _verified(self) -> Callable[[bytes], bool]:
        """A function that calls `verify` for the bytes of a selection; its last answers are kept."""

        @lru_cache(maxsize=4096)
        def covers(selected: bytes) -> bool:
            flags = np.frombuffer(selected, dtype=np.bool_)
            masks = tuple(mask for mask, keep in zip(self.masks, flags, strict=True) if keep)
            return bool(verify(MaskSet(self.masks.grid, masks), self.regions))

        return covers
