"""What the attacker may touch: region sets as values, their text, and their shapes on a grid."""

from maskcover.regions.base import Description, RegionSet, Term
from maskcover.regions.families import patches, rectangle, rectangles, squares, union
from maskcover.regions.parse import parse_regions

__all__ = [
    "Description",
    "RegionSet",
    "Term",
    "parse_regions",
    "patches",
    "rectangle",
    "rectangles",
    "squares",
    "union",
]
