"""Sets made of others: unions, and several patches at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from maskcover.amounts import Whole
from maskcover.cells import Cells
from maskcover.errors import InvalidInput
from maskcover.grid import Grid, as_whole
from maskcover.regions.base import RegionSet, Term, brief, pruned, single

_MOST_PATCHES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Union(RegionSet):
    """Regions of any of the members; the order in which they were given is kept for the text alone."""

    members: tuple[RegionSet, ...]

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        terms = tuple(chain.from_iterable(member.expand(grid, inside) for member in self.members))
        alone = [term.slots[0] for term in terms if term.patches == 1]
        # Two A or two B is less than two of A and B in any mixture, so only single patches are thrown together.
        joined = alone[0] if len(alone) == 1 else pruned(chain.from_iterable(alone))
        return single(joined) + tuple(dict.fromkeys(term for term in terms if term.patches > 1))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Union):
            return NotImplemented
        return frozenset(self.members) == frozenset(other.members)

    def __hash__(self) -> int:
        return hash(frozenset(self.members))

    def __str__(self) -> str:
        return f"union({', '.join(map(str, self.members))})"


@dataclass(frozen=True, slots=True)
class Patches(RegionSet):
    """k regions of the base at once, anywhere, overlaps and repetitions allowed: so fewer than k as well."""

    base: RegionSet
    k: int

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return tuple(Term(term.slots * self.k) for term in self.base.expand(grid, inside))

    def __str__(self) -> str:
        return f"patches({self.base}, k={self.k})"


@dataclass(frozen=True, slots=True, eq=False)
class MixedPatches(RegionSet):
    """One region of each of the members at once, anywhere, overlaps allowed; their order is kept for the text alone."""

    members: tuple[RegionSet, ...]

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        terms = [member.expand(grid, inside) for member in self.members]
        if not all(terms):
            member = self.members[[bool(found) for found in terms].index(False)]
            raise InvalidInput(
                f"the patch {brief(member)} has no place where {brief(self)} is allowed; leave it out or allow more"
            )
        return (Term(tuple(slot for found in terms for slot in found[0].slots)),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MixedPatches):
            return NotImplemented
        return Counter(self.members) == Counter(other.members)

    def __hash__(self) -> int:
        return hash(frozenset(Counter(self.members).items()))

    def __str__(self) -> str:
        return f"patches([{', '.join(map(str, self.members))}])"


def union(*members: RegionSet) -> RegionSet:
    """The attacker picks any region of any member.

    Nested unions are flattened, members named twice count once, and a union of one member is that member.

    >>> from maskcover import squares
    >>> union(squares(8), squares(8)) == squares(8)
    True
    """
    flat = tuple(dict.fromkeys(chain.from_iterable(_members(member) for member in members)))
    if not flat:
        raise InvalidInput("union needs at least one region set")
    return flat[0] if len(flat) == 1 else Union(flat)


def patches(regions: RegionSet | Sequence[RegionSet], k: Whole | None = None) -> RegionSet:
    """The attacker places several patches at once (paper, appendix B).

    Args:
        regions: What each of the k patches is; or a list with a region set of its own for each patch.
        k: The number of patches, from 1 to 16; not with a list.

    Raises:
        InvalidInput: not region sets of single patches, or not such a number.

    >>> from maskcover import rectangles, squares
    >>> str(patches(squares(area=0.01), k=2)), str(patches([squares(23), rectangles(area="0.005")]))
    ('patches(squares(area=0.01), k=2)', 'patches([squares(size=23), rectangles(area=0.005)])')
    """
    if isinstance(regions, list | tuple):
        return _mixed(tuple(map(single_patch, regions)), k)
    base = single_patch(regions)
    try:
        count = as_whole(k)
    except TypeError:
        count = 0
    if not 1 <= count <= _MOST_PATCHES:
        raise InvalidInput(f"k is the number of patches, a whole number from 1 to {_MOST_PATCHES}; got {k!r:.40}")
    return base if count == 1 else Patches(base, count)


def _mixed(members: tuple[RegionSet, ...], k: Whole | None) -> RegionSet:
    if k is not None or not 1 <= len(members) <= _MOST_PATCHES:
        raise InvalidInput(
            f"a list of patches holds 1 to {_MOST_PATCHES} region sets and takes no k; got {len(members)} and k={k}"
        )
    if len(set(members)) == 1:
        return patches(members[0], len(members))
    return MixedPatches(members)


def single_patch(value: object) -> RegionSet:
    """A region set of one patch; refused if it speaks of several anywhere."""
    regions = as_region_set(value)
    if "patches(" in str(regions):
        raise InvalidInput(
            f"patches of patches: write the total as one k, or one list, instead of patches of {brief(regions)}"
        )
    return regions


def as_region_set(value: object) -> RegionSet:
    """The value, if it is a region set."""
    if not isinstance(value, RegionSet):
        raise InvalidInput(f"expected a region set such as squares(size=32); got {value!r}")
    return value


def _members(value: object) -> tuple[RegionSet, ...]:
    region = as_region_set(value)
    return region.members if isinstance(region, Union) else (region,)
