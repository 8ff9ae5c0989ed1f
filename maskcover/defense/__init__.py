"""The defence: decision procedures and certificates as pure functions of a prediction table, and the engine below."""

from maskcover.defense.adapters import Adapter, as_classifier, attack, defend
from maskcover.defense.arrays import ArrayClassifier
from maskcover.defense.binding import Binding, Certified
from maskcover.defense.certificates import Certificate, all_pairs, row_certificate
from maskcover.defense.certify import certify, detection_curve, predict, predict_with
from maskcover.defense.challenger import challenger_masking
from maskcover.defense.contract import NumericContract
from maskcover.defense.detection import (
    Detected,
    DetectionCurve,
    Levels,
    detect,
    detection_certificate,
    detection_levels,
)
from maskcover.defense.double_masking import Case, Defended, double_masking
from maskcover.defense.engine import Failed
from maskcover.defense.evaluation import Answers, Evaluator, MaskedClassifier, evaluator
from maskcover.defense.explanation import Explanation, explain
from maskcover.defense.fingerprint import Fingerprint
from maskcover.defense.labels import UNDECIDED, UNSEEN, confidences, leads, top_labels
from maskcover.defense.loading import load_classifier
from maskcover.defense.probes import ProbeReport, probe
from maskcover.defense.procedure import DOUBLE_MASKING, Answer, Method, Procedure, Rule, alerted
from maskcover.defense.readiness import fingerprint
from maskcover.defense.results import CertificationResult, exact_interval
from maskcover.defense.table import Pending
from maskcover.defense.verdicts import Verdict

__all__ = [
    "DOUBLE_MASKING",
    "UNDECIDED",
    "UNSEEN",
    "Adapter",
    "Answer",
    "Answers",
    "ArrayClassifier",
    "Binding",
    "Case",
    "Certificate",
    "CertificationResult",
    "Certified",
    "Defended",
    "Detected",
    "DetectionCurve",
    "Evaluator",
    "Explanation",
    "Failed",
    "Fingerprint",
    "Levels",
    "MaskedClassifier",
    "Method",
    "NumericContract",
    "Pending",
    "ProbeReport",
    "Procedure",
    "Rule",
    "Verdict",
    "alerted",
    "all_pairs",
    "as_classifier",
    "attack",
    "certify",
    "challenger_masking",
    "confidences",
    "defend",
    "detect",
    "detection_certificate",
    "detection_curve",
    "detection_levels",
    "double_masking",
    "evaluator",
    "exact_interval",
    "explain",
    "fingerprint",
    "leads",
    "load_classifier",
    "predict",
    "predict_with",
    "probe",
    "row_certificate",
    "top_labels",
]
