"""Makes covers and verifies them exactly. It knows regions and masks, and nothing of classifiers."""

from maskcover.covering.any_shape import AnyShapeBound
from maskcover.covering.enumeration import placement_masks
from maskcover.covering.frontiers import frontier
from maskcover.covering.lower import LowerBound, lower_bound
from maskcover.covering.selection import without_redundant
from maskcover.covering.synthesis import cover
from maskcover.covering.verification import CoverReport, verify

__all__ = [
    "AnyShapeBound",
    "CoverReport",
    "LowerBound",
    "cover",
    "frontier",
    "lower_bound",
    "placement_masks",
    "verify",
    "without_redundant",
]
