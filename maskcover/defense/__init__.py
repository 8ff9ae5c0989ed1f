"""The defence: decision procedures and certificates as pure functions of a prediction table, and the engine below."""

from maskcover.defense.adapters import Adapter, defend
from maskcover.defense.certificates import Certificate, all_pairs, row_certificate
from maskcover.defense.certify import certify, predict
from maskcover.defense.challenger import challenger_masking
from maskcover.defense.detection import (
    Detected,
    DetectionCurve,
    Levels,
    detect,
    detection_certificate,
    detection_levels,
)
from maskcover.defense.double_masking import Case, Defended, double_masking
from maskcover.defense.engine import MaskedClassifier
from maskcover.defense.labels import UNDECIDED, UNSEEN, leads, top_labels
from maskcover.defense.results import CertificationResult, Verdict, exact_interval
from maskcover.defense.table import Pending

__all__ = [
    "UNDECIDED",
    "UNSEEN",
    "Adapter",
    "Case",
    "Certificate",
    "CertificationResult",
    "Defended",
    "Detected",
    "DetectionCurve",
    "Levels",
    "MaskedClassifier",
    "Pending",
    "Verdict",
    "all_pairs",
    "certify",
    "challenger_masking",
    "defend",
    "detect",
    "detection_certificate",
    "detection_levels",
    "double_masking",
    "exact_interval",
    "leads",
    "predict",
    "row_certificate",
    "top_labels",
]
