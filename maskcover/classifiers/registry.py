"""The registry of adapters: entry points of the group `maskcover.classifiers`, loaded only when they are needed.

An entry point is named after the framework's import name; a model belongs to it when one of its classes does. The name
may also stand before the colon in the text of a model, such as ``timm:resnet50``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import Any, Protocol, TypeGuard, runtime_checkable

from maskcover.classifiers.arrays import ArrayClassifier
from maskcover.classifiers.evaluation import MaskedClassifier
from maskcover.classifiers.options import is_misspelt, known_options, no_option
from maskcover.errors import InvalidInput, MissingExtra, install_hint
from maskcover.installed import entry_points

GROUP = "maskcover.classifiers"
SEVERAL = "several_labels"
"""The option, and the attribute, of adapters that tell models of one label from models of several."""


class Adapter(Protocol):
    """Protocol: an adapter, which makes classifiers of a framework's models; entry points of the group name one.

    Its classifiers may be `Defends` or `Attackable` too; the adapter itself may be `Loads`. It may have `takes`, the
    class whose arguments its options are, by default `ArrayClassifier`: errors about other options name those. It may
    have `several_labels`, True if `classifier` takes an option of that name, which is True for models whose classes are
    decided each by itself (``task="multilabel"``).
    """

    def classifier(self, model: Any, **options: Any) -> MaskedClassifier:
        """A classifier around the model."""
        ...


@runtime_checkable
class Loads(Protocol):
    """Optional protocol: an adapter that loads models by name."""

    names: str
    """The form of a name, for help texts, such as ``FILE``."""

    def load(self, name: str, **options: Any) -> MaskedClassifier:
        """The classifier that a text such as ``timm:NAME`` names."""
        ...


@runtime_checkable
class Places(Protocol):
    """Optional protocol: an adapter whose `classifier` and `load` take a `device`."""

    devices: str
    """The devices, for help texts, such as ``auto, cpu, cuda``; "auto" must be one."""


def as_classifier(model: object, options: Mapping[str, Any]) -> MaskedClassifier:
    """The `MaskedClassifier` of a model: itself if it is one, else made by the adapter of its framework.

    A function that no adapter knows is treated as one from arrays to scores, see `ArrayClassifier`.
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
    names = ", ".join(sorted(entry_points(group=GROUP).names)) or "none"
    raise InvalidInput(
        f"no adapter knows a {type(model).__name__}; expected a model of one of: {names}; a function from arrays to "
        "scores; or an object with batch_size and scores(images, hidden)"
    )


def takers(adapter: object) -> tuple[Callable[..., Any], ...]:
    """The functions whose arguments are the options of an adapter: its own, and the class of its classifiers."""
    own = (getattr(adapter, name, None) for name in ("classifier", "load"))
    return (*filter(None, own), getattr(adapter, "takes", ArrayClassifier))


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
    """The entry point of the framework of a model's class; that of the class itself before that of its bases."""
    entries = {entry.name: entry for entry in entry_points(group=GROUP)}
    frameworks = (kind.__module__.partition(".")[0] for kind in type(model).__mro__)
    return next((entries[name] for name in frameworks if name in entries), None)


def options_for_labels(model: object, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of the adapter, with ``several_labels`` for one that takes it (`Adapter.several_labels`)."""
    entry = None if is_classifier(model) else entry_of(model)
    takes = entry is not None and getattr(load(entry), SEVERAL, False)
    return {**options, SEVERAL: True} if takes else options
