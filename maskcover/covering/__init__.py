"""Synthesis of covers and their exact verification. Knows regions and masks, nothing of classifiers."""

from maskcover.covering.synthesis import cover
from maskcover.covering.verification import CoverReport, verify

__all__ = ["CoverReport", "cover", "verify"]
