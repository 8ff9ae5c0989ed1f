"""`attack_by_gradient`: an adaptive white-box attack on a defended model."""

from __future__ import annotations

import numpy.typing as npt
import torch
from tqdm.auto import tqdm

from maskcover.certification import certify
from maskcover.classifiers import MaskedClassifier, NumericContract
from maskcover.classifiers.evaluation import Images
from maskcover.defense import Method, Procedure
from maskcover.defense.texts import procedure_of
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.attacks.ascent import Budget
from maskcover_torch.attacks.inputs import claimed_regions, claims, stacked, true_labels, value_range, whole
from maskcover_torch.attacks.masked import HidesElsewhere, ScoresMasked
from maskcover_torch.attacks.outcomes import Attacked, AttackReport
from maskcover_torch.attacks.run import AttackRun
from maskcover_torch.model import Fill, FillOrDrop, TorchModel


def attack_by_gradient(
    model: torch.nn.Module | ScoresMasked,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    *,
    regions: RegionSet | str | None = None,
    certified: npt.ArrayLike | None = None,
    placements: int = 8,
    restarts: int = 1,
    steps: int = 40,
    views: int = 8,
    low: Fill = 0.0,
    high: Fill = 1.0,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    fill: FillOrDrop = 0.0,
    batch_size: int = 64,
    contract: NumericContract | None = None,
    seed: int = 0,
    progress: bool = False,
) -> AttackReport:
    """Try to change the defended labels of images by painting regions, knowing the model, the masks and the defence.

    An attempt takes one placement of the region set and one wrong label, and paints the placement by projected sign
    gradient on the masked predictions that stand in its way (see `maskcover_torch.attacks.aims`). The placements
    are those that the masked predictions of the clean image protect least, those of the most salient pixels among
    them, and some at random. Whether an attempt succeeded is decided by `maskcover.predict` on the attacked image, and
    by nothing else.

    Args:
        model: Maps float tensors (n, channels, height, width) to scores (n, classes); in evaluation mode. It is left
            as it was. Or a classifier that gives its masked predictions with gradients itself, see
            `maskcover_torch.attacks.masked.ScoresMasked`; it has its own fill and contract.
        images: Float images (channels, height, width) as the model takes them, tensors or arrays, all of one shape.
        labels: The true labels, whole numbers from 0, one for each image.
        masks: The mask set of the defence. A single mask that hides nothing is the undefended model.
        regions: What may be overwritten, or its text; by default what the masks claim to cover.
        certified: Which images are claimed to be certified, bool, one for each image; by default those that
            `maskcover.certify` certifies.
        placements: Placements tried on each image.
        restarts: Attempts at each placement, each with other noise and towards another wrong label.
        steps: Gradient steps of an attempt.
        views: Masked predictions that each step of an attempt computes.
        low, high: The range of the values that may be painted, in the frame of the model's input: one number, or one
            for each channel.
        procedure, method, threshold: The defence that judges, as for `certify`; by default double masking. An
            image that raises an alert is not broken.
        fill, batch_size, contract: As for `TorchClassifier`, and as they were for `certify`.
        seed: Random seed for placements and noise: the same seed and arguments give the same attack.
        progress: Show a progress bar on stderr.

    Returns:
        For each image whether it was broken, by which attacked image, where, and after how many steps. An image whose
        defended label is wrong as it is counts as broken without an attack.

    Raises:
        NotCovering: `certified` is None, and the masks do not cover the regions.
        InvalidInput: images, labels, `certified`, ranges or numbers that are not as described.

    Source: projected gradient (Madry et al., 2018) on a patch (Brown et al., 2017); the row theorem
    (docs/theory.md, The defence).

    >>> from maskcover import cover, squares
    >>> model = torch.nn.Sequential(torch.nn.AvgPool2d(6), torch.nn.Flatten(), torch.nn.Linear(1, 2)).eval()
    >>> with torch.no_grad():                            # 1 if the mean of the image exceeds 0.1, else 0
    ...     _ = model[2].weight.copy_(torch.tensor([[0.0], [1.0]])), model[2].bias.copy_(torch.tensor([0.1, 0.0]))
    >>> masks = cover(squares(size=2), image_size=6, grid=(2, 2))
    >>> print(attack_by_gradient(model, torch.zeros(1, 1, 6, 6), [0], masks, steps=4, batch_size=8))
    attacks within squares(size=2) on 6×6, defended by 4 masks
      certified: 0 of 1 broken in 8 attempts (95 % interval 0.0% to 97.5%)
      right, not certified: 0 of 0 broken in 0 attempts (95 % interval 0.0% to 100.0%)
      wrong without an attack: 0
    """
    for name, number in {"placements": placements, "restarts": restarts, "steps": steps, "views": views}.items():
        whole(name, number)
    region_set = claimed_regions(masks, regions)
    named = procedure_of(procedure, method, threshold)
    masks, defence = named.masks_with_levels(masks, region_set), named.against(region_set)
    classifier = _classifier(model, fill, batch_size, contract)
    # Tensors made in a caller's inference mode could carry no gradients.
    with torch.inference_mode(False):
        drawn = classifier.drawn(masks, region_set) if isinstance(classifier, HidesElsewhere) else (masks, region_set)
        pixels = stacked(images, drawn[0].grid.shape)
        true = true_labels(labels, len(pixels))
        budget = Budget(*value_range(low, high, pixels), steps, views)
        if certified is None:
            claimed = certify(classifier, list(pixels), true, masks, regions=region_set, procedure=defence).certified
        else:
            claimed = claims(certified, len(pixels))
        run = AttackRun.of(classifier, masks, drawn, budget, placements, restarts, seed, defence)
        outcomes: list[Attacked] = []
        size = max(1, batch_size // views)
        for first in tqdm(range(0, len(pixels), size), desc="attacking", unit="batch", disable=not progress):
            part = slice(first, first + size)
            outcomes += run.attacked(pixels[part], torch.from_numpy(true[part]), claimed[part])
    return AttackReport(masks, region_set, tuple(outcomes))


def _classifier(model: object, fill: FillOrDrop, batch_size: int, contract: NumericContract | None) -> MaskedClassifier:
    """The classifier to attack: the one that was given, or that of a torch module."""
    if isinstance(model, ScoresMasked) and isinstance(model, MaskedClassifier):
        return model
    if not isinstance(model, torch.nn.Module):
        raise InvalidInput(
            "an attack needs gradients: expected a torch.nn.Module, or a classifier with a method masked_scores; got "
            f"{type(model).__name__}"
        )
    return TorchModel(model, fill=fill, batch_size=batch_size, contract=contract)
