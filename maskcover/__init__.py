"""Mask sets that provably cover what an attacker may touch, and predictions that provably withstand it.

This module names what users use; everything it names is defined, and documented, in one place below it.
"""

from maskcover.covering import CoverReport, cover, verify
from maskcover.errors import (
    ImpossibleCover,
    InvalidInput,
    MaskcoverError,
    MaskcoverWarning,
    MaskFileError,
    MissingExtra,
    NotCovering,
    UndecidedPrediction,
)
from maskcover.grid import Box, Grid
from maskcover.masks import Mask, MaskSet
from maskcover.regions import RegionSet, parse_regions, patches, rectangle, rectangles, squares, union

__version__ = "0.1.0"

__all__ = [
    "Box",
    "CoverReport",
    "Grid",
    "ImpossibleCover",
    "InvalidInput",
    "Mask",
    "MaskFileError",
    "MaskSet",
    "MaskcoverError",
    "MaskcoverWarning",
    "MissingExtra",
    "NotCovering",
    "RegionSet",
    "UndecidedPrediction",
    "cover",
    "parse_regions",
    "patches",
    "rectangle",
    "rectangles",
    "squares",
    "union",
    "verify",
]
