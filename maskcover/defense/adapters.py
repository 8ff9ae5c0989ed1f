"""Finding the adapter for a model: entry points of the group `maskcover.classifiers`, loaded only when asked for.

An entry point is named after the framework's import name; a model belongs to it when one of its classes does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy.typing as npt

from maskcover.defense.engine import Images
from maskcover.defense.evaluation import Evaluator, MaskedClassifier, evaluator
from maskcover.defense.fingerprint import Fingerprint
from maskcover.defense.labels import UNDECIDED
from maskcover.defense.procedure import Answer, Method, Procedure, alerted
from maskcover.defense.readiness import NONE, fingerprint
from maskcover.defense.results import CertificationResult
from maskcover.errors import InvalidInput, MissingExtra
from maskcover.masks import MaskSet

GROUP = "maskcover.classifiers"


class Adapter(Protocol):
    """What an entry point of the group names: how a framework's models are classified and served."""

    def classifier(self, model: Any, **options: Any) -> MaskedClassifier:
        """A classifier around the model."""
        ...

    def defend(self, model: Any, masks: MaskSet, *, procedure: Procedure, preprocessing: str, **options: Any) -> Any:
        """The defended model, in the framework's own terms."""
        ...


@runtime_checkable
class Attacks(Protocol):
    """What an adapter also has if it can attack what it defends."""

    def attack(self, model: Any, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
        """The report of an attack, with `refutations`: numbers of certified images that it broke."""
        ...


@dataclass(frozen=True, slots=True)
class DefendedClassifier:
    """A defended plain classifier: called with a sequence of images, it gives their labels."""

    classifier: MaskedClassifier
    masks: MaskSet
    procedure: Procedure
    preprocessing: str = NONE
    batch_size: int | None = None
    """Of a classifier that has none of its own: that of the certification."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What is served: equal to that of the certification, or its certificates do not apply."""
        return fingerprint(self._evaluator(), self.preprocessing)

    def __call__(self, images: Sequence[Any]) -> list[int]:
        """The defended labels, −1 where the classifier gave none, or where there is an alert."""
        return [answer.label if not alerted(answer) else UNDECIDED for answer in self.decisions(images)]

    def decisions(self, images: Sequence[Any]) -> list[Answer]:
        """The answers with how they came about."""
        from maskcover.defense.certify import predict_with

        return predict_with(self._evaluator(), images, self.procedure)

    def _evaluator(self) -> Evaluator:
        return evaluator(self.classifier, self.masks, batch_size=self.batch_size)


def as_classifier(model: object, options: Mapping[str, Any]) -> MaskedClassifier:
    """The `MaskedClassifier` of a model: itself if it is one, else made by the adapter of its framework."""
    if _is_classifier(model):
        if options:
            raise InvalidInput(f"{type(model).__name__} is a classifier already; give it {sorted(options)} when made")
        return model
    return _adapter(model).classifier(model, **options)


def defend(
    model: object,
    masks: MaskSet | CertificationResult,
    *,
    method: Method | None = None,
    threshold: float | None = None,
    preprocessing: str = NONE,
    **options: Any,
) -> Any:
    """The defended model, around any classifier.

    Args:
        model: As for `certify`. For a torch module the result is a `torch.nn.Module` of the same use.
        masks: The mask set, in the order in which disagreers are tried. Or the result of a certification: its masks,
            batch size and options are taken, and what will serve must be what was certified.
        method, threshold: The defence, see `Procedure`; by default double masking, or that of the result.
        preprocessing: What images must have gone through before, in words; part of the fingerprint.
        **options: For the adapter: the same as were given to `certify`.

    Raises:
        FingerprintMismatch: weights, fill, numerics, library or device are not those of the result.
    """
    if isinstance(masks, CertificationResult):
        if (method, threshold) not in ((None, None), (masks.procedure.method, masks.procedure.threshold)):
            raise InvalidInput(f"the result is about {masks.procedure}; leave method and threshold out")
        defended = defend(model, masks.masks, **(masks.serving | options))
        if isinstance(defended, DefendedClassifier):
            defended = replace(defended, batch_size=masks.start.evaluator.batch_size)
        defended.fingerprint.expect(masks.fingerprint)
        return defended
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("defend needs a MaskSet of at least one mask, such as cover(squares(size=32))")
    procedure = Procedure(method or "double", threshold)
    if _is_classifier(model):
        return DefendedClassifier(as_classifier(model, options), masks, procedure, preprocessing)
    return _adapter(model).defend(model, masks, procedure=procedure, preprocessing=preprocessing, **options)


def attack(model: object, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
    """An adaptive attack on the defended model, by the adapter of its framework; see its own `attack` for the options.

    Raises:
        InvalidInput: a model whose adapter cannot attack: it needs gradients.
    """
    adapter: object = None if _is_classifier(model) else _adapter(model)
    if not isinstance(adapter, Attacks):
        raise InvalidInput(
            f"an attack needs a model with gradients, such as a torch module; got {type(model).__name__}"
        )
    return adapter.attack(model, images, labels, masks, **options)


def load(entry: EntryPoint) -> Any:
    """The adapter that an entry point names; a missing framework becomes an error that names the extra."""
    try:
        return entry.load()
    except ImportError as error:
        raise MissingExtra(
            f"the adapter for {entry.name} cannot be imported ({error}); try: pip install 'maskcover[{entry.name}]'"
        ) from error


def is_model(value: object) -> bool:
    """Whether a value is a model that can be certified: a `MaskedClassifier`, or of a framework with an adapter."""
    return _is_classifier(value) or _entry(value) is not None


def _is_classifier(value: object) -> TypeGuard[MaskedClassifier]:
    # A class has the members that its instances have, but is none of them.
    return isinstance(value, MaskedClassifier) and not isinstance(value, type)


def _adapter(model: object) -> Adapter:
    entry = _entry(model)
    if entry is None:
        known = ", ".join(sorted(entry_points(group=GROUP).names)) or "none"
        raise InvalidInput(
            f"no adapter knows a {type(model).__name__}; expected a model of one of: {known}; "
            "or an object with batch_size and scores(images, hidden)"
        )
    adapter: Adapter = load(entry)
    return adapter


def _entry(model: object) -> EntryPoint | None:
    frameworks = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    return next((entry for entry in entry_points(group=GROUP) if entry.name in frameworks), None)
