"""Models find their adapter by their framework, loaded only when asked for; defended classifiers run Algorithm 1."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from types import ModuleType
from typing import Any

import pytest

from maskcover import InvalidInput, MaskcoverError, MaskedClassifier, MaskSet, MissingExtra, certify, defend, predict
from maskcover.classifiers import registry as adapters
from maskcover.defense import DOUBLE_MASKING
from tests.defense.naive import Looker, algorithm_1, every_table, image_of, of_table, singles

MASKS = singles(3)


class ToyLooker(Looker):
    """Every image is a lookup; served as a pair."""

    def defended(self, masks: MaskSet, **options: Any) -> tuple[MaskSet, dict[str, Any]]:
        """What it was asked for."""
        return masks, options


class ToyAdapter:
    """Serves models of the framework `toy`; its classifiers are served in its own terms."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def classifier(self, model: Any, **options: Any) -> MaskedClassifier:
        """Every image is a lookup."""
        self.asked.append(("classifier", options))
        assert any(kind.__module__.startswith("toy") for kind in type(model).__mro__)
        return ToyLooker(**options)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyAdapter:
    """Entry points for a framework that is there and one that is not."""
    module = ModuleType("toy_adapter")
    adapter = ToyAdapter()
    vars(module)["ADAPTER"] = adapter
    monkeypatch.setitem(sys.modules, "toy_adapter", module)
    known = EntryPoints(
        [
            EntryPoint("absent", "no_such_module_anywhere:ADAPTER", adapters.GROUP),
            EntryPoint("toy", "toy_adapter:ADAPTER", adapters.GROUP),
        ]
    )
    monkeypatch.setattr(adapters, "entry_points", lambda group: known if group == adapters.GROUP else EntryPoints([]))
    return adapter


def model_of(module: str) -> object:
    """An object of a class of a module."""
    return type("Model", (), {"__module__": module})()


SERVED = {"procedure": DOUBLE_MASKING, "preprocessing": "none", "batch_size": None}


@pytest.mark.parametrize("module", ["toy", "toy.models", "toy.models.deep"])
def test_a_model_goes_to_the_adapter_of_its_framework_with_its_options(toy: ToyAdapter, module: str) -> None:
    model = model_of(module)
    found = certify(model, [], [], MASKS, batch_size=2)
    assert len(found) == 0
    assert predict(model, [], MASKS, batch_size=3) == []
    assert defend(model, MASKS, batch_size=5) == (MASKS, SERVED)
    assert toy.asked == [
        ("classifier", {"batch_size": 2}),
        ("classifier", {"batch_size": 3}),
        ("classifier", {"batch_size": 5}),
    ]


def test_a_subclass_of_a_model_belongs_to_the_framework_of_its_base(toy: ToyAdapter) -> None:
    base = type("Base", (), {"__module__": "toy.nn"})
    mine = type("Mine", (base,), {"__module__": "my.code"})
    assert defend(mine(), MASKS)[0] is MASKS
    assert [name for name, _ in toy.asked] == ["classifier"]


@pytest.mark.parametrize("module", ["toys", "other.toy", "builtins"])
@pytest.mark.usefixtures("toy")
def test_a_model_of_an_unknown_framework_is_refused_and_the_known_ones_named(module: str) -> None:
    for call in (lambda: certify(model_of(module), [], [], MASKS), lambda: defend(model_of(module), MASKS)):
        with pytest.raises(InvalidInput, match="absent, toy"):
            call()


@pytest.mark.usefixtures("toy")
def test_a_missing_framework_is_an_error_that_names_the_extra() -> None:
    for call in (lambda: certify(model_of("absent.nn"), [], [], MASKS), lambda: defend(model_of("absent"), MASKS)):
        with pytest.raises(MissingExtra, match=r"pip install .*\[absent\]'") as caught:
            call()
        assert isinstance(caught.value, MaskcoverError)
        assert isinstance(caught.value, ImportError)
        assert "no_such_module_anywhere" in str(caught.value)


def test_an_error_in_an_adapter_that_is_no_missing_import_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "half_adapter", ModuleType("half_adapter"))
    with pytest.raises(AttributeError):
        adapters.load(EntryPoint("half", "half_adapter:ADAPTER", adapters.GROUP))


def test_a_masked_classifier_needs_no_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "entry_points", lambda **_: EntryPoints([]))
    classifier = Looker()
    assert adapters.as_classifier(classifier, {}) is classifier
    with pytest.raises(InvalidInput, match="none"):
        certify(object(), [], [], MASKS)


@pytest.mark.parametrize("call", ["certify", "predict", "defend"])
def test_options_for_a_classifier_that_is_made_already_are_refused(call: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "certify": lambda: certify(Looker(), [], [], MASKS, fill=0.5),
        "predict": lambda: predict(Looker(), [], MASKS, fill=0.5),
        "defend": lambda: defend(Looker(), MASKS, fill=0.5),
    }
    with pytest.raises(InvalidInput, match="fill"):
        calls[call]()


def test_a_defended_classifier_answers_as_algorithm_1() -> None:
    tables = [table for number, table in enumerate(every_table(3, (-1, 0, 1))) if number % 7 == 0]
    images = [image_of(table, MASKS) for table in tables]
    defended = defend(Looker(5), MASKS).decisions(images)
    assert [one.label for one in defended] == [algorithm_1(*of_table(table))[0] for table in tables]


def test_the_installed_entry_points_hold_the_torch_adapter() -> None:
    assert "torch" in entry_points(group=adapters.GROUP).names


def test_the_core_never_imports_a_framework_by_itself() -> None:
    code = (
        "import sys, numpy as np, maskcover as mc\n"
        "class Zero:\n"
        "    batch_size = 1\n"
        "    def scores(self, images, hidden): return [[1.0, 0.0]]\n"
        "masks = mc.cover(mc.squares(size=2), image_size=8, grid=(2, 3))\n"
        "assert mc.certify(Zero(), np.zeros((1, 8, 8)), [0], masks).certified.all()\n"
        "assert mc.defend(Zero(), masks)(np.zeros((1, 8, 8))) == [0]\n"
        "print(sorted({'torch', 'maskcover_torch'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
    assert done.stderr == ""
