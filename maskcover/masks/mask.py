"""One mask: the cells that the defence hides."""

from __future__ import annotations

from maskcover.cells import Cells


class Mask(Cells):
    """An immutable set of hidden cells, given as a union of boxes or as a bitmap; equal when they hide the same.

    >>> from maskcover import Box
    >>> left, right = Box((0, 0), (4, 2)), Box((0, 1), (4, 5))
    >>> Mask([left, right]) == Mask([Box((0, 0), (4, 5))])
    True
    """

    __slots__ = ()
