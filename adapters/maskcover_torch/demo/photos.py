"""The demo's five photos, from installed packages, with one ImageNet label each: what the photo shows.

The labels were chosen by looking at the photos, not at the answers of the network, which gets one wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from maskcover_torch.demo.model import SIDE

SHORTER = SIDE + 32  # the margin with which these weights are evaluated
FloatImage = npt.NDArray[np.float32]

LABELS = {
    "coffee": 967,  # espresso: an espresso with its crema, served in a cup (968 would be the cup)
    "chelsea": 281,  # tabby: a grey-brown, striped house cat
    "rocket": 657,  # missile: a Falcon 9 on its pad; ImageNet has no launcher, and a missile is a rocket by definition
    "flower": 985,  # daisy: a dahlia, which ImageNet lacks; the daisy is the one of its classes in the same family
    "china": 698,  # palace: a tower of the Summer Palace in Beijing; ImageNet has no pagoda
}


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo: its name, its ImageNet label, and float32 pixels (224, 224, 3) in [0, 1], whole 255ths."""

    name: str
    label: int
    pixels: FloatImage


def photos() -> tuple[Photo, ...]:
    """The five photos in the frame in which the attacker of the demo draws: 224×224 pixels."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    arrays = {
        "coffee": data.coffee(),  # type: ignore[no-untyped-call]  # the package has no types
        "chelsea": data.chelsea(),  # type: ignore[no-untyped-call]  # likewise
        "rocket": data.rocket(),  # type: ignore[no-untyped-call]  # likewise
        "flower": load_sample_image("flower.jpg"),
        "china": load_sample_image("china.jpg"),
    }
    return tuple(Photo(name, LABELS[name], framed(array)) for name, array in arrays.items())


def framed(pixels: npt.NDArray[np.uint8]) -> FloatImage:
    """A photo in the demo's frame: the shorter side resized to 256 pixels (bicubic), then the 224×224 at the centre.

    Args:
        pixels: uint8 (height, width, 3), any size.

    >>> framed(np.full((30, 40, 3), 51, np.uint8)).shape
    (224, 224, 3)
    """
    image = Image.fromarray(pixels)
    scale = SHORTER / min(image.size)
    width, height = (round(length * scale) for length in image.size)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    square = resized.crop((left, top, left + SIDE, top + SIDE))
    return np.asarray(square, dtype=np.float32) / np.float32(255)
