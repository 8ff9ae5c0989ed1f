"""Exact verification against brute force of Definition 1, on the same mask sets, in one run; prints ratios.

Brute force looks at every placement of every maximal rectangle and asks every mask, on bool arrays.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import product

import numpy as np
from rich.console import Console
from rich.table import Table

import maskcover as mc
from maskcover.grid import Grid

PAPER = ((5, 224), (12, 83), (23, 38), (39, 20), (84, 12), (224, 5))


def brute_force(masks: mc.MaskSet, regions: mc.RegionSet) -> bool:
    """Definition 1, word for word, for one patch."""
    hidden = np.asarray(masks)
    height, width = masks.grid.shape
    for shape in regions.terms(masks.grid)[0].shapes:
        for top, left in product(range(height - shape[0] + 1), range(width - shape[1] + 1)):
            region = hidden[:, top : top + shape[0], left : left + shape[1]]
            if not region.all(axis=(1, 2)).any():
                return False
    return True


def paper_masks() -> mc.MaskSet:
    """The six shapes of the paper's appendix B at stride 32 on 224×224: 168 masks."""
    from maskcover.covering.axis import AxisMasks
    from maskcover.covering.products import ProductGrid

    def axis(patch: int) -> AxisMasks:
        size = min(patch + 31, 224)
        return AxisMasks(224, size, 32)

    grids = (ProductGrid((axis(height), axis(width))) for height, width in PAPER)
    return mc.MaskSet(Grid.of(224), tuple(mask for grid in grids for mask in grid.masks()), "rectangles(area=0.01)")


def seconds(run: Callable[[], object], times: int) -> float:
    """The median time of a run."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[24, 48, 96])
    sides = parser.parse_args().sides
    regions = mc.rectangles(area=0.01)
    table = Table("image", "masks", "placements", "verify ms", "brute force ms", "ratio", title=str(regions))
    for side in sides:
        masks = mc.cover(regions, side)
        fast = seconds(lambda masks=masks: mc.verify(masks, regions), 5)
        slow = seconds(lambda masks=masks: brute_force(masks, regions), 1)
        assert brute_force(masks[1:], regions) == bool(mc.verify(masks[1:], regions))
        table.add_row(
            f"{side}×{side}", str(len(masks)), f"{regions.describe(side).placements:,}", f"{1000 * fast:.1f}",
            f"{1000 * slow:.0f}", f"{slow / fast:.0f}×",
        )  # fmt: skip
    paper = paper_masks()
    table.add_row(
        "224×224", f"{len(paper)} (paper)", f"{regions.describe(224).placements:,}",
        f"{1000 * seconds(lambda: mc.verify(paper, regions), 5):.1f}", "–", "–",
    )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
