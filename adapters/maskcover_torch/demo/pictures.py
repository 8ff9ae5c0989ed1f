"""The page's pictures as data URIs: PNG files written out in the page itself."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from maskcover.masks import MaskSet
from maskcover.plot import draw_masks, draw_placements, png
from maskcover_torch.demo.model import MEAN
from maskcover_torch.demo.photos import FloatImage
from maskcover_torch.demo.results import AttackStep, PhotoStep
from maskcover_torch.demo.steps import hidden_by


def masks_picture(masks: MaskSet) -> str:
    """One small image for each mask of a set."""
    return _plain(draw_masks(masks, _bare_axes(4.0)))


def map_picture(step: PhotoStep) -> str:
    """The photo under the map of its certified placements."""
    return _plain(draw_placements(step.photo.pixels, step.result.map(0), _bare_axes(2.4)))


def failing_picture(step: PhotoStep) -> str | None:
    """The photo with the failing pair of masks hidden, as the network sees it; None if no pair fails."""
    failing = step.verdict.certificate.failing
    if failing is None:
        return None
    hidden = hidden_by(step.result.masks, failing)
    return photo_picture(np.where(hidden[:, :, None], np.float32(MEAN), step.photo.pixels))


def patch_picture(step: AttackStep) -> str:
    """The attack's own pixels, cut out; to be shown enlarged."""
    return photo_picture(step.attack.pixels[step.attack.box.slices])


def photo_picture(pixels: FloatImage) -> str:
    """A photo, floats (height, width, 3) in [0, 1], pixel by pixel."""
    image = Image.fromarray(_bytes(pixels))
    stream = BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return _uri(stream.getvalue())


def _bytes(pixels: FloatImage) -> npt.NDArray[np.uint8]:
    return np.rint(pixels * 255).astype(np.uint8)


def _bare_axes(inches: float) -> Axes:
    """Axes that fill a square figure: the page has its own captions."""
    return Figure(figsize=(inches, inches)).add_axes((0, 0, 1, 1))


def _plain(ax: Axes) -> str:
    ax.set_title("")
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
    figure = ax.get_figure(root=True)
    if figure is None:
        raise RuntimeError("the axes have no figure")
    return _uri(png(figure, dpi=160, transparent=True))


def _uri(content: bytes) -> str:
    return "data:image/png;base64," + b64encode(content).decode("ascii")
