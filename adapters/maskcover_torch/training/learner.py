"""`Learner`: a model in training, with all state that its next step needs; the state can be saved and restored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from tqdm.auto import tqdm

from maskcover.errors import InvalidInput, RunStopped
from maskcover_torch.evaluator import place_of
from maskcover_torch.outputs import scores_of
from maskcover_torch.training.checkpoints import State
from maskcover_torch.training.examples import Batch, Examples
from maskcover_torch.training.hiding import HasLoss, Hiding
from maskcover_torch.training.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """A model in training, its optimizer and its settings.

    `generator`, on the CPU, decides the order of the images and what is hidden; the model itself draws from torch's
    generator.
    """

    model: torch.nn.Module
    examples: Examples
    hiding: Hiding
    recipe: Recipe
    device: torch.device
    optimizer: torch.optim.Optimizer
    scaler: Any
    generator: torch.Generator
    workers: int
    progress: bool

    @classmethod
    def of(
        cls,
        model: torch.nn.Module,
        examples: Examples,
        hiding: Hiding,
        recipe: Recipe,
        *,
        workers: int,
        progress: bool,
    ) -> Learner:
        """A learner at the start of a training; it seeds torch's generator."""
        torch.manual_seed(recipe.seed)
        device, generator = place_of(model)[0], torch.Generator().manual_seed(recipe.seed)
        optimizer, scaler = recipe.optimizer_of(model), recipe.scaler(device)
        return cls(model, examples, hiding, recipe, device, optimizer, scaler, generator, workers, progress)

    def epoch(self, number: int) -> float:
        """Train for the epoch with this number, counted from 1, and return the mean loss of its steps."""
        self.model.train()
        first, steps = (number - 1) * self.steps, self.steps * self.recipe.epochs
        batches = tqdm(
            self._batches(), desc=f"epoch {number}", total=self.steps, unit="step", disable=not self.progress
        )  # fmt: skip
        losses = [self._step(batch, (first + step) / steps) for step, batch in enumerate(batches)]
        return sum(losses) / len(losses)

    @property
    def steps(self) -> int:
        """The number of steps of an epoch: full batches only, but at least one."""
        return max(1, len(self.examples.labels) // self.recipe.batch_size)

    def weights(self) -> State:
        """The state dict of the model as it is now, a copy on the CPU."""
        return {
            name: value.detach().cpu().clone() if isinstance(value, torch.Tensor) else value
            for name, value in self.model.state_dict().items()
        }

    def state(self) -> State:
        """The state that all further steps depend on."""
        return {
            "model": self.weights(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generator": self.generator.get_state(),
            "chance": torch.get_rng_state(),
            "device_chance": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["chance"])
        if self.device.type == "cuda" and state["device_chance"] is not None:
            torch.cuda.set_rng_state(state["device_chance"], self.device)

    def _batches(self) -> Iterator[Batch]:
        # The images after the last full batch are left out; they are others in every epoch.
        order = torch.randperm(len(self.examples.labels), generator=self.generator)
        return self.examples.batches(order[: self.steps * self.recipe.batch_size], self.recipe.batch_size, self.workers)

    def _step(self, batch: Batch, progress: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(progress)
        loss = self._loss(batch, progress)
        value = loss.item()
        if not math.isfinite(value):
            raise RunStopped(
                f"the loss became {value} after {progress:.1%} of the training; take a smaller lr than "
                f"{self.recipe.lr:g}, amp off, or look for images that are not finite"
            )
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value

    def _loss(self, batch: Batch, progress: float) -> torch.Tensor:
        images, labels = (tensor.to(self.device, non_blocking=True) for tensor in batch)
        if isinstance(self.hiding, HasLoss):
            return self.hiding.loss(self.model, images, labels, self.generator, progress)
        shown = self.hiding(images, self.generator, progress)
        with self.recipe.autocast(self.device):
            scores = scores_of(self.model(shown), len(shown), None)
        if int(batch[1].max()) >= scores.shape[1]:
            raise InvalidInput(f"labels go up to {int(batch[1].max())}, but the model has {scores.shape[1]} classes")
        exact = scores.to(torch.promote_types(scores.dtype, torch.float32))
        return torch.nn.functional.cross_entropy(exact, labels)
