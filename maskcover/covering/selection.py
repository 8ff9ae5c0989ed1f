"""Selects as few masks of a cover as still cover.

A selection covers a region if it holds a mask that contains the region, so the selections that cover are the hitting
sets of the minimal signatures. The smallest is an integer programme, solved by scipy's `milp`. What the solver selects
is checked, and ignored if it is wrong.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskcover.cells import IntArray
from maskcover.covering.lower import checked_seconds
from maskcover.covering.signatures import Signature, minimal, minimal_shared
from maskcover.covering.verification import verify
from maskcover.errors import NotCovering
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Term

_MOST_ENTRIES = 20_000_000  # of the programme: signatures times masks


def without_redundant(masks: MaskSet, regions: RegionSet | str | None = None, *, time_limit: float = 0.0) -> MaskSet:
    """Drop masks of a cover that it does not need; of the masks that are left, none can be dropped alone.

    Args:
        masks: A mask set that covers.
        regions: The region set or its text; by default the claim of the masks.
        time_limit: Seconds for an integer programme that looks for the fewest masks; 0 drops the largest masks first,
            greedily.

    Returns:
        The masks that are left, in their order, with the text of the region set as their claim.

    Raises:
        NotCovering: the masks do not cover; the message shows a region that they miss.
        InvalidInput: as for `verify`.

    >>> from maskcover import squares
    >>> four = MaskSet.from_boxes([(0, left, 2, 3) for left in (0, 1, 2, 4)], image_size=(2, 7))
    >>> without_redundant(four, squares(2)) == four[:1] + four[2:]
    True
    """
    seconds = checked_seconds(time_limit)
    report = verify(masks, regions)
    if not report:
        raise NotCovering(f"only from a cover can masks be dropped, and this mask set {report}")
    fewer = select_masks(masks, report.regions.terms(masks.grid), seconds)
    return replace(fewer, regions=str(report.regions))


def select_masks(masks: MaskSet, terms: tuple[Term, ...], seconds: float) -> MaskSet:
    """Select as few masks as possible that cover the terms, which all masks together cover."""
    signatures = tuple(minimal({signature: None for term in terms for signature in minimal_shared(masks, term)}))
    chosen = _drop_needless(masks, signatures)
    if seconds > 0 and len(signatures) * len(masks) <= _MOST_ENTRIES:
        solution = _solve(masks, signatures, seconds)
        if len(solution) < len(chosen) and _hits(solution, signatures):
            chosen = solution
    return MaskSet(masks.grid, tuple(masks[number] for number in sorted(chosen)), masks.regions)


def _drop_needless(masks: MaskSet, signatures: tuple[Signature, ...]) -> set[int]:
    """Drop masks while the rest covers, large ones first; the numbers of those that are left."""
    chosen = set(range(len(masks)))
    for number in sorted(chosen, key=lambda mask: -masks[mask].area):
        rest = _bits(chosen - {number})
        if all(rest & signature for signature in signatures if signature >> number & 1):
            chosen.discard(number)
    return chosen


def _solve(masks: MaskSet, signatures: tuple[Signature, ...], time_limit: float) -> set[int]:
    """The numbers of the masks that the solver selects; all masks if it has no answer in time."""
    # Not at the top: what needs no solver starts without scipy.
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    rows, columns = _entries(signatures)
    hits = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(signatures), len(masks)))
    # Among the fewest masks those that hide least.
    areas = np.array([mask.area for mask in masks], dtype=np.float64)
    cost = 1 + areas / (areas.sum() + 1)
    try:
        solution = milp(
            cost,
            integrality=np.ones(len(masks), dtype=np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(hits, lb=1),
            options={"time_limit": time_limit},
        )
        return set(np.flatnonzero(np.asarray(solution.x, dtype=np.float64) > 0.5).tolist())
    except (ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError):
        return set(range(len(masks)))


def _entries(signatures: tuple[Signature, ...]) -> tuple[IntArray, IntArray]:
    """The pairs of a signature and a mask in it, as two int64 arrays of numbers."""
    pairs = [
        (row, column)
        for row, signature in enumerate(signatures)
        for column in range(signature.bit_length())
        if signature >> column & 1
    ]
    entries = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return entries[:, 0], entries[:, 1]


def _hits(chosen: set[int], signatures: tuple[Signature, ...]) -> bool:
    bits = _bits(chosen)
    return all(bits & signature for signature in signatures)


def _bits(numbers: set[int]) -> Signature:
    return sum(1 << number for number in numbers)
