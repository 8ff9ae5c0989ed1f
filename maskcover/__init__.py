"""Mask sets that provably cover what an attacker may touch, and predictions that provably withstand it.

This module names what users use; everything it names is defined, and documented, in one place below it.
"""

from maskcover.cells import Cells
from maskcover.certificate import CoverCertificate, prove
from maskcover.covering import CoverReport, LowerBound, cover, frontier, lower_bound, verify, without_redundant
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
from maskcover.regions import (
    CenterCrop,
    Crop,
    Fit,
    Flip,
    Jpeg,
    Pad,
    RegionSet,
    Resize,
    avoiding,
    bitmap,
    disc,
    half_planes,
    parse_regions,
    patches,
    polygon,
    rectangle,
    rectangles,
    rotations,
    squares,
    stripes,
    through,
    tubes,
    union,
    within,
)

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Cells",
    "CenterCrop",
    "CertificationResult",
    "CoverCertificate",
    "CoverReport",
    "Crop",
    "Fit",
    "Flip",
    "Grid",
    "ImpossibleCover",
    "InvalidInput",
    "Jpeg",
    "LowerBound",
    "Mask",
    "MaskFileError",
    "MaskSet",
    "MaskcoverError",
    "MaskcoverWarning",
    "MaskedClassifier",
    "MissingExtra",
    "NotCovering",
    "Pad",
    "RegionSet",
    "Resize",
    "UndecidedPrediction",
    "avoiding",
    "bitmap",
    "certify",
    "cover",
    "defend",
    "disc",
    "frontier",
    "half_planes",
    "lower_bound",
    "parse_regions",
    "patches",
    "polygon",
    "predict",
    "prove",
    "rectangle",
    "rectangles",
    "rotations",
    "squares",
    "stripes",
    "through",
    "tubes",
    "union",
    "verify",
    "within",
    "without_redundant",
]
