"""Finding the adapter for a model: entry points of the group `maskcover.classifiers`, loaded only when asked for.

An entry point is named after the framework's import name; a model belongs to it when one of its classes does. A name
may also be what stands before the colon in the text of a model, such as ``timm:resnet50``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy.typing as npt

from maskcover.defense.arrays import ArrayClassifier
from maskcover.defense.binding import Binding, Certified
from maskcover.defense.engine import Images
from maskcover.defense.evaluation import Evaluator, MaskedClassifier, as_certified, evaluator
from maskcover.defense.fingerprint import Fingerprint
from maskcover.defense.labels import UNDECIDED
from maskcover.defense.options import is_misspelt, known_options, no_option
from maskcover.defense.procedure import Answer, Method, Procedure, alerted
from maskcover.defense.readiness import NONE, fingerprint
from maskcover.defense.results import CertificationResult
from maskcover.errors import InvalidInput, MissingExtra, install_hint
from maskcover.masks import MaskSet

GROUP = "maskcover.classifiers"


class Adapter(Protocol):
    """What an entry point of the group names: how a framework's models are classified.

    What it makes may be a `Defends` or an `Attackable` too; the adapter itself may be a `Loads`. It may have `takes`,
    the class whose arguments its options are, by default `ArrayClassifier`: errors about other options name those.
    """

    def classifier(self, model: Any, **options: Any) -> MaskedClassifier:
        """A classifier around the model."""
        ...


@runtime_checkable
class Loads(Protocol):
    """What an adapter also has if it knows models by name."""

    names: str
    """What a name is, for people: ``FILE``, say."""

    def load(self, name: str, **options: Any) -> MaskedClassifier:
        """The classifier that a text such as ``timm:NAME`` names."""
        ...


@runtime_checkable
class Places(Protocol):
    """What an adapter also has if a model computes where it is told to: `classifier` and `load` take a `device`."""

    devices: str
    """What a device is, for people: ``auto, cpu, cuda``, say; "auto" must be one."""


@runtime_checkable
class Defends(Protocol):
    """What a classifier also has if it is served in its framework's own terms."""

    def defended(self, masks: MaskSet, *, procedure: Procedure, preprocessing: str, batch_size: int | None) -> Any:
        """The defended model, with a `fingerprint`; of the batch size given where it has none of its own."""
        ...


@runtime_checkable
class Attacks(Protocol):
    """What an adapter also has if it can attack what it defends."""

    def attack(self, model: Any, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
        """The report of an attack, with `refutations`: numbers of certified images that it broke."""
        ...


@runtime_checkable
class Attackable(Protocol):
    """What a classifier also has if it can be attacked where it is defended."""

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
        """The report of an attack, with `refutations`: numbers of certified images that it broke."""
        ...


@runtime_checkable
class Binds(Protocol):
    """What a defended model also has if it holds itself to what was certified, at each call."""

    def bind(self, certified: Certified) -> None:
        """Raise `FingerprintMismatch` unless this is what was certified, now and whenever it answers."""
        ...


@dataclass(frozen=True, slots=True)
class DefendedClassifier:
    """A defended plain classifier: called with a sequence of images, it gives their labels.

    Made from a result, by `defend`, it is bound: each call compares it with what was certified, see `Binding`.
    """

    classifier: MaskedClassifier
    masks: MaskSet
    procedure: Procedure
    preprocessing: str = NONE
    batch_size: int | None = None
    """Of a classifier that has none of its own: that of the certification."""
    binding: Binding | None = field(default=None, compare=False, repr=False)

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

        if self.binding is not None:
            return list(self.binding.served(self._evaluator(), images, self.preprocessing))
        return predict_with(self._evaluator(), images, self.procedure)

    def bound(self, certified: Certified) -> DefendedClassifier:
        """The same, held to what was certified."""
        binding = Binding(certified)
        binding.expect(self._evaluator(), self.preprocessing)
        return replace(self, binding=binding)

    def _evaluator(self) -> Evaluator:
        return evaluator(self.classifier, self.masks, batch_size=self.batch_size)


def as_classifier(model: object, options: Mapping[str, Any]) -> MaskedClassifier:
    """The `MaskedClassifier` of a model: itself if it is one, else made by the adapter of its framework.

    A function that no adapter knows is taken for one from arrays to scores, see `ArrayClassifier`.
    """
    if is_classifier(model):
        if options:
            raise InvalidInput(
                f"{type(model).__name__} is a classifier already; give it {sorted(options)} when made"
                + "".join(f" ({no_option(name)})" for name in options if is_misspelt(name))
            )
        return model
    entry = entry_of(model)
    if entry is not None:
        adapter: Adapter = load(entry)
        with known_options(type(model).__name__, options, *takers(adapter)):
            return adapter.classifier(model, **options)
    if callable(model) and not isinstance(model, type):
        with known_options("a function", options, ArrayClassifier):
            return ArrayClassifier(model, **options)
    known = ", ".join(sorted(entry_points(group=GROUP).names)) or "none"
    raise InvalidInput(
        f"no adapter knows a {type(model).__name__}; expected a model of one of: {known}; a function from arrays to "
        "scores; or an object with batch_size and scores(images, hidden)"
    )


def takers(adapter: object) -> tuple[Callable[..., Any], ...]:
    """The functions whose arguments the options of an adapter are: its own, and the class of what it makes."""
    own = (getattr(adapter, name, None) for name in ("classifier", "load"))
    return (*filter(None, own), getattr(adapter, "takes", ArrayClassifier))


def defend(
    model: object,
    masks: MaskSet | CertificationResult | Certified,
    *,
    method: Method | None = None,
    threshold: float | None = None,
    preprocessing: str = NONE,
    **options: Any,
) -> Any:
    """The defended model, around any classifier.

    Args:
        model: As for `certify`. For a torch module the result is a `torch.nn.Module` of the same use.
        masks: The mask set, in the order in which disagreers are tried. Or the result of a certification, or what a
            run certified (`maskcover.runs.certified`): its masks, batch size and options are taken, and what will
            serve must be what was certified, now and at each call.
        method, threshold: The defence, see `Procedure`; by default double masking, or that of the result.
        preprocessing: What images must have gone through before, in words; part of the fingerprint. By default that
            of the result.
        **options: For the adapter: the same as were given to `certify`.

    Raises:
        FingerprintMismatch: weights, fill, numerics, library or device are not those of the result, or a few rows
            that the result keeps the scores of are scored otherwise. After a call of `defend` the defended model
            raises it where it is changed: to move it, or to load other weights, call `defend` again.
    """
    if isinstance(masks, CertificationResult | Certified):
        return _defend_certified(model, Certified.of(masks), method, threshold, preprocessing, options)
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("defend needs a MaskSet of at least one mask, such as cover(squares(size=32))")
    return _defended(as_classifier(model, options), masks, Procedure(method or "double", threshold), preprocessing)


def _defend_certified(
    model: object,
    known: Certified,
    method: Method | None,
    threshold: float | None,
    preprocessing: str,
    options: Mapping[str, Any],
) -> Any:
    known.expect_procedure(method, threshold)
    classifier = as_certified_classifier(model, known, options)
    told = known.preprocessing if preprocessing == NONE else preprocessing
    defended = _defended(classifier, known.masks, known.procedure, told, known.batch_size)
    if isinstance(defended, DefendedClassifier):
        return defended.bound(known)
    if isinstance(defended, Binds):
        defended.bind(known)
        return defended
    # Of a third party's adapter, which compares nothing itself.
    defended.fingerprint.expect(known.fingerprint)
    known.expect(evaluator(classifier, known.masks, batch_size=known.batch_size), told)
    return defended


def as_certified_classifier(model: object, known: Certified, options: Mapping[str, Any]) -> MaskedClassifier:
    """The classifier of a model, with the options that were certified."""
    # A classifier that is made already has its options; if they are others, the fingerprint tells.
    made = as_classifier(model, options if is_classifier(model) else {**known.options, **options})
    return as_certified(made, dict(known.fingerprint.entries))


def _defended(
    classifier: MaskedClassifier,
    masks: MaskSet,
    procedure: Procedure,
    preprocessing: str,
    batch_size: int | None = None,
) -> Any:
    if isinstance(classifier, Defends):
        return classifier.defended(masks, procedure=procedure, preprocessing=preprocessing, batch_size=batch_size)
    return DefendedClassifier(classifier, masks, procedure, preprocessing, batch_size)


def attack(model: object, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> Any:
    """An adaptive attack on the defended model, by the adapter of its framework; see its own `attack` for the options.

    Raises:
        InvalidInput: a model whose adapter cannot attack: it needs gradients.
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


def load(entry: EntryPoint) -> Any:
    """The adapter that an entry point names; a missing framework becomes an error that names the extra."""
    try:
        return entry.load()
    except ImportError as error:
        dist = None if entry.dist is None else entry.dist.name
        remedy = install_hint(entry.name) if dist in (None, "maskcover") else f"install what {dist} needs"
        raise MissingExtra(f"the adapter for {entry.name} cannot be imported ({error}); {remedy}") from error


def is_model(value: object) -> bool:
    """Whether a value is a model that can be certified: a `MaskedClassifier`, or of a framework with an adapter."""
    return is_classifier(value) or entry_of(value) is not None


def is_classifier(value: object) -> TypeGuard[MaskedClassifier]:
    """Whether a value is a `MaskedClassifier` already."""
    # A class has the members that its instances have, but is none of them.
    return isinstance(value, MaskedClassifier) and not isinstance(value, type)


def entry_of(model: object) -> EntryPoint | None:
    """The entry point of the framework that a model's class comes from; of its own before that of a base."""
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    frameworks = (kind.__module__.partition(".")[0] for kind in type(model).__mro__)
    return next((known[name] for name in frameworks if name in known), None)
