"""A torch model serves as it was certified: weights, fill, masks, numerics (threats.md, 24 and 29)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from maskcover_torch import TorchClassifier
from torch import nn

from maskcover import certify, cover, defend, squares
from maskcover.classifiers import NumericContract, evaluator_of
from maskcover.engine import fingerprint
from maskcover.errors import FingerprintMismatch
from tests.networks import Convolution, exact, whole

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
OTHERS = cover(squares(size=2), image_size=6, grid=(3, 3))
IMAGES = whole(4, 2, 6, 6)
LABELS = [0, 1, 2, 0]


pytestmark = pytest.mark.usefixtures("one_thread")


def net(seed: int = 0) -> nn.Sequential:
    convolution = Convolution(2, 4, 3, stride=2, padding=1)
    return exact(nn.Sequential(convolution, nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 3)), seed)


MODEL = net()
OPTIONS: dict[str, dict[str, Any]] = {
    "nothing named": {},
    "a batch size": {"batch_size": 3},
    "a fill": {"fill": 0.5},
    "a contract": {"contract": NumericContract(dtype="float64", batch_size=2)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("form", ["module", "classifier"])
def test_what_was_certified_is_served_with_the_same_labels(form: str, options: dict[str, Any]) -> None:
    model: Any = MODEL if form == "module" else TorchClassifier(MODEL, **options)
    result = certify(model, IMAGES, LABELS, MASKS, **(options if form == "module" else {}))
    defended = defend(model, result)
    assert defended.fingerprint == result.fingerprint
    assert [one.label for one in defended.decisions(list(IMAGES))] == result.defended.tolist()


class Prepared(list[torch.Tensor]):
    """Images that say what they have gone through."""

    preprocessing = "halved and cut"


def test_threat_15_the_preprocessing_is_part_of_what_is_certified_and_told_to_what_serves() -> None:
    result = certify(MODEL, Prepared(IMAGES), LABELS, MASKS)
    assert dict(result.fingerprint.entries)["preprocessing"] == "'halved and cut'"
    assert defend(MODEL, result).fingerprint == result.fingerprint
    assert defend(MODEL, MASKS, batch_size=result.start.evaluator.batch_size).fingerprint != result.fingerprint
    assert certify(MODEL, IMAGES, LABELS, MASKS).fingerprint != result.fingerprint


@pytest.mark.parametrize("contract", [None, NumericContract(dtype="float64")], ids=["as it is", "a copy"])
def test_weights_changed_behind_torchs_back_are_told_and_not_served(contract: NumericContract | None) -> None:
    """Through `.data`, of which torch keeps no count, as older optimisers and averages of weights do it."""
    result = certify(net(), IMAGES, LABELS, MASKS, contract=contract)
    defended = defend(net(), result)
    other = defend(net(5), MASKS, contract=defended.contract)
    defended(IMAGES)
    for own, new in zip(defended.state_dict().values(), other.state_dict().values(), strict=True):
        own.data.copy_(new)
    with pytest.raises(FingerprintMismatch, match=r"weights: sha256.*call defend again"):
        defended(IMAGES)
    assert defended.fingerprint == other.fingerprint != result.fingerprint


def test_a_result_of_a_model_with_options_is_served_by_a_classifier_that_has_them() -> None:
    result = certify(MODEL, IMAGES, LABELS, MASKS, fill=0.5, batch_size=2)
    assert defend(TorchClassifier(MODEL, fill=0.5, batch_size=2), result).fingerprint == result.fingerprint
    with pytest.raises(FingerprintMismatch, match="fill"):
        defend(TorchClassifier(MODEL, batch_size=2), result)


def test_a_classifier_without_a_batch_size_is_served_in_the_one_that_its_certification_settled() -> None:
    classifier = TorchClassifier(MODEL)
    for size in (2, 5):
        result = certify(TorchClassifier(MODEL, batch_size=size), IMAGES, LABELS, MASKS)
        defended = defend(classifier, result)
        assert defended.fingerprint == result.fingerprint
        assert dict(defended.fingerprint.entries)["batch_size"] == str(size)


def spoilt(change: Callable[[Any], object]) -> nn.Sequential:
    model = copy.deepcopy(MODEL)
    with torch.no_grad():
        change(model)
    return model.eval()


CHANGED: dict[str, tuple[Callable[[Any], object], str]] = {
    "one weight": (lambda model: model[3].weight[2, 5].add_(1e-6), "weights"),
    "a running mean": (lambda model: model[1].running_mean.add_(1e-3), "weights"),
    "a count of batches": (lambda model: model[1].num_batches_tracked.add_(1), "weights"),
    "the precision": (lambda model: model.double(), "dtype"),
    "a layer": (lambda model: model.append(nn.Softmax(dim=1)), "architecture"),
    "a setting of a layer": (lambda model: setattr(model[1], "eps", 1e-2), "architecture"),
}


@pytest.mark.parametrize("form", ["module", "classifier"])
@pytest.mark.parametrize(("change", "entry"), CHANGED.values(), ids=CHANGED)
def test_threat_29_a_changed_model_is_not_served(change: Callable[[Any], object], entry: str, form: str) -> None:
    wrap: Callable[[nn.Module], Any] = (lambda one: one) if form == "module" else TorchClassifier
    result = certify(wrap(MODEL), IMAGES, LABELS, MASKS)
    defend(wrap(copy.deepcopy(MODEL)), result)
    with pytest.raises(FingerprintMismatch, match=f"{entry}: .*certify anew"):
        defend(wrap(spoilt(change)), result)


@pytest.mark.parametrize("options", [{}, {"batch_size": 2}], ids=["nothing named", "a batch size"])
def test_threat_24_a_model_in_another_memory_format_is_served_in_that_of_its_certification(options: Any) -> None:
    result = certify(MODEL, IMAGES, LABELS, MASKS, **options)
    defended = defend(spoilt(lambda model: model.to(memory_format=torch.channels_last)), result)
    assert defended.fingerprint == result.fingerprint
    assert [one.label for one in defended.decisions(list(IMAGES))] == result.defended.tolist()


SERVED: dict[str, tuple[dict[str, Any], str]] = {
    "another fill": ({"fill": 0.5}, "fill: 0.5, not 0.0"),
    "another batch size": ({"batch_size": 7}, "batch_size: 7, not 4"),
    "another precision": ({"contract": NumericContract(dtype="bfloat16")}, "dtype: bfloat16, not float32"),
    "TF32": ({"contract": NumericContract(tf32=True)}, "tf32"),
    "another layout": ({"contract": NumericContract(memory_format="channels_last")}, "memory_format"),
    "kernels that are not deterministic": ({"contract": NumericContract(deterministic=False)}, "flag.deterministic"),
    "compiled": ({"contract": NumericContract(compiled=True)}, "compiled: True, not False"),
}


@pytest.mark.parametrize(("options", "named"), SERVED.values(), ids=SERVED)
def test_threat_24_served_otherwise_than_certified_is_refused(options: dict[str, Any], named: str) -> None:
    result = certify(MODEL, IMAGES, LABELS, MASKS, batch_size=4)
    with pytest.raises(FingerprintMismatch, match=named):
        defend(MODEL, result, **options)


def test_other_masks_have_another_fingerprint() -> None:
    one, other = (fingerprint(evaluator_of(TorchClassifier(MODEL), masks)) for masks in (MASKS, OTHERS))
    assert [text.partition(":")[0] for text in one.differences(other)] == ["masks"]
    result = certify(MODEL, IMAGES, LABELS, MASKS)
    with pytest.raises(FingerprintMismatch, match="masks: sha256"):
        defend(MODEL, replace(result, masks=OTHERS))


def test_threat_24_threads_and_attention_kernels_are_part_of_it() -> None:
    result = certify(MODEL, IMAGES, LABELS, MASKS)
    mismatch = pytest.raises(FingerprintMismatch, match=r"flag\.attention: math, not flash")
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), mismatch:
        defend(MODEL, result)
    defend(MODEL, result)
