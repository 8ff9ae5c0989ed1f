"""What an answer costs with other masks and in other batches: the two tables of docs/latency.md, each in one run.

All rows take turns on each image, so that other work on the machine meets all of them. Times are CPU time of one
thread. The network is that of the demo, with its 40 images.

    python benchmarks/budget.py
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from maskcover_torch.demo import clothes

import maskcover as mc

BATCHES = (4, 8, 16, 32)
COVERS: dict[str, dict[str, Any]] = {
    "5×5": {"grid": (5, 5)},
    "`max_mask_area='80px'`": {"max_mask_area": "80px"},
    "4×4": {"grid": (4, 4)},
    "`max_mask_area='128px'`": {"max_mask_area": "128px"},
    "3×3": {"grid": (3, 3)},
}
"""Mask sets by name, and what `cover` is told to get them."""


@dataclass
class Served:
    """A defended network, the certification that it is bound to, and the CPU seconds of its answers."""

    name: str
    masks: mc.MaskSet
    result: mc.CertificationResult
    module: Any
    seconds: list[float] = field(default_factory=list)

    @classmethod
    def made(cls, name: str, masks: mc.MaskSet, batch: int) -> Served:
        """Certify all images of the demo, and defend its network."""
        network = clothes.trained()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the remark on few images
            result = mc.certify(
                network, clothes.images(), clothes.labels(), masks,
                batch_size=batch, min_margin=1e-4, regions=clothes.REGIONS,
            )  # fmt: skip
            return cls(name, masks, result, mc.defend(network, result))

    def within(self, fraction: float) -> str:
        """The milliseconds within which this fraction of the answers came."""
        return f"{1e3 * np.quantile(self.seconds, fraction):.1f}"

    @property
    def right(self) -> int:
        """The images whose label is the true one with the defence."""
        return int(np.sum(self.result.defended == self.result.labels))


def measure(rows: list[Served], turns: int) -> None:
    """Let each row answer each image, one after the other, so many times."""
    images = clothes.images()
    for row in rows:
        row.module(images[:1])  # the first call makes what is made once
    for image in [*images] * turns:
        for row in rows:
            begin = time.process_time()
            row.module(image[None])
            row.seconds.append(time.process_time() - begin)


def by_masks(turns: int) -> list[str]:
    """The table of masks, in batches of 16."""
    covers = {name: mc.cover(clothes.REGIONS, image_size=clothes.SIDE, **budget) for name, budget in COVERS.items()}
    rows = [Served.made(f"{len(masks)}, {name}", masks, 16) for name, masks in covers.items()]
    measure(rows, turns)
    lines = [
        f"| masks | certified of {len(rows[0].result.labels)} | right | predictions, views agree / at most "
        "| half within, ms | 95 % within, ms | half, ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    first = np.median(rows[0].seconds)
    for row in rows:
        cost = row.module.explain_cost()
        lines.append(
            f"| {row.name} | {int(row.result.certified.sum())} | {row.right} | {cost.agreeing} / {cost.at_most} "
            f"| {row.within(0.5)} | {row.within(0.95)} | {np.median(row.seconds) / first:.2f} |"
        )
    return lines


def by_batches(turns: int) -> list[str]:
    """The table of batch sizes, for 25 masks."""
    masks = mc.cover(clothes.REGIONS, image_size=clothes.SIDE, grid=(5, 5))
    rows = [Served.made(str(batch), masks, batch) for batch in BATCHES]
    measure(rows, turns)
    least = min(np.median(row.seconds) for row in rows)
    return [
        "| rows in a batch | batches, views agree | half within, ms | 95 % within, ms | half, ratio |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {row.name} | {row.module.explain_cost().batches} | {row.within(0.5)} | {row.within(0.95)} "
            f"| {np.median(row.seconds) / least:.2f} |"
            for row in rows
        ),
    ]


def main(arguments: list[str] | None = None) -> str:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3, help="how often each image is answered")
    turns = parser.parse_args(arguments).turns
    torch.set_num_threads(1)
    text = "\n".join([*by_masks(turns), "", *by_batches(turns)])
    print(text)
    return text


if __name__ == "__main__":
    main()
