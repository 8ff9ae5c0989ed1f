"""`DefendedModule`: a defended prediction as a torch module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from maskcover.certification import Binding, Certified, predict_with
from maskcover.certification.answering import unbound
from maskcover.certification.streaming import Errors, cost_of, streamed
from maskcover.classifiers import Fingerprint, NumericContract
from maskcover.defense import DOUBLE_MASKING, Answer, Cost, Procedure, labels_of
from maskcover.engine import Failed, fingerprint
from maskcover.errors import InvalidInput, MaskcoverError, ReadOnly, UndecidedPrediction
from maskcover.masks import MaskSet
from maskcover_torch.evaluator import TorchEvaluator
from maskcover_torch.kept import Kept
from maskcover_torch.model import FillOrDrop, TorchModel
from maskcover_torch.modes import refuse_training
from maskcover_torch.numerics import contracted

_BATCH = 16
_FIXED = ("masks", "procedure", "preprocessing", "fill", "contract")


class DefendedModule(torch.nn.Module):
    """A model defended by masking: its output's argmax is the label of the defence.

    Args:
        model: The undefended model, in evaluation mode; a submodule, so `.to(device)` and `state_dict` work. Under a
            contract of another dtype or memory format the submodule is a copy.
        masks: The mask set.
        procedure: The defence; by default double masking (Algorithm 1).
        preprocessing: How images must be prepared, in words; part of the fingerprint.
        fill, batch_size, contract: As for `TorchClassifier`, and as they were for `certify`; the batch size is 16
            unless one is named.

    The attributes `masks`, `procedure`, `preprocessing`, `fill` and `contract` are the defence, and cannot be set. A
    module that `defend` made from a result is bound to it: each call compares weights, hooks, numerics and a few
    scores, and raises `FingerprintMismatch` if they are not those that were certified; see
    `maskcover.certification.Binding`.

    The evaluator, with the masks on the device and the compiled model, is made once and kept. It is made anew after a
    change of the model's place, precision or memory format, of numeric flags, of hooks, or of the modules inside.
    Several threads may call the module; their batches take turns, since numeric flags belong to the process.

    The output has one row of scores for each image: 1 at the defended label, 0 elsewhere. A defence that detects has
    one class more, the last: the alert. Of k first labels each has 1/k less than the one before it, so that `topk`
    gives them in their order.

    >>> from maskcover import cover, squares
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3)).eval()
    >>> defended = DefendedModule(model, cover(squares(size=2), image_size=6))
    >>> defended(torch.zeros(2, 1, 6, 6)).sum(dim=1)
    tensor([1., 1.])
    """

    def __init__(
        self,
        model: torch.nn.Module,
        masks: MaskSet,
        *,
        procedure: Procedure = DOUBLE_MASKING,
        preprocessing: str = "none",
        fill: FillOrDrop = 0.0,
        batch_size: int | None = None,
        contract: NumericContract | None = None,
    ) -> None:
        super().__init__()
        classifier = TorchModel(model, fill=fill, batch_size=batch_size, contract=contract)
        # A copy only if the contract asks for another precision or format: the submodule is what computes.
        self.model = contracted(model, classifier.contract)
        self.procedure, self.masks = unbound(procedure, masks)
        self.preprocessing = preprocessing
        self.fill = classifier.fill
        self.contract = replace(classifier.contract, batch_size=classifier.batch_size or _BATCH)
        self._binding: Binding | None = None
        self._kept: Kept | None = None
        # A new module is in training mode; this one holds a model in evaluation mode.
        self.training = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and name in vars(self):
            raise ReadOnly(
                f"{name} is part of the defence and cannot be set; make another defended module, with defend(model, …)"
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """The module without its evaluator, which is made anew by a copy or after loading."""
        return vars(self) | {"_kept": None}

    def bind(self, certified: Certified) -> None:
        """Bind the module to a certification: each call from now on checks that it still applies."""
        binding = Binding(certified)
        binding.expect(self._evaluator(), self.preprocessing)
        self._binding = binding

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of what is served now; unless it equals that of a certification, no certificate applies."""
        return fingerprint(self._evaluator(), self.preprocessing)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of shape (n, classes) for float images of shape (n, channels, height, width).

        Raises:
            UndecidedPrediction: the model gave an image no unique finite top score where the defence needed one.
        """
        if not isinstance(images, torch.Tensor) or images.ndim != 4:
            received = f"one of {tuple(images.shape)}" if isinstance(images, torch.Tensor) else type(images).__name__
            raise InvalidInput(
                f"expected one tensor of images (n, channels, height, width); got {received}: one image is a batch "
                "after image.unsqueeze(0)"
            )
        evaluator = self._evaluator()
        answers = self._answers(evaluator, list(images))
        classes = evaluator.classes or _counted(evaluator, images.new_zeros(images.shape[1:]))
        labels = [(classes,) if answer.alert else labels_of(answer) for answer in answers]
        undecided = [number for number, (first, *_) in enumerate(labels) if first < 0]
        if undecided:
            raise UndecidedPrediction(f"no defended label for the images {undecided}: non-finite or tied scores")
        scores = torch.zeros((len(labels), classes + self.procedure.may_alert), device=images.device)
        for number, names in enumerate(labels):
            for place, label in enumerate(names):
                scores[number, label] = 1.0 - place / len(names)
        return scores

    def decisions(self, images: torch.Tensor) -> list[Answer]:
        """The answers of the defence: labels, and how they were decided."""
        return self._answers(self._evaluator(), list(images))

    def stream(
        self, images: Iterable[Any], *, open_images: int | None = None, errors: Errors = "raise"
    ) -> Iterator[Answer | Failed]:
        """The answers to an iterable of images, one by one, in order: a generator for the loop of a server.

        Args:
            images: Tensors (channels, height, width); any iterable, also one without an end.
            open_images: The most images that are fetched and not yet answered; they share batches. By default as many
                as keep batches full, see `maskcover.certification.streaming.enough_images`. 1 answers each image before
                the next one is fetched.
            errors: What happens to an image that cannot be loaded or evaluated: "raise" raises its exception in its
                turn, and ends the stream; "yield" gives a `maskcover.engine.Failed` in place of an answer, and goes on.

        Raises:
            FingerprintMismatch: the module is bound, and not as it was certified. Each answer is confirmed by a check
                after its last batch, before it is yielded; a row of each batch is a reference row.

        What bounds the latency: image number k + `open_images` is fetched only after answer k was taken, and batches
        take the rows of earlier images first. So an answer waits for the source to give at most `open_images` − 1 later
        images, and for the predictions of at most `open_images` images. An exception of the source is raised after the
        answers to all images that it gave before.

        >>> from maskcover import cover, squares
        >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3)).eval()
        >>> defended = DefendedModule(model, cover(squares(size=2), image_size=6))
        >>> images = torch.zeros(2, 1, 6, 6)
        >>> list(defended.stream(images)) == defended.decisions(images)
        True
        """
        return streamed(
            self._evaluator(),
            images,
            self.procedure,
            open_images=open_images,
            errors=errors,
            binding=self._binding,
            preprocessing=self.preprocessing,
        )

    def explain_cost(self) -> Cost:
        """The price of an answer in masked predictions, by stage: at least, at most, and where all views agree.

        >>> from maskcover import cover, squares
        >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3)).eval()
        >>> cost = DefendedModule(model, cover(squares(size=2), image_size=6, grid=(3, 3))).explain_cost()
        >>> cost.at_least, cost.agreeing, cost.at_most
        (9, 9, 45)
        """
        return cost_of(self._evaluator(), self.procedure)

    def _answers(self, evaluator: TorchEvaluator, images: list[torch.Tensor]) -> list[Answer]:
        try:
            if self._binding is None:
                return predict_with(evaluator, images, self.procedure)
            return list(self._binding.served(evaluator, images, self.preprocessing))
        except (MaskcoverError, torch.cuda.OutOfMemoryError):
            raise
        except RuntimeError as error:
            reason, shape = str(error).partition("\n")[0], tuple(images[0].shape) if images else ()
            raise InvalidInput(
                f"the model fails on images of shape {shape} ({reason}); give images as it takes them, such as with "
                "three channels"
            ) from error

    def _evaluator(self) -> TorchEvaluator:
        """The evaluator for one call."""
        refuse_training(self)
        kept, now = self._kept, Kept.state(self.model, self.masks, self.fill, self.contract)
        if kept is None or not kept.holds(now):
            kept = Kept(self._new_evaluator(), now)
            # A copy in another precision would not follow what is written into the weights later.
            self._kept = kept if kept.evaluator.computes_with(self.model) else None
        return kept.evaluator.fresh()

    def _new_evaluator(self) -> TorchEvaluator:
        return TorchModel(self.model, fill=self.fill, contract=self.contract).evaluator(self.masks)


def _counted(evaluator: TorchEvaluator, blank: torch.Tensor) -> int:
    """The number of classes of a model that has scored nothing yet, from the scores of a blank image."""
    loaded = evaluator.load(blank)
    evaluator.scores([loaded] * evaluator.batch_size, np.full((evaluator.batch_size, 2), -1, np.int64))
    return evaluator.classes or 0
