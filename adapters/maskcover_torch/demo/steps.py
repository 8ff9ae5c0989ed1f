"""The steps of the demo: make and verify a cover, certify a photo, attack it. Each takes values and returns a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.certification import certify, predict_with
from maskcover.classifiers import MaskedClassifier, evaluator_of, top_labels
from maskcover.covering import cover, verify
from maskcover.masks import MaskSet
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.demo.attack import fool_network
from maskcover_torch.demo.model import normalised
from maskcover_torch.demo.photos import FloatImage, Photo
from maskcover_torch.demo.results import AttackStep, CoverStep, PhotoStep

REGIONS = "squares(area=0.02)"
"""What the attacker of the photos may overwrite: any one square of 2 % of the photo."""

PATCH = 32
"""Side in pixels of the attack's square: what `REGIONS` allows on a photo of 224×224."""

FILL = 0.0
"""What the defence puts in place of hidden pixels: the mean colour, 0 after normalisation."""


class WithProgress:
    """A classifier that reports each batch, for a progress bar; its scores are those of the classifier inside it."""

    def __init__(self, classifier: MaskedClassifier, on_batch: Callable[[int], object]) -> None:
        self.batch_size = classifier.batch_size or 1
        self._classifier = classifier
        self._on_batch = on_batch

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.ArrayLike:
        """See `MaskedClassifier`."""
        scores = self._classifier.scores(images, hidden)
        self._on_batch(self.batch_size)
        return scores


# The demo runs on any machine, even if rows of a batch are rounded differently.
MARGIN = 1e-4


def classifier_of(model: torch.nn.Module) -> TorchClassifier:
    """The network as it certifies and as it serves: one fill, one batch shape."""
    return TorchClassifier(model, fill=FILL, batch_size=8)


def cover_step(attacker: str, regions: str) -> CoverStep:
    """The default cover of a region set on a photo, and its verification, timed."""
    masks = cover(regions)
    start = perf_counter()
    report = verify(masks, regions)
    return CoverStep(attacker, masks, report, perf_counter() - start)


def photo_step(classifier: MaskedClassifier, photo: Photo, masks: MaskSet) -> PhotoStep:
    """Certify a photo against `REGIONS`; every row of masks is decided, so that the map of placements is complete."""
    start = perf_counter()
    image = as_input(photo.pixels)
    result = certify(classifier, [image], [photo.label], masks, regions=REGIONS, exhaustive=True, min_margin=MARGIN)
    failing = result.verdicts[0].certificate.failing
    failing_label = None if failing is None else label_of(classifier, image, hidden_by(masks, failing))
    return PhotoStep(photo, result, failing_label, perf_counter() - start)


def attack_step(
    model: torch.nn.Module, target: PhotoStep, masks: MaskSet, *, seed: int, on_step: Callable[[], object]
) -> AttackStep | None:
    """Attack the undefended network on a photo, then ask both networks; None if the attack fools nobody."""
    start = perf_counter()
    patch_attack = fool_network(model, target.photo.pixels, target.photo.label, size=PATCH, seed=seed, on_step=on_step)
    if patch_attack is None:
        return None
    classifier, image = classifier_of(model), as_input(patch_attack.pixels)
    undefended = label_of(classifier, image, np.zeros(masks.grid.shape, dtype=np.bool_))
    (defended,) = predict_with(evaluator_of(classifier, masks), [image])
    return AttackStep(target, patch_attack, undefended, defended, perf_counter() - start)


def as_input(pixels: FloatImage) -> torch.Tensor:
    """A photo (height, width, 3) in [0, 1] as the network takes it: (3, height, width), normalised."""
    return normalised(torch.from_numpy(pixels).permute(2, 0, 1))


def hidden_by(masks: MaskSet, pair: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The pixels that two masks hide together, bool (height, width)."""
    return masks[pair[0]].union(masks[pair[1]]).to_array(masks.grid)


def label_of(classifier: MaskedClassifier, image: torch.Tensor, hidden: npt.NDArray[np.bool_]) -> int:
    """The label of one image with some pixels hidden, from a batch of the usual shape; −1 if there is none."""
    size = classifier.batch_size or 1
    return int(top_labels(classifier.scores([image] * size, np.stack([hidden] * size)))[0])
