"""`ArrayClassifier`: a classifier around a function from an array of images to scores; most adapters make one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray
from maskcover.classifiers.content import function_identity
from maskcover.classifiers.occlusion import Fill
from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput


class ArrayClassifier:
    """A classifier around a function from images to scores: it hides pixels, then calls the function.

    Args:
        function: From images (n, height, width, channels), or (n, height, width) of images without channels, to scores
            (n, classes). It is always called with `batch_size` images, and must not keep or change them.
        batch_size: Images in each call.
        fill: The value of a hidden pixel: one number, or one for each channel. Part of the defence.
        layout: "hwc", or "chw" for a function of images (n, channels, height, width).
        preprocessing: The preprocessing that images of a data set need, if it is known.
        identity: Texts that change when the function changes, or a function that gives them. By default its name, its
            code, and the values that it carries, see `function_identity`.
        class_names: The names of the classes, in the order of the scores, if they are known.

    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([1 - mean, mean], axis=1)
    >>> classifier = ArrayClassifier(brightness, batch_size=1, fill=0.5)
    >>> classifier.scores([np.ones((2, 2))], np.array([[[True, True], [False, False]]])).tolist()
    [[0.25, 0.75]]
    """

    device: str | None = None
    """The device on which the function computes, as a text for people, if an adapter knows it."""
    input_size: tuple[int, int] | None = None
    """The height and width of the images that the function takes, if an adapter knows them."""

    def __init__(
        self,
        function: Callable[[npt.NDArray[Any]], npt.ArrayLike],
        *,
        batch_size: int | None = None,
        fill: float | Sequence[float] | Fill = 0.0,
        layout: Literal["hwc", "chw"] = "hwc",
        preprocessing: Preprocessing | None = None,
        identity: dict[str, str] | Callable[[], dict[str, str]] | None = None,
        class_names: tuple[str, ...] | None = None,
    ) -> None:
        if not callable(function):
            raise InvalidInput(f"expected a function from an array of images to scores; got {type(function).__name__}")
        if layout not in ("hwc", "chw"):
            raise InvalidInput(f'layout must be "hwc", channels last, or "chw", channels first; got {layout!r}')
        self.batch_size = 16 if batch_size is None else batch_size
        self.occlusion = Fill(fill)
        self.preprocessing = preprocessing
        self.layout = layout
        self.class_names = class_names
        self._function, self._identity = function, identity

    @property
    def fill(self) -> tuple[float, ...]:
        """The values of hidden pixels: one number, or one for each channel."""
        return self.occlusion.values

    @property
    def identity(self) -> dict[str, str]:
        """The entries of the function, the fill and the layout for a fingerprint."""
        declared = self._identity() if callable(self._identity) else self._identity
        own = declared or function_identity(self._function)
        return own | self.occlusion.identity | {"layout": self.layout}

    def loaded(self, image: Any, size: tuple[int, ...]) -> npt.NDArray[Any]:
        """An image of the given size as a plain array, ready for the function.

        Raises:
            InvalidInput: not an array of numbers, or of another size, or with other channels than the fill.
        """
        array = plain_array(image)
        behind = self.layout == "hwc"
        sides, channels = (array.shape[: len(size)], array.shape[len(size) :]) if behind else _split(array, size)
        if sides != size or len(channels) > 1:
            sides_text = ", ".join(map(str, size))
            raise InvalidInput(
                f"the masks are for images of ({sides_text}), with channels {'last' if behind else 'first'}; got an "
                f"image of {array.shape}"
            )
        self._expect_fill(array.dtype, channels)
        return array

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.ArrayLike:
        """See `MaskedClassifier`; images are arrays of the masks' size, with equal dtypes and numbers of channels."""
        return self._function(self.shown(images, hidden))

    def shown(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[Any]:
        """The images as the function gets them, in one array: hidden pixels have the fill instead of their values.

        Args:
            images: Arrays of the masks' size, with equal dtypes and numbers of channels.
            hidden: bool (n, height, width).
        """
        arrays = [self.loaded(image, hidden.shape[1:]) for image in images]
        for image in arrays:
            expect_alike(image, arrays[0])
        batch = np.stack(arrays)
        grey = batch.ndim == hidden.ndim
        axis = batch.ndim if grey else batch.ndim - 1 if self.layout == "hwc" else 1
        wide = batch[..., None] if grey else batch
        occluded: npt.NDArray[Any] = self.occlusion.shown(wide, np.expand_dims(hidden, axis), axis, np)
        return occluded[..., 0] if grey else occluded

    def _expect_fill(self, dtype: np.dtype[Any], channels: tuple[int, ...]) -> None:
        """Raise `InvalidInput` unless images of this dtype and number of channels can hold the fill."""
        fill = np.array(self.fill).astype(dtype)
        count = channels[0] if channels else 1
        fits = fill.dtype.kind == "f" or np.array_equal(fill, self.fill)
        if len(fill) not in (1, count) or not fits:
            raise InvalidInput(
                f"fill must be one number, or one for each of {count} channels, that {dtype} can hold; got {self.fill}"
            )


def plain_array(image: Any) -> npt.NDArray[Any]:
    """A plain array of the same numbers: in this machine's byte order, in the order of C, and not of a subclass.

    The order of an array in memory decides how sums are rounded, and must not decide what is certified. An array that
    is already plain is not copied.

    >>> plain_array(np.zeros((2, 3), ">f4").T).flags.c_contiguous, plain_array(np.zeros(3, ">f4")).dtype
    (True, dtype('float32'))
    """
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "fiu":
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InvalidInput(f"expected images as arrays of numbers; got {kind}")
    if isinstance(image, np.ma.MaskedArray):
        raise InvalidInput("expected images as plain arrays; got a masked array: fill its gaps with filled(value)")
    return np.asarray(image, image.dtype.newbyteorder("="), order="C")


def expect_alike(image: npt.NDArray[Any], first: npt.NDArray[Any]) -> None:
    """Refuse an image of another dtype or shape than the first: in one stack it would change all (threats.md, 42)."""
    if (image.dtype, image.shape) != (first.dtype, first.shape):
        raise InvalidInput(
            f"expected images of {first.dtype}, {first.shape}, as the first; got one of {image.dtype}, {image.shape}"
        )


def _split(image: npt.NDArray[Any], size: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sides and the channels of an image with channels first."""
    count = max(0, image.ndim - len(size))
    return image.shape[count:], image.shape[:count]
