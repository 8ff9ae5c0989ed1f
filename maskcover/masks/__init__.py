"""Masks, the cells that the defence hides; mask sets, their unions and their files. Knows nothing of regions."""

from maskcover.masks.ablations import bands, blocks, receptive_fields
from maskcover.masks.drawing import Drawing
from maskcover.masks.halving import half_plane_masks
from maskcover.masks.mask import Mask
from maskcover.masks.maskset import MaskSet
from maskcover.masks.optimality import Optimality
from maskcover.masks.unions import Singles, Unions, Views

__all__ = [
    "Drawing",
    "Mask",
    "MaskSet",
    "Optimality",
    "Singles",
    "Unions",
    "Views",
    "bands",
    "blocks",
    "half_plane_masks",
    "receptive_fields",
]
