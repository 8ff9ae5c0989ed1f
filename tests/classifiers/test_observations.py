"""Observations: worked out by numpy and by torch alike, where the scores are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import TorchClassifier

from maskcover import InvalidInput, MaskSet
from maskcover.classifiers import ArrayClassifier, evaluator_of
from maskcover.classifiers.evaluation import observe
from maskcover.classifiers.observations import ClassesAbove, TopLabel
from tests.networks import Eighths

MASKS = MaskSet.from_boxes([(0, 0, 1, 2), (1, 0, 1, 2)], image_size=(2, 4))


def test_a_class_votes_from_its_threshold_on() -> None:
    votes = ClassesAbove(0.25)
    scores = np.array([[2.0, 2.0, 2.0, 2.0], [1e4, 0.0, 0.0, -1e4], [1.0, 3.0, 1.0, 1.0]])
    expected = [[1, 1, 1, 1], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert votes.reduced(scores, np).tolist() == expected
    assert votes.reduced(torch.from_numpy(scores), torch).tolist() == expected


@pytest.mark.parametrize("threshold", [-0.1, 1.1, True, "0.5", float("nan")])
def test_what_is_no_threshold_is_refused(threshold: Any) -> None:
    with pytest.raises(InvalidInput, match="threshold must be a number from 0 to 1"):
        ClassesAbove(threshold)


def test_the_evaluators_of_arrays_and_of_torch_observe_the_same() -> None:
    weight = torch.tensor([[1.0, -1, 2, 0, 0, 1, 1, 1], [0.0, 1, 1, 1, 1, 0, 0, 2], [1.0, 1, 1, 1, 1, 1, 1, 1]])
    linear = torch.nn.Linear(8, 3, bias=False)
    with torch.no_grad():
        linear.weight.copy_(weight)
    network = torch.nn.Sequential(Eighths(), torch.nn.Flatten(), linear).eval()

    def function(images: Any) -> Any:
        return images.reshape(len(images), 8).astype(np.float32) @ weight.numpy().T

    images = np.arange(8, dtype=np.float32).reshape(1, 2, 4) % 3
    pairs = np.array([[-1, -1], [0, 0], [1, 1], [0, 1]])
    seen = []
    for classifier in (
        TorchClassifier(network, batch_size=4),
        ArrayClassifier(function, batch_size=4, layout="chw"),
    ):
        asked = evaluator_of(classifier, MASKS)
        observe(asked, ClassesAbove(0.3))
        seen.append(asked.submit([asked.load(images)] * 4, pairs)().observed)
        observe(asked, TopLabel())
        assert asked.submit([asked.load(images)] * 4, pairs)().observed is None
    assert seen[0] is not None
    assert seen[0].shape == (4, 3)
    assert seen[1] is not None
    assert np.array_equal(seen[0], seen[1])
    assert 0 < seen[0].sum() < seen[0].size


def test_an_evaluator_that_observes_nothing_takes_procedures_of_top_labels_only() -> None:
    class Plain:
        masks = MASKS

    observe(Plain(), TopLabel())  # type: ignore[arg-type]  # has no more than is looked at
    with pytest.raises(InvalidInput, match="Plain has no `observation`"):
        observe(Plain(), ClassesAbove(0.5))  # type: ignore[arg-type]
