"""The report of a training run: one record for each epoch, the best of them, and both as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from maskcover_torch.training.recipe import Keep


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training images, and the results of the model after it.

    `number` counts from 1; 0 is the model before training, which has no `loss`. `undefended` and `defended` count the
    validation images, `images` in all, whose label is right, and `certified` those that are certified.
    """

    number: int
    loss: float | None
    undefended: int
    defended: int
    certified: int
    images: int
    seconds: float

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """A key that is larger for better epochs: certified images count first, and the earliest wins a tie."""
        return self.certified, self.defended, self.undefended, -self.number

    def __str__(self) -> str:
        fractions = [f"{count / self.images:.1%}" for count in (self.undefended, self.defended, self.certified)]
        loss = "as given  " if self.loss is None else f"loss {self.loss:.3f}"
        figures = f"undefended {fractions[0]}, defended {fractions[1]}, certified {fractions[2]}"
        return f"epoch {self.number}: {loss}, {figures} of {self.images}, {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class FinetuneReport:
    """The epochs of a run, from 0 on, and its configuration.

    >>> before, first = Epoch(0, None, 3, 2, 1, 4, 0.1), Epoch(1, 0.5, 4, 4, 3, 4, 2.0)
    >>> print(FinetuneReport((before, first), {}))
    epoch 0: as given  , undefended 75.0%, defended 50.0%, certified 25.0% of 4, 0 s
    epoch 1: loss 0.500, undefended 100.0%, defended 100.0%, certified 75.0% of 4, 2 s
    kept: epoch 1, certified 75.0% of 4 validation images
    """

    epochs: tuple[Epoch, ...]
    config: Mapping[str, Any]
    keep: Keep = "certified"

    @property
    def kept(self) -> Epoch:
        """The epoch whose weights the model has: the one that certified most, or the last; see `Recipe`."""
        return epoch_to_keep(self.epochs, self.keep)

    def document(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "config": dict(self.config),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "kept": self.kept.number,
        }

    def __str__(self) -> str:
        certified = f"{self.kept.certified / self.kept.images:.1%} of {self.kept.images}"
        last = f"kept: epoch {self.kept.number}, certified {certified} validation images"
        return "\n".join([*map(str, self.epochs), last])


def epoch_to_keep(epochs: Sequence[Epoch], keep: Keep) -> Epoch:
    """The last epoch, or the one with the highest rank, as `keep` says."""
    return epochs[-1] if keep == "last" else max(epochs, key=lambda epoch: epoch.rank)
