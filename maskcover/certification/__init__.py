"""The functions that users call: certify images, predict, explain, and serve or attack what was certified."""

from maskcover.certification.answering import predict_with
from maskcover.certification.answers import AnswersResult
from maskcover.certification.binding import Binding, Certified
from maskcover.certification.certifying import certify, detection_curve, predict
from maskcover.certification.choosing_first_rounds import FirstRoundChoice, FirstRoundFigures, choose_first_round
from maskcover.certification.explanation import Explanation, explain
from maskcover.certification.multilabel import MultiLabelResult
from maskcover.certification.results import CertificationResult, exact_interval
from maskcover.certification.serving import attack, defend

__all__ = [
    "AnswersResult",
    "Binding",
    "CertificationResult",
    "Certified",
    "Explanation",
    "FirstRoundChoice",
    "FirstRoundFigures",
    "MultiLabelResult",
    "attack",
    "certify",
    "choose_first_round",
    "defend",
    "detection_curve",
    "exact_interval",
    "explain",
    "predict",
    "predict_with",
]
