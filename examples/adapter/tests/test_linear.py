"""The contract suite of maskcover, on this adapter: `pytest` in this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from maskcover_linear import LinearModel

import maskcover as mc
from maskcover.testing import ClassifierContract

WEIGHTS = np.random.default_rng(0).normal(size=(3, 8, 8))


class TestLinear(ClassifierContract):
    classes, image_size = 3, (8, 8)

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        return list(np.random.default_rng(1).random((2, 8, 8)))

    @pytest.fixture
    def classifier(self, tmp_path: Path) -> mc.MaskedClassifier:
        return self.saved(tmp_path, WEIGHTS)

    @pytest.fixture
    def broken(self, tmp_path: Path) -> mc.MaskedClassifier:
        return self.saved(tmp_path, WEIGHTS * np.nan)

    def saved(self, folder: Path, weights: Any) -> mc.MaskedClassifier:
        file = folder / "model.npz"
        np.savez(file, weights=weights)
        return mc.load_classifier(f"linear:{file}", batch_size=4)


def test_a_model_finds_the_adapter_by_its_class() -> None:
    masks = mc.cover(mc.squares(size=1), image_size=8, grid=(2, 2))
    assert len(mc.certify(LinearModel(WEIGHTS), np.zeros((1, 8, 8)), [0], masks)) == 1
