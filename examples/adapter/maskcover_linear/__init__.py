"""An adapter for a framework of one class: linear models of images, kept in NPZ files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover import InvalidInput


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The framework: weights of shape (classes, height, width)."""

    weights: npt.NDArray[np.float64]


class LinearClassifier:
    """All that maskcover asks of a classifier: a batch size, and scores of images with some pixels hidden."""

    def __init__(self, model: LinearModel, *, fill: float = 0.0, batch_size: int = 16) -> None:
        self.model, self.fill, self.batch_size = model, fill, batch_size

    @property
    def identity(self) -> dict[str, str]:
        """Names and digests of what is certified, computed anew at each access."""
        digest = hashlib.sha256(self.model.weights.tobytes()).hexdigest()
        return {"weights": f"sha256:{digest}", "fill": repr(self.fill)}

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.ArrayLike:
        """Scores (n, classes): one image at a time, so that no row can depend on another."""
        return [self._scores(image, hide) for image, hide in zip(images, hidden, strict=True)]

    def _scores(self, image: object, hide: npt.NDArray[np.bool_]) -> list[float]:
        size = self.model.weights.shape[1:]
        if not isinstance(image, np.ndarray) or image.dtype.kind != "f":
            received = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
            raise InvalidInput(f"expected images as arrays of floats; got {received}")
        if image.shape != size or hide.shape != size:
            raise InvalidInput(f"the model is for images of {size}; got {image.shape} with masks of {hide.shape}")
        # Selection, never multiplication: whatever the attacker wrote under the mask must vanish.
        shown = np.where(hide, self.fill, image)
        return [float((weights * shown).sum()) for weights in self.model.weights]


class LinearAdapter:
    """The adapter that the entry points name."""

    names = "FILE.npz"

    def classifier(self, model: LinearModel, **options: Any) -> LinearClassifier:
        """For ``maskcover.certify(LinearModel(…), …)``."""
        return LinearClassifier(model, **options)

    def load(self, name: str, **options: Any) -> LinearClassifier:
        """For ``maskcover certify --model linear:FILE.npz``, an array `weights` in the file."""
        try:
            with np.load(Path(name), allow_pickle=False) as content:
                return self.classifier(LinearModel(content["weights"]), **options)
        except (OSError, ValueError, KeyError) as error:
            raise InvalidInput(f"cannot read {name}: {error}; expected an NPZ file with the array weights") from error


ADAPTER = LinearAdapter()
