"""Masks for many box shapes: consecutive classes of shapes, a product grid for each, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.covering.products import ProductGrid, fewest
from maskcover.grid import Extents, Grid


def fewest_by_classes(
    grid: Grid, shapes: Sequence[Extents], largest: int, *, align: int = 1, multiplicity: int = 1
) -> tuple[ProductGrid, ...] | None:
    """Find product grids that cover every shape with as few masks as classes of consecutive shapes allow.

    Shapes are taken in sorted order, so that on an image heights rise while widths fall; a class is covered by covering
    its bounding box. No mask has more than `largest` pixels; None if some shape is larger than that.

    The result is optimal among such partitions, not among all covers (docs/theory.md, Masks for one shape).
    """
    shapes = sorted(shapes)
    best: list[tuple[int, tuple[ProductGrid, ...]] | None] = [(0, ())]
    for end in range(1, len(shapes) + 1):
        bounding: Extents = shapes[end - 1]
        choice: tuple[int, tuple[ProductGrid, ...]] | None = None
        for begin in range(end - 1, -1, -1):
            bounding = tuple(map(max, bounding, shapes[begin]))
            product = fewest(grid, bounding, largest, align=align, multiplicity=multiplicity)
            # A class only grows from here: it will neither fit again nor need fewer masks.
            if product is None or (choice and product.count >= choice[0]):
                break
            before = best[begin]
            if before and (choice is None or before[0] + product.count < choice[0]):
                choice = (before[0] + product.count, (*before[1], product))
        best.append(choice)
    return best[-1] and best[-1][1]
