"""Attacks on defended torch models: what a certificate claims to be impossible, tried in earnest.

An attack proves nothing by failing. It is here to contradict a certificate that is wrong, and to show what happens to
images that have none.
"""

from maskcover_torch.attacks.attacking import attack
from maskcover_torch.attacks.outcomes import Attacked, AttackReport
from maskcover_torch.attacks.placements import Placement

__all__ = ["AttackReport", "Attacked", "Placement", "attack"]
