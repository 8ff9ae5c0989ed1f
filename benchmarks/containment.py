"""Whether a selection of masks covers: by minimal signatures against verifying each selection, side by side.

The question that the row certificate asks of every image. Selections are random, most masks kept, as of images that are
nearly certified. Both ways give the same answers, which is asserted.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

import maskcover as mc
from maskcover.covering.containment import Containment

SELECTIONS = 300
CASES = {
    "36 masks, squares(size=32)": mc.cover(mc.squares(size=32)),
    "78 masks, rectangles(area=0.01)": mc.cover(mc.rectangles(area=0.01), max_mask_area=4902, shipped=False),
    "two squares of 1 %": mc.cover("patches(squares(area=0.01), k=2)"),
}


def each(ask: Callable[[np.ndarray], bool], selections: np.ndarray) -> tuple[list[bool], float]:
    """The answers, and the seconds for each."""
    begin = time.perf_counter()
    answers = [ask(selection) for selection in selections]
    return answers, (time.perf_counter() - begin) / len(selections)


def main() -> None:
    table = Table("masks", "signatures", "listed in", "by signatures", "by verifying", "ratio", title="one selection")
    for name, masks in CASES.items():
        random = np.random.default_rng(0)
        selections = random.random((SELECTIONS, len(masks))) < random.uniform(0.8, 1.0, (SELECTIONS, 1))
        covers = Containment.covering(masks)
        begin = time.perf_counter()
        signatures = covers.signatures
        listed = time.perf_counter() - begin

        def verifying(selection: np.ndarray, masks: mc.MaskSet = masks) -> bool:
            selected = tuple(mask for mask, keep in zip(masks, selection, strict=True) if keep)
            return bool(mc.verify(mc.MaskSet(masks.grid, selected), masks.regions))

        fast, quick = each(covers, selections)
        slow, long = each(verifying, selections[:60])
        assert fast[:60] == slow
        table.add_row(
            f"{name} ({len(masks)})", str(signatures and len(signatures)), f"{listed * 1e3:.1f} ms",
            f"{quick * 1e3:.3f} ms", f"{long * 1e3:.2f} ms", f"{long / quick:.0f}×",
        )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
