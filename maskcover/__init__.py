"""Mask sets that provably cover what an attacker may touch, and predictions that provably withstand it.

This module names what users use; everything it names is defined, and documented, in one place below it.
"""

from maskcover.covering import CoverReport, cover, verify
from maskcover.defense import CertificationResult, MaskedClassifier, certify, defend, predict
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
    "CertificationResult",
    "CoverReport",
    "Grid",
    "ImpossibleCover",
    "InvalidInput",
    "Mask",
    "MaskFileError",
    "MaskSet",
    "MaskcoverError",
    "MaskcoverWarning",
    "MaskedClassifier",
    "MissingExtra",
    "NotCovering",
    "RegionSet",
    "UndecidedPrediction",
    "certify",
    "cover",
    "defend",
    "parse_regions",
    "patches",
    "predict",
    "rectangle",
    "rectangles",
    "squares",
    "union",
    "verify",
]
