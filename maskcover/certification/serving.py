"""Serving and attacking what was certified: `defend`, and `attack` by the adapter of a framework."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from maskcover.certification.answering import predict_with, unbound
from maskcover.certification.binding import Binding, Certified, as_certified_classifier
from maskcover.certification.results import Certification
from maskcover.certification.streaming import Errors, cost_of, streamed
from maskcover.classifiers.evaluation import Evaluator, Images, MaskedClassifier, evaluator_of
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.classifiers.registry import as_classifier, entry_of, load
from maskcover.defense.answers import Answer, FirstLabels, NamedAnswer
from maskcover.defense.multilabel import MultiLabel, SeveralLabels
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import Method
from maskcover.defense.stages import Cost
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import NONE, fingerprint
from maskcover.engine.queue import Failed
from maskcover.errors import InvalidInput, UndecidedPrediction
from maskcover.masks import MaskSet

ALERT = -1
"""The value that a defended plain classifier gives in place of a label when the defence raises an alert."""


@runtime_checkable
class Defends(Protocol):
    """Optional protocol: a classifier that makes a defended model of its framework's own kind."""

    def defended(self, masks: MaskSet, *, procedure: Procedure, preprocessing: str, batch_size: int | None) -> Any:
        """The defended model, with a `fingerprint`; `batch_size` is for a classifier that has none of its own."""
        ...


@runtime_checkable
class Attacks(Protocol):
    """Optional protocol: an adapter that can attack the models that it defends."""

    def attack(self, model: Any, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
        """The report of an attack, with `refutations`: numbers of certified images that it broke."""
        ...


@runtime_checkable
class Attackable(Protocol):
    """Optional protocol: a classifier with its own adaptive attack."""

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
        """The report of an attack, with `refutations`: numbers of certified images that it broke."""
        ...


@runtime_checkable
class Binds(Protocol):
    """Optional protocol: a defended model that compares itself with its certification at each call."""

    def bind(self, certified: Certified) -> None:
        """Raise `FingerprintMismatch` unless this is the certified model, now and whenever it answers."""
        ...


@dataclass(frozen=True, slots=True)
class DefendedClassifier:
    """A defended plain classifier: called with a sequence of images, it gives their labels.

    If `defend` made it from a result, it is bound: each call compares it with the certification, see `Binding`.
    """

    classifier: MaskedClassifier
    masks: MaskSet
    procedure: Procedure
    preprocessing: str = NONE
    batch_size: int | None = None
    """The batch size of the certification, for a classifier that has none of its own."""
    binding: Binding | None = field(default=None, compare=False, repr=False)

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the serving model; certificates apply only if it equals that of the certification."""
        return fingerprint(self._evaluator(), self.preprocessing)

    def __call__(self, images: Sequence[Any]) -> list[Any]:
        """The defended labels; −1 where the defence raised an alert. Of a `MaskedAnswers` the answers, None there;
        of several labels whether each class is present, bool (classes,); of the first k labels a tuple of them.

        Raises:
            UndecidedPrediction: the classifier gave an image no unique finite top score where the defence needed one.
        """
        answers = self.decisions(images)
        undecided = [number for number, answer in enumerate(answers) if not answer.alert and answer.label < 0]
        if undecided:
            raise UndecidedPrediction(f"no defended label for the images {undecided}: non-finite or tied scores")
        return [_value(answer) for answer in answers]

    def decisions(self, images: Sequence[Any]) -> list[Answer]:
        """The answers, each with the case that led to it."""
        if self.binding is not None:
            return list(self.binding.served(self._evaluator(), images, self.preprocessing))
        return predict_with(self._evaluator(), images, self.procedure)

    def stream(
        self, images: Iterable[Any], *, open_images: int | None = None, errors: Errors = "raise"
    ) -> Iterator[Answer | Failed]:
        """The answers to an iterable of images, one by one, in order; see `maskcover_torch.DefendedModule.stream`."""
        return streamed(
            self._evaluator(), images, self.procedure, open_images=open_images, errors=errors, binding=self.binding,
            preprocessing=self.preprocessing,
        )  # fmt: skip

    def explain_cost(self) -> Cost:
        """The price of an answer in masked predictions, by stage: at least, at most, and where all views agree."""
        return cost_of(self._evaluator(), self.procedure)

    def bound(self, certified: Certified) -> DefendedClassifier:
        """The same classifier, bound to its certification."""
        binding = Binding(certified)
        binding.expect(self._evaluator(), self.preprocessing)
        return replace(self, binding=binding)

    def _evaluator(self) -> Evaluator:
        return evaluator_of(self.classifier, self.masks, batch_size=self.batch_size)


def _value(answer: Answer) -> Any:
    """What a defended plain classifier gives for an answer."""
    if isinstance(answer, NamedAnswer):
        return answer.value
    if isinstance(answer, SeveralLabels):
        return answer.present
    if answer.alert:
        return ALERT
    return answer.labels if isinstance(answer, FirstLabels) else answer.label


def defend(
    model: object,
    masks: MaskSet | Certification | Certified,
    *,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    preprocessing: str = NONE,
    **options: Any,
) -> Any:
    """Put a defence around a model.

    Args:
        model: As for `certify`. For a torch module the result is a `torch.nn.Module` of the same use.
        masks: The mask set, in the order in which disagreers are tried. Or the result of a certification, or of a run
            (`maskcover.runs.certified`): its masks, batch size and options are used, and the model must be the
            certified one, now and at each call.
        procedure, method, threshold: The defence, as for `certify`; by default double masking, or that of the result.
        preprocessing: The preprocessing of the images, in words; part of the fingerprint. By default that of the
            result.
        **options: For the adapter: the same as were given to `certify`.

    Raises:
        FingerprintMismatch: weights, fill, numerics, library or device are not those of the result, or the reference
            rows of the result have other scores. After a call of `defend` the defended model raises it when it is
            changed: to move it, or to load other weights, call `defend` again.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> result = mc.certify(brightness, images, [0, 1], masks, batch_size=4, fill=0.5)
    >>> defended = mc.defend(brightness, result)
    >>> defended(images)
    [0, 1]
    """
    if isinstance(masks, Certification | Certified):
        return _defend_certified(model, Certified.of(masks), (procedure, method, threshold), preprocessing, options)
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("defend needs a MaskSet of at least one mask, such as cover(squares(size=32))")
    defence, masks = unbound(procedure_of(procedure, method, threshold), masks)
    return _defended(as_classifier(model, options), masks, defence, preprocessing)


def _defend_certified(
    model: object,
    certified: Certified,
    defence: tuple[Procedure | str | None, Method | None, float | None],
    preprocessing: str,
    options: Mapping[str, Any],
) -> Any:
    certified.expect_procedure(*defence)
    classifier = as_certified_classifier(model, certified, options)
    images_preprocessing = certified.preprocessing if preprocessing == NONE else preprocessing
    defended = _defended(classifier, certified.masks, certified.procedure, images_preprocessing, certified.batch_size)
    if isinstance(defended, DefendedClassifier):
        return defended.bound(certified)
    if isinstance(defended, Binds):
        defended.bind(certified)
        return defended
    # A model of a third party's adapter, which compares nothing itself.
    defended.fingerprint.expect(certified.fingerprint)
    certified.expect(evaluator_of(classifier, certified.masks, batch_size=certified.batch_size), images_preprocessing)
    return defended


def _defended(
    classifier: MaskedClassifier,
    masks: MaskSet,
    procedure: Procedure,
    preprocessing: str,
    batch_size: int | None = None,
) -> Any:
    if isinstance(classifier, Defends) and not isinstance(procedure, MultiLabel):
        return classifier.defended(masks, procedure=procedure, preprocessing=preprocessing, batch_size=batch_size)
    return DefendedClassifier(classifier, masks, procedure, preprocessing, batch_size)


def attack(model: object, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
    """Attack the defended model adaptively, by the adapter of its framework; see its own `attack` for the options.

    Raises:
        InvalidInput: the adapter of the model cannot attack; an attack needs gradients.
    """
    if isinstance(model, Attackable):
        return model.attacked(images, labels, masks, **options)
    entry = entry_of(model)
    adapter: object = None if entry is None else load(entry)
    if not isinstance(adapter, Attacks):
        raise InvalidInput(
            f"an attack needs a model with gradients, such as a torch module; got {type(model).__name__}"
        )
    return adapter.attack(model, images, labels, masks, **options)
