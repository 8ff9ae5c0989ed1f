"""Tests for adapters and procedures of your own: subclass a contract in a test module. Needs pytest."""

from maskcover.testing.classifiers import ClassifierContract, predict_labels
from maskcover.testing.procedures import ProcedureContract, World

__all__ = ["ClassifierContract", "ProcedureContract", "World", "predict_labels"]
