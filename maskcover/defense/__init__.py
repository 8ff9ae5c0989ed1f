"""Defences as pure functions of a prediction table: their answers, and the certificates for these.

The functions that users call are in `maskcover.certification`; classifiers are in `maskcover.classifiers`.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from maskcover.defense.answers import Answer, Case, Defended, FirstLabels, includes, labels_of
from maskcover.defense.certificates import Certificate, all_pairs, row_certificate
from maskcover.defense.challenger import challenger_masking
from maskcover.defense.detection import (
    Detected,
    DetectionCurve,
    Levels,
    detect,
    detection_certificate,
    detection_levels,
)
from maskcover.defense.double import double_masking
from maskcover.defense.first_rounds import FirstRound, pairs_agreed
from maskcover.defense.intervals import Intervals, interval_certificate
from maskcover.defense.multilabel import MultiLabel, SeveralLabels
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import (
    DOUBLE_MASKING,
    ChallengerMasking,
    Detection,
    DoubleMasking,
    Method,
    Rule,
)
from maskcover.defense.stages import Cost, Stage
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.texts import parse_procedure
from maskcover.defense.verdicts import Verdict
from maskcover.defense.view_procedures import RobustMasking, Voting
from maskcover.errors import MaskcoverWarning

__all__ = [
    "DOUBLE_MASKING",
    "Answer",
    "Case",
    "Certificate",
    "ChallengerMasking",
    "Cost",
    "Defended",
    "Detected",
    "Detection",
    "DetectionCurve",
    "DoubleMasking",
    "FirstLabels",
    "FirstRound",
    "Intervals",
    "Levels",
    "Method",
    "MultiLabel",
    "Pending",
    "PredictionTable",
    "Procedure",
    "RobustMasking",
    "Rule",
    "SeveralLabels",
    "Stage",
    "Verdict",
    "Voting",
    "all_pairs",
    "challenger_masking",
    "detect",
    "detection_certificate",
    "detection_levels",
    "double_masking",
    "includes",
    "interval_certificate",
    "labels_of",
    "pairs_agreed",
    "parse_procedure",
    "row_certificate",
]

# From names that stood here up to version 0.1 to where they are now, under what name.
_HOMES = {
    "maskcover.classifiers": (
        "UNDECIDED", "UNSEEN", "Adapter", "Answers", "ArrayClassifier", "Evaluator", "Fingerprint", "MaskedClassifier",
        "NumericContract", "as_classifier", "confidences", "load_classifier", "top_labels",
    ),
    "maskcover.engine": ("Failed", "ProbeReport", "fingerprint", "probe"),
    "maskcover.certification": (
        "Binding", "CertificationResult", "Certified", "Explanation", "attack", "certify", "defend", "detection_curve",
        "exact_interval", "explain", "predict", "predict_with",
    ),
}  # fmt: skip
_MOVED = {name: (home, name) for home, names in _HOMES.items() for name in names} | {
    "evaluator": ("maskcover.classifiers", "evaluator_of"),
    "leads": ("maskcover.classifiers", "margins"),
}


def __getattr__(name: str) -> Any:
    """Give an object that was in this module up to version 0.1, with a warning."""
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, now = _MOVED[name]
    warnings.warn(f"maskcover.defense.{name} is now {home}.{now}", MaskcoverWarning, stacklevel=2)
    return getattr(import_module(home), now)
