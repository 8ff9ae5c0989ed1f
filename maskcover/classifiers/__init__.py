"""Classifiers: the protocols they follow, labels from their scores, adapters of frameworks, and fingerprints."""

from maskcover.classifiers.arrays import ArrayClassifier
from maskcover.classifiers.contract import NumericContract
from maskcover.classifiers.evaluation import Answers, Evaluator, Images, MaskedClassifier, evaluator_of
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.classifiers.labels import UNDECIDED, UNSEEN, confidences, margins, top_labels
from maskcover.classifiers.loading import load_classifier
from maskcover.classifiers.masked_answers import MaskedAnswers
from maskcover.classifiers.registry import Adapter, as_classifier

__all__ = [
    "UNDECIDED",
    "UNSEEN",
    "Adapter",
    "Answers",
    "ArrayClassifier",
    "Evaluator",
    "Fingerprint",
    "Images",
    "MaskedAnswers",
    "MaskedClassifier",
    "NumericContract",
    "as_classifier",
    "confidences",
    "evaluator_of",
    "load_classifier",
    "margins",
    "top_labels",
]
