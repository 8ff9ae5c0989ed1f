"""What the pages draw: PNG images, and the lines of a curve as numbers for SVG. Equal facts give equal drawings."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt

from maskcover.errors import MissingExtra, install_hint
from maskcover.report.facts import CurveFacts

# The colours of `maskcover.plot`: fit for any kind of colour vision (Okabe and Ito's blue and vermilion).
CERTIFIED = (0x2F, 0x7F, 0xB8)
BARE = (0xD9, 0x54, 0x1E)
_TINT = 150  # opacity of the map over an image, of 255

WIDTH, HEIGHT = 420, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 12, 40
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve in the units of an SVG of `WIDTH`×`HEIGHT`.

    Args:
        line: The points of the least fractions, as the text of a ``polyline``.
        area: The polygon between the least and the largest fractions; empty if they are equal.
        columns: Places and texts of the marks below.
        rows: Places and texts of the marks on the left.
        left, right, top, bottom: The frame.
    """

    line: str
    area: str
    columns: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str], ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def chart(curve: CurveFacts) -> Chart:
    """The curve as steps: the fraction at a size holds from the size before up to it.

    >>> chart(CurveFacts("squares", "side", (1, 2, 3), (1.0, 0.5, 0.0), (1.0, 0.5, 0.0), 2)).line
    '44,12 166,12 166,101 288,101 288,190 410,190'
    """
    last = curve.limit + 1

    def across(size: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * size / last

    def down(fraction: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - fraction)

    def steps(fractions: tuple[float, ...]) -> list[str]:
        points, before = [], 0
        for size, fraction in zip(curve.sizes, fractions, strict=True):
            points += [f"{across(at):.5g},{down(fraction):.5g}" for at in (before, size)]
            before = size
        return points

    low, high = steps(curve.low), steps(curve.high)
    area = "" if curve.exact else " ".join(high + low[::-1])
    columns = tuple((across(size), f"{size:,}") for size in ticks(curve.limit))
    rows = tuple((down(percent / 100), f"{percent} %") for percent in (0, 25, 50, 75, 100))
    return Chart(" ".join(low), area, columns, rows)


def ticks(limit: int) -> list[int]:
    """Round sizes from 0 up to a limit, a few of them.

    >>> ticks(6), ticks(160)
    ([0, 1, 2, 3, 4, 5, 6], [0, 50, 100, 150])
    """
    step = next(
        step
        for power in range(20)
        for step in (10**power, 2 * 10**power, 5 * 10**power)
        if limit // step <= _MOST_TICKS
    )
    return list(range(0, limit + 1, step))


def picture_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """An image, uint8 (height, width) or (height, width, 3), as a link that holds all of it.

    >>> picture_uri(np.zeros((2, 2), np.uint8))[:30]
    'data:image/png;base64,iVBORw0K'
    """
    return _uri(pixels)


def exposure_uri(exposure: npt.NDArray[np.float64]) -> str:
    """The map of certified placements as a link that holds a picture to be laid over an image.

    Args:
        exposure: See `ImageFacts`; 0 becomes blue, for certified, and 1 orange.
    """
    bare = exposure[:, :, None]
    colour = np.rint((1 - bare) * CERTIFIED + bare * BARE).astype(np.uint8)
    return _uri(np.dstack([colour, np.full(exposure.shape, _TINT, np.uint8)]))


def _uri(pixels: npt.NDArray[np.uint8]) -> str:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtra(f"images in a report are written by Pillow; {install_hint('report')}") from error
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + b64encode(stream.getvalue()).decode("ascii")
