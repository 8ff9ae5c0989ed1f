"""Exact verification: against brute force of Definition 1 on the same mask sets, and how its time grows.

Brute force looks at every placement of every maximal rectangle and asks every mask, on bool arrays. A slope of 1 is a
time that doubles with what doubles; 0 is a time that does not depend on it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise, product
from math import log2

import numpy as np
from rich.console import Console
from rich.table import Table

import maskcover as mc
from maskcover.grid import Grid

RECTANGLES = "rectangles(area=0.01)"
PAIRS = ("patches(squares(area=0.01), k=2)", "patches(rectangles(area=0.01), k=2)")
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
    return mc.MaskSet(
        Grid.of(224), tuple(mc.Mask([box]) for grid in grids for box in grid.boxes()), "rectangles(area=0.01)"
    )


def seconds(run: Callable[[], object], times: int) -> float:
    """The median time of a run."""
    times_taken = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        times_taken.append(time.perf_counter() - begin)
    return statistics.median(times_taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[24, 48, 96])
    sides = parser.parse_args().sides
    console = Console()
    console.print(against_brute_force(sides))
    console.print(large())
    console.print(growth())


def against_brute_force(sides: list[int]) -> Table:
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
    return table


def large() -> Table:
    """Verification of sets that are too large for brute force."""
    table = Table("what", "masks", "placements", "cover s", "verify ms", title="large sets")
    many = "a hundred thousand masks", "squares(size=32)", (2160, 3840)
    cases: list[tuple[str, str, tuple[int, int], Callable[[], mc.MaskSet]]] = [
        ("the paper's 168 masks", RECTANGLES, (224, 224), paper_masks),
        ("4K", RECTANGLES, (2160, 3840), lambda: mc.cover(RECTANGLES, (2160, 3840))),
        (*many, lambda: mc.cover(*many[1:], grid=(355, 293))),
        *((regions, regions, (224, 224), partial(mc.cover, regions)) for regions in PAIRS),
    ]
    for name, regions, size, make in cases:
        begin = time.perf_counter()
        masks = make()
        cover_seconds = time.perf_counter() - begin
        verify_seconds = seconds(lambda masks=masks, regions=regions: mc.verify(masks, regions), 3)
        placements = mc.parse_regions(regions).describe(size).placements
        table.add_row(
            name, f"{len(masks):,}", f"{placements:,}", f"{cover_seconds:.1f}", f"{1000 * verify_seconds:.0f}"
        )
    return table


def growth() -> Table:
    """Time against what doubles, all else equal."""
    table = Table("what doubles", "from", "to", "ms from", "ms to", "slope", title="growth of verification")
    rectangles = [mc.rectangles(area) for area in (500, 2000, 8000, 32_000)]
    series: list[tuple[str, list[tuple[int, Callable[[], object]]]]] = [
        ("masks", [_by_masks(side) for side in (24, 34, 48, 68, 96)]),
        ("maximal shapes", [_by_shapes(regions) for regions in rectangles]),
        ("image side", [_by_side(224 * 2**i) for i in range(5)]),
    ]
    for name, runs in series:
        sizes, times = [size for size, _ in runs], [seconds(run, 3) for _, run in runs]
        steps = [log2(b / a) / log2(m / n) for (a, b), (n, m) in zip(pairwise(times), pairwise(sizes), strict=True)]
        table.add_row(
            name, f"{sizes[0]:,}", f"{sizes[-1]:,}", f"{1000 * times[0]:.1f}", f"{1000 * times[-1]:.1f}",
            f"{statistics.mean(steps):.2f}",
        )  # fmt: skip
    return table


def _by_masks(along: int) -> tuple[int, Callable[[], object]]:
    masks = mc.cover("squares(size=32)", 1024, grid=(along, along))
    return len(masks), lambda: mc.verify(masks)


def _by_shapes(regions: mc.RegionSet) -> tuple[int, Callable[[], object]]:
    masks = mc.cover(regions, 1024, max_mask_area=0.2)
    return regions.describe(1024).shapes, lambda: mc.verify(masks)


def _by_side(side: int) -> tuple[int, Callable[[], object]]:
    masks = mc.cover(mc.squares(side // 7), side, grid=(6, 6))
    return side, lambda: mc.verify(masks)


if __name__ == "__main__":
    main()
