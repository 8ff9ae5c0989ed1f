"""Masks, the cells that the defence hides; mask sets, their unions and their files. Knows nothing of regions."""

from maskcover.masks.mask import Mask
from maskcover.masks.maskset import MaskSet
from maskcover.masks.optimality import Optimality
from maskcover.masks.unions import Unions

__all__ = ["Mask", "MaskSet", "Optimality", "Unions"]
