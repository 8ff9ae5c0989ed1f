"""Choosing a defence: mask sets, procedures and fills, tried on validation images within a budget."""

from maskcover.choosing.assessment import Assessment, Speed
from maskcover.choosing.budget import Budget
from maskcover.choosing.candidates import Candidate
from maskcover.choosing.ranking import Dropped
from maskcover.choosing.result import Choice, ChoosingImages
from maskcover.choosing.selecting import choose, choose_among

__all__ = [
    "Assessment",
    "Budget",
    "Candidate",
    "Choice",
    "ChoosingImages",
    "Dropped",
    "Speed",
    "choose",
    "choose_among",
]
