"""A run whose every name and text tries to break out of the page: ids, reasons, fingerprint, folder, source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import maskcover as mc
from maskcover.runs import OpenedRun, open_run
from tests.defense.naive import BoolArray

MASKS = mc.cover(mc.squares(size=2), image_size=6, grid=(2, 2))
LEVELS = (10, 240, 20, 250, 30, 200)
LABELS = [0, 1, 0, 1, 0, 0]


def attacks(url: str) -> list[str]:
    """Texts that run a script, fetch the address, or change what stands around them, if they are not escaped."""
    return [
        f"<script>document.title='broken';fetch('{url}/script')</script>",
        f'"><img src={url}/image onerror="document.title=\'broken\'">',
        f"'</title><iframe src='{url}/frame'></iframe>",
        f"</style><style>body{{background:url({url}/style)}}</style>",
        f"a|b\n# heading\n[link]({url}) ![image]({url}/md) `code` <{url}>",
        "\x00\x1b[2J\u202etxt.exe\ud800 {{ 7*7 }} {% raw %} &lt;script&gt; </svg><svg onload=document.title='broken'>",
    ]


class Hostile:
    """Class 1 for images brighter than middle grey; fails on one image with a hostile reason."""

    batch_size = 4

    def __init__(self, url: str) -> None:
        self.identity = {"weights": attacks(url)[0], attacks(url)[1]: attacks(url)[4].replace("\n", " ")}
        self.reason = attacks(url)[1]

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.int64]:
        """Twice the sum of what is seen, and what it would be of middle grey."""
        if any(int(np.asarray(image).max()) == 30 for image in images):
            raise ValueError(self.reason)
        shown = [np.asarray(image)[~hide].astype(np.int64) for image, hide in zip(images, hidden, strict=True)]
        return np.array([[255 * pixels.size, 2 * pixels.sum()] for pixels in shown], np.int64)


def greys() -> list[npt.NDArray[np.uint8]]:
    """Images of 6×6 pixels, each of one grey."""
    return [np.full((6, 6), level, np.uint8) for level in LEVELS]


def hostile_run(folder: Path, url: str) -> OpenedRun:
    """A run with hostile texts wherever a text comes from outside."""
    out = folder / "'\"><img src=x onerror=title=1> & run"
    texts = attacks(url)
    ids = [text.replace("\ud800", "") for text in texts]  # half characters cannot be kept in Parquet
    source = {"model": f"m:{texts[0]}", "data": texts[1]}
    mc.run(Hostile(url), greys(), LABELS, MASKS, out, ids=ids, source=source)
    opened: OpenedRun = open_run(out)
    return opened
