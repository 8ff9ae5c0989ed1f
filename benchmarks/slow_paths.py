"""CPU time of geometry that used to be slow, here and in a checkout of an earlier commit, each path in its own process.

A path ends in an answer, in a refusal (`InvalidInput` says why and what to type), or at the limit of CPU time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import maskcover as mc

ROOT = Path(__file__).parent.parent


def cover_large(side: int) -> object:
    """All rectangles of 0.1 % of a large image, as many product grids as there are shapes."""
    return len(mc.cover(mc.rectangles(area=0.001), side, grid=(6, 6)))


def cover_source() -> object:
    regions = mc.through(mc.rectangles(0.01), mc.Resize(256), mc.CenterCrop(224), source=(2160, 3840))
    return len(mc.cover(regions))


def describe_turned() -> object:
    return figures(mc.rotations(mc.rectangle(60, 100), degrees=(-180, 180)), 224)


def cover_three() -> object:
    return len(mc.cover(mc.patches(mc.rectangles(0.02), k=3)))


def describe_subpixel() -> object:
    import shapely

    circle = shapely.Point(0, 0).buffer(10, quad_segs=12)
    return figures(mc.polygon(circle, subpixel=True), 224)


def verify_bitmaps() -> object:
    hidden = np.random.default_rng(0).random((1500, 224, 224)) < 0.5
    report = mc.verify(mc.MaskSet.from_array(hidden), mc.rectangles(0.01))
    return str(report.witness)


def describe_huge() -> object:
    return figures(mc.rectangles(area=0.5), (1 << 20, 1 << 20))


def figures(regions: mc.RegionSet, image_size: int | tuple[int, int]) -> tuple[int, int, int]:
    """Pixels of the largest region, numbers of maximal shapes and of placements."""
    description = regions.describe(image_size)
    return description.pixels, description.shapes, description.placements


PATHS: dict[str, Callable[[], object]] = {
    "cover(rectangles(area=.001), 4096, grid=(6, 6))": lambda: cover_large(4096),
    "cover(rectangles(area=.001), 10980, grid=(6, 6))": lambda: cover_large(10_980),
    "cover(through(rectangles(.01), Resize(256), CenterCrop(224), source=(2160, 3840)))": cover_source,
    "rotations(rectangle(60, 100), (-180, 180)).describe(224)": describe_turned,
    "cover(patches(rectangles(0.02), k=3))": cover_three,
    "polygon(circle of 48 corners, subpixel=True).describe(224)": describe_subpixel,
    "verify(1,500 random bitmaps, rectangles(0.01))": verify_bitmaps,
    "rectangles(area=0.5).describe((1 << 20, 1 << 20))": describe_huge,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of an earlier commit to compare with")
    parser.add_argument("--limit", type=int, default=600, help="seconds of CPU time for each path")
    parser.add_argument("--only", default="", help="only the paths with this text in their names")
    parser.add_argument("--path", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.path:
        print(json.dumps(measured(PATHS[arguments.path])))
        return
    table = Table("path", "before s", "now s", "ratio", "now", title="CPU time of one process")
    for name in PATHS:
        if arguments.only in name:
            now = in_process(name, ROOT, arguments.limit)
            before = in_process(name, arguments.before, arguments.limit) if arguments.before else None
            cells = row(name, before, now, arguments.limit)
            # Without a checkout to compare with, nothing is known of the time before.
            table.add_row(*(cells if arguments.before else (cells[0], "–", cells[2], "–", cells[4])))
    Console(width=160).print(table)


def measured(path: Callable[[], object]) -> tuple[float, str]:
    """The CPU time that a path takes, and what it answers."""
    begin = time.process_time()
    try:
        answer = str(path())
    except mc.InvalidInput as error:
        answer = f"refused: {error}"
    return time.process_time() - begin, answer


def in_process(name: str, checkout: Path, limit: int) -> tuple[float, str] | None:
    """Measure a path of a checkout in a process of its own; None if it reaches the limit of CPU time."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'adapters'}",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, str(Path(__file__).resolve()), "--path", name]
    outcome = subprocess.run(  # noqa: S603  # this file, with names from its own table
        command,
        env={**environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
    )
    if outcome.returncode:
        return None
    seconds, answer = json.loads(outcome.stdout)
    return seconds, answer


def row(name: str, before: tuple[float, str] | None, now: tuple[float, str] | None, limit: int) -> tuple[str, ...]:
    """The cells of a path: times, their ratio, and the answer; a different answer is shown beside the earlier one."""
    shown = [f"{measure[0]:.2f}" if measure else f"> {limit}" for measure in (before, now)]
    ratio = f"{'' if before else '> '}{(before[0] if before else limit) / now[0]:.0f}×" if now else "–"
    answer = now[1] if now else "no answer"
    if before and now and before[1] != answer:
        answer = f"{answer} (before: {before[1]})"
    return name, *shown, ratio, answer[:160]


if __name__ == "__main__":
    main()
