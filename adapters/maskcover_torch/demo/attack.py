"""The demo's attack: a square of pixels optimised by gradient ascent until the undefended network is fooled.

The attack uses the network and its gradients, and ignores the defence, whose certificate holds against every attack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from maskcover.errors import InvalidInput
from maskcover.grid import Box
from maskcover_torch.demo.model import normalised
from maskcover_torch.demo.photos import FloatImage

CLEAR_EXCESS = 2.0
"""By how much a wrong score must exceed that of the label: enough that rounding cannot change the outcome."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchAttack:
    """A photo on which the network is fooled.

    Args:
        pixels: float32 (height, width, 3) in [0, 1], whole 255ths inside the box, elsewhere the photo.
        box: Where the photo was overwritten.
        label: The label that the undefended network now gives.
        steps: The number of gradient steps, each with `positions` patches.
    """

    pixels: FloatImage
    box: Box
    label: int
    steps: int


def fool_network(
    model: torch.nn.Module,
    pixels: FloatImage,
    label: int,
    *,
    size: int = 32,
    positions: int = 4,
    steps: int = 60,
    rounds: int = 4,
    rate: float = 0.08,
    seed: int = 0,
    on_step: Callable[[], object] = lambda: None,
) -> PatchAttack | None:
    """Overwrite a square of a photo so that a network no longer gives it its label.

    Args:
        model: The undefended network: normalised images (n, 3, height, width) to scores (n, classes).
        pixels: The photo, float32 (height, width, 3) in [0, 1].
        label: The label that the network must no longer give.
        size: Side of the square, in pixels.
        positions: Squares optimised side by side, each at its own random place.
        steps: Gradient steps for each set of positions.
        rounds: Sets of positions to try.
        rate: What a step adds to each value or subtracts from it; the range is [0, 1].
        seed: Random seed for the places and for the pixels that the squares start from.
        on_step: Called after every step.

    Returns:
        The first attack that works by a clear margin, or None when the steps are used up.

    Raises:
        InvalidInput: the square has no place on the photo.

    Source: projected gradient ascent by signs (Madry et al., 2018), on a patch (Brown et al., 2017).
    """
    height, width = pixels.shape[:2]
    if not 1 <= size <= min(height, width):
        raise InvalidInput(f"a square of {size} px has no place on a photo of {height}×{width}")
    random = np.random.default_rng(seed)
    photo = torch.from_numpy(pixels).permute(2, 0, 1)
    for number in range(rounds):
        boxes = [
            Box.at((random.integers(height - size + 1), random.integers(width - size + 1)), (size, size))
            for _ in range(positions)
        ]
        start = torch.from_numpy(random.random((positions, 3, size, size), dtype=np.float32))
        for step, (attacked, scores) in enumerate(_ascent(model, photo, boxes, start, label, rate, steps), 1):
            on_step()
            excess = _excess(scores, label)
            best = int(excess.argmax())
            if excess[best] >= CLEAR_EXCESS:
                fooled = np.ascontiguousarray(attacked[best].permute(1, 2, 0).numpy())
                return PatchAttack(fooled, boxes[best], int(scores[best].argmax()), number * steps + step)
    return None


def _ascent(
    model: torch.nn.Module,
    photo: torch.Tensor,
    boxes: list[Box],
    patches: torch.Tensor,
    label: int,
    rate: float,
    steps: int,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The attacked photos of each step and the network's scores of them."""
    for _ in range(steps):
        # The network gets whole 255ths, as from any camera or file, and the gradient is computed there.
        shown = ((patches * 255).round() / 255).requires_grad_()
        attacked = _pasted(photo, boxes, shown)
        scores = model(normalised(attacked))
        (gradient,) = torch.autograd.grad(_excess(scores, label).sum(), shown)
        yield attacked.detach(), scores.detach()
        patches = (patches + rate * gradient.sign()).clamp(0, 1)


def _pasted(photo: torch.Tensor, boxes: list[Box], patches: torch.Tensor) -> torch.Tensor:
    """The photo once for each patch, (n, 3, height, width), overwritten inside the box of that patch."""
    attacked = photo.repeat(len(boxes), 1, 1, 1)
    for number, box in enumerate(boxes):
        rows, columns = box.slices
        attacked[number, :, rows, columns] = patches[number]
    return attacked


def _excess(scores: torch.Tensor, label: int) -> torch.Tensor:
    """The best other score less the score of the label, for each row."""
    others = scores.clone()
    others[:, label] = -torch.inf
    return others.amax(dim=1) - scores[:, label]
