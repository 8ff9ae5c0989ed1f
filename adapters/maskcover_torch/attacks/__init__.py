"""Attacks on defended torch models: they try what a certificate claims to be impossible.

An attack that fails proves nothing. Attacks are here to refute a wrong certificate, and to show what happens to images
without one.
"""

from maskcover_torch.attacks.attacking import attack_by_gradient
from maskcover_torch.attacks.either import attack_defended
from maskcover_torch.attacks.labels import LabelAttackReport, attack_labels
from maskcover_torch.attacks.outcomes import Attacked, AttackReport
from maskcover_torch.attacks.placements import Placement

attack = attack_by_gradient
"""The short name of `attack_by_gradient`."""

__all__ = [
    "AttackReport",
    "Attacked",
    "LabelAttackReport",
    "Placement",
    "attack",
    "attack_by_gradient",
    "attack_defended",
    "attack_labels",
]
