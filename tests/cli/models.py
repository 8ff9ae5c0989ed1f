"""Models that the command-line tests name: tiny, fixed, and either certifiable or broken on purpose."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.classifiers import ArrayClassifier

NOT_A_MODEL = 7


class Brightness(torch.nn.Module):
    """Class 1 for images brighter than middle grey, class 0 for darker ones, no label at middle grey itself."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # Of whole numbers, which double holds: no order of adding rounds them.
        bright = (1024 * images.double()).round().flatten(1).sum(dim=1).float()
        return torch.stack([-bright, bright], dim=1)


class Corner(torch.nn.Module):
    """Decides by the first pixel alone, so masking it away changes the label."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = images[:, :, 0, 0].sum(dim=1)
        return torch.stack([0.1 - first, first - 0.1], dim=1)


class Greys(torch.nn.Module):
    """Four classes: the grey that is nearest to the mean of all pixels but those of 0, which are hidden."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # Of whole numbers, which double holds: no order of adding rounds them.
        whole = (1024 * images.double()).round().flatten(1)
        mean = whole.sum(dim=1) / (1024 * (whole != 0).sum(dim=1).clamp(min=1))
        greys = torch.tensor([-0.75, -0.251, 0.252, 0.75], dtype=torch.double)
        return (4 - 4 * (mean[:, None] - greys).abs()).float()


class Uneven(Brightness):
    """Scores the last of several rows a little higher, as some kernels round it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores = super().forward(images)
        last = torch.arange(len(images)) == max(1, len(images) - 1)
        return scores * (1 + 1e-6 * last)[:, None]


def uneven() -> torch.nn.Module:
    return Uneven().eval()


def brightness() -> torch.nn.Module:
    return Brightness().eval()


def greys() -> torch.nn.Module:
    return Greys().eval()


def corner() -> torch.nn.Module:
    return Corner().eval()


def turning() -> torch.nn.Module:
    """The same network for every process but one that asks for the opposite, of which no weight and no text tells."""
    model = Brightness().eval()
    if os.environ.get("TURNED"):
        model.register_forward_hook(lambda *call: -call[2])
    return model


def training() -> torch.nn.Module:
    return Brightness().train()


def nan() -> torch.nn.Module:
    class Broken(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 2), torch.nan)

    return Broken().eval()


def crashing() -> torch.nn.Module:
    class Crashing(torch.nn.Module):
        def forward(self, _: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("out of memory")

    return Crashing().eval()


def linear() -> torch.nn.Module:
    """Random weights: others each time, unless somebody seeds torch."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24 * 24 * 3, 2)).eval()


def shapeless() -> torch.nn.Module:
    """For images of any size."""
    pool = torch.nn.Sequential(torch.nn.AdaptiveMaxPool2d(1), torch.nn.Flatten())
    return torch.nn.Sequential(pool, torch.nn.Linear(3, 2)).eval()


def trained() -> torch.nn.Module:
    """The same with the weights of the file that the environment names."""
    model = linear()
    model.load_state_dict(torch.load(os.environ["MASKCOVER_TEST_WEIGHTS"], weights_only=True))
    return model.eval()


def failing() -> torch.nn.Module:
    raise OSError("no weights here")


instance = brightness()


def named() -> ArrayClassifier:
    """Knows what its classes are called: light, then dark."""

    def scores(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        bright = images.sum(axis=(1, 2, 3))
        return np.stack([bright, -bright], axis=1)

    classifier = ArrayClassifier(scores, batch_size=4, layout="chw")
    classifier.class_names = ("light", "dark")
    return classifier


def function(images: Any) -> Any:
    """A function from arrays to scores."""
    bright = images.reshape(len(images), -1).max(axis=1)
    return np.stack([1 - bright, bright], axis=1)


def made() -> ArrayClassifier:
    return ArrayClassifier(function)


def interval_net() -> torch.nn.Module:
    """A network of known parts for interval bounds: Brightness as a linear layer."""
    linear = torch.nn.Linear(3 * 24 * 24, 2, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.ones(2, 3 * 24 * 24) * torch.tensor([[-1.0], [1.0]]))
    return torch.nn.Sequential(torch.nn.Flatten(), linear).eval()


class Windows(torch.nn.Module):
    """Brightness of windows of 4 pixels, averaged: a network with cells, of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = torch.nn.Conv2d(3, 2, 4, stride=4)
        with torch.no_grad():
            self.cells.weight[0], self.cells.weight[1] = -1.0, 1.0
            self.cells.get_parameter("bias").copy_(torch.tensor([24.0, -24.0]))
        self.head = torch.nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.cells((8 * images).round() / 8)).sum(dim=(2, 3))
        return scores


def windows() -> torch.nn.Module:
    """A network with cells."""
    return Windows().eval()


def evidence() -> torch.nn.Module:
    """The same, as a network that scores cells itself."""
    return Windows().eval().cells
