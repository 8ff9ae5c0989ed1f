"""The contract of a procedure, kept by the one of this folder: run with pytest."""

import numpy as np
from plurality import Plurality

from maskcover import Grid, Mask, MaskSet
from maskcover.testing import ProcedureContract, World

CELLS, BAND = 8, 2


def all_but(start: int) -> Mask:
    """The mask that hides all but a band of two cells: few masks see any one cell."""
    hidden = np.ones((1, CELLS), dtype=bool)
    hidden[:, start : start + BAND] = False
    return Mask.from_array(hidden)


BANDS = MaskSet(Grid((1, CELLS)), tuple(map(all_but, range(CELLS - BAND + 1))), "squares(size=1)")


class TestPlurality(ProcedureContract):
    procedures = (Plurality(),)
    worlds = (World(BANDS), World(BANDS, "patches(squares(size=1), k=2)"), World(BANDS, "rectangle(1, 2)"))
