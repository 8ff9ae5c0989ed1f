"""Mask sets that provably cover what an attacker may touch, and predictions that provably withstand it.

This module names what users use; everything it names is defined, and documented, in one place below it.
"""

from maskcover import studies
from maskcover.cells import Cells
from maskcover.certificate import CoverCertificate, prove
from maskcover.certification import CertificationResult, Explanation, certify, defend, detection_curve, explain, predict
from maskcover.choosing import Choice, choose
from maskcover.classifiers import MaskedClassifier, NumericContract, load_classifier
from maskcover.covering import CoverReport, LowerBound, cover, frontier, lower_bound, verify, without_redundant
from maskcover.data import open_dataset
from maskcover.defense import ChallengerMasking, Detection, DoubleMasking, parse_procedure
from maskcover.errors import (
    FingerprintMismatch,
    ImpossibleCover,
    InvalidInput,
    MaskcoverError,
    MaskcoverWarning,
    MaskFileError,
    MissingExtra,
    NotCovering,
    ProbeFailed,
    RunStopped,
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
from maskcover.runs import certify_source, compare, open_run, replay, run, run_source

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Cells",
    "CenterCrop",
    "CertificationResult",
    "ChallengerMasking",
    "Choice",
    "CoverCertificate",
    "CoverReport",
    "Crop",
    "Detection",
    "DoubleMasking",
    "Explanation",
    "FingerprintMismatch",
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
    "NumericContract",
    "Pad",
    "ProbeFailed",
    "RegionSet",
    "Resize",
    "RunStopped",
    "UndecidedPrediction",
    "avoiding",
    "bitmap",
    "certify",
    "certify_source",
    "choose",
    "compare",
    "cover",
    "defend",
    "detection_curve",
    "disc",
    "explain",
    "frontier",
    "half_planes",
    "load_classifier",
    "lower_bound",
    "open_dataset",
    "open_run",
    "parse_procedure",
    "parse_regions",
    "patches",
    "polygon",
    "predict",
    "prove",
    "rectangle",
    "rectangles",
    "replay",
    "rotations",
    "run",
    "run_source",
    "squares",
    "stripes",
    "studies",
    "through",
    "tubes",
    "union",
    "verify",
    "within",
    "without_redundant",
]
