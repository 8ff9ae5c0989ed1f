"""Classifiers from texts: what stands before the colon decides, and every failure says what to do."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from maskcover import InvalidInput, MaskedClassifier, MissingExtra, load_classifier
from maskcover.classifiers import ArrayClassifier, loading
from maskcover.classifiers import registry as adapters
from tests.defense.naive import Looker


class Named:
    """An adapter that knows models by name."""

    names = "NAME"

    def classifier(self, model: Any, **options: Any) -> MaskedClassifier:
        """Not asked here."""
        raise NotImplementedError

    def load(self, name: str, *, size: int = 3) -> MaskedClassifier:
        """The name decides."""
        if name == "nowhere":
            raise InvalidInput("there is no model nowhere")
        return Looker(size)


class Nameless:
    """An adapter of objects only."""

    def classifier(self, model: Any, **options: Any) -> MaskedClassifier:
        """Not asked here."""
        raise NotImplementedError


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("some_models")
    vars(module).update(
        named=Named(), nameless=Nameless(), looker=Looker(2), make=lambda: Looker(4), Made=Looker, number=7,
        scores=lambda images: np.zeros((len(images), 2)), failing=lambda: 1 / 0, two=lambda one, other: (one, other),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "some_models", module)
    known = EntryPoints(
        EntryPoint(name, value, adapters.GROUP)
        for name, value in (
            ("named", "some_models:named"),
            ("some_models", "some_models:nameless"),
            ("gone", "no_such_module:ADAPTER"),
        )
    )
    monkeypatch.setattr(loading, "entry_points", lambda **_: known)
    return module


def test_what_stands_before_the_colon_decides() -> None:
    assert load_classifier("named:a").batch_size == 3
    assert load_classifier("named:a", size=5).batch_size == 5
    assert load_classifier("some_models:looker").batch_size == 2
    assert load_classifier("some_models:make").batch_size == 4
    assert isinstance(load_classifier("some_models:Made"), Looker)


def test_a_function_of_one_argument_is_the_classifier_itself() -> None:
    found = load_classifier("some_models:scores", batch_size=5)
    assert isinstance(found, ArrayClassifier)
    assert found.batch_size == 5


@pytest.mark.parametrize(
    ("text", "options", "named"),
    [
        ("named", {}, "timm:NAME"),
        (":name", {}, "timm:NAME"),
        ("named:", {}, "timm:NAME"),
        ("named:nowhere", {}, "there is no model nowhere"),
        ("named:a", {"sise": 1}, "named:a: .*'sise'"),
        ("some_models:number", {}, "no adapter knows a int"),
        ("some_models:nothing", {}, "AttributeError"),
        ("some_models:failing", {}, "ZeroDivisionError"),
        ("some_models:two", {}, "TypeError"),
        ("some_models:looker", {"fill": 1}, "fill"),
        ("no_such_package.models:a", {}, "ModuleNotFoundError"),
        ("nmaed:a", {}, r"No module named 'nmaed'; did you mean named:a\?"),
        ("resnet18", {}, r"got 'resnet18': did you mean timm:resnet18\?"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_reason(text: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        load_classifier(text, **options)


def test_a_missing_framework_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"pip install .*\[gone\]'"):
        load_classifier("gone:model")


def test_the_installed_adapters_are_listed_with_what_is_missing() -> None:
    gone, named, nameless = loading.installed()
    assert (named.name, named.forms, named.missing) == ("named", "named:NAME", "")
    assert (nameless.name, nameless.forms, nameless.missing) == ("some_models", "", "")
    assert gone.name == "gone"
    assert "[gone]'" in gone.missing
