"""The models of docs/paper.md: the boxes around objects of Fashion-MNIST are those of its pixels."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import maskcover as mc
from maskcover.studies import object_sizes, read_boxes

EXAMPLE = Path(__file__).parent.parent.parent / "examples/studied_models.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("studied_models", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["studied_models"] = module
    spec.loader.exec_module(module)
    return module


def test_boxes_hold_all_pixels_that_are_not_black(example: ModuleType, tmp_path: Path) -> None:
    folder = example.fashion().DEBIAN
    if not folder.is_dir():
        pytest.skip("needs Debian's dataset-fashion-mnist")
    example.write_boxes(tmp_path / "boxes.csv")
    data = mc.open_dataset(f"idx:{folder}", split="test", limit=50)
    sizes = object_sizes(data, read_boxes(tmp_path / "boxes.csv"))
    for number, size in enumerate(sizes.tolist()):
        rows, columns = np.nonzero(data[number])
        assert size == pytest.approx((np.ptp(rows) + 1) * (np.ptp(columns) + 1) / 784)
