"""Resampling of an axis: the source pixels that Pillow and torch read for each output pixel, in integers.

Weights are never computed. A kernel of support r at output j reads the source pixels whose centres lie within r scaled
pixels of the centre of j. Whether a pixel lies inside is decided exactly; where the library decides it in floats, and
rounding could fall either way, the pixel is inside.

Sources: `precompute_coeffs` in Pillow's Resample.c, `ImagingScaleAffine` in its Geometry.c, `ImageOps.fit`; and of
PyTorch's ATen UpSample.h, UpSampleKernel.cpp and AdaptivePooling.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskcover.regions.preprocessing.supports import AxisSupport, IntArray

# Twice the support of each kernel, in pixels of the coarser of the two grids.
_WIDTHS = {"area": 1, "bilinear": 2, "hamming": 2, "bicubic": 4, "lanczos": 6}
PILLOW = ("nearest", "bilinear", "bicubic", "lanczos", "area", "hamming")
TORCH = ("nearest", "nearest-exact", "bilinear", "bicubic", "lanczos", "area")

LONGEST = 1 << 20
"""The longest side in pixels: the bounds on rounding below are argued up to it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The centres of output pixels on an axis of the source, which has `length` pixels.

    Output j of `outputs` is centred at ``(offset + (2j + 1) * spacing) / (2 * unit)``. An output pixel is
    ``spacing / unit`` source pixels wide. Distances are integers in ticks of 1 / (2 * unit) pixel.

    >>> Sampling.between(4, 2).centres.tolist()      # centres 1 and 3, in quarters
    [4, 12]
    """

    length: int
    outputs: int
    spacing: int
    unit: int
    offset: int = 0

    @classmethod
    def between(cls, length: int, outputs: int) -> Sampling:
        """Spread the whole source over the whole output."""
        return cls(length, outputs, length, outputs)

    @property
    def centres(self) -> IntArray:
        """Centres of the outputs in ticks, int64 of shape (outputs,)."""
        return self.offset + (2 * np.arange(self.outputs, dtype=np.int64) + 1) * self.spacing

    @property
    def dyadic(self) -> bool:
        """Whether the scale has a power of two as denominator: floats of enough bits then hold every centre exactly."""
        odd = self.unit // (self.unit & -self.unit)
        return self.spacing % odd == 0

    def reach(self, kernel: str, antialias: bool = True) -> int:
        """Ticks from the centre of an output to the end of the kernel; antialiasing widens it when shrinking."""
        return _WIDTHS[kernel] * (max(self.spacing, self.unit) if antialias else self.unit)

    def single_slack(self) -> int:
        """Ticks by which centres and kernel ends computed in float32 can be off, rounded down.

        Centre, support and their sum take at most 6 roundings of numbers below 4 * (length + 1), each by 2**-24 of
        the number: 24 * 2**-24 * (length + 1) pixels, times 2 * unit ticks.
        """
        return 3 * (self.length + 1) * self.unit >> 20

    def summed_slack(self) -> int:
        """Ticks by which running sums of centres in float64 can be off: each addition rounds by 2**-53 * length."""
        return self.length * (self.outputs + 2) * 2 * self.unit >> 53


def pillow(length: int, outputs: int, kernel: str) -> AxisSupport:
    """The support of ``Image.resize`` on 8-bit images, along an axis.

    Bilinear, Hamming, bicubic and Lanczos are continuous, so a pixel just at the end of the kernel has weight 0, in
    float64 below 2**-30; Pillow rounds weights of 8-bit images to multiples of 2**-22. Such a pixel is left out. The
    box of "area" ends abruptly, so there it counts, except at the left end where floats hold the ends exactly.

    >>> support = pillow(4, 2, "bilinear")
    >>> support.first.tolist(), support.stop.tolist()
    ([0, 1], [3, 4])
    """
    if length == outputs:  # Pillow skips the pass.
        return AxisSupport.identity(length)
    sampling = Sampling.between(length, outputs)
    if kernel == "nearest":
        return _nearest(sampling, None if sampling.dyadic else sampling.summed_slack())
    reach = sampling.reach(kernel)
    if kernel == "area":
        return _windows(sampling, reach - int(sampling.dyadic), reach)
    return _windows(sampling, reach - 1, reach - 1)


def fitted(length: int, outputs: int, across: tuple[int, int], kernel: str) -> AxisSupport:
    """The support of ``ImageOps.fit`` on the axis that it cuts; `across` is (length, outputs) of the other axis.

    The cut is an interval with ends in float32, so every pixel that could lie inside counts.
    """
    spacing, unit = across
    sampling = Sampling(length, outputs, spacing, unit, length * unit - outputs * spacing)
    if kernel == "nearest":
        return _nearest(sampling, sampling.single_slack())
    reach = sampling.reach(kernel) + sampling.single_slack()
    return _windows(sampling, reach, reach)


def torch(length: int, outputs: int, kernel: str, antialias: bool) -> AxisSupport:
    """The support of ``torch.nn.functional.interpolate(size=…, align_corners=False)``, along an axis.

    Every pixel that the window of the kernel could hold in float32 counts, even with a weight of 0. Only where the size
    of the axis stays are neighbours left out: their weights are exactly 0.0 there (not with Lanczos, so they count).

    >>> torch(4, 2, "bilinear", antialias=False).stop.tolist()
    [2, 4]
    """
    if length == outputs and kernel != "lanczos":
        return AxisSupport.identity(length)
    sampling = Sampling.between(length, outputs)
    if kernel == "area":
        return _pooled(length, outputs)
    if kernel in ("nearest", "nearest-exact"):
        return _torch_nearest(sampling, exact=kernel == "nearest-exact")
    reach = sampling.reach(kernel, antialias) + sampling.single_slack()
    return _windows(sampling, reach, reach, clamped=kernel == "bilinear" and not antialias)


def _windows(sampling: Sampling, below: int, above: int, clamped: bool = False) -> AxisSupport:
    """The source pixels whose centre lies at most `below` ticks below and `above` ticks above that of the output.

    Ticks are whole, so one tick less makes a closed end open. `clamped` moves a centre before the first pixel's to it.
    """
    pixel = 2 * sampling.unit
    centres = sampling.centres - sampling.unit  # now pixel x has its centre at x * pixel
    if clamped:
        centres = np.maximum(centres, 0)
    first = -((below - centres) // pixel)
    stop = (centres + above) // pixel + 1
    return AxisSupport(sampling.length, *_inside(first, stop, sampling.length))


def _nearest(sampling: Sampling, slack: int | None) -> AxisSupport:
    """The pixel under the centre; with slack, also the neighbour if the centre, moved by that many ticks, is on it."""
    pixel = 2 * sampling.unit
    # A centre on the border of two pixels belongs to the upper one, unless rounding makes it a little smaller.
    below, above = (0, 0) if slack is None else (slack + 1, slack)
    first = (sampling.centres - below) // pixel
    stop = (sampling.centres + above) // pixel + 1
    return AxisSupport(sampling.length, *_inside(first, stop, sampling.length))


def _torch_nearest(sampling: Sampling, exact: bool) -> AxisSupport:
    """``floor((j + 1/2) * scale)`` if exact, else ``floor(j * scale)``, in float32."""
    # Products of at most 24 bits are exact in float32.
    is_exact = sampling.dyadic and 2 * sampling.length * sampling.outputs <= 1 << 24
    start = 0 if exact else -sampling.spacing
    shifted = Sampling(sampling.length, sampling.outputs, sampling.spacing, sampling.unit, start)
    return _nearest(shifted, None if is_exact else sampling.single_slack())


def _pooled(length: int, outputs: int) -> AxisSupport:
    """Adaptive average pooling, which PyTorch cuts in integers: floor(j * scale) to ceil((j + 1) * scale)."""
    numbers = np.arange(outputs, dtype=np.int64)
    return AxisSupport(length, numbers * length // outputs, -(-(numbers + 1) * length // outputs))


def _inside(first: IntArray, stop: IntArray, length: int) -> tuple[IntArray, IntArray]:
    # Outside the image, libraries read nothing or the border pixel; the border pixel is therefore kept.
    return np.clip(first, 0, length - 1), np.clip(stop, 1, length)
