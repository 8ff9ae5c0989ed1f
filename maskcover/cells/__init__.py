"""Finite sets of cells: one canonical form, set algebra, erosion. Masks, stencils and placements are all such sets."""

from maskcover.cells.cells import BoolArray, Cells, IntArray, decomposed, painted
from maskcover.cells.compressed import Compressed, atoms, compress, edges_of
from maskcover.cells.counting import depths
from maskcover.cells.erosion import eroded, eroded_bounds
from maskcover.cells.inscribed import maximal_boxes

__all__ = [
    "BoolArray",
    "Cells",
    "Compressed",
    "IntArray",
    "atoms",
    "compress",
    "decomposed",
    "depths",
    "edges_of",
    "eroded",
    "eroded_bounds",
    "maximal_boxes",
    "painted",
]
