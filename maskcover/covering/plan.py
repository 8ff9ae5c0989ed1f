"""A plan of a cover: which product grids, united how; its cost is known before any mask is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

from maskcover.covering.axis import AxisMasks
from maskcover.covering.classes import fewest_by_classes
from maskcover.covering.products import ProductGrid, product_grid
from maskcover.errors import ImpossibleCover
from maskcover.grid import Extents, Grid
from maskcover.masks import Mask
from maskcover.regions import Term


@dataclass(frozen=True, slots=True)
class TermPlan:
    """Masks for one term: all unions of k of the masks of the products (paper, appendix B)."""

    products: tuple[ProductGrid, ...]
    patches: int

    @property
    def base(self) -> int:
        """Masks for a single patch."""
        return sum(product.count for product in self.products)

    @property
    def masks(self) -> int:
        """Unions of k different base masks; of all of them if there are fewer."""
        return comb(self.base, min(self.patches, self.base))

    @property
    def evaluations(self) -> int:
        """Unions of k to 2k base masks: the distinct unions of two masks, or an upper bound if some coincide."""
        least = min(self.patches, self.base)
        return sum(comb(self.base, size) for size in range(least, min(2 * self.patches, self.base) + 1))

    def unions(self) -> Iterator[Mask]:
        """The masks. Unions of fewer than k base masks lie inside others, so no region needs them."""
        base = [mask for product in self.products for mask in product.masks()]
        for first, *others in combinations(base, min(self.patches, len(base))):
            yield first.union(*others) if others else first


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan for each term of a region set; the cover holds the masks of all."""

    terms: tuple[TermPlan, ...]

    @property
    def masks(self) -> int:
        """Number of masks, before any that lie inside others are dropped."""
        return sum(term.masks for term in self.terms)

    @property
    def evaluations(self) -> int:
        """An upper bound of the two-mask evaluations."""
        return self.terms[0].evaluations if len(self.terms) == 1 else comb(self.masks + 1, 2)


def plan_within(grid: Grid, terms: tuple[Term, ...], largest: int) -> Plan:
    """The plan of fewest masks of which none hides more than `largest` pixels; a union of k has k equal shares."""
    least = least_area(grid, terms)
    if largest < least:
        raise ImpossibleCover(
            f"no mask of at most {largest} px can hold the largest region; "
            f"a largest hidden area of {least} px ({least / grid.size:.2%}) or more is possible"
        )
    return Plan(tuple(_term_plan(grid, term, largest) for term in terms))


def least_area(grid: Grid, terms: tuple[Term, ...]) -> int:
    """The least largest hidden area for which there is a plan: k patches of the largest shape, or the whole image."""
    return max(min(term.patches * max(map(prod, term.shapes)), grid.size) for term in terms)


def _term_plan(grid: Grid, term: Term, largest: int) -> TermPlan:
    products = fewest_by_classes(grid, term.shapes, largest // term.patches)
    if products is None or largest >= grid.size:
        products = (ProductGrid(tuple(AxisMasks(length, length, 1) for length in grid.shape)),)
    return TermPlan(products, term.patches)


def plan_by_grid(grid: Grid, terms: tuple[Term, ...], budgets: Extents) -> Plan:
    """The paper's sets: for each maximal shape one product of this many masks along each axis (Eq. 3)."""
    return Plan(
        tuple(
            TermPlan(tuple(product_grid(grid, shape, budgets) for shape in term.shapes), term.patches) for term in terms
        )
    )
