"""`TorchClassifier`: a torch module as the core's `MaskedClassifier`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.errors import InvalidInput

Fill = float | Sequence[float]


class TorchClassifier:
    """Scores of a torch module for images with hidden pixels.

    Args:
        model: Maps float tensors (n, channels, height, width) to scores (n, classes); in evaluation mode.
        fill: What a hidden pixel becomes, in the frame of the model's input: one number, or one a channel. After
            normalisation 0 is the mean. It is part of the defence: certify and serve with the same.
        batch_size: Images a forward pass; every pass has exactly this many.

    It computes where the model's parameters are, in their dtype.

    Raises:
        InvalidInput: the model is not a module, or some part of it is in training mode (threats.md, 19).

    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3)).eval()
    >>> classifier = TorchClassifier(model, batch_size=1)
    >>> classifier.scores([torch.zeros(1, 2, 2)], np.zeros((1, 2, 2), dtype=bool)).shape
    (1, 3)
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        fill: Fill = 0.0,
        batch_size: int = 16,
    ) -> None:
        if not isinstance(model, torch.nn.Module):
            raise InvalidInput(f"expected a torch.nn.Module; got {type(model).__name__}")
        if type(batch_size) is not int or batch_size < 1:
            raise InvalidInput(f"batch_size must be a whole number of at least 1; got {batch_size!r}")
        refuse_training(model)
        self.model = model
        self.fill = _fill(fill)
        self.batch_size = batch_size
        parameter = next(model.parameters(), None)
        self._device = torch.device("cpu") if parameter is None else parameter.device
        floating = parameter is not None and parameter.is_floating_point()
        self.classes = 0
        """Number of classes, known after the first scores."""
        self.margin = _margin(model)
        """The least lead of a certified prediction that survives rounding in the model's precision."""
        self._dtype = parameter.dtype if parameter is not None and floating else torch.float32

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating[Any]]:
        """Scores (n, classes) of n images (channels, height, width), tensors or arrays, hidden where True.

        Hidden pixels are replaced by selection: whatever was there, NaN included, is gone (design §8).
        """
        refuse_training(self.model)
        # Autocast around the call would lower the precision that the margin is for.
        with torch.inference_mode(), torch.autocast(self._device.type, enabled=False):
            batch = self._batch(images, hidden.shape[1:])
            mask = torch.from_numpy(hidden).to(batch.device).unsqueeze(1)
            fill = torch.tensor(self.fill, dtype=batch.dtype, device=batch.device).reshape(1, -1, 1, 1)
            if len(self.fill) not in (1, batch.shape[1]):
                raise InvalidInput(f"fill has {len(self.fill)} values; the images have {batch.shape[1]} channels")
            scores = _scores(self.model(torch.where(mask, fill, batch)))
        self.classes = scores.shape[1]
        return scores

    def _batch(self, images: Sequence[Any], size: tuple[int, ...]) -> torch.Tensor:
        # The same image comes many times in a batch; it is converted once.
        distinct = {id(image): image for image in images}
        tensors = {key: self._tensor(image, size) for key, image in distinct.items()}
        if len({tensor.shape for tensor in tensors.values()}) > 1:
            raise InvalidInput("expected images of one number of channels; got several")
        return torch.stack([tensors[id(image)] for image in images])

    def _tensor(self, image: Any, size: tuple[int, ...]) -> torch.Tensor:
        if not isinstance(image, torch.Tensor | np.ndarray):
            raise InvalidInput(f"expected images as tensors or arrays of floats; got {type(image).__name__}")
        # A copy, since torch takes no flipped or read-only arrays.
        tensor = image if isinstance(image, torch.Tensor) else torch.from_numpy(np.array(image))
        if tensor.ndim != 3 or tuple(tensor.shape[1:]) != size:
            expected = f"(channels, {', '.join(map(str, size))})"
            raise InvalidInput(f"the masks are for images of shape {expected}; got an image of {tuple(tensor.shape)}")
        if not tensor.is_floating_point():
            raise InvalidInput(f"expected images of floats as the model takes them; got {tensor.dtype}")
        return tensor.to(device=self._device, dtype=self._dtype)


def refuse_training(model: torch.nn.Module) -> None:
    """Raise if any submodule is in training mode: dropout and batch statistics would make predictions random."""
    for name, module in model.named_modules():
        if module.training:
            raise InvalidInput(
                f"{name or 'the model'} ({type(module).__name__}) is in training mode; call model.eval() first"
            )


def _margin(model: torch.nn.Module) -> float:
    """A few roundings of the coarsest parameter; on a GPU float32 may be computed in TF32, of 10 bits."""
    floating = [parameter for parameter in model.parameters() if parameter.is_floating_point()]
    coarsest = max((torch.finfo(parameter.dtype).eps for parameter in floating), default=0.0)
    if any(parameter.is_cuda for parameter in floating):
        coarsest = max(coarsest, 2.0**-10)
    return max(1e-4, 8 * coarsest)


def _fill(fill: Fill) -> tuple[float, ...]:
    values = tuple(fill) if isinstance(fill, Sequence) else (fill,)
    if not values or not all(map(_finite, values)):
        raise InvalidInput(f"fill must be a finite number, or one a channel; got {fill!r}")
    return tuple(map(float, values))


def _finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int beyond all floats
        return False


def _scores(output: object) -> npt.NDArray[np.floating[Any]]:
    if not isinstance(output, torch.Tensor) or output.ndim != 2:
        found = f"shape {tuple(output.shape)}" if isinstance(output, torch.Tensor) else type(output).__name__
        raise InvalidInput(f"the model must return one tensor of scores (n, classes); got {found}: wrap it to do so")
    # bfloat16 has no numpy counterpart; float32 holds each of its values, ties included.
    wide = output if output.dtype in (torch.float32, torch.float64) else output.float()
    scores: npt.NDArray[np.floating[Any]] = wide.cpu().numpy()
    return scores
