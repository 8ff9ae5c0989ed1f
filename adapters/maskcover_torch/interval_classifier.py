"""`intervals`: a small torch network as a classifier whose masked predictions are certain labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.classifiers.evaluation import CERTAIN_LABELS, Images
from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Views
from maskcover_torch.attacks import AttackReport, attack_by_gradient
from maskcover_torch.attacks.masked import MaskedScores
from maskcover_torch.evaluator import UNNAMED
from maskcover_torch.identity import architecture_digest, weights_digest
from maskcover_torch.interval_bounds import Box
from maskcover_torch.interval_network import network_of
from maskcover_torch.model import TorchModel
from maskcover_torch.numerics import cpu_capability

Pixels = tuple[float | Sequence[float], float | Sequence[float]]
_SAME = 1e-6  # of the largest score: how far the network in float64 may be from the module itself


def intervals(
    model: torch.nn.Module,
    pixels: Pixels = (0.0, 1.0),
    *,
    batch_size: int = UNNAMED,
    preprocessing: Preprocessing | None = None,
    class_names: Sequence[str] | None = None,
) -> IntervalClassifier:
    """A small network as a classifier whose masked predictions are certain labels, for `maskcover.Intervals`.

    Under a mask it gives the label that the network gives the image whatever the hidden pixels hold within the pixel
    interval, by interval bounds; no label where these do not tell. With nothing hidden it gives the label of the
    network, computed in float64 by the same operations. Everything runs on the CPU. Bounds grow with every layer: on
    networks of more than a few layers, and on networks that were not trained for it
    (`maskcover_torch.training.IntervalTraining`), they tell nothing.

    Args:
        model: A module in evaluation mode, of `Linear`, `Conv2d`, `BatchNorm2d`, `ReLU`, `MaxPool2d`, `AvgPool2d`,
            `AdaptiveAvgPool2d`, `Flatten`, `Identity` and `Dropout`, in any graph that torch.fx can trace, with sums
            of two results and operations with constants. It is copied: later changes of it change nothing here.
        pixels: The least and the greatest value of a pixel in the model's input: two numbers, or two sequences of one
            number for each channel. An attacker is taken to stay within them, and images that do not are refused.
        batch_size: Images in each batch.
        preprocessing: The steps that turn an image of a data set into an input of the model, if they are known.
        class_names: The names of the classes in the order of the scores, if they are known.

    Raises:
        InvalidInput: the network has a part for which no bounds are known, and the message names it; it is in training
            mode; or `pixels` is no interval.

    >>> import numpy as np
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False)).eval()
    >>> with torch.no_grad():
    ...     _ = model[1].weight.copy_(torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> classifier = intervals(model, batch_size=2)
    >>> hidden = np.zeros((2, 2, 2), dtype=bool)
    >>> hidden[0, 0, 0], hidden[1] = True, True
    >>> scores = classifier.scores([np.ones((1, 2, 2))] * 2, hidden)
    >>> scores.argmax(axis=1)[0].item(), scores[0].round(9).tolist(), scores[1].tolist()
    (0, [0.0, -3.0], [0.0, 0.0])
    """
    return IntervalClassifier(model, pixels, batch_size, preprocessing, class_names)


class IntervalClassifier:
    """The classifier that `intervals` makes; its arguments are those of `intervals`.

    The score of a masked image is for each class an upper bound on its score less that of the certain label, so 0 for
    the certain label and less for the others; where there is no certain label all scores are 0. So the margin is the
    smallest of these gaps as a fraction of the largest.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        pixels: Pixels = (0.0, 1.0),
        batch_size: int = UNNAMED,
        preprocessing: Preprocessing | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(model, torch.nn.Module):
            raise InvalidInput(f"expected a torch.nn.Module; got {type(model).__name__}")
        self._network = network_of(model)
        self._low, self._high = pixel_ends(pixels)
        self._checked: tuple[int, ...] | None = None
        self.batch_size = batch_size
        self.preprocessing = preprocessing
        self.class_names = None if class_names is None else tuple(class_names)
        self.identity = {
            "weights": weights_digest(self._network.module),
            "architecture": architecture_digest(self._network.module),
            "dtype": "float64",
            "library": f"torch {torch.__version__}",
            "device": f"cpu {cpu_capability()}",
            CERTAIN_LABELS: f"for pixels from {self._low.flatten().tolist()} to {self._high.flatten().tolist()}",
        }
        """The entries for the fingerprint."""

    def loaded(self, image: Any, size: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """An image (channels, height, width) as float64, on the CPU.

        Raises:
            InvalidInput: it is no image of floats of this size, or a pixel lies outside the pixel interval; nothing
                would be certified about it.
        """
        plain = image.detach().cpu().numpy() if isinstance(image, torch.Tensor) else image
        if not isinstance(plain, np.ndarray) or plain.dtype.kind != "f" or plain.ndim != 3 or plain.shape[1:] != size:
            kind = f"{type(image).__name__} of {getattr(plain, 'dtype', '')} {getattr(plain, 'shape', '')}"
            raise InvalidInput(
                f"expected an image of floats of shape (channels, {', '.join(map(str, size))}); got {kind}"
            )
        values = plain.astype(np.float64)
        low, high = (channel_ends(ends, len(values)).numpy() for ends in (self._low, self._high))
        if not ((values >= low) & (values <= high)).all():
            raise InvalidInput(
                f"an image has pixels from {values.min():g} to {values.max():g}, outside the pixel interval from "
                f"{low.ravel().tolist()} to {high.ravel().tolist()}; name the interval of the model's input with "
                "pixels= (--pixels)"
            )
        self._compare(values)
        return values

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Scores of shape (rows, classes); see `IntervalClassifier` for their meaning, NaN for pixels out of range."""
        batch = torch.from_numpy(np.stack(images)).to(torch.float64)
        covered = torch.from_numpy(hidden)[:, None].expand(batch.shape)
        low, high = (channel_ends(ends, batch.shape[1]).expand(batch.shape) for ends in (self._low, self._high))
        possible = (covered | ((batch >= low) & (batch <= high))).flatten(1).all(dim=1)
        batch = torch.where(possible[:, None, None, None], batch, low)  # such rows have no scores below
        masked = covered.flatten(1).any(dim=1)
        with torch.inference_mode():
            scores = self._network.scores(torch.where(covered, low, batch))
            if masked.any():
                # Only a hidden pixel may take every value; for the others both ends are the pixel itself.
                box = Box(*(torch.where(covered, end, batch)[masked] for end in (low, high)))
                scores[masked] = _as_scores(self._network.gaps(box))
            scores[~possible] = torch.nan
        result: npt.NDArray[np.float64] = scores.numpy()
        return result

    def masked_scores(self, masks: MaskSet, views: Views) -> MaskedScores:
        """The scores of the network with gradients, which guide attacks; what they say under masks decides nothing."""
        return MaskedScores(TorchModel(self._network.module, batch_size=self.batch_size), masks, views)

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> AttackReport:
        """Attack the network; see `maskcover_torch.attacks.attack_by_gradient`."""
        return attack_by_gradient(self, images, labels, masks, **options)

    @property
    def device(self) -> str:
        """The device that it computes on: always the CPU."""
        return "cpu"

    def of_batch_size(self, batch_size: int) -> IntervalClassifier:
        """The same classifier with this batch size."""
        twin = object.__new__(IntervalClassifier)
        vars(twin).update(vars(self) | {"batch_size": batch_size})
        return twin

    def _compare(self, image: npt.NDArray[np.float64]) -> None:
        """Raise `InvalidInput` if the steps give the first image of a shape, or noise, other scores than the module.

        Operations in place, or a forward that torch.fx does not see as a whole, would make it another network.
        """
        if self._checked == image.shape:
            return
        chance = torch.rand(image.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        rows = torch.stack([torch.from_numpy(image), self._low + (self._high - self._low) * chance])
        with torch.inference_mode():
            ours, theirs = self._network.scores(rows), self._network.module(rows.clone())
        if ours.shape != theirs.shape or not bool((ours - theirs).abs().max() <= _SAME * theirs.abs().max()):
            raise InvalidInput(
                "the steps that torch.fx found give an image other scores than the network; look for operations in "
                "place, such as ReLU(inplace=True) on a result that is used again"
            )
        self._checked = image.shape


def _as_scores(gaps: torch.Tensor) -> torch.Tensor:
    """Gaps as scores: all 0 unless each class but one is certainly behind it."""
    certain = (gaps < 0).sum(dim=1) == gaps.shape[1] - 1  # false where a gap is NaN
    return torch.where(certain[:, None], gaps, 0.0)


def pixel_ends(pixels: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The ends of the pixel interval, float64 (channels or 1, 1, 1)."""
    try:
        low, high = (torch.as_tensor(end, dtype=torch.float64).reshape(-1, 1, 1) for end in pixels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"pixels must be two numbers, or two sequences of them; got {pixels!r:.60}") from error
    fits = 1 in (len(low), len(high)) or len(low) == len(high)
    if not fits or not bool((low < high).all() and low.isfinite().all() and high.isfinite().all()):
        raise InvalidInput(f"pixels must be finite numbers, the least before the greatest; got {pixels!r:.60}")
    return low, high


def channel_ends(ends: torch.Tensor, channels: int) -> torch.Tensor:
    """Return the ends of the pixel interval; raise `InvalidInput` if images have another number of channels."""
    if len(ends) not in (1, channels):
        raise InvalidInput(f"pixels has {len(ends)} values for channels; the images have {channels} channels")
    return ends
