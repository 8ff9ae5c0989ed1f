"""Checks of the input of an attack: each error says what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np
import numpy.typing as npt
import torch

from maskcover.cells import BoolArray
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions
from maskcover_torch.model import Fill


def whole(name: str, number: object) -> None:
    """Raise `InvalidInput` unless a number is whole and at least 1."""
    if type(number) is not int or number < 1:
        raise InvalidInput(f"{name} must be a whole number of at least 1; got {number!r}")


def claimed_regions(masks: MaskSet, regions: RegionSet | str | None) -> RegionSet:
    """The regions that are named, or else those that the masks claim to cover."""
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("expected a MaskSet of at least one mask, such as cover(squares(size=32))")
    if masks.grid.ndim != 2:
        raise InvalidInput(f"an attack paints images of two axes; these masks are for {masks.grid}")
    claimed = masks.regions if regions is None else regions
    if claimed is None:
        raise InvalidInput("these masks claim no region set; name one: attack(..., regions=squares(size=32))")
    return parse_regions(claimed)


def stacked(images: object, size: tuple[int, ...]) -> torch.Tensor:
    """The images as one tensor (n, channels, height, width), a copy on the CPU.

    Args:
        images: At least one float tensor or array (channels, height, width), all of one shape and dtype.
        size: (height, width) of the masks.
    """
    if not isinstance(images, Sized) or not hasattr(images, "__getitem__"):
        raise InvalidInput(f"expected images with a length and an index, such as a list; got {type(images).__name__}")
    items = [images[number] for number in range(len(images))]
    if not items or not all(isinstance(item, torch.Tensor | np.ndarray) for item in items):
        received = type(items[0]).__name__ if items else "none"
        raise InvalidInput(f"expected at least one image, as tensors or arrays of floats; got {received}")
    tensors = [item if isinstance(item, torch.Tensor) else torch.from_numpy(np.array(item)) for item in items]
    shapes, dtypes = {tuple(tensor.shape) for tensor in tensors}, {tensor.dtype for tensor in tensors}
    if len(shapes) > 1 or len(dtypes) > 1 or tensors[0].ndim != 3 or tuple(tensors[0].shape[1:]) != size:
        expected = f"one shape (channels, {', '.join(map(str, size))}) and one dtype"
        raise InvalidInput(f"expected images of {expected}; got {sorted(shapes)} of {sorted(map(str, dtypes))}")
    if not tensors[0].is_floating_point():
        raise InvalidInput(f"expected images of floats as the model takes them; got {tensors[0].dtype}")
    return torch.stack([tensor.detach().cpu() for tensor in tensors])


def true_labels(labels: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """The true labels, checked: int64 (n,)."""
    true = np.asarray(labels)
    if true.shape != (count,) or true.dtype.kind not in "iu" or (true < 0).any():
        raise InvalidInput(
            f"expected {count} whole numbers from 0 as true labels, one for each image; got {true.dtype} {true.shape}"
        )
    return true.astype(np.int64)


def claims(certified: npt.ArrayLike, count: int) -> BoolArray:
    """The claims that the attack tests, checked: bool (n,)."""
    claimed = np.asarray(certified)
    if claimed.shape != (count,) or claimed.dtype != np.bool_:
        raise InvalidInput(
            f"certified must be {count} bools, one for each image, such as certify(...).certified; "
            f"got {claimed.dtype} {claimed.shape}"
        )
    return claimed


def value_range(low: Fill, high: Fill, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The lowest and highest values that may be painted, in the dtype of the images, each (1, channels or 1, 1, 1)."""
    limits = _channels("low", low, images), _channels("high", high, images)
    if not bool((limits[0] < limits[1]).all()):
        raise InvalidInput(f"low must be less than high in every channel; got low={low!r}, high={high!r}")
    return limits


def _channels(name: str, value: Fill, images: torch.Tensor) -> torch.Tensor:
    channels = images.shape[1]
    try:
        values = torch.tensor(value if isinstance(value, Sequence) else [value], dtype=images.dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"{name} must be a number, or one a channel; got {value!r}") from error
    if values.shape not in ((1,), (channels,)) or not bool(torch.isfinite(values).all()):
        raise InvalidInput(f"{name} must be a finite number, or one for each of {channels} channels; got {value!r}")
    return values.reshape(1, -1, 1, 1).to(images.device)
