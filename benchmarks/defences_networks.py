"""Small networks for the defences of `defences.py`, and their training: each has the same budget of CPU time.

Every network takes float images (n, channels, height, width), normalised, of 28×28 or 32×32 pixels.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from maskcover_torch.training import Cutout, IntervalTraining, RandomMasks, margin_loss, reach_of
from torch import nn

import maskcover as mc

Pixels = tuple[float, float]
Hide = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
Loss = Callable[[nn.Module, torch.Tensor, torch.Tensor, torch.Generator, float], torch.Tensor]
"""A function of a network, images, labels, the source of chance, and the progress of the training from 0 to 1."""
BATCH, WARM_UP = 128, 0.1  # images in a step; the part of the training in which the learning rate rises
CHECKPOINT = 20.0  # seconds of CPU time from one checkpoint to the next
COLUMN, BLOCK = 4, 12  # pixels: the views of de-randomised smoothing on CIFAR-10
PATCH, FIELD = 5, mc.ReceptiveField(size=9, stride=2, padding=4)  # for which BagCert is trained; that of `Local`


def say(text: str) -> None:
    """Print a line for people who wait."""
    print(text, file=sys.stderr, flush=True)


def layer(inputs: int, outputs: int, size: int, stride: int = 1) -> list[nn.Module]:
    """A convolution with padding, normalised and rectified."""
    convolution = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def convolutional(channels: int, side: int) -> nn.Module:
    """Four convolutions, which see the whole image; larger images are reduced by the first one."""
    first = layer(channels, 16, 3, 2) if side <= 32 else layer(channels, 16, 7, 4)
    return nn.Sequential(
        *first, *layer(16, 32, 3), *layer(32, 64, 3, 2), *layer(64, 64, 3, 2), nn.Flatten(), nn.Linear(64 * 16, 10)
    )


class Local(nn.Module):
    """A network whose cells see 9×9 pixels each, every second pixel: `evidence` (n, 10, cells, cells), then its mean.

    `squash` is what a defence does with the evidence of each cell before it is added up.
    """

    def __init__(self, channels: int, squash: Callable[[torch.Tensor], torch.Tensor] | None = None) -> None:
        super().__init__()
        self.evidence = nn.Sequential(
            *layer(channels, 24, 5, 2), *layer(24, 40, 3), *layer(40, 80, 1), nn.Conv2d(80, 10, 1)
        )
        self.squash = squash

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        evidence = self.evidence(images)
        return (evidence if self.squash is None else self.squash(evidence)).mean(dim=(2, 3))


class Split(nn.Module):
    """A front end whose cells see 5×5 pixels each, every second pixel, and a head that sees all cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.front = nn.Sequential(*layer(channels, 24, 5, 2), *layer(24, 32, 1))
        self.head = nn.Sequential(
            *layer(32, 64, 3, 2), *layer(64, 64, 3), *layer(64, 64, 3, 2), nn.Flatten(), nn.Linear(64 * 16, 10)
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.front(images))


class Block(nn.Module):
    """Attention between the tokens, then a small net for each, both with shortcuts."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.net = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        n, count, width = tokens.shape
        parts = self.queries_keys_values(self.first(tokens)).reshape(n, count, 3, self.heads, width // self.heads)
        attended = nn.functional.scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4))
        tokens = tokens + self.output(attended.transpose(1, 2).reshape(n, count, width))
        return tokens + self.net(self.second(tokens))


class Transformer(nn.Module):
    """A vision transformer on tokens of four columns and a quarter of the rows."""

    def __init__(self, channels: int, side: int, width: int = 48, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        token = side // 4, 4
        self.embedded = nn.Conv2d(channels, width, token, stride=token)
        self.places = nn.Parameter(0.02 * torch.randn(1, side, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.classes = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.embedded(images).flatten(2).transpose(1, 2) + self.places
        return self.classes(self.norm(self.blocks(tokens)).mean(dim=1))


class Tanh(nn.Module):
    """The squash of Clipped BagNet, scaled for the loss: the smaller the factor, the larger the leads it trains."""

    def forward(self, evidence: torch.Tensor) -> torch.Tensor:
        return 5 * torch.tanh(0.05 * evidence - 1)


class Scaled(nn.Module):
    """Evidence times a number, so that a fresh network starts within the range of a squash."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, evidence: torch.Tensor) -> torch.Tensor:
        return self.factor * evidence


def clipped(channels: int) -> Local:
    """A local network trained through the squash of Clipped BagNet."""
    network = Local(channels, Tanh())
    network.evidence.append(Scaled(20.0))
    return network


def bagcert(channels: int) -> Local:
    """A local network whose evidence of a cell is a softmax, so that it lies between 0 and 1."""
    network = Local(channels)
    network.evidence.append(nn.Softmax(dim=1))
    return network


def bagcert_loss(side: int, _: Pixels) -> Loss:
    """The hinge of worst-case margins against a 5×5 patch, and the entropy of the mean, which leads the first steps."""
    reach = reach_of(FIELD, (side, side), (PATCH, PATCH))

    def loss(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, *_: Any) -> torch.Tensor:
        evidence = network.evidence(images)
        mean = evidence.mean(dim=(2, 3)).clamp_min(1e-6)
        return nn.functional.nll_loss(mean.log(), labels) + margin_loss(evidence, labels, reach)

    return loss


def small(channels: int, side: int) -> nn.Module:
    """Two convolutions and two linear layers, of which interval bounds still tell something."""
    return nn.Sequential(
        nn.Conv2d(channels, 8, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def interval_loss(side: int, pixels: Pixels) -> Loss:
    """The loss of bounds under random masks of a cover against a 5×5 patch."""
    masks = mc.cover(mc.squares(size=PATCH), image_size=side, masks=36)
    return IntervalTraining(masks, pixels=pixels).loss


def entropy(hide: Hide) -> Loss:
    """Cross-entropy of images with parts hidden."""

    def loss(
        network: nn.Module, images: torch.Tensor, labels: torch.Tensor, chance: torch.Generator, _: float
    ) -> torch.Tensor:
        return nn.functional.cross_entropy(network(hide(images, chance)), labels)

    return loss


def features_hidden(
    network: nn.Module, images: torch.Tensor, labels: torch.Tensor, chance: torch.Generator, _: float
) -> torch.Tensor:
    """Cross-entropy of a `Split` network with squares of its cells hidden."""
    cells = Cutout(probability=0.9)(network.front(images), chance)
    return nn.functional.cross_entropy(network.head(cells), labels)


@dataclass(frozen=True)
class Kind:
    """A network and its training: the function that makes it, its loss, and the side of its images over the data's.

    `rate` is the largest learning rate.
    """

    make: Callable[[int, int], nn.Module]
    loss: Callable[[int, Pixels], Loss]
    enlarged: int = 1
    rate: float = 3e-3


def _nothing(images: torch.Tensor, _: torch.Generator) -> torch.Tensor:
    return images


def _plain(*_: Any) -> Loss:
    return entropy(_nothing)


def _cutout(*_: Any) -> Loss:
    return entropy(Cutout(probability=0.9))


def _columns(side: int, _: Pixels) -> Loss:
    return entropy(RandomMasks(mc.bands(COLUMN, image_size=side)))


def _blocks(side: int, _: Pixels) -> Loss:
    return entropy(RandomMasks(mc.blocks(BLOCK, image_size=side)))


KINDS = {
    "plain": Kind(convolutional, _plain),
    "cutout": Kind(convolutional, _cutout),
    "columns": Kind(convolutional, _columns),
    "blocks": Kind(convolutional, _blocks),
    "transformer": Kind(Transformer, _columns, rate=1e-3),
    "local": Kind(lambda channels, _: Local(channels), _plain),
    "clipped": Kind(lambda channels, _: clipped(channels), _plain),
    "bagcert": Kind(lambda channels, _: bagcert(channels), bagcert_loss),
    "split": Kind(lambda channels, _: Split(channels), lambda *_: features_hidden),
    "small": Kind(small, interval_loss, rate=1e-3),
    "enlarged": Kind(convolutional, _cutout, enlarged=2),
}


@dataclass(frozen=True)
class Training:
    """Images uint8 (n, channels, height, width) and labels to train on, the range of pixels, and how long."""

    images: torch.Tensor
    labels: torch.Tensor
    normalise: Callable[[torch.Tensor], torch.Tensor]
    pixels: Pixels
    minutes: float
    seed: int


@dataclass
class State:
    """The state of a training that can be stopped at any time."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    chance: torch.Generator
    spent: float = 0.0
    steps: int = 0

    def save(self, path: Path, settings: dict[str, Any]) -> None:
        document = {
            "weights": self.network.state_dict(), "optimizer": self.optimizer.state_dict(),
            "chance": self.chance.get_state(), "spent": self.spent, "steps": self.steps, "settings": settings,
        }  # fmt: skip
        part = path.with_suffix(".part")
        torch.save(document, part)
        part.replace(path)

    def load(self, path: Path, settings: dict[str, Any]) -> None:
        document = torch.load(path, weights_only=True)
        if document["settings"] != settings:
            raise SystemExit(f"{path} was trained with {document['settings']}, not with {settings}: use another --out")
        self.network.load_state_dict(document["weights"])
        self.optimizer.load_state_dict(document["optimizer"])
        self.chance.set_state(document["chance"])
        self.spent, self.steps = document["spent"], document["steps"]


def trained(name: str, training: Training, folder: Path) -> tuple[nn.Module, int]:
    """The network of a kind in evaluation mode, and the number of its steps; a stopped training goes on."""
    kind = KINDS[name]
    torch.manual_seed(training.seed)
    side = training.images.shape[-1] * kind.enlarged
    network = kind.make(training.images.shape[1], side).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=kind.rate, weight_decay=1e-3)
    state = State(network, optimizer, torch.Generator().manual_seed(training.seed))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.pt"
    settings = {"minutes": training.minutes, "seed": training.seed, "images": len(training.images)}
    if path.exists():
        state.load(path, settings)
    budget = 60 * training.minutes
    if state.spent < budget:
        say(f"training {name}: {state.spent:.0f} of {budget:.0f} s")
        network.train()
        _train(state, training, kind, budget, lambda: state.save(path, settings))
        say(f"training {name}: {state.steps} steps of {BATCH} images")
    return network.eval(), state.steps


def _train(state: State, training: Training, kind: Kind, budget: float, save: Callable[[], None]) -> None:
    """Train until the budget of CPU seconds is spent; the learning rate follows the part that is spent."""
    loss = kind.loss(training.images.shape[-1] * kind.enlarged, training.pixels)
    begin, saved = time.process_time() - state.spent, state.spent
    while state.spent < budget:
        for group in state.optimizer.param_groups:
            group["lr"] = kind.rate * _rate(state.spent / budget)
        numbers = torch.randint(len(training.images), (BATCH,), generator=state.chance)
        images = _enlarged(_flipped(training.images[numbers], state.chance), kind.enlarged)
        state.optimizer.zero_grad(set_to_none=True)
        images = training.normalise(images).to(memory_format=torch.channels_last)
        value = loss(state.network, images, training.labels[numbers], state.chance, state.spent / budget)
        value.backward()
        state.optimizer.step()
        state.steps += 1
        state.spent = time.process_time() - begin
        if state.spent - saved > CHECKPOINT:
            say(f"  {state.spent:.0f} s, loss {value.item():.2f}")
            save()
            saved = state.spent
    save()


def _rate(progress: float) -> float:
    """The learning rate as a fraction of its largest: a rise, then half a cosine down to 0."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return (1 + math.cos(math.pi * min(1.0, (progress - WARM_UP) / (1 - WARM_UP)))) / 2


def _flipped(images: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """The images, half of them mirrored."""
    mirrored = torch.rand(len(images), generator=chance) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def _enlarged(images: torch.Tensor, factor: int) -> torch.Tensor:
    """Images of uint8 enlarged by bicubic interpolation; the images that are certified are enlarged by Pillow."""
    if factor == 1:
        return images
    resize = partial(nn.functional.interpolate, scale_factor=factor, mode="bicubic", align_corners=False)
    return resize(images.float()).round().clamp(0, 255).to(torch.uint8)
