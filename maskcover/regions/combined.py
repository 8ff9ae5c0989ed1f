"""Region sets made of other region sets: unions, and several patches at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from maskcover.amounts import WholeNumber
from maskcover.cells import Cells
from maskcover.errors import InvalidInput
from maskcover.grid import Grid, as_integer
from maskcover.regions.base import RegionSet, Term, brief, prune, terms_of

_MOST_PATCHES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Union(RegionSet):
    """Regions of any of the members; the order of the members matters for the text alone."""

    members: tuple[RegionSet, ...]

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        terms = tuple(chain.from_iterable(member.expand(grid, inside) for member in self.members))
        alone = [term.slots[0] for term in terms if term.patches == 1]
        # Two A or two B are fewer regions than any two of A and B, so only single patches are joined.
        joined = alone[0] if len(alone) == 1 else prune(chain.from_iterable(alone))
        return terms_of(joined) + tuple(dict.fromkeys(term for term in terms if term.patches > 1))

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
    """k regions of the base at once, anywhere, overlaps and repetitions allowed, hence fewer than k as well."""

    base: RegionSet
    k: int

    @property
    def has_patches(self) -> bool:
        return True

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return tuple(Term(term.slots * self.k) for term in self.base.expand(grid, inside))

    def __str__(self) -> str:
        return f"patches({self.base}, k={self.k})"


@dataclass(frozen=True, slots=True, eq=False)
class MixedPatches(RegionSet):
    """A region of each member at once, anywhere, overlaps allowed; the order of members matters for the text alone."""

    members: tuple[RegionSet, ...]

    @property
    def has_patches(self) -> bool:
        return True

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        terms = [member.expand(grid, inside) for member in self.members]
        if not all(terms):
            member = self.members[[bool(own) for own in terms].index(False)]
            raise InvalidInput(
                f"the patch {brief(member)} has no place where {brief(self)} is allowed; leave it out or allow more"
            )
        # Whatever a member is called: a term that was left out here would be left out of what is verified.
        if any(len(own) > 1 or own[0].patches > 1 for own in terms):
            raise InvalidInput(f"each member of {brief(self)} must be one patch; one of them has several at once")
        return (Term(tuple(slot for (term,) in terms for slot in term.slots)),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MixedPatches):
            return NotImplemented
        return Counter(self.members) == Counter(other.members)

    def __hash__(self) -> int:
        return hash(frozenset(Counter(self.members).items()))

    def __str__(self) -> str:
        return f"patches([{', '.join(map(str, self.members))}])"


def union(*members: RegionSet) -> RegionSet:
    """Join region sets: the attacker picks any region of any member.

    Nested unions are flattened, equal members count once, and a union of one member is that member. Raises
    `InvalidInput` without members, and for members that are no region sets.

    >>> from maskcover import squares
    >>> union(squares(8), squares(8)) == squares(8)
    True
    """
    flat = tuple(dict.fromkeys(chain.from_iterable(_members(member) for member in members)))
    if not flat:
        raise InvalidInput("union needs at least one region set")
    return flat[0] if len(flat) == 1 else Union(flat)


def patches(regions: RegionSet | Sequence[RegionSet], k: WholeNumber | None = None) -> RegionSet:
    """Several patches that the attacker places at once (paper, appendix B).

    Args:
        regions: The region set of each of the k patches; or a list with a region set for each patch.
        k: The number of patches, from 1 to 16; left out with a list.

    Raises:
        InvalidInput: no region sets of single patches, or a bad number.

    >>> from maskcover import rectangles, squares
    >>> str(patches(squares(area=0.01), k=2)), str(patches([squares(23), rectangles(area="0.005")]))
    ('patches(squares(area=0.01), k=2)', 'patches([squares(size=23), rectangles(area=0.005)])')
    """
    if isinstance(regions, list | tuple):
        return _mixed(tuple(map(single_patch, regions)), k)
    base = single_patch(regions)
    try:
        count = as_integer(k)
    except TypeError:
        count = 0
    if not 1 <= count <= _MOST_PATCHES:
        raise InvalidInput(f"k is the number of patches, a whole number from 1 to {_MOST_PATCHES}; got {k!r:.40}")
    return base if count == 1 else Patches(base, count)


def _mixed(members: tuple[RegionSet, ...], k: WholeNumber | None) -> RegionSet:
    if k is not None or not 1 <= len(members) <= _MOST_PATCHES:
        raise InvalidInput(
            f"a list of patches holds 1 to {_MOST_PATCHES} region sets and takes no k; got {len(members)} and k={k}"
        )
    if len(set(members)) == 1:
        return patches(members[0], len(members))
    return MixedPatches(members)


def single_patch(value: object) -> RegionSet:
    """Check that a value is a region set without several patches at once in any part."""
    regions = as_region_set(value)
    if regions.has_patches:
        raise InvalidInput(
            f"patches of patches: write the total as one k, or one list, instead of patches of {brief(regions)}"
        )
    return regions


def as_region_set(value: object) -> RegionSet:
    """Check that a value is a region set."""
    if not isinstance(value, RegionSet):
        raise InvalidInput(f"expected a region set such as squares(size=32); got {value!r}")
    return value


def _members(value: object) -> tuple[RegionSet, ...]:
    regions = as_region_set(value)
    return regions.members if isinstance(regions, Union) else (regions,)
