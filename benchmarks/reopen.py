"""A finished run of 50,000 images asked again: bytes an image, and seconds for each answer, from files to figures.

The rows are those of images drawn at random: a third is right under every mask, a third wrong under a few pairs, a
third under many, with random margins and confidences. What an answer costs depends on the number of different tables.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import maskcover as mc
from maskcover.covering.containment import Containment
from maskcover.defense import DoubleMasking, PredictionTable
from maskcover.defense.procedure import certifying
from maskcover.defense.table import Decide
from maskcover.masks import Views
from maskcover.runs import Folder, Row, Shard
from maskcover.runs.evidence import Evidence
from maskcover.runs.rows import row_of

IMAGES, SHARD, TABLES = 50_000, 500, 500
MASKS = mc.cover(mc.squares(size=32))


def linear(images: Any) -> Any:
    """A classifier that starts the run; its rows are drawn."""
    return np.stack([images.mean(axis=(1, 2)), 1 - images.mean(axis=(1, 2))], axis=1)


def drawn(number: int, chance: np.random.Generator, decide: Decide[Any], *, keep_tables: bool) -> Row:
    """The row of an image whose predictions are random, all of them made."""
    views = MASKS.views(Views.PAIRS)
    table, entries = PredictionTable(views), len(views) + 1
    labels = np.zeros(entries, dtype=np.int64)
    wrong = chance.integers(entries, size=(0, chance.integers(1, 8), chance.integers(8, 120))[number % 3])
    labels[wrong] = chance.integers(1, 1000, size=len(wrong))
    margins, confidences = chance.random((2, entries))
    table.record(np.arange(entries), labels, margins, confidences)
    outcome = decide(0, table)
    evidence = Evidence.of(table, 0, 0.0, whole_table=keep_tables)
    return row_of(str(number), 0, (outcome, evidence), MASKS, mc.squares(size=32), "blake2b:" + "0" * 64)


def filled(out: Path, count: int, *, keep_tables: bool) -> None:
    """A run whose rows are drawn."""
    zeros = np.zeros((1, 224, 224))
    nothing = {"shard_size": SHARD, "shard": (count, count + 1)}  # a part without images: only run.json is written
    mc.run(linear, [zeros[0]] * count, np.zeros(count, np.int64), MASKS, out, **nothing)
    folder, chance = Folder(out), np.random.default_rng(0)
    config = folder.existing()
    procedure, covers = DoubleMasking(exhaustive=True), Containment.covering(MASKS)
    decide = certifying(procedure, np.zeros(1, np.int64), covers, 0.0)
    for shard in range(config.shards):
        rows = tuple(drawn(n, chance, decide, keep_tables=keep_tables) for n in config.members(shard))
        folder.write(shard, config, Shard(rows, 1.0))


def size(out: Path) -> int:
    """Bytes of all shards."""
    return sum(path.stat().st_size for path in (out / "shards").iterdir())


def timed(action: Callable[[], Any]) -> float:
    """Seconds that an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def main() -> None:
    table = Table("what", "figure", title=f"{len(MASKS)} masks, every row decided")
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder) / "tables"
        filled(tables, TABLES, keep_tables=True)
        table.add_row("bytes an image, with keep_tables", f"{size(tables) / TABLES:,.0f}")
        out = Path(folder) / "run"
        filled(out, IMAGES, keep_tables=False)
        table.add_row("bytes an image", f"{size(out) / IMAGES:,.0f}")
        table.add_row("summary of the run", f"{timed(lambda: mc.runs.summary(out)):.1f} s")
        table.add_row("open_run", f"{timed(lambda: mc.open_run(out)):.1f} s")
        run = mc.open_run(out)
        for regions in ("squares(size=24)", "rectangle(20, 30)"):
            table.add_row(f"certified({regions!r})", f"{timed(lambda regions=regions: run.certified(regions)):.1f} s")
        table.add_row("certified_size('squares')", f"{timed(lambda: run.certified_size('squares')):.1f} s")
        table.add_row("detection_curve()", f"{timed(run.detection_curve):.1f} s")
        table.add_row("margin_curve()", f"{timed(run.margin_curve):.1f} s")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
