"""Region sets, what the attacker may overwrite: as values, as texts, and as shapes with their places on a grid."""

from maskcover.regions.areas import avoiding, within
from maskcover.regions.base import Description, RegionSet, Slot, Stencil, Term
from maskcover.regions.bitmaps import bitmap
from maskcover.regions.boxes import rectangle, rectangles, squares
from maskcover.regions.combined import patches, union
from maskcover.regions.parse import parse_regions
from maskcover.regions.polygons import disc, polygon
from maskcover.regions.preprocessing import CenterCrop, Crop, Fit, Flip, Jpeg, Pad, ReceptiveField, Resize, Step
from maskcover.regions.slabs import half_planes, sides, stripes
from maskcover.regions.transformed import through
from maskcover.regions.turning import rotations
from maskcover.regions.videos import tubes

__all__ = [
    "CenterCrop",
    "Crop",
    "Description",
    "Fit",
    "Flip",
    "Jpeg",
    "Pad",
    "ReceptiveField",
    "RegionSet",
    "Resize",
    "Slot",
    "Stencil",
    "Step",
    "Term",
    "avoiding",
    "bitmap",
    "disc",
    "half_planes",
    "parse_regions",
    "patches",
    "polygon",
    "rectangle",
    "rectangles",
    "rotations",
    "sides",
    "squares",
    "stripes",
    "through",
    "tubes",
    "union",
    "within",
]
