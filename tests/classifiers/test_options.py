"""Options that nobody takes are refused with the one that was probably meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import TorchClassifier
from sklearn.linear_model import LogisticRegression

import maskcover as mc
from maskcover import InvalidInput
from maskcover.classifiers import options

MASKS = mc.cover(mc.squares(size=1), 4, grid=(2, 2))
X, Y = np.random.default_rng(0).random((12, 16)), np.arange(12) % 3
IMAGES = X.reshape(-1, 4, 4)
ANY: Any = mc
MODELS: dict[str, Any] = {
    "a module": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)).eval(),
    "an estimator": LogisticRegression().fit(X, Y),
    "a function": lambda images: images.reshape(len(images), -1)[:, :3],
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(
    ("given", "meant"),
    [("batchsize", "batch_size"), ("fil", "fill"), ("exhaustve", "exhaustive"), ("Margin", "margin")],
)
def test_a_misspelt_option_is_refused_with_what_was_meant(model: Any, given: str, meant: str) -> None:
    with pytest.raises(InvalidInput, match=rf"no option '{given}'; did you mean .*{meant}"):
        ANY.certify(model, IMAGES, Y, MASKS, **{given: 1})


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_an_option_like_no_other_is_refused_with_those_that_there_are(model: Any) -> None:
    with pytest.raises(InvalidInput, match=r"no option 'zebra'; there are .*batch_size.*fill"):
        ANY.certify(model, IMAGES, Y, MASKS, zebra=1)


def test_an_option_of_a_classifier_that_is_made_already() -> None:
    classifier = TorchClassifier(MODELS["a module"])
    with pytest.raises(InvalidInput, match=r"\['exhaustve'\] when made .*did you mean exhaustive"):
        ANY.certify(classifier, IMAGES, Y, MASKS, exhaustve=True)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_is_no_text_of_one(model: Any) -> None:
    with pytest.raises(InvalidInput, match=r"expected the text of a model.*give the model itself to certify"):
        ANY.load_classifier(model)


def test_a_type_error_of_a_model_itself_is_told_as_it_is() -> None:
    class Odd:
        def __call__(self, images: Any) -> Any:
            return images.mean(batch=1)

    with pytest.raises(TypeError, match="batch"):
        mc.certify(Odd(), IMAGES, Y, MASKS)


def test_the_options_of_the_calls_are_all_known() -> None:
    calls: list[Callable[..., Any]] = [mc.certify, mc.predict, mc.run, mc.defend]
    taken = {
        one.name
        for call in calls
        for one in inspect.signature(call).parameters.values()
        if one.kind is one.KEYWORD_ONLY
    }
    assert taken - set(options.CALLS) == set()
