"""How many masks `cover` needs, from product grids and from a search, against what is proven necessary.

Every cover shown has passed `verify`, every bound its own exact check.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

import maskcover as mc

RECTANGLES = "rectangles(area=0.01)"
AREAS = (4902, 5500, 6000, 8064, 12_000)
PAIR = "patches(squares(area=0.01), k=2)"
FRACTIONS = (0.16, 0.2, 0.3, 0.4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each search and proof")
    parser.add_argument("--workers", type=int, default=None, help="threads of the compiled search")
    parser.add_argument("--areas", type=int, nargs="*", default=AREAS, help="only these masks of rectangles, in pixels")
    parser.add_argument("--only-rectangles", action="store_true")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    console = Console()
    console.print(rectangles(arguments.areas, seconds, arguments.workers))
    if arguments.only_rectangles:
        return
    console.print(pairs(seconds))
    console.print(thinned(seconds))


def rectangles(areas: Sequence[int], seconds: float, workers: int | None) -> Table:
    """Product grids, shipped sets, and a search from product grids, with the minutes of CPU that it took."""
    columns = ("largest px", "classes", "s", "shipped", "search", "CPU min", "at least", "s")
    table = Table(*columns, title=f"{RECTANGLES} on 224×224")
    for area in areas:
        begin = time.perf_counter()
        classes = mc.cover(RECTANGLES, max_mask_area=area, shipped=False)
        middle, cpu = time.perf_counter(), time.process_time()
        searched = mc.cover(RECTANGLES, max_mask_area=area, shipped=False, time_limit=seconds, workers=workers)
        end, cpu = time.perf_counter(), time.process_time() - cpu
        shipped = mc.cover(RECTANGLES, max_mask_area=area)
        assert searched.optimality
        table.add_row(
            f"{area:,}", str(len(classes)), f"{middle - begin:.1f}", str(len(shipped)), str(len(searched)),
            f"{cpu / 60:.1f}", str(searched.optimality.at_least), f"{end - middle:.0f}",
        )  # fmt: skip
    return table


def pairs(seconds: float) -> Table:
    """Two patches: all pairs of a base, a covering design, and the fewest of its masks."""
    table = Table("largest", "all pairs", "design", "fewest of it", "evaluations", title=f"{PAIR} on 224×224")
    for fraction in FRACTIONS:
        base = next(k for k in range(1, 99) if 2 * (22 - (-202 // k)) ** 2 <= fraction * 224**2)
        design, fewest = (mc.cover(PAIR, max_mask_area=fraction, time_limit=limit) for limit in (0, seconds))
        table.add_row(
            f"{fraction:.1%}", f"{base**2 * (base**2 - 1) // 2:,}", f"{len(design):,}", f"{len(fewest):,}",
            f"{fewest.evaluations:,}",
        )  # fmt: skip
    return table


def thinned(seconds: float) -> Table:
    """The paper's masks, of which some are needless."""
    from verify import paper_masks

    masks = paper_masks()
    greedy, fewest = (mc.without_redundant(masks, time_limit=limit) for limit in (0, seconds))
    table = Table("the paper's masks", "greedily thinned", "fewest of them", title=RECTANGLES)
    table.add_row(str(len(masks)), str(len(greedy)), str(len(fewest)))
    return table


if __name__ == "__main__":
    main()
