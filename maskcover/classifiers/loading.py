"""Loading classifiers from texts such as ``timm:NAME``, the same on the command line and in Python."""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from maskcover.classifiers.evaluation import MaskedClassifier
from maskcover.classifiers.masked_answers import as_reader
from maskcover.classifiers.options import known_options
from maskcover.classifiers.registry import (
    GROUP,
    SEVERAL,
    Loads,
    Places,
    as_classifier,
    is_model,
    load,
    options_for_labels,
    takers,
)
from maskcover.errors import InvalidInput, MaskcoverError, MissingExtra
from maskcover.installed import entry_points


@dataclass(frozen=True, slots=True)
class Installed:
    """An adapter: its name, its distribution, and whether it can be imported here.

    `forms` are the texts that `load_classifier` reads with it; `missing` says what is not installed, or is empty.
    """

    name: str
    distribution: str
    forms: str
    missing: str


def load_classifier(text: str, *, task: str | None = None, **options: Any) -> MaskedClassifier:
    """Load the classifier that a text names.

    Args:
        text: ``timm:NAME``, ``hf:FOLDER``, ``onnx:FILE`` or a form of another installed adapter: `maskcover models`
            lists them. Or ``package.module:name`` of a model, of a function without arguments that makes a model, or of
            a function of one argument, from arrays to scores; the current folder is searched first.
        task: What the classifier is for, see `maskcover.certify`; with "answers" a function of one argument is one from
            arrays to answers, and the classifier a `MaskedAnswers`.
        **options: Options of the adapter, such as ``fill=0.5``, or ``weights="checkpoint.pth"`` for timm.

    Returns:
        A classifier for `certify`, `predict`, `run` and `defend`, with the `preprocessing` of its images where it is
        known.

    Raises:
        MissingExtra: the framework is not installed; names the extra.
        InvalidInput: there is no such model, or it has no such options.

    >>> load_classifier("numpy:nowhere")
    Traceback (most recent call last):
    maskcover.errors.InvalidInput: numpy:nowhere: AttributeError: module 'numpy' has no attribute 'nowhere'
    """
    if not isinstance(text, str):
        raise InvalidInput(
            f"expected the text of a model, such as timm:NAME; got a {type(text).__name__}: give the model itself to "
            "certify, predict, run or defend"
        )
    scheme, _, name = text.partition(":")
    if not scheme or not name:
        raise InvalidInput(
            f"expected a model such as timm:NAME, hf:FOLDER, onnx:FILE or package.module:callable; got {text!r}"
            + (f": did you mean timm:{text}?" if text.isidentifier() else "")
        )
    adapter: object = next((load(entry) for entry in entry_points(group=GROUP) if entry.name == scheme), None)
    if isinstance(adapter, Loads):
        if task == "answers":
            raise InvalidInput(
                f"{text} gives scores, and answers come from a function: name one from images to answers, such as "
                "package.module:name"
            )
        try:
            if task == "multilabel" and getattr(adapter, SEVERAL, False):
                options = {**options, SEVERAL: True}
            with known_options(text, options, *takers(adapter)):
                return adapter.load(name, **options)
        except (MaskcoverError, KeyboardInterrupt):
            raise
        except TypeError as error:
            raise InvalidInput(f"{text}: {error}") from error
    make = as_reader if task == "answers" else as_classifier
    model = _imported(scheme, name, text)
    return make(model, options_for_labels(model, options) if task == "multilabel" else options)


def runs_code(text: str) -> bool:
    """Whether loading the model that a text names runs code, instead of only reading data.

    It does for ``package.module:name``, and for the adapters of other distributions. The adapters of maskcover read
    networks and weights without running any code beside them.

    >>> runs_code("onnx:net.onnx"), runs_code("pytest:main")
    (False, True)
    """
    scheme = text.partition(":")[0]
    entry = next((entry for entry in entry_points(group=GROUP) if entry.name == scheme), None)
    if entry is None or entry.dist is None or entry.dist.name != "maskcover":
        return True
    adapter: object = load(entry)
    return not isinstance(adapter, Loads)


def places(text: str) -> bool:
    """Whether the adapter of a text such as ``timm:NAME`` takes a `device`."""
    scheme = text.partition(":")[0]
    adapter: object = next((load(entry) for entry in entry_points(group=GROUP) if entry.name == scheme), None)
    return isinstance(adapter, Loads) and isinstance(adapter, Places)


def installed() -> list[Installed]:
    """The installed adapters, sorted by name."""
    return [_described(entry) for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]


def _described(entry: Any) -> Installed:
    distribution = entry.dist.name if entry.dist is not None else ""
    try:
        adapter: object = load(entry)
    except MissingExtra as error:
        return Installed(entry.name, distribution, "", str(error))
    return Installed(
        entry.name, distribution, f"{entry.name}:{adapter.names}" if isinstance(adapter, Loads) else "", ""
    )


def _imported(module: str, name: str, text: str) -> Any:
    """The object that ``module:name`` names; if it is a function that makes a model, its result."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        value: Any = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
        return value() if _makes_a_model(value) else value
    except MaskcoverError:
        raise
    except Exception as error:
        near = get_close_matches(module, [entry.name for entry in entry_points(group=GROUP)], n=1)
        advice = f"; did you mean {near[0]}:{name}?" if near and isinstance(error, ModuleNotFoundError) else ""
        raise InvalidInput(f"{text}: {type(error).__name__}: {error}{advice}") from error


def _makes_a_model(value: Any) -> bool:
    """Whether a value is a function that makes a model without arguments; a function of images needs one."""
    if is_model(value) or not callable(value):
        return False
    if isinstance(value, type):
        return True
    needed = [
        parameter
        for parameter in inspect.signature(value).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return len(needed) != 1
