"""Data sets of images with labels, in any format, and the preprocessing for certifying and serving.

`open_dataset` makes a `Dataset` from any format; `Preprocessing` turns an image into the input of a model. Nothing here
uses a model.
"""

from __future__ import annotations

import warnings
from typing import Any

from maskcover.data.dataset import Chosen, Dataset, PreparedImages, Skipped
from maskcover.data.images import ImageArray, pixels_of, read_image
from maskcover.data.labels import for_model
from maskcover.data.opening import open_dataset
from maskcover.data.preprocessing import Preprocessing, expect_same
from maskcover.errors import MaskcoverWarning

__all__ = [
    "Chosen",
    "Dataset",
    "ImageArray",
    "PreparedImages",
    "Preprocessing",
    "Skipped",
    "expect_same",
    "for_model",
    "open_dataset",
    "pixels_of",
    "read_image",
]

_RENAMED = {
    "Picture": "ImageArray",
    "Prepared": "PreparedImages",
    "picture_of": "pixels_of",
    "read_picture": "read_image",
}


def __getattr__(name: str) -> Any:
    """Earlier names, which work with a warning for one release."""
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    message = f"maskcover.data.{name} is called {_RENAMED[name]} now; the old name goes with the next release"
    warnings.warn(message, MaskcoverWarning, stacklevel=2)
    return globals()[_RENAMED[name]]
