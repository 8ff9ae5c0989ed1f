"""Fewer of the masks at hand: a smallest selection that still covers.

A region is covered by a selection that holds one of the masks that contain it, so a cover is a hitting set of the
minimal signatures: an integer programme, solved by scipy's `milp`. Its word is not taken: what it selects is checked,
and what it gets wrong is no loss.
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
    """The masks of a cover less those that the others make needless; of what is left none can be dropped alone.

    Args:
        masks: A mask set that covers.
        regions: The region set, by default what the masks claim.
        time_limit: Seconds for an integer programme that looks for the fewest; 0 drops the largest first, greedily.

    Raises:
        NotCovering: the masks do not cover; the message has the witness.

    >>> from maskcover import squares
    >>> four = MaskSet.from_boxes([(0, left, 2, 3) for left in (0, 1, 2, 4)], image_size=(2, 7))
    >>> without_redundant(four, squares(2)) == four[:1] + four[2:]
    True
    """
    seconds = checked_seconds(time_limit)
    report = verify(masks, regions)
    if not report:
        raise NotCovering(f"only a cover has masks that are needless; this one {report}")
    found = selected(masks, report.regions.terms(masks.grid), seconds)
    return replace(found, regions=str(report.regions))


def selected(masks: MaskSet, terms: tuple[Term, ...], seconds: float) -> MaskSet:
    """As few of the masks as were found to cover what all of them do."""
    signatures = tuple(minimal({one: None for term in terms for one in minimal_shared(masks, term)}))
    chosen = _without_needless(masks, signatures)
    if seconds > 0 and len(signatures) * len(masks) <= _MOST_ENTRIES:
        found = _solved(masks, signatures, seconds)
        if len(found) < len(chosen) and _hits(found, signatures):
            chosen = found
    return MaskSet(masks.grid, tuple(masks[number] for number in sorted(chosen)), masks.regions)


def _without_needless(masks: MaskSet, signatures: tuple[Signature, ...]) -> set[int]:
    """Numbers of masks of which none can be dropped alone; large masks are tried first."""
    chosen = set(range(len(masks)))
    for number in sorted(chosen, key=lambda one: -masks[one].area):
        kept = _bits(chosen - {number})
        if all(kept & signature for signature in signatures if signature >> number & 1):
            chosen.discard(number)
    return chosen


def _solved(masks: MaskSet, signatures: tuple[Signature, ...], time_limit: float) -> set[int]:
    """What the solver selects; all masks if it has no answer in time."""
    # Not at the top: what needs no solver starts without scipy.
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    rows, columns = _entries(signatures)
    hits = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(signatures), len(masks)))
    # Among the fewest masks those that hide least.
    areas = np.array([mask.area for mask in masks], dtype=np.float64)
    cost = 1 + areas / (areas.sum() + 1)
    try:
        found = milp(
            cost,
            integrality=np.ones(len(masks), dtype=np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(hits, lb=1),
            options={"time_limit": time_limit},
        )
        return set(np.flatnonzero(np.asarray(found.x, dtype=np.float64) > 0.5).tolist())
    except (ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError):
        return set(range(len(masks)))


def _entries(signatures: tuple[Signature, ...]) -> tuple[IntArray, IntArray]:
    """The pairs (signature, mask in it)."""
    pairs = [
        (row, column)
        for row, signature in enumerate(signatures)
        for column in range(signature.bit_length())
        if signature >> column & 1
    ]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _hits(chosen: set[int], signatures: tuple[Signature, ...]) -> bool:
    kept = _bits(chosen)
    return all(kept & signature for signature in signatures)


def _bits(numbers: set[int]) -> Signature:
    return sum(1 << number for number in numbers)
